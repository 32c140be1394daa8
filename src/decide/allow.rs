//! What a platform object allows a namespace.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::api::credential::PlatformKind;
use crate::api::platform::{Allowance, NamespaceChoice};
use crate::model::platform::Allowed;

/// What `spec.allow` says of a namespace with these labels; no selector fits one whose labels are unknown. A `Platform`
/// serves its own namespace, with every role that its client holds unless it names some; a `ClusterPlatform` serves nobody
/// whom it does not name.
pub fn allowed(
    kind: PlatformKind,
    allow: &[Allowance],
    namespace: &str,
    labels: Option<&BTreeMap<String, String>>,
) -> Allowed {
    let named: Vec<&Allowance> = match kind {
        PlatformKind::Platform if allow.is_empty() => return Allowed::AnyRole,
        PlatformKind::Platform => allow.iter().collect(),
        PlatformKind::ClusterPlatform => allow
            .iter()
            .filter(|entry| {
                entry.namespaces.as_ref().is_some_and(|choice| chosen(choice, namespace, labels))
            })
            .collect(),
    };
    if named.is_empty() {
        return Allowed::Nothing;
    }
    Allowed::Roles(named.into_iter().flat_map(|entry| entry.roles.iter().cloned()).collect())
}

fn chosen(
    choice: &NamespaceChoice,
    namespace: &str,
    labels: Option<&BTreeMap<String, String>>,
) -> bool {
    choice.all == Some(true)
        || choice.names.iter().any(|name| name == namespace)
        || choice
            .selector
            .as_ref()
            .zip(labels)
            .is_some_and(|(selector, labels)| selects(selector, labels))
}

/// Whether a selector fits. An empty one is refused by the schema and fits nothing here.
fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector.match_labels.iter().flatten();
    let expressions = selector.match_expressions.iter().flatten();
    let empty = equal.clone().next().is_none() && expressions.clone().next().is_none();
    !empty
        && equal.into_iter().all(|(key, value)| labels.get(key) == Some(value))
        && expressions.into_iter().all(|wish| {
            let value = labels.get(&wish.key);
            let listed =
                |value: &String| wish.values.iter().flatten().any(|wanted| wanted == value);
            match wish.operator.as_str() {
                "In" => value.is_some_and(listed),
                "NotIn" => !value.is_some_and(listed),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::platform::RolePattern;

    fn entry(choice: NamespaceChoice) -> Vec<Allowance> {
        let roles = vec![RolePattern { name: "*".into(), division: "*".into() }];
        vec![Allowance { namespaces: Some(choice), roles }]
    }

    fn team(selector: serde_json::Value) -> NamespaceChoice {
        NamespaceChoice {
            selector: serde_json::from_value(selector).unwrap(),
            ..Default::default()
        }
    }

    #[rstest::rstest]
    #[case(NamespaceChoice { all: Some(true), ..Default::default() }, true)]
    #[case(NamespaceChoice { all: Some(false), ..Default::default() }, false)]
    #[case(NamespaceChoice { names: vec!["analytics".into()], ..Default::default() }, true)]
    #[case(NamespaceChoice { names: vec!["other".into()], ..Default::default() }, false)]
    #[case(team(serde_json::json!({"matchLabels": {"team": "data"}})), true)]
    #[case(team(serde_json::json!({"matchLabels": {"team": "web"}})), false)]
    #[case(team(serde_json::json!({})), false)]
    #[case(team(serde_json::json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["data"]}]})), true)]
    #[case(team(serde_json::json!({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]})), false)]
    fn a_cluster_platform_serves_whom_it_names(
        #[case] choice: NamespaceChoice,
        #[case] served: bool,
    ) {
        let labels = BTreeMap::from([("team".to_owned(), "data".to_owned())]);
        let found =
            allowed(PlatformKind::ClusterPlatform, &entry(choice), "analytics", Some(&labels));
        assert_eq!(found != Allowed::Nothing, served);
    }

    #[test]
    fn without_allow_a_platform_serves_its_namespace_and_a_cluster_platform_nobody() {
        assert_eq!(allowed(PlatformKind::Platform, &[], "a", None), Allowed::AnyRole);
        assert_eq!(allowed(PlatformKind::ClusterPlatform, &[], "a", None), Allowed::Nothing);
    }
}
