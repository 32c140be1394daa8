//! The organization as tests change it: what enters are its new id, name or state.
//! It may not touch what belongs to the organization.

use serde::{Deserialize, Serialize};

use crate::tenant::organization::OrganizationState;

/// What changes about the organization; another id is another tenant behind the same address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct OrganizationEdit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<OrganizationState>,
}
