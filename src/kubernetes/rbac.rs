//! What the operator may do on the Kubernetes API: one table, from which the chart, the quickstart and the tests make roles.
//!
//! Enters: where the operator lives and what it watches. Leaves: rules and manifests. It asks nothing
//! of the server; what is not in the table is refused at run time.

use serde_json::{Value, json};

/// Where a right holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// In the whole cluster: things that have no namespace.
    Cluster,
    /// In every namespace that the operator serves: all of them, or those of `--namespaces`.
    Served,
    /// In the operator's own namespace.
    Own,
    /// In the namespace `default`, where events on things without a namespace are kept.
    Default,
}

/// Rights on some resources.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub scope: Scope,
    /// API group; empty is the core one.
    pub group: &'static str,
    pub resources: &'static [&'static str],
    /// Only the objects of these names; empty is all of them.
    pub names: &'static [&'static str],
    pub verbs: &'static [&'static str],
    /// What cannot be done without it.
    pub why: &'static str,
}

/// Everything that the operator may do. The verbs are those of `kubernetes::live` and of the watches in `run`.
pub const RULES: &[Rule] = &[
    Rule {
        scope: Scope::Cluster,
        group: "keysteward.dev",
        resources: &["clusterplatforms"],
        names: &[],
        verbs: &["list", "watch"],
        why: "follow the platforms that several namespaces share",
    },
    Rule {
        scope: Scope::Cluster,
        group: "keysteward.dev",
        resources: &["clusterplatforms/status"],
        names: &[],
        verbs: &["patch"],
        why: "say how they are",
    },
    Rule {
        scope: Scope::Cluster,
        group: "",
        resources: &["namespaces"],
        names: &[],
        verbs: &["list", "watch"],
        why: "decide by labels which namespaces a ClusterPlatform serves",
    },
    Rule {
        scope: Scope::Cluster,
        group: "",
        resources: &["namespaces"],
        names: &["kube-system"],
        verbs: &["get"],
        why: "take its UID for the owner id, unless --owner-id names one",
    },
    Rule {
        scope: Scope::Served,
        group: "keysteward.dev",
        resources: &["serviceaccountcredentials"],
        names: &[],
        verbs: &["get", "list", "watch", "patch"],
        why: "follow the objects; set and remove their finalizer",
    },
    Rule {
        scope: Scope::Served,
        group: "keysteward.dev",
        resources: &["platforms"],
        names: &[],
        verbs: &["list", "watch"],
        why: "follow the platforms",
    },
    Rule {
        scope: Scope::Served,
        group: "keysteward.dev",
        resources: &["serviceaccountcredentials/status", "platforms/status"],
        names: &[],
        verbs: &["patch"],
        why: "say how they are",
    },
    Rule {
        scope: Scope::Served,
        group: "keysteward.dev",
        resources: &["serviceaccountcredentials/finalizers"],
        names: &[],
        verbs: &["update"],
        why: "own the published Secrets where the server guards owner references, as OpenShift does",
    },
    Rule {
        scope: Scope::Served,
        group: "",
        resources: &["secrets"],
        names: &[],
        verbs: &["get", "list", "watch", "create", "update", "delete"],
        why: "publish tokens and credentials, see when they are edited, read a Platform's credential; lists and watches are of metadata only",
    },
    Rule {
        scope: Scope::Served,
        group: "",
        resources: &["configmaps"],
        names: &[],
        verbs: &["get"],
        why: "read the caBundleRef of a Platform",
    },
    Rule {
        scope: Scope::Served,
        group: "events.k8s.io",
        resources: &["events"],
        names: &[],
        verbs: &["create", "patch"],
        why: "tell what happened; a repeated event is counted in the first one",
    },
    Rule {
        scope: Scope::Own,
        group: "",
        resources: &["secrets"],
        names: &[],
        verbs: &["get", "list", "watch", "create", "update", "delete"],
        why: "keep the true copies of the credentials, read a ClusterPlatform's credential",
    },
    Rule {
        scope: Scope::Own,
        group: "",
        resources: &["configmaps"],
        names: &[],
        verbs: &["get"],
        why: "read the caBundleRef of a ClusterPlatform",
    },
    Rule {
        scope: Scope::Own,
        group: "coordination.k8s.io",
        resources: &["leases"],
        names: &[],
        verbs: &["get", "create", "update"],
        why: "have one leader among the replicas",
    },
    Rule {
        scope: Scope::Default,
        group: "events.k8s.io",
        resources: &["events"],
        names: &[],
        verbs: &["create", "patch"],
        why: "tell what happened to a ClusterPlatform",
    },
];

/// Where the operator lives and what it serves.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// Begins the name of every role and binding.
    pub name: &'a str,
    /// The operator's namespace.
    pub namespace: &'a str,
    /// Its `ServiceAccount` there.
    pub service_account: &'a str,
    /// The namespaces that it serves; empty is all of them.
    pub served: &'a [&'a str],
}

/// The rules of one scope, as Kubernetes writes them.
pub fn policy_rules(scope: Scope) -> Vec<Value> {
    RULES.iter().filter(|rule| rule.scope == scope).map(Rule::policy_rule).collect()
}

/// Every role and binding that the operator needs.
pub fn manifests(place: &Place<'_>) -> Vec<Value> {
    let Place { name, namespace, served, .. } = *place;
    let mut cluster_wide = policy_rules(Scope::Cluster);
    let mut manifests = Vec::new();
    if served.is_empty() {
        cluster_wide.extend(policy_rules(Scope::Served));
    } else {
        for namespace in served {
            let role = format!("{name}-served");
            manifests.extend(place.role(&role, Some(namespace), &policy_rules(Scope::Served)));
        }
        let role = format!("{name}-events");
        manifests.extend(place.role(&role, Some("default"), &policy_rules(Scope::Default)));
    }
    manifests.extend(place.role(name, None, &cluster_wide));
    manifests.extend(place.role(name, Some(namespace), &policy_rules(Scope::Own)));
    manifests
}

impl Rule {
    fn policy_rule(&self) -> Value {
        let Self { group, resources, names, verbs, .. } = self;
        let mut rule = json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
        if !names.is_empty() {
            rule["resourceNames"] = json!(names);
        }
        rule
    }
}

impl Place<'_> {
    /// A role with its binding; without a namespace both are cluster-wide.
    fn role(&self, name: &str, namespace: Option<&str>, rules: &[Value]) -> [Value; 2] {
        const GROUP: &str = "rbac.authorization.k8s.io";
        let prefix = if namespace.is_some() { "" } else { "Cluster" };
        let mut metadata = json!({ "name": name });
        if let Some(namespace) = namespace {
            metadata["namespace"] = json!(namespace);
        }
        [
            json!({
                "apiVersion": format!("{GROUP}/v1"),
                "kind": format!("{prefix}Role"),
                "metadata": metadata,
                "rules": rules,
            }),
            json!({
                "apiVersion": format!("{GROUP}/v1"),
                "kind": format!("{prefix}RoleBinding"),
                "metadata": metadata,
                "roleRef": { "apiGroup": GROUP, "kind": format!("{prefix}Role"), "name": name },
                "subjects": [{
                    "kind": "ServiceAccount",
                    "name": self.service_account,
                    "namespace": self.namespace,
                }],
            }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_right_is_given_twice() {
        let mut seen = BTreeSet::new();
        for rule in RULES {
            for resource in rule.resources {
                for verb in rule.verbs {
                    let right = format!(
                        "{:?} {} {resource} {:?} {verb}",
                        rule.scope, rule.group, rule.names
                    );
                    assert!(seen.insert(right.clone()), "{right}");
                }
            }
        }
    }

    #[test]
    fn nothing_grants_more_rights_or_everything() {
        for rule in RULES {
            for word in rule.verbs.iter().chain(rule.resources) {
                let dangerous = ["*", "escalate", "bind", "impersonate", "deletecollection"];
                assert!(!dangerous.contains(word), "{rule:?}");
            }
            let grants = rule.group == "rbac.authorization.k8s.io"
                || rule.resources.contains(&"serviceaccounts/token");
            assert!(!grants, "{rule:?}");
        }
    }

    #[test]
    fn an_operator_of_some_namespaces_reads_no_secret_elsewhere() {
        let place = Place {
            name: "keysteward",
            namespace: "system",
            service_account: "operator",
            served: &["a", "b"],
        };
        let manifests = manifests(&place);
        let cluster_wide = manifests.iter().find(|m| m["kind"] == "ClusterRole").unwrap();
        assert!(!cluster_wide.to_string().contains("secrets"), "{cluster_wide}");
        let with_secrets: BTreeSet<_> = manifests
            .iter()
            .filter(|m| m["kind"] == "Role" && m.to_string().contains("\"secrets\""))
            .map(|m| m["metadata"]["namespace"].as_str().unwrap())
            .collect();
        assert_eq!(with_secrets, BTreeSet::from(["a", "b", "system"]));
    }

    #[test]
    fn every_role_is_bound_to_the_service_account() {
        for served in [&[][..], &["a"][..]] {
            let place =
                Place { name: "n", namespace: "system", service_account: "operator", served };
            let manifests = manifests(&place);
            assert_eq!(manifests.len() % 2, 0);
            for pair in manifests.chunks(2) {
                assert_eq!(pair[1]["roleRef"]["kind"], pair[0]["kind"]);
                assert_eq!(pair[1]["roleRef"]["name"], pair[0]["metadata"]["name"]);
                assert_eq!(pair[1]["metadata"], pair[0]["metadata"]);
                assert_eq!(
                    pair[1]["subjects"],
                    json!([{ "kind": "ServiceAccount", "name": "operator", "namespace": "system" }])
                );
            }
        }
    }
}
