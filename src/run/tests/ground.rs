//! The ground to stand on: an operator, what its watches have shown it, and an API server that remembers all requests.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use jiff::SignedDuration;
use kube::Client;
use kube::client::Body;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::api::FINALIZER;
use crate::api::credential::PlatformKind;
use crate::api::platform::Connection;
use crate::kubernetes::live::Live;
use crate::model::account::{Account, AccountId, RoleGrant, Settings as Configured, State};
use crate::model::inventory::{Catalog, CatalogPart, Inventory, Named, Tenant};
use crate::model::marker::Marker;
use crate::model::object::PlatformKey;
use crate::model::secret_text::SecretText;
use crate::model::token::Credential;
use crate::provider::any::AnyProvider;
use crate::provider::genesys::{Genesys, GenesysConfig, Hosts, Waits};
use crate::provider::http::{AllowedEndpoints, Sender, SenderConfig};
use crate::run::lease::Leadership;
use crate::run::metrics::Metrics;
use crate::run::objects::Guarded;
use crate::run::operator::{Operator, Options, clock};
use crate::run::pass::Settings;
use crate::run::platforms::{self, Entry};
use crate::run::reconcile::reconcile;

pub(super) const OPERATOR_NAMESPACE: &str = "keysteward";
/// Where the platforms of these tests are said to be: nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Stores what it is sent, by path, and guards replaces by the version. A watch of it never shows anything.
#[derive(Debug, Default)]
pub(super) struct ApiServer(Mutex<Stored>);

#[derive(Debug, Default)]
struct Stored {
    objects: BTreeMap<String, Value>,
    writes: u64,
    asked: Vec<(String, Value)>,
    loses_an_answer: bool,
}

impl ApiServer {
    pub(super) fn client(self: &Arc<Self>) -> Client {
        let server = Arc::clone(self);
        let answer = move |request| {
            let server = Arc::clone(&server);
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        };
        Client::new(tower::service_fn(answer), "default")
    }

    pub(super) fn put(&self, path: &str, object: Value) {
        self.stored().objects.insert(path.to_owned(), object);
    }

    /// Changes a stored object behind everybody's back.
    pub(super) fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut stored = self.stored();
        stored.writes += 1;
        let version = stored.writes.to_string();
        let object = stored.objects.get_mut(path).unwrap();
        change(object);
        object["metadata"]["resourceVersion"] = version.into();
    }

    pub(super) fn remove(&self, path: &str) {
        self.stored().objects.remove(path);
    }

    pub(super) fn get(&self, path: &str) -> Option<Value> {
        self.stored().objects.get(path).cloned()
    }

    /// The next write is done, and its answer does not arrive.
    pub(super) fn lose_the_next_answer(&self) {
        self.stored().loses_an_answer = true;
    }

    /// Method and path of every request so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.stored().asked.iter().map(|(line, _)| line.clone()).collect()
    }

    /// The writes of them.
    pub(super) fn written(&self) -> Vec<String> {
        let mut asked = self.asked();
        asked.retain(|line| !line.starts_with("GET") && !line.contains("/events"));
        asked
    }

    /// Bodies of the requests with this line.
    pub(super) fn sent(&self, line: &str) -> Vec<Value> {
        let stored = self.stored();
        stored.asked.iter().filter(|(at, _)| at == line).map(|(_, body)| body.clone()).collect()
    }

    pub(super) fn forget_requests(&self) {
        self.stored().asked.clear();
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap()
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        if head.uri.query().is_some_and(|query| query.contains("watch=true")) {
            std::future::pending::<()>().await;
        }
        let body = body.collect_bytes().await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let (code, answer) = self.stored().take(&head.method, head.uri.path(), body);
        let answer = Body::from(serde_json::to_vec(&answer).unwrap());
        Response::builder().status(code).body(answer).unwrap()
    }
}

impl Stored {
    fn take(&mut self, method: &Method, path: &str, mut body: Value) -> (StatusCode, Value) {
        self.asked.push((format!("{method} {path}"), body.clone()));
        let path = match body["metadata"]["name"].as_str() {
            Some(name) if method == Method::POST => format!("{path}/{name}"),
            _ => path.to_owned(),
        };
        let there = self.objects.get(&path);
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        if *method == Method::GET {
            return there
                .map_or_else(|| no(404, "NotFound"), |found| (StatusCode::OK, found.clone()));
        }
        if *method == Method::PATCH {
            return (StatusCode::OK, json!({}));
        }
        if *method == Method::DELETE {
            self.objects.remove(&path);
            return (StatusCode::OK, json!({}));
        }
        match there {
            Some(_) if *method == Method::POST => return no(409, "AlreadyExists"),
            Some(found) if version(found) != version(&body) => return no(409, "Conflict"),
            None if *method == Method::PUT => return no(404, "NotFound"),
            Some(_) | None => {}
        }
        self.writes += 1;
        body["metadata"]["resourceVersion"] = self.writes.to_string().into();
        body["metadata"]["uid"] = format!("of {path}").into();
        self.objects.insert(path, body.clone());
        if std::mem::take(&mut self.loses_an_answer) {
            return no(504, "Timeout");
        }
        (StatusCode::CREATED, body)
    }
}

fn no(code: u16, reason: &str) -> (StatusCode, Value) {
    let answer = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "no", "reason": reason, "code": code,
    });
    (StatusCode::from_u16(code).unwrap(), answer)
}

pub(super) struct Ground {
    pub(super) server: Arc<ApiServer>,
    pub(super) operator: Arc<Operator>,
    /// What was put into the work queue.
    pub(super) woken: UnboundedReceiver<ObjectRef<Guarded>>,
    writer: Writer<Guarded>,
}

impl Ground {
    pub(super) fn new() -> Self {
        let server = Arc::new(ApiServer::default());
        let live = Live::new(server.client(), "operator-0");
        let options = Options {
            settings: Settings {
                owner: "owner".into(),
                operator_namespace: OPERATOR_NAMESPACE.into(),
            },
            namespaces: Vec::new(),
            allowed_endpoints: allowed_endpoints(),
            proxy_from_environment: false,
            waits: Waits::default(),
            concurrency: 3,
            sweep_spacing: SignedDuration::from_secs(1),
            late_after: SignedDuration::from_secs(120),
            watchdog_every: Duration::from_secs(5),
        };
        let (metrics, stopping) = (Arc::new(Metrics::new()), CancellationToken::new());
        let leadership = Leadership::undisputed();
        let operator = Arc::new(Operator::new(live, options, leadership, metrics, stopping));
        let writer = Writer::<Guarded>::default();
        let (waker, woken) = unbounded_channel();
        operator.attach(vec![(None, waker)]);
        operator.objects.attach(vec![writer.as_reader()]);
        operator.objects.first_list();
        Self { server, operator, woken, writer }
    }

    /// The watch shows an object.
    pub(super) fn show(&mut self, object: Value) -> Arc<Guarded> {
        let guarded: Guarded = serde_json::from_value(object).unwrap();
        self.writer.apply_watcher_event(&Event::Apply(guarded.clone()));
        if let Ok(object) = &guarded.0 {
            self.operator.objects.note(object);
        }
        Arc::new(guarded)
    }

    /// A platform object whose first sweep is not through.
    pub(super) fn platform(&self, key: &PlatformKey, generation: i64, change: Value) -> Arc<Entry> {
        let mut whole = json!({"spec": connection(), "status": {}});
        merge(&mut whole, change);
        let entry = Arc::new(Entry::new(
            key.clone(),
            "p-1".into(),
            generation,
            serde_json::from_value(whole["spec"].take()).unwrap(),
            serde_json::from_value(whole["status"].take()).unwrap(),
            1,
        ));
        self.operator.platforms.put(Arc::clone(&entry));
        entry
    }

    /// One whose session works.
    pub(super) fn ready(
        &self,
        key: &PlatformKey,
        change: Value,
        live: platforms::Live,
    ) -> Arc<Entry> {
        let entry = self.platform(key, 1, change);
        entry.set(platforms::State::Ready(Arc::new(live)));
        entry
    }

    pub(super) async fn pass(&self, object: &Arc<Guarded>) -> Action {
        reconcile(Arc::clone(object), Arc::clone(&self.operator)).await.unwrap()
    }

    /// Status, reason and message of a condition, as it was written last.
    pub(super) fn said(&self, namespace: &str, name: &str, kind: &str) -> (String, String, String) {
        let statuses =
            self.server.sent(&format!("PATCH {}/status", credential_path(namespace, name)));
        let last = statuses.last().expect("a status was written");
        let conditions = last[1]["value"]["conditions"].as_array().unwrap();
        let found = conditions.iter().find(|condition| condition["type"] == kind);
        let text = |key: &str| found.unwrap()[key].as_str().unwrap().to_owned();
        (text("status"), text("reason"), text("message"))
    }
}

pub(super) fn credential_path(namespace: &str, name: &str) -> String {
    format!("/apis/keysteward.dev/v1alpha1/namespaces/{namespace}/serviceaccountcredentials/{name}")
}

/// An object in namespace team-a that the operator holds, changed by a merge patch.
pub(super) fn object(name: &str, change: Value) -> Value {
    let mut object = json!({
        "apiVersion": "keysteward.dev/v1alpha1",
        "kind": "ServiceAccountCredential",
        "metadata": {
            "name": name, "namespace": "team-a", "uid": format!("uid-{name}"), "generation": 1,
            "creationTimestamp": "2026-11-01T10:00:00Z", "finalizers": [FINALIZER],
        },
        "spec": {
            "platformRef": {"kind": "Platform", "name": "contact-center"},
            "genesysCloud": {
                "client": {"name": name},
                "grantTypes": ["client_credentials"],
                "roles": [{"name": "Viewer", "division": "Home"}],
            },
            "token": {"secretName": format!("{name}-token")},
        },
    });
    merge(&mut object, change);
    object
}

fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change,
    }
}

pub(super) fn of_team_a() -> PlatformKey {
    PlatformKey {
        kind: PlatformKind::Platform,
        namespace: "team-a".into(),
        name: "contact-center".into(),
    }
}

pub(super) fn of_all(name: &str) -> PlatformKey {
    PlatformKey { kind: PlatformKind::ClusterPlatform, namespace: String::new(), name: name.into() }
}

fn connection() -> Value {
    json!({
        "genesysCloud": {
            "region": "eu-central-1", "endpoints": {"login": NOWHERE, "api": NOWHERE},
        },
        "credentialsSecretRef": {"name": "admin"},
    })
}

fn allowed_endpoints() -> AllowedEndpoints {
    AllowedEndpoints::parse(["127.0.0.1"]).unwrap()
}

/// A session with a tenant, as this client and with this list; the admin API does not answer now, so that passes go no
/// further than their gates.
pub(super) fn session(tenant: &str, client_id: &str, accounts: Vec<Account>) -> platforms::Live {
    let connection: Connection = serde_json::from_value(connection()).unwrap();
    let allowed = allowed_endpoints();
    let hosts = Hosts::of(connection.genesys_cloud.as_ref().unwrap(), &allowed).unwrap();
    let config = SenderConfig::new(240, "spec.genesysCloud.endpoints");
    let sender = Sender::new(SenderConfig { allowed, ..config }).unwrap();
    let credential =
        Credential { client_id: client_id.into(), client_secret: SecretText::new("canary") };
    let config = GenesysConfig { hosts, credential, sender, waits: Waits::default() };
    let now = clock();
    let tenant = Tenant { id: tenant.into(), name: "Acme".into() };
    let named = |id: &str, name: &str| vec![Named { id: id.into(), name: name.into() }];
    let parts = [CatalogPart::Roles, CatalogPart::Divisions, CatalogPart::OwnGrants];
    let catalog = Catalog {
        tenant: Some(tenant.clone()),
        roles: Some(named("r-1", "Viewer")),
        divisions: Some(named("d-1", "Home")),
        own_grants: Some([RoleGrant { role: "r-1".into(), division: "*".into() }].into()),
        idle_timeout: Some(None),
        read_at: parts.map(|part| (part, now)).into(),
    };
    platforms::Live {
        provider: Arc::new(AnyProvider::Genesys(Genesys::new(config))),
        client_id: client_id.into(),
        inventory: Some(Arc::new(Inventory::new(now, 1, "owner", accounts))),
        recent: vec![now],
        catalog: Arc::new(catalog),
        tenant,
        other_tenant: None,
        trouble: Some("its admin API does not answer now".into()),
        credential_missing: false,
    }
}

/// A client of the object of that name in team-a.
pub(super) fn client(id: &str, name: &str) -> Account {
    Account {
        id: AccountId(id.into()),
        settings: Configured {
            name: name.into(),
            grant_types: ["client_credentials".into()].into(),
            roles: [RoleGrant { role: "r-1".into(), division: "d-1".into() }].into(),
            ..Configured::default()
        },
        state: State::Active,
        marker: Some(Marker {
            owner: "owner".into(),
            namespace: "team-a".into(),
            name: name.into(),
            uid: format!("uid-{name}"),
        }),
        held: false,
        created_at: None,
        deletes_at: None,
    }
}
