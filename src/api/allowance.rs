//! `spec.allow` of a platform: who may use it, and which roles its objects may end up holding.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{self, NAMESPACE};

/// Who may use the platform, and for which roles.
#[derive(Clone, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Allowance {
    /// The namespaces. Required on a ClusterPlatform; refused on a Platform, which serves its own only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<NamespaceChoice>,
    /// What objects may end up holding. None: no role at all, which leaves the grants that have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub roles: Vec<RolePattern>,
}

/// Which namespaces are meant: names, a selector, or all.
#[derive(Clone, Debug, Default, Deserialize, KubeSchema, PartialEq, Serialize)]
#[x_kube(
    validation = Rule::new("[has(self.all), has(self.names), has(self.selector)].filter(x, x).size() == 1")
        .message("must have exactly one of all, names and selector"),
    validation = Rule::new("!has(self.all) || self.all")
        .message("all must be true where it is written: name the namespaces instead")
        .field_path(".all"),
    validation = Rule::new(
        "!has(self.selector) || (has(self.selector.matchLabels) && size(self.selector.matchLabels) > 0) || (has(self.selector.matchExpressions) && size(self.selector.matchExpressions) > 0)"
    )
        .message("must not be empty, which would mean every namespace: write all: true if that is meant")
        .field_path(".selector"),
)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceChoice {
    /// Every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
    /// Namespaces by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 63), regex(pattern = NAMESPACE)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub names: Vec<String>,
    /// Namespaces by label. An empty selector is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::label_selector")]
    pub selector: Option<LabelSelector>,
}

/// Roles that objects may hold.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolePattern {
    /// Name of the role; * stands for any text.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// Name or id of the division, literally; "*" is every division.
    #[schemars(length(min = 1, max = 256))]
    pub division: String,
}
