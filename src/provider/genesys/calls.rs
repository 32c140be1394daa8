//! The calls of this platform: method, path, urgency and size of each, and nothing about their answers.

use reqwest::Method;
use url::Url;

use super::wire;
use crate::model::account::AccountId;
use crate::provider::http::{Body, Call, LIST_CAP, SMALL_CAP, at};
use crate::provider::{Priority, oauth};

/// What to check when a host does not answer as this platform would.
const CHECK: &str = "does spec.genesysCloud (region, domain, endpoints) name the right host?";

/// Everything that is called on the API host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Endpoint {
    ListClients,
    CreateClient,
    ReadClient,
    UpdateClient,
    DeleteClient,
    RegenerateSecret,
    ReadOrganization,
    ListRoles,
    ListDivisions,
    ReadOwnGrants,
    ReadIdleTimeout,
    ReadToken,
    RevokeToken,
}

/// Where, what for, how urgent, how large.
struct Shape {
    endpoint: &'static str,
    tried: &'static str,
    query: &'static [(&'static str, &'static str)],
    priority: Priority,
    cap: usize,
}

/// A call whose path has no id.
pub(super) fn plain(api: &Url, endpoint: Endpoint) -> Call {
    call(api, endpoint, None)
}

/// A call about one client.
pub(super) fn client(api: &Url, endpoint: Endpoint, id: &AccountId) -> Call {
    let mut call = call(api, endpoint, Some(&id.0));
    call.tried = format!("{} {id}", call.tried);
    call
}

/// The client-credentials grant, on the login host.
pub(super) fn token(login: &Url, tried: String) -> Call {
    Call {
        endpoint: "POST /oauth/token",
        tried,
        method: Method::POST,
        url: at(login, ["oauth", "token"], &[]),
        body: oauth::grant_form(),
        priority: Priority::Token,
        cap: SMALL_CAP,
        words: oauth::refusal,
        check: CHECK,
    }
}

fn call(api: &Url, endpoint: Endpoint, id: Option<&str>) -> Call {
    let Shape { endpoint, tried, query, priority, cap } = endpoint.shape();
    let (method, path) = endpoint.split_once(' ').expect("an endpoint is method and path");
    let segments = path.split('/').skip(1);
    let segments = segments.map(|segment| id.filter(|_| segment == "{id}").unwrap_or(segment));
    Call {
        endpoint,
        tried: tried.to_owned(),
        method: method.parse().expect("the methods below are methods"),
        url: at(api, segments, query),
        body: Body::Empty,
        priority,
        cap,
        words: wire::words,
        check: CHECK,
    }
}

impl Endpoint {
    fn shape(self) -> Shape {
        use Priority::{Repair, Sweep, Token};
        let small = |endpoint, tried, priority| Shape {
            endpoint,
            tried,
            query: &[],
            priority,
            cap: SMALL_CAP,
        };
        let list = |endpoint, tried, query| Shape {
            endpoint,
            tried,
            query,
            priority: Sweep,
            cap: LIST_CAP,
        };
        match self {
            Self::ListClients => list("GET /api/v2/oauth/clients", "list clients", &[]),
            Self::CreateClient => small("POST /api/v2/oauth/clients", "create client", Repair),
            Self::ReadClient => small("GET /api/v2/oauth/clients/{id}", "read client", Repair),
            Self::UpdateClient => small("PUT /api/v2/oauth/clients/{id}", "update client", Repair),
            Self::DeleteClient => {
                small("DELETE /api/v2/oauth/clients/{id}", "delete client", Repair)
            }
            Self::RegenerateSecret => small(
                "POST /api/v2/oauth/clients/{id}/secret",
                "regenerate the secret of client",
                Repair,
            ),
            Self::ReadOrganization => {
                small("GET /api/v2/organizations/me", "read the organization", Sweep)
            }
            // Counting users makes this one slow; the vendor warns of timeouts.
            Self::ListRoles => list(
                "GET /api/v2/authorization/roles",
                "list roles",
                &[("pageSize", "500"), ("userCount", "false")],
            ),
            Self::ListDivisions => list(
                "GET /api/v2/authorization/divisions",
                "list divisions",
                &[("pageSize", "500")],
            ),
            // Each grant carries its role's policies.
            Self::ReadOwnGrants => list(
                "GET /api/v2/authorization/subjects/me",
                "read the grants of the managing client",
                &[],
            ),
            Self::ReadIdleTimeout => {
                small("GET /api/v2/tokens/timeout", "read the idle timeout", Sweep)
            }
            // Without preserveIdleTTL looking at a token would keep it alive.
            Self::ReadToken => Shape {
                query: &[("preserveIdleTTL", "true")],
                ..small("GET /api/v2/tokens/me", "ask about a token", Token)
            },
            Self::RevokeToken => small("DELETE /api/v2/tokens/me", "revoke a token", Token),
        }
    }
}
