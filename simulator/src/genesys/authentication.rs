//! Authentication of API requests: what enters is a bearer token, what leaves is the caller and the rate headers.
//! It may not check permissions: each operation asks for its own.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Genesys, Refusal};
use crate::secret::SecretText;
use crate::tenant::organization::OrganizationState;
use crate::tenant::rate::Standing;
use crate::tenant::tokens::Death;
use crate::tenant::{Caller, Tenant};

/// Lets only requests with a living token pass, and counts them.
pub(super) async fn check(
    State(genesys): State<Arc<Genesys>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (caller, standing) = match identify(&genesys, &request) {
        Ok(identified) => identified,
        Err(refusal) => return refusal.into_response(),
    };
    let mut response = match standing {
        Some(standing) if standing.exceeded => {
            Refusal::rate_limited(standing.allowed, standing.reset_seconds).into_response()
        }
        _ => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
    };
    if let Some(standing) = standing {
        show(standing, response.headers_mut());
    }
    response
}

fn identify(genesys: &Genesys, request: &Request) -> Result<(Caller, Option<Standing>), Refusal> {
    let token = bearer(request.headers()).ok_or_else(Refusal::unauthenticated)?;
    let now = genesys.now();
    let mut tenant = genesys.tenant();
    if tenant.organization.state != OrganizationState::Active
        && tenant.settings.choices.suspended_organization_refuses_api
    {
        return Err(Refusal::bad_token("bad.credentials"));
    }
    tenant.caller(&token, preserves_idle(request), now).map_err(|death| refused(&tenant, death))
}

fn refused(tenant: &Tenant, death: Death) -> Refusal {
    let choices = &tenant.settings.choices;
    Refusal::bad_token(match death {
        Death::Unknown => "bad.credentials",
        Death::Expired => &choices.expired_token_code,
        Death::Idled => &choices.idled_token_code,
    })
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<SecretText> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| SecretText::from(token))
}

/// Looking at one's own token need not count as using it.
fn preserves_idle(request: &Request) -> bool {
    request.uri().path() == "/api/v2/tokens/me"
        && request.uri().query().is_some_and(|query| {
            query.split('&').any(|pair| pair.eq_ignore_ascii_case("preserveIdleTTL=true"))
        })
}

fn show(standing: Standing, headers: &mut HeaderMap) {
    headers.insert("inin-ratelimit-count", HeaderValue::from(standing.count));
    headers.insert("inin-ratelimit-allowed", HeaderValue::from(standing.allowed));
    headers.insert("inin-ratelimit-reset", HeaderValue::from(standing.reset_seconds));
}

/// The caller has one of the permissions, or the refusal that names them.
pub(super) fn require(tenant: &Tenant, caller: &Caller, any_of: &[&str]) -> Result<(), Refusal> {
    if tenant.permits(caller, any_of) { Ok(()) } else { Err(Refusal::missing_permissions(any_of)) }
}
