//! In: one right of the operator. Out: its roles without that right.
//! Everything else in them stays as the table has it.

use keysteward::kubernetes::rbac::{Names, Scope};
use serde_json::{Value, json};

/// One verb on one resource in one scope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right {
    pub(crate) scope: Scope,
    pub(crate) resource: &'static str,
    pub(crate) verb: &'static str,
    pub(crate) names: Names,
}

impl Right {
    /// Takes the right out of every role of its scope; it must be in one.
    pub(super) fn take_from(&self, manifests: &mut [Value]) {
        let mut taken = false;
        for role in manifests.iter_mut().filter(|role| self.is_of(role)) {
            let rules = role["rules"].as_array().unwrap();
            let left: Vec<Value> = rules
                .iter()
                .flat_map(|rule| {
                    let left = self.left_of(rule);
                    taken |= left.len() != 1 || left[0] != *rule;
                    left
                })
                .collect();
            role["rules"] = json!(left);
        }
        assert!(taken, "{self:?} is in no role");
    }

    fn is_of(&self, role: &Value) -> bool {
        let name = role["metadata"]["name"].as_str().unwrap();
        let kind = role["kind"].as_str().unwrap();
        match self.scope {
            Scope::Cluster => kind == "ClusterRole",
            Scope::Served => kind == "Role" && name.ends_with("-served"),
            Scope::Default => kind == "Role" && name.ends_with("-events"),
            Scope::Own => {
                kind == "Role" && !name.ends_with("-served") && !name.ends_with("-events")
            }
        }
    }

    /// The rule itself, or what is left of it.
    fn left_of(&self, rule: &Value) -> Vec<Value> {
        let has = |key: &str, word: &str| {
            rule[key].as_array().is_some_and(|list| list.iter().any(|w| w == word))
        };
        let names: Vec<&str> = rule["resourceNames"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let of_these = match self.names {
            Names::All => names.is_empty(),
            Names::Only(name) => names == [name],
            Names::Lease => names == ["keysteward"],
        };
        if !has("resources", self.resource) || !has("verbs", self.verb) || !of_these {
            return vec![rule.clone()];
        }
        let without = |key: &str, word: &str| -> Vec<Value> {
            rule[key].as_array().unwrap().iter().filter(|w| *w != word).cloned().collect()
        };
        let mut others = rule.clone();
        others["resources"] = json!(without("resources", self.resource));
        let mut fewer = rule.clone();
        fewer["resources"] = json!([self.resource]);
        fewer["verbs"] = json!(without("verbs", self.verb));
        let is_empty = |rule: &Value, key: &str| rule[key].as_array().is_none_or(Vec::is_empty);
        let mut left = Vec::new();
        if !is_empty(&others, "resources") {
            left.push(others);
        }
        if !is_empty(&fewer, "verbs") {
            left.push(fewer);
        }
        left
    }
}
