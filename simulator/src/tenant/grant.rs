//! Grants: what enters are role and division ids, what leaves is whether one set of grants covers another.
//! It may not know who holds them.

use serde::{Deserialize, Serialize};

/// All divisions.
pub(crate) const ALL_DIVISIONS: &str = "*";

/// A role in a division; the division `*` stands for all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleDivision {
    pub role_id: String,
    pub division_id: String,
}

impl RoleDivision {
    pub fn new(role_id: impl Into<String>, division_id: impl Into<String>) -> Self {
        Self { role_id: role_id.into(), division_id: division_id.into() }
    }

    /// Whether who holds this may hand out the other.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.role_id == other.role_id
            && (self.division_id == other.division_id || self.division_id == ALL_DIVISIONS)
    }
}

/// Whether every wanted grant is covered by one that is held.
pub(crate) fn all_covered(held: &[RoleDivision], wanted: &[RoleDivision]) -> bool {
    wanted.iter().all(|wanted| held.iter().any(|held| held.covers(wanted)))
}

#[cfg(test)]
mod tests {
    use super::{RoleDivision, all_covered};

    #[test]
    fn all_divisions_cover_one_but_one_does_not_cover_all() {
        let everywhere = [RoleDivision::new("viewer", "*")];
        let sales = [RoleDivision::new("viewer", "sales")];
        let support = [RoleDivision::new("viewer", "support")];
        assert!(all_covered(&everywhere, &sales) && all_covered(&everywhere, &support));
        assert!(!all_covered(&sales, &everywhere));
        assert!(!all_covered(&sales, &support));
    }
}
