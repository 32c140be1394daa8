//! `Platform` and `ClusterPlatform`: one tenant of a remote system and the credential that manages it.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Span;
use super::schema::{DATA_KEY, NAME_MESSAGE, OBJECT_NAME, name_fits, span_between};

pub use super::allowance::{Allowance, NamespaceChoice, RolePattern};
pub use super::genesys_cloud::{Endpoints, GenesysCloudConnection, GenesysRegion};
pub use super::platform_status::{Orphan, PlatformStatus};

/// One tenant of a remote system, used by objects of its own namespace.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[kube(
    group = "keysteward.dev",
    version = "v1alpha1",
    kind = "Platform",
    plural = "platforms",
    category = "keysteward",
    namespaced,
    status = "PlatformStatus",
    derive = "PartialEq",
    doc = "One tenant of a remote system, and the credential with which Keysteward manages it, for objects of its own namespace.",
    validation = Rule::new(name_fits()).message(NAME_MESSAGE),
    selectable = ".spec.credentialsSecretRef.name",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the platform can be managed."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why it is ready or not."
    ),
    printcolumn(
        name = "Tenant",
        type_ = "string",
        json_path = ".status.tenantName",
        description = "Name of the tenant behind the platform."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Region",
        type_ = "string",
        json_path = ".spec.genesysCloud.region",
        description = "Region of the tenant.",
        priority = 1
    ),
    printcolumn(
        name = "Tenant id",
        type_ = "string",
        json_path = ".status.tenantId",
        description = "Id of the tenant behind the platform.",
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
    validation = Rule::new("!has(self.allow) || self.allow.all(a, !has(a.namespaces))")
        .message("must not name namespaces on a Platform, which serves its own only: write a ClusterPlatform to serve others")
        .field_path(".allow"),
)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSpec {
    /// The connection.
    #[serde(flatten)]
    pub connection: Connection,
}

/// One tenant of a remote system, used by the namespaces that `allow` names.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, PartialEq, Serialize)]
#[kube(
    group = "keysteward.dev",
    version = "v1alpha1",
    kind = "ClusterPlatform",
    plural = "clusterplatforms",
    category = "keysteward",
    status = "PlatformStatus",
    derive = "PartialEq",
    doc = "One tenant of a remote system, and the credential with which Keysteward manages it, for objects of the namespaces that allow names.",
    validation = Rule::new(name_fits()).message(NAME_MESSAGE),
    selectable = ".spec.credentialsSecretRef.name",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the platform can be managed."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        description = "Why it is ready or not."
    ),
    printcolumn(
        name = "Tenant",
        type_ = "string",
        json_path = ".status.tenantName",
        description = "Name of the tenant behind the platform."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Region",
        type_ = "string",
        json_path = ".spec.genesysCloud.region",
        description = "Region of the tenant.",
        priority = 1
    ),
    printcolumn(
        name = "Tenant id",
        type_ = "string",
        json_path = ".status.tenantId",
        description = "Id of the tenant behind the platform.",
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
    validation = Rule::new("!has(self.allow) || self.allow.all(a, has(a.namespaces))")
        .message("must name namespaces in every entry on a ClusterPlatform: names, a selector, or all: true")
        .field_path(".allow"),
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPlatformSpec {
    /// The connection.
    #[serde(flatten)]
    pub connection: Connection,
}

/// What both kinds of platform say.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(
    validation = Rule::new("has(self.genesysCloud)")
        .message("must have exactly one platform block: genesysCloud"),
    validation = Rule::new("has(self.genesysCloud) == has(oldSelf.genesysCloud)")
        .message("the platform block must not be exchanged for another: write a new object instead"),
)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// A Genesys Cloud organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genesys_cloud: Option<GenesysCloudConnection>,
    /// The Secret with client_id and client_secret of the managing OAuth client; its type must be keysteward.dev/input.
    /// For a Platform in its namespace, for a ClusterPlatform in the operator's.
    pub credentials_secret_ref: SecretRef,
    /// Certificate authorities to trust in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_ref: Option<CaBundleRef>,
    /// Pin of the tenant's id. Unset: the first one seen is kept in status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub tenant_id: Option<String>,
    /// Who may use the platform, and for which roles. Unset on a ClusterPlatform: nobody. Unset on a Platform: its own
    /// namespace, every role that the managing client holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub allow: Vec<Allowance>,
    /// How often the platform is compared with all objects: 5s to 1h.
    #[serde(default = "five_minutes")]
    #[x_kube(
        validation = Rule::new(span_between("5s", "1h"))
            .message("must be at least 5s and at most 1h"),
    )]
    pub sweep_interval: Span,
    /// The request budget a minute, shared by all objects of the platform.
    #[serde(default = "four_a_second")]
    #[schemars(range(min = 1, max = 100_000))]
    pub requests_per_minute: u32,
}

/// Names a Secret.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct SecretRef {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = OBJECT_NAME))]
    pub name: String,
}

/// Where certificate authorities are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct CaBundleRef {
    /// ConfigMap or Secret, in the namespace of the credential. A Secret must have the type keysteward.dev/input.
    pub kind: CaBundleKind,
    /// Name of the ConfigMap or Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = OBJECT_NAME))]
    pub name: String,
    /// The key that holds the PEM text.
    #[schemars(length(min = 1, max = 253), regex(pattern = DATA_KEY))]
    pub key: String,
}

/// Where certificate authorities can be kept.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum CaBundleKind {
    ConfigMap,
    Secret,
}

impl Platform {
    /// What both kinds of platform say.
    pub fn connection(&self) -> &Connection {
        &self.spec.connection
    }
}

impl ClusterPlatform {
    /// What both kinds of platform say.
    pub fn connection(&self) -> &Connection {
        &self.spec.connection
    }
}

fn five_minutes() -> Span {
    Span("5m".into())
}

fn four_a_second() -> u32 {
    240
}
