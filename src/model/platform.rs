//! What is known of a platform when one object on it is looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use super::inventory::{Catalog, CatalogPart, Tenant};
use crate::api::conditions::Reason;
use crate::api::platform::RolePattern;

/// What a platform can do. Planner and validation read this instead of asking which platform it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Capabilities {
    /// Name for people, for example "Genesys Cloud".
    pub platform: &'static str,
    /// How long a new account may be missing from lists.
    pub create_lag: SignedDuration,
    /// How long a write may be missing from lists and reads.
    pub write_lag: SignedDuration,
    /// How long to wait before a new credential or role is first used.
    pub settle: SignedDuration,
    /// Which parts of the catalog the platform has.
    pub catalog_parts: &'static [CatalogPart],
    /// Whether an account must be switched off before it can be deleted.
    pub inactive_before_delete: bool,
}

/// What consumers need besides the token.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Addresses {
    /// Region as the platform's own tools want it.
    pub region: String,
    pub api: String,
    pub login: String,
}

/// The platform of one object, as this pass finds it.
#[derive(Clone, Debug)]
pub enum PlatformSeen {
    /// No such platform object.
    Missing,
    /// The platform object is of another remote system than the object's block.
    OtherSystem {
        is: &'static str,
    },
    /// There is no session: the platform object or its credential is not in order, or its first sweep is not through.
    NotReady {
        reason: Reason,
        message: String,
        credential_missing: bool,
    },
    Ready(Box<PlatformView>),
}

/// A platform whose session works, or did until a moment ago.
#[derive(Clone, Debug)]
pub struct PlatformView {
    pub capabilities: Capabilities,
    pub addresses: Addresses,
    pub catalog: Arc<Catalog>,
    /// The tenant that the platform object stands for: pinned, or the first one seen.
    pub tenant: Tenant,
    /// The tenant that answers now, if it is another one.
    pub other_tenant: Option<Tenant>,
    pub allowed: Allowed,
    /// Clients that platform objects themselves use: never a target.
    pub managing_clients: Arc<BTreeSet<String>>,
    /// Why the admin API cannot be used right now.
    pub trouble: Option<String>,
    /// The managing credential is missing: only tokens can go on.
    pub credential_missing: bool,
    /// When the next sweep is due, at the latest.
    pub sweep_every: SignedDuration,
}

/// What the platform object allows the object's namespace.
#[derive(Clone, Debug, PartialEq)]
pub enum Allowed {
    /// Nothing: the namespace is not named.
    Nothing,
    /// Every role that the managing client holds.
    AnyRole,
    /// Roles that match one of these.
    Roles(Vec<RolePattern>),
}
