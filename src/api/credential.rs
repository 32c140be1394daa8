//! `ServiceAccountCredential`: what a remote service account should be.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::credential_status::ServiceAccountCredentialStatus;
use super::schema::{NAME_LENGTH, NAME_MESSAGE, OBJECT_NAME, name_fits};

pub use super::genesys_cloud::{
    ClientChoice, GenesysCloudAccount, GenesysGrantType, RoleInDivision,
};
pub use super::policy::{OnDelete, OnDrift, OnMissing, PolicySpec};
pub use super::token::{OnIdleTimeout, TokenKey, TokenSource, TokenSpec};

/// What a remote service account and its OAuth client should be, and where its credential and token are published.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[kube(
    group = "keysteward.dev",
    version = "v1alpha1",
    kind = "ServiceAccountCredential",
    plural = "serviceaccountcredentials",
    shortname = "sacred",
    category = "keysteward",
    namespaced,
    status = "ServiceAccountCredentialStatus",
    derive = "PartialEq",
    doc = "Keeps one remote service account and its OAuth client as written, and its credential and a fresh access token in Secrets of this namespace. Whoever may create one can read the token of the account.",
    validation = Rule::new(name_fits()).message(NAME_MESSAGE),
    selectable = ".spec.platformRef.kind",
    selectable = ".spec.platformRef.name",
    selectable = ".spec.token.secretName",
    selectable = ".spec.credential.secretName",
    printcolumn(
        name = "Platform",
        type_ = "string",
        json_path = ".spec.platformRef.name",
        description = "The Platform or ClusterPlatform on which the account lives."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the published token or credential can be relied upon."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why it is ready or not."
    ),
    printcolumn(
        name = "Enabled",
        type_ = "boolean",
        json_path = ".spec.enabled",
        description = "Whether the account may be used."
    ),
    printcolumn(
        name = "Secret",
        type_ = "string",
        json_path = ".spec.token.secretName",
        description = "The Secret that holds the token."
    ),
    printcolumn(
        name = "Expires",
        type_ = "string",
        json_path = ".status.token.expiresAt",
        description = "When the published token ends."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Client",
        type_ = "string",
        json_path = ".status.remote.clientId",
        description = "Id of the OAuth client.",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        description = "Why it is ready or not, in a sentence.",
        priority = 1
    )
)]
#[x_kube(
    validation = Rule::new("has(self.genesysCloud)")
        .message("must have exactly one platform block: genesysCloud"),
    validation = Rule::new("has(self.genesysCloud) == has(oldSelf.genesysCloud)")
        .message("the platform block must not be exchanged for another: write a new object instead"),
    validation = Rule::new(
        "!has(self.token) || !has(self.genesysCloud) || 'client_credentials' in self.genesysCloud.grantTypes"
    )
        .message("token must not be there without the grant type client_credentials: nobody else can mint without a person")
        .field_path(".token"),
    validation = Rule::new(
        "!has(self.token) || !has(self.credential) || self.token.secretName != self.credential.secretName"
    )
        .message("token.secretName and credential.secretName must differ: each has a Secret of its own"),
)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountCredentialSpec {
    /// The Platform or ClusterPlatform on which the account lives. It may change to another object for the same tenant only.
    pub platform_ref: PlatformRef,
    /// Whether the account may be used. false switches it off remotely and removes its token.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The account on Genesys Cloud. The platform must be a Genesys Cloud one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesys_cloud: Option<GenesysCloudAccount>,
    /// Mint access tokens and keep a fresh one in a Secret. Needs the grant client_credentials. Removing this block deletes its Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenSpec>,
    /// Publish client id and secret in a Secret. The true copy is always kept in the operator's namespace. Removing this block deletes its Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialSpec>,
    /// How far Keysteward may go. What is unset falls to the built-in choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicySpec>,
    /// Pause configuration writes. Tokens go on being refreshed and Secrets repaired.
    #[serde(default)]
    pub suspend: bool,
}

/// Names the platform object.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct PlatformRef {
    /// Platform (of the same namespace) or ClusterPlatform.
    pub kind: PlatformKind,
    /// Name of the platform object.
    #[schemars(length(min = 1, max = NAME_LENGTH), regex(pattern = OBJECT_NAME))]
    pub name: String,
}

/// The two kinds of platform object.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum PlatformKind {
    Platform,
    ClusterPlatform,
}

/// Where the credential is published.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialSpec {
    /// Name of the Secret that holds client id and secret, in this object's namespace.
    #[schemars(length(min = 1, max = 240), regex(pattern = OBJECT_NAME))]
    pub secret_name: String,
}

fn yes() -> bool {
    true
}
