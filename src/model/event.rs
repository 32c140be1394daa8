//! Something that happened, for `kubectl describe`.

/// One event of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    pub severity: Severity,
    /// One `CamelCase` word.
    pub reason: String,
    /// What was done, one `CamelCase` word.
    pub action: String,
    pub note: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    Normal,
    Warning,
}
