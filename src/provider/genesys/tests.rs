//! The wire of Genesys Cloud: what goes out, and what each answer is taken for.

mod answers;
mod faults;
mod lists;
mod requests;
mod sessions;
mod twin;

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::api::platform::GenesysCloudConnection;
use crate::model::account::{RoleGrant, Settings};
use crate::model::{Marker, Trouble, TroubleKind};
use crate::provider::http::{AllowedEndpoints, Deadlines, Sender, SenderConfig};

/// Every secret of these tests has this in it.
const CANARY: &str = "canary";
const ADMIN_SECRET: &str = "canary-admin-secret";
const ADMIN_TOKEN: &str = "canary-admin-token";
const SECRET: &str = "canary/secret+";
const TOKEN: &str = "canary-token";

/// An organization behind a gateway: both hosts have a path of their own.
struct Org {
    server: MockServer,
    genesys: Genesys,
}

/// One operation of the trait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Op {
    Accounts,
    Tenant,
    Roles,
    Divisions,
    OwnGrants,
    IdleTimeout,
    Read,
    Create,
    Update,
    Regenerate,
    Delete,
    Mint,
    Introspect,
    Revoke,
}

const ALL: [Op; 14] = [
    Op::Accounts,
    Op::Tenant,
    Op::Roles,
    Op::Divisions,
    Op::OwnGrants,
    Op::IdleTimeout,
    Op::Read,
    Op::Create,
    Op::Update,
    Op::Regenerate,
    Op::Delete,
    Op::Mint,
    Op::Introspect,
    Op::Revoke,
];

impl Op {
    fn method_and_path(self) -> (&'static str, &'static str) {
        match self {
            Self::Accounts => ("GET", "/gw/api/v2/oauth/clients"),
            Self::Tenant => ("GET", "/gw/api/v2/organizations/me"),
            Self::Roles => ("GET", "/gw/api/v2/authorization/roles"),
            Self::Divisions => ("GET", "/gw/api/v2/authorization/divisions"),
            Self::OwnGrants => ("GET", "/gw/api/v2/authorization/subjects/me"),
            Self::IdleTimeout => ("GET", "/gw/api/v2/tokens/timeout"),
            Self::Read => ("GET", "/gw/api/v2/oauth/clients/c1"),
            Self::Create => ("POST", "/gw/api/v2/oauth/clients"),
            Self::Update => ("PUT", "/gw/api/v2/oauth/clients/c1"),
            Self::Regenerate => ("POST", "/gw/api/v2/oauth/clients/c1/secret"),
            Self::Delete => ("DELETE", "/gw/api/v2/oauth/clients/c1"),
            Self::Mint => ("POST", "/login/oauth/token"),
            Self::Introspect => ("GET", "/gw/api/v2/tokens/me"),
            Self::Revoke => ("DELETE", "/gw/api/v2/tokens/me"),
        }
    }

    fn is_get(self) -> bool {
        self.method_and_path().0 == "GET"
    }

    /// Whether our own session asks; otherwise the credential or token of an account does.
    fn in_session(self) -> bool {
        !matches!(self, Self::Mint | Self::Introspect | Self::Revoke)
    }

    /// A refusal in the form of the host that is asked.
    fn refusal(self, code: &str, message: &str) -> Value {
        if self == Self::Mint {
            json!({"error": code, "error_description": message, "description": message})
        } else {
            json!({"code": code, "message": message, "status": 400, "details": [], "errors": []})
        }
    }

    /// Does it; what came of it as text, secrets redacted by `Debug`.
    async fn run(self, genesys: &Genesys) -> Result<String, Fault> {
        let id = AccountId("c1".into());
        let part = match self {
            Self::Accounts => return genesys.accounts().await.map(|a| format!("{a:?}")),
            Self::Read => return genesys.read(&id).await.map(|s| format!("{s:?}")),
            Self::Create => return genesys.create(&wish()).await.map(|c| format!("{c:?}")),
            Self::Update => {
                let fields = [Field::Name].into();
                let updated = genesys.update(&snapshot(), &wish(), &fields).await;
                return updated.map(|account| format!("{account:?}"));
            }
            Self::Regenerate => return genesys.regenerate(&id).await.map(|c| format!("{c:?}")),
            Self::Delete => return genesys.delete(&id).await.map(|()| "deleted".into()),
            Self::Mint => return genesys.mint(&credential()).await.map(|t| format!("{t:?}")),
            Self::Introspect => {
                let said = genesys.introspect(&SecretText::new(TOKEN)).await;
                return said.map(|said| format!("{said:?}"));
            }
            Self::Revoke => {
                let token = SecretText::new(TOKEN);
                return genesys.revoke(&token).await.map(|()| "revoked".into());
            }
            Self::Tenant => CatalogPart::Tenant,
            Self::Roles => CatalogPart::Roles,
            Self::Divisions => CatalogPart::Divisions,
            Self::OwnGrants => CatalogPart::OwnGrants,
            Self::IdleTimeout => CatalogPart::IdleTimeout,
        };
        let mut catalog = Catalog::default();
        genesys.catalog(part, &mut catalog).await.map(|()| format!("{catalog:?}"))
    }
}

impl Org {
    async fn new() -> Self {
        Self::with(Deadlines::default()).await
    }

    /// An organization that opens sessions and nothing else: any other request fails the test.
    async fn with(deadlines: Deadlines) -> Self {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(418))
            .with_priority(255)
            .expect(0)
            .named("nothing unexpected is asked")
            .mount(&server)
            .await;
        let allowed = AllowedEndpoints::parse([server.uri()]).unwrap();
        let connection: GenesysCloudConnection = serde_json::from_value(json!({
            "region": "eu-central-1",
            "endpoints": {
                "login": format!("{}/login", server.uri()),
                "api": format!("{}/gw/", server.uri()),
            },
        }))
        .unwrap();
        let hosts = Hosts::of(&connection, &allowed).unwrap();
        let config = SenderConfig::new(100_000, "spec.genesysCloud.endpoints");
        let sender = Sender::new(SenderConfig { allowed, deadlines, ..config }).unwrap();
        let credential =
            Credential { client_id: "admin".into(), client_secret: SecretText::new(ADMIN_SECRET) };
        let waits = Waits::default();
        let genesys = Genesys::new(GenesysConfig { hosts, credential, sender, waits });
        let org = Self { server, genesys };
        org.opens_sessions().await;
        org
    }

    async fn opens_sessions(&self) {
        Mock::given(method("POST"))
            .and(path("/login/oauth/token"))
            .and(wiremock::matchers::basic_auth("admin", ADMIN_SECRET))
            .respond_with(granted(ADMIN_TOKEN))
            .with_priority(10)
            .mount(&self.server)
            .await;
    }

    /// Answers this operation, whoever asks.
    async fn answers(&self, op: Op, answer: ResponseTemplate) {
        self.answers_first(op, answer, None).await;
    }

    async fn answers_first(&self, op: Op, answer: ResponseTemplate, times: Option<u64>) {
        let (verb, place) = op.method_and_path();
        let mock = Mock::given(method(verb)).and(path(place));
        let mock = if op == Op::Mint {
            mock.and(wiremock::matchers::basic_auth("c1", SECRET))
        } else {
            mock
        };
        let mock = mock.respond_with(answer).with_priority(20);
        let mock = match times {
            Some(times) => mock.up_to_n_times(times).with_priority(15),
            None => mock,
        };
        mock.mount(&self.server).await;
    }

    /// The requests of this operation so far.
    async fn asked(&self, op: Op) -> Vec<Request> {
        let (verb, place) = op.method_and_path();
        let mut requests = self.server.received_requests().await.unwrap();
        requests.retain(|r| r.method.as_str() == verb && r.url.path() == place);
        if op == Op::Mint {
            requests.retain(|r| r.headers["authorization"] != *admin_header());
        }
        requests
    }

    /// How often our own session was opened.
    async fn sessions(&self) -> usize {
        let mut requests = self.server.received_requests().await.unwrap();
        requests.retain(|r| r.headers["authorization"] == *admin_header());
        requests.len()
    }
}

fn admin_header() -> &'static str {
    // base64 of admin:canary-admin-secret
    "Basic YWRtaW46Y2FuYXJ5LWFkbWluLXNlY3JldA=="
}

fn granted(token: &str) -> ResponseTemplate {
    let body = json!({"access_token": token, "token_type": "bearer", "expires_in": 86_399});
    ResponseTemplate::new(200).set_body_json(body)
}

fn credential() -> Credential {
    Credential { client_id: "c1".into(), client_secret: SecretText::new(SECRET) }
}

fn marker() -> Marker {
    Marker { owner: "o".into(), namespace: "ns".into(), name: "etl".into(), uid: "u".into() }
}

fn wish() -> Wish {
    Wish {
        settings: Settings {
            name: "etl".into(),
            grant_types: ["client_credentials".to_owned()].into(),
            roles: [RoleGrant { role: "r1".into(), division: "d1".into() }].into(),
            access_token_lifetime: Some(SignedDuration::from_hours(24)),
            ..Settings::default()
        },
        enabled: true,
        marker: marker(),
    }
}

/// A client as the platform shows it.
fn client_document() -> Value {
    json!({
        "id": "c1", "name": "etl", "description": "by hand\nkeysteward:o/ns/etl/u",
        "authorizedGrantType": "CLIENT-CREDENTIALS", "accessTokenValiditySeconds": 86_400,
        "roleDivisions": [{"roleId": "r1", "divisionId": "d1"}], "state": "active",
        "dateCreated": "2026-11-01T10:00:00.000Z", "selfUri": "/api/v2/oauth/clients/c1",
        "somethingNew": {"kept": true},
    })
}

fn snapshot() -> Snapshot {
    let document = client_document();
    let account = account_of(&document, &AccountId("c1".into())).unwrap();
    Snapshot { account, document }
}

fn impatient() -> Deadlines {
    Deadlines { admission: Duration::from_millis(50), ..Deadlines::default() }
}

/// No secret, and nothing of a body, is in what people may read of a fault.
fn assert_clean(op: Op, fault: &Fault) {
    let shown = format!("{fault}\n{fault:?}");
    assert!(!shown.contains(CANARY), "{op:?}: {shown}");
    assert!(!shown.contains("pageSize"), "{op:?}: a query is no place: {shown}");
}
