//! The Genesys Cloud blocks: an OAuth client, and the organization in which it lives.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Span;
use super::schema::{HOST, ORIGIN, span_between};

/// An OAuth client on Genesys Cloud.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(
    validation = Rule::new("size(self.grantTypes) == 1")
        .message("must be exactly one grant type: a Genesys Cloud OAuth client has no more")
        .field_path(".grantTypes"),
    validation = Rule::new(
        "!('client_credentials' in self.grantTypes) || (has(self.roles) && size(self.roles) > 0)"
    )
        .message("must hold 1 to 100 roles with client_credentials: Genesys Cloud refuses such a client without roles")
        .field_path(".roles"),
    validation = Rule::new(
        "'client_credentials' in self.grantTypes || !has(self.roles) || size(self.roles) == 0"
    )
        .message("must be empty unless the grant type is client_credentials: with any other the client acts as the person who signs in")
        .field_path(".roles"),
    validation = Rule::new(
        "!self.grantTypes.exists(g, g in ['authorization_code', 'implicit']) || (has(self.scopes) && size(self.scopes) > 0)"
    )
        .message("must hold at least one scope with authorization_code and implicit")
        .field_path(".scopes"),
    validation = Rule::new(
        "!('client_credentials' in self.grantTypes) || !has(self.scopes) || size(self.scopes) == 0"
    )
        .message("must be empty with client_credentials: such a client has roles instead of scopes")
        .field_path(".scopes"),
    validation = Rule::new(
        "!self.grantTypes.exists(g, g in ['authorization_code', 'implicit']) || (has(self.redirectUris) && size(self.redirectUris) > 0)"
    )
        .message("must hold at least one URI with authorization_code and implicit")
        .field_path(".redirectUris"),
    validation = Rule::new(
        "self.grantTypes.exists(g, g in ['authorization_code', 'implicit']) || !has(self.redirectUris) || size(self.redirectUris) == 0"
    )
        .message("must be empty unless the grant type is authorization_code or implicit: no other one redirects")
        .field_path(".redirectUris"),
)]
#[serde(rename_all = "camelCase")]
pub struct GenesysCloudAccount {
    /// The OAuth client.
    pub client: ClientChoice,
    /// The grant type, as RFC 7591 writes it. Genesys Cloud allows exactly one for a client.
    #[schemars(length(min = 1, max = 5))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub grant_types: Vec<GenesysGrantType>,
    /// The exact set of roles of the client, each in a division. Required with client_credentials, forbidden otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(
        merge_strategy = ListMerge::Atomic,
        validation = Rule::new("self.all(role, self.exists_one(other, other == role))")
            .message("must not name a role twice in the same division"),
    )]
    pub roles: Vec<RoleInDivision>,
    /// OAuth scopes. Required with authorization_code and implicit; client_credentials takes none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 200),
        inner(length(min = 1, max = 128), regex(pattern = r"^[\x21\x23-\x5B\x5D-\x7E]+$"))
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub scopes: Vec<String>,
    /// Redirect URIs, absolute and without a fragment. Required with authorization_code and implicit; forbidden otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 2048)))]
    #[x_kube(
        merge_strategy = ListMerge::Set,
        validation = Rule::new(r"self.all(uri, uri.matches('^[a-zA-Z][a-zA-Z0-9+.-]*:[^\\s#]+$'))")
            .message("must be absolute URIs without a fragment, for example https://app.example.com/callback"),
    )]
    pub redirect_uris: Vec<String>,
    /// How long an access token lives: 300s to 48h (172800s). Unset: the platform's default of 24h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(
        validation = Rule::new(span_between("300s", "172800s"))
            .message("must be at least 300s and at most 48h (172800s)"),
    )]
    pub access_token_lifetime: Option<Span>,
}

/// Which OAuth client is meant.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientChoice {
    /// Name of the OAuth client. It is made if no client of this object exists; another name later renames it.
    #[schemars(length(min = 1, max = 200))]
    #[x_kube(
        validation = Rule::new("self == self.trim()")
            .message("must not begin or end with white space"),
    )]
    pub name: String,
}

/// Grant types that Genesys Cloud knows, in the spelling of RFC 7591.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum GenesysGrantType {
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    #[serde(rename = "implicit")]
    Implicit,
    #[serde(rename = "password")]
    Password,
    #[serde(rename = "urn:ietf:params:oauth:grant-type:saml2-bearer")]
    Saml2Bearer,
}

/// A role in a division.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[x_kube(
    validation = Rule::new("has(self.name) != has(self.id)")
        .message("must have exactly one of name and id"),
)]
#[serde(rename_all = "camelCase")]
pub struct RoleInDivision {
    /// Name of the role. Exactly one of name and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub name: Option<String>,
    /// Id of the role. Exactly one of name and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub id: Option<String>,
    /// Name or id of the division; "*" is every division.
    #[schemars(length(min = 1, max = 256))]
    pub division: String,
}

/// A Genesys Cloud organization: exactly one of region and domain.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Eq, Serialize)]
#[x_kube(
    validation = Rule::new("has(self.region) != has(self.domain)")
        .message("must have exactly one of region and domain"),
)]
#[serde(rename_all = "camelCase")]
pub struct GenesysCloudConnection {
    /// AWS region of the organization, for example eu-central-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "GenesysRegion")]
    pub region: Option<GenesysRegion>,
    /// Domain of the organization, for example mypurecloud.de, where the region is not in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200), regex(pattern = HOST))]
    pub domain: Option<String>,
    /// Addresses of a private gateway or a simulator. The operator's --allowed-endpoints must list them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Endpoints>,
}

/// The regions that Genesys Cloud publishes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum GenesysRegion {
    #[serde(rename = "us-east-1")]
    UsEast1,
    #[serde(rename = "us-east-2")]
    UsEast2,
    #[serde(rename = "us-west-2")]
    UsWest2,
    #[serde(rename = "ca-central-1")]
    CaCentral1,
    #[serde(rename = "mx-central-1")]
    MxCentral1,
    #[serde(rename = "sa-east-1")]
    SaEast1,
    #[serde(rename = "eu-west-1")]
    EuWest1,
    #[serde(rename = "eu-west-2")]
    EuWest2,
    #[serde(rename = "eu-central-1")]
    EuCentral1,
    #[serde(rename = "eu-central-2")]
    EuCentral2,
    #[serde(rename = "eusc-de-east-1")]
    EuscDeEast1,
    #[serde(rename = "me-central-1")]
    MeCentral1,
    #[serde(rename = "ap-south-1")]
    ApSouth1,
    #[serde(rename = "ap-southeast-1")]
    ApSoutheast1,
    #[serde(rename = "ap-southeast-2")]
    ApSoutheast2,
    #[serde(rename = "ap-northeast-1")]
    ApNortheast1,
    #[serde(rename = "ap-northeast-2")]
    ApNortheast2,
    #[serde(rename = "ap-northeast-3")]
    ApNortheast3,
}

/// Addresses in place of those that the region gives.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// Base of the login host, for example https://login.mypurecloud.de.
    #[schemars(length(min = 1, max = 300))]
    #[x_kube(
        validation = Rule::new(format!("self.matches(r'{ORIGIN}')"))
            .message("must be https://HOST or http://HOST, with a port if needed, and without user, path or query"),
    )]
    pub login: String,
    /// Base of the API host, for example https://api.mypurecloud.de.
    #[schemars(length(min = 1, max = 300))]
    #[x_kube(
        validation = Rule::new(format!("self.matches(r'{ORIGIN}')"))
            .message("must be https://HOST or http://HOST, with a port if needed, and without user, path or query"),
    )]
    pub api: String,
}
