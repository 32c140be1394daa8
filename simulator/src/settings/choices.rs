//! What the twin does where no source tells what Genesys Cloud does: each field is one unknown and its default our choice.
//! What leaves are values the handlers read. The table in the crate's README says the same in words.

use serde::{Deserialize, Serialize};

/// One field for each unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent unknown of the platform")]
pub struct Choices {
    /// How the token endpoint words its refusals.
    pub token_refusals: TokenRefusals,
    /// What the token endpoint does with a `scope` parameter under client credentials.
    pub scope_parameter: ScopeParameter,
    /// How long the old secret still mints after a new one was made.
    pub old_secret_grace_seconds: u32,
    /// Whether tokens outlive a new secret.
    pub tokens_survive_new_secret: bool,
    /// Whether tokens outlive the client's becoming inactive.
    pub tokens_survive_inactive: bool,
    /// Whether tokens outlive the client's change to another grant type.
    pub tokens_survive_other_grant_type: bool,
    /// The API's error code for a token past its expiry.
    pub expired_token_code: String,
    /// The API's error code for a token that idled out.
    pub idled_token_code: String,
    /// What a PUT does with fields it does not name.
    pub put_omitted_fields: OmittedFields,
    /// Whether a customer's PUT may set `disabled`; otherwise 400 `bad.client.state`.
    pub put_disabled_accepted: bool,
    /// Whether an edit also needs the roles that the client has before it.
    pub edit_needs_current_roles: bool,
    /// Whether a second client of the same name is refused with 409 `request.conflict`.
    pub names_are_unique: bool,
    /// Days until an inactive client is deleted; none: never by itself.
    pub inactive_deleted_after_days: Option<u32>,
    /// The status of a successful DELETE of a client.
    pub delete_status: u16,
    /// What a GET of a deleted client answers.
    pub deleted_client: DeletedClient,
    /// Clients on one page of the list; none: all at once.
    pub list_page_size: Option<usize>,
    /// The largest `pageSize` of the paged lists.
    pub largest_page_size: usize,
    /// How `name` filters roles and divisions.
    pub name_filter: NameFilter,
    /// Whether `dateTokenIdles` tells the token's expiry when no idle timeout is set; otherwise it is left out.
    pub token_idles_at_expiry: bool,
    /// Whether `DELETE /api/v2/tokens/{id}` takes the id of an OAuth client; otherwise 404.
    pub delete_tokens_of_client: bool,
    /// Whether API calls are refused with 401 `bad.credentials` while the organization is not active.
    pub suspended_organization_refuses_api: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            token_refusals: TokenRefusals::default(),
            scope_parameter: ScopeParameter::Ignore,
            old_secret_grace_seconds: 0,
            tokens_survive_new_secret: true,
            tokens_survive_inactive: true,
            tokens_survive_other_grant_type: true,
            expired_token_code: "bad.credentials".to_owned(),
            idled_token_code: "bad.credentials".to_owned(),
            put_omitted_fields: OmittedFields::Reset,
            put_disabled_accepted: false,
            edit_needs_current_roles: true,
            names_are_unique: false,
            inactive_deleted_after_days: None,
            delete_status: 204,
            deleted_client: DeletedClient::NotFound,
            list_page_size: None,
            largest_page_size: 500,
            name_filter: NameFilter::Contains,
            token_idles_at_expiry: true,
            delete_tokens_of_client: false,
            suspended_organization_refuses_api: true,
        }
    }
}

/// What happens to a `scope` parameter of a client credentials request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ScopeParameter {
    /// It has no effect.
    Ignore,
    /// It becomes the token's `authorizedScope`.
    Echo,
    /// 400 `invalid_scope`.
    Refuse,
}

/// What a PUT does with fields it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OmittedFields {
    /// They get their defaults; unknown fields are gone.
    Reset,
    /// They stay as they were.
    Keep,
}

/// What a GET of a deleted client answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeletedClient {
    /// 404 `client.not.found`.
    NotFound,
    /// For 30 seconds 200 with the state `deleted`, then 404.
    StateDeleted,
}

/// How a `name` parameter filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NameFilter {
    /// The name contains it, in any case.
    Contains,
    /// The name starts with it, in any case.
    Prefix,
    /// The name is it, in any case.
    Exact,
}

/// One refusal of the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TokenRefusal {
    pub status: u16,
    pub error: String,
    pub description: String,
}

impl TokenRefusal {
    pub fn new(status: u16, error: &str, description: &str) -> Self {
        Self { status, error: error.to_owned(), description: description.to_owned() }
    }
}

/// Each refusal of the token endpoint; only `client_unknown` and `rate_limited` are settled by live evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct TokenRefusals {
    pub client_unknown: TokenRefusal,
    pub secret_wrong: TokenRefusal,
    pub client_inactive: TokenRefusal,
    pub client_disabled: TokenRefusal,
    /// The client's own grant type is not the one asked for.
    pub other_grant_type: TokenRefusal,
    /// The grant type is none the server knows.
    pub unsupported_grant_type: TokenRefusal,
    pub grant_type_missing: TokenRefusal,
    pub credentials_missing: TokenRefusal,
    /// The body is not a form.
    pub not_a_form: TokenRefusal,
    pub organization_suspended: TokenRefusal,
    pub scope_refused: TokenRefusal,
    /// `{seconds}` stands for the time to wait.
    pub rate_limited: TokenRefusal,
}

impl Default for TokenRefusals {
    fn default() -> Self {
        let refusal = TokenRefusal::new;
        Self {
            client_unknown: refusal(400, "invalid_client", "client not found"),
            secret_wrong: refusal(400, "invalid_client", "authentication failed"),
            client_inactive: refusal(400, "invalid_client", "client is inactive"),
            client_disabled: refusal(400, "invalid_client", "client is disabled"),
            other_grant_type: refusal(
                400,
                "unauthorized_client",
                "client is not authorized for this grant type",
            ),
            unsupported_grant_type: refusal(
                400,
                "unsupported_grant_type",
                "grant type not supported",
            ),
            grant_type_missing: refusal(400, "invalid_request", "grant_type is required"),
            credentials_missing: refusal(400, "invalid_request", "client credentials are required"),
            not_a_form: refusal(
                400,
                "invalid_request",
                "content type must be application/x-www-form-urlencoded",
            ),
            organization_suspended: refusal(400, "invalid_client", "organization is not active"),
            scope_refused: refusal(
                400,
                "invalid_scope",
                "scope is not allowed for this grant type",
            ),
            rate_limited: refusal(
                400,
                "invalid_request",
                "rate limit exceeded; retry in {seconds} seconds",
            ),
        }
    }
}
