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

/// Which objects of a resource. Neither a create nor a list can be held to a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Names {
    All,
    Only(&'static str),
    /// The Lease of the replicas, whose name is given at installation.
    Lease,
}

/// Rights on some resources.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub scope: Scope,
    /// API group; empty is the core one.
    pub group: &'static str,
    pub resources: &'static [&'static str],
    pub names: Names,
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
        names: Names::All,
        verbs: &["list", "watch"],
        why: "follow the platforms that several namespaces share",
    },
    Rule {
        scope: Scope::Cluster,
        group: "keysteward.dev",
        resources: &["clusterplatforms/status"],
        names: Names::All,
        verbs: &["patch"],
        why: "say how they are",
    },
    Rule {
        scope: Scope::Cluster,
        group: "",
        resources: &["namespaces"],
        names: Names::All,
        verbs: &["list", "watch"],
        why: "decide by labels which namespaces a ClusterPlatform serves",
    },
    Rule {
        scope: Scope::Cluster,
        group: "",
        resources: &["namespaces"],
        names: Names::Only("kube-system"),
        verbs: &["get"],
        why: "take its UID for the owner id, unless --owner-id names one",
    },
    Rule {
        scope: Scope::Served,
        group: "keysteward.dev",
        resources: &["serviceaccountcredentials"],
        names: Names::All,
        verbs: &["get", "list", "watch", "patch"],
        why: "follow the objects; set and remove their finalizer",
    },
    Rule {
        scope: Scope::Served,
        group: "keysteward.dev",
        resources: &["platforms"],
        names: Names::All,
        verbs: &["list", "watch"],
        why: "follow the platforms",
    },
    Rule {
        scope: Scope::Served,
        group: "keysteward.dev",
        resources: &["serviceaccountcredentials/status", "platforms/status"],
        names: Names::All,
        verbs: &["patch"],
        why: "say how they are",
    },
    Rule {
        scope: Scope::Served,
        group: "keysteward.dev",
        resources: &["serviceaccountcredentials/finalizers"],
        names: Names::All,
        verbs: &["update"],
        why: "own the published Secrets where the server guards owner references, as OpenShift does",
    },
    Rule {
        scope: Scope::Served,
        group: "",
        resources: &["secrets"],
        names: Names::All,
        verbs: &["get", "list", "watch", "create", "update", "delete"],
        why: "publish tokens and credentials, see when they are edited, read a Platform's credential; lists and watches are of metadata only",
    },
    Rule {
        scope: Scope::Served,
        group: "",
        resources: &["configmaps"],
        names: Names::All,
        verbs: &["get"],
        why: "read the caBundleRef of a Platform",
    },
    Rule {
        scope: Scope::Served,
        group: "events.k8s.io",
        resources: &["events"],
        names: Names::All,
        verbs: &["create", "patch"],
        why: "tell what happened; a repeated event is counted in the first one",
    },
    Rule {
        scope: Scope::Own,
        group: "",
        resources: &["secrets"],
        names: Names::All,
        verbs: &["get", "list", "watch", "create", "update", "delete"],
        why: "keep the true copies of the credentials, read a ClusterPlatform's credential",
    },
    Rule {
        scope: Scope::Own,
        group: "",
        resources: &["configmaps"],
        names: Names::All,
        verbs: &["get"],
        why: "read the caBundleRef of a ClusterPlatform",
    },
    Rule {
        scope: Scope::Own,
        group: "coordination.k8s.io",
        resources: &["leases"],
        names: Names::All,
        verbs: &["create"],
        why: "make the Lease of the replicas",
    },
    Rule {
        scope: Scope::Own,
        group: "coordination.k8s.io",
        resources: &["leases"],
        names: Names::Lease,
        verbs: &["get", "update"],
        why: "have one leader among them",
    },
    Rule {
        scope: Scope::Default,
        group: "events.k8s.io",
        resources: &["events"],
        names: Names::All,
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
    /// Name of the Lease there: --lease-name.
    pub lease: &'a str,
    /// The namespaces that it serves; empty is all of them.
    pub served: &'a [&'a str],
}

/// Every role and binding that the operator needs.
pub fn manifests(place: &Place<'_>) -> Vec<Value> {
    let Place { name, namespace, served, .. } = *place;
    let mut cluster_wide = place.rules(Scope::Cluster);
    let mut manifests = Vec::new();
    if served.is_empty() {
        cluster_wide.extend(place.rules(Scope::Served));
    } else {
        for namespace in served {
            let role = format!("{name}-served");
            manifests.extend(place.role(&role, Some(namespace), &place.rules(Scope::Served)));
        }
        let role = format!("{name}-events");
        manifests.extend(place.role(&role, Some("default"), &place.rules(Scope::Default)));
    }
    manifests.extend(place.role(name, None, &cluster_wide));
    manifests.extend(place.role(name, Some(namespace), &place.rules(Scope::Own)));
    manifests
}

impl Place<'_> {
    /// The rules of one scope, as Kubernetes writes them.
    fn rules(&self, scope: Scope) -> Vec<Value> {
        let rules = RULES.iter().filter(|rule| rule.scope == scope);
        rules.map(|rule| self.policy_rule(rule)).collect()
    }

    fn policy_rule(&self, rule: &Rule) -> Value {
        let Rule { group, resources, names, verbs, .. } = rule;
        let mut policy = json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
        match names {
            Names::All => {}
            Names::Only(name) => policy["resourceNames"] = json!([name]),
            Names::Lease => policy["resourceNames"] = json!([self.lease]),
        }
        policy
    }

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
            lease: "keysteward",
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
    fn what_can_be_held_to_the_name_of_the_lease_is() {
        let place = Place {
            name: "n",
            namespace: "system",
            service_account: "operator",
            lease: "two-words",
            served: &[],
        };
        let leases: Vec<Value> = manifests(&place)
            .iter()
            .flat_map(|manifest| manifest["rules"].as_array().cloned().unwrap_or_default())
            .filter(|rule| rule["resources"] == json!(["leases"]))
            .collect();
        let group = json!(["coordination.k8s.io"]);
        assert_eq!(
            leases,
            [
                json!({ "apiGroups": group, "resources": ["leases"], "verbs": ["create"] }),
                json!({
                    "apiGroups": group, "resources": ["leases"], "verbs": ["get", "update"],
                    "resourceNames": ["two-words"],
                }),
            ]
        );
    }

    #[test]
    fn every_role_is_bound_to_the_service_account() {
        for served in [&[][..], &["a"][..]] {
            let place = Place {
                name: "n",
                namespace: "system",
                service_account: "operator",
                lease: "keysteward",
                served,
            };
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
