//! The names under which the quickstart makes things.
//!
//! Enters: whose cluster it is. Leaves: names. On a cluster of others every name is new, so that nothing of theirs is met.

/// Names of what is made.
#[derive(Debug)]
pub(crate) struct Place {
    suffix: String,
    /// Begins the names of roles and bindings.
    pub(crate) roles: String,
}

/// The operator's `ServiceAccount`.
pub(crate) const SERVICE_ACCOUNT: &str = "keysteward";

impl Place {
    /// The names of the examples: nobody else is there.
    pub(crate) fn of_our_own() -> Self {
        Self { suffix: String::new(), roles: "keysteward".to_owned() }
    }

    /// Names that nobody else uses.
    pub(crate) fn among_others() -> Self {
        let random = keysteward_testbed::unique_name("quickstart");
        // Short enough for a table: six of the ten random letters and digits.
        let suffix = format!("-{}", &random[random.len() - 6..]);
        let roles = format!("keysteward-quickstart{suffix}");
        Self { suffix, roles }
    }

    /// The namespace, or the name of the `ClusterPlatform`, that stands for the one of the examples.
    pub(crate) fn of(&self, name: &str) -> String {
        format!("{name}{}", self.suffix)
    }

    /// The operator's namespace.
    pub(crate) fn system(&self) -> String {
        self.of("keysteward-system")
    }
}
