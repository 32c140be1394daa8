//! Roles: what enters are permission policies, what leaves is whether a role carries a permission.
//! It may not know who holds them.

use serde::{Deserialize, Serialize};

/// Permissions of one entity of one domain; `*` stands for every entity or action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    pub domain: String,
    pub entity_name: String,
    pub action_set: Vec<String>,
}

impl Policy {
    pub fn new(domain: &str, entity_name: &str, action_set: &[&str]) -> Self {
        Self {
            domain: domain.to_owned(),
            entity_name: entity_name.to_owned(),
            action_set: action_set.iter().map(|&action| action.to_owned()).collect(),
        }
    }

    fn carries(&self, domain: &str, entity: &str, action: &str) -> bool {
        let is = |have: &str, wanted: &str| have == wanted || have == "*";
        is(&self.domain, domain)
            && is(&self.entity_name, entity)
            && self.action_set.iter().any(|have| is(have, action))
    }
}

/// A role of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// The vendor's id of a built-in role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_role_id: Option<String>,
    #[serde(default)]
    pub permission_policies: Vec<Policy>,
}

impl Role {
    /// Whether the role carries a permission such as `oauth:client:view`.
    pub(crate) fn carries(&self, permission: &str) -> bool {
        let mut parts = permission.splitn(3, ':');
        let (Some(domain), Some(entity), Some(action)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        self.permission_policies.iter().any(|policy| policy.carries(domain, entity, action))
    }

    /// Whether the role is one of the vendor's.
    pub(crate) fn is_default(&self) -> bool {
        self.default_role_id.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{Policy, Role};

    #[test]
    fn a_star_carries_every_action_and_a_name_only_itself() {
        let role = Role {
            id: "1".to_owned(),
            name: "test".to_owned(),
            description: String::new(),
            default_role_id: None,
            permission_policies: vec![
                Policy::new("oauth", "client", &["view"]),
                Policy::new("authorization", "*", &["*"]),
            ],
        };
        assert!(role.carries("oauth:client:view"));
        assert!(!role.carries("oauth:client:edit"));
        assert!(role.carries("authorization:grant:add"));
        assert!(!role.carries("directory:user:view"));
    }
}
