//! Genesys Cloud over HTTP: what enters are requests to its login and API hosts, what leaves are its answers.
//! It may not change state that a request did not ask to change. A place is left beside these files for users,
//! grants of other subjects, audits, identity providers and the IP allow-list.

mod authentication;
mod body;
mod client_checks;
mod clients;
mod divisions;
mod gate;
mod login;
mod organization;
mod paging;
mod refusal;
mod roles;
mod scopes;
mod subjects;
mod tokens;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub(crate) use self::clients::{listing, rotate};
pub(crate) use self::refusal::Refusal;
use crate::clock::Clock;
use crate::control::counters::RequestCounters;
use crate::control::fault_book::FaultBook;
use crate::control::routes;
use crate::options::Options;
use crate::secret::SecretText;
use crate::tenant::Tenant;

/// The twin: its state and what tests have told it.
#[derive(Debug)]
pub(crate) struct Genesys {
    pub clock: Clock,
    pub options: Options,
    pub faults: FaultBook,
    pub counters: RequestCounters,
    /// Cancelled when the simulator stops.
    pub stopping: CancellationToken,
    tenant: Mutex<Tenant>,
}

impl Genesys {
    pub(crate) fn new(options: Options) -> Arc<Self> {
        let clock = Clock::default();
        let tenant = Mutex::new(Tenant::new(&options, clock.now()));
        Arc::new(Self {
            clock,
            options,
            faults: FaultBook::default(),
            counters: RequestCounters::default(),
            stopping: CancellationToken::new(),
            tenant,
        })
    }

    /// The state; hold it shortly.
    pub(crate) fn tenant(&self) -> MutexGuard<'_, Tenant> {
        self.tenant.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The client whose living token this is; looking does not count as a use.
    pub(crate) fn token_owner(&self, token: &SecretText) -> Option<String> {
        self.tenant().owner(token, self.now())
    }

    /// Puts everything back to the start: state, settings, faults, counters and the clock.
    pub(crate) fn reset(&self) {
        self.clock.reset();
        let fresh = Tenant::new(&self.options, self.now());
        *self.tenant() = fresh;
        self.faults.clear();
        self.counters.reset();
    }
}

/// Which hosts a port serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    Login,
    Api,
    Both,
}

/// Everything one port answers.
pub(crate) fn router(genesys: &Arc<Genesys>, hosts: Hosts) -> Router {
    let mut twin = Router::new();
    if hosts != Hosts::Api {
        twin = twin.merge(login_routes());
    }
    if hosts != Hosts::Login {
        let authenticated = api_routes()
            .route_layer(from_fn_with_state(Arc::clone(genesys), authentication::check));
        twin = twin.merge(authenticated);
    }
    let twin = match hosts {
        Hosts::Login => twin.fallback(login::not_found),
        Hosts::Api => twin.fallback(refusal::not_found),
        Hosts::Both => twin.fallback(either_not_found),
    };
    let twin = twin
        .method_not_allowed_fallback(refusal::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(genesys), gate::pass));
    Router::new()
        .nest("/_simulator", routes::control().layer(from_fn(routes::never_cached)))
        .fallback_service(twin.with_state(Arc::clone(genesys)))
        .with_state(Arc::clone(genesys))
}

fn login_routes() -> Router<Arc<Genesys>> {
    Router::new()
        .route("/oauth/token", post(login::token))
        .route("/.well-known/oauth-authorization-server", get(login::metadata))
}

fn api_routes() -> Router<Arc<Genesys>> {
    Router::new()
        .route("/api/v2/oauth/clients", get(clients::list).post(clients::create))
        .route(
            "/api/v2/oauth/clients/{clientId}",
            get(clients::read).put(clients::update).delete(clients::delete),
        )
        .route("/api/v2/oauth/clients/{clientId}/secret", post(clients::new_secret))
        .route("/api/v2/oauth/scopes", get(scopes::list))
        .route("/api/v2/oauth/scopes/{scopeId}", get(scopes::read))
        .route("/api/v2/authorization/roles", get(roles::list))
        .route("/api/v2/authorization/roles/{roleId}", get(roles::read))
        .route("/api/v2/authorization/divisions", get(divisions::list))
        .route("/api/v2/authorization/divisions/home", get(divisions::home))
        .route("/api/v2/authorization/divisions/{divisionId}", get(divisions::read))
        .route("/api/v2/authorization/subjects/me", get(subjects::me))
        .route(
            "/api/v2/tokens/me",
            get(tokens::introspect).head(tokens::verify).delete(tokens::revoke),
        )
        .route("/api/v2/tokens/timeout", get(tokens::timeout).put(tokens::set_timeout))
        .route("/api/v2/tokens/{userId}", axum::routing::delete(tokens::revoke_all))
        .route("/api/v2/organizations/me", get(organization::me))
        .route("/api/v2/organizations/limits/namespaces/{namespaceName}", get(organization::limits))
        .route(
            "/api/v2/organizations/limits/namespaces/{namespaceName}/defaults",
            get(organization::default_limits),
        )
}

/// One port for both hosts: the path tells which of them would have been asked.
async fn either_not_found(uri: axum::http::Uri) -> axum::response::Response {
    use axum::response::IntoResponse as _;
    if uri.path().starts_with("/oauth/") || uri.path().starts_with("/.well-known/") {
        login::not_found().await
    } else {
        refusal::not_found().await.into_response()
    }
}

/// The client that a request comes from, by its Basic header or its bearer token.
pub(crate) fn caller_id(genesys: &Genesys, headers: &axum::http::HeaderMap) -> Option<String> {
    match login::basic_credentials(headers) {
        Some((id, _)) => Some(id),
        None => genesys.token_owner(&authentication::bearer(headers)?),
    }
}
