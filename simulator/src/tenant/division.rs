//! Divisions: what enters are names, what leaves are the divisions as the API shows them.
//! It may not know what lies in them.

use serde::{Deserialize, Serialize};

/// A division of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Division {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub home_division: bool,
}
