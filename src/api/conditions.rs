//! Condition types and reasons, as enums: the words that users see in `kubectl get` and `describe`.

use std::fmt;

/// The conditions of a `ServiceAccountCredential` and of a platform.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ConditionType {
    /// The summary: the published token or credential can be relied upon.
    Ready,
    /// The remote client is as written.
    Synced,
    /// The last authentication with the stored credential succeeded.
    CredentialValid,
    /// The published token is alive and is renewed in time.
    TokenFresh,
    /// The platform's API answers.
    Reachable,
    /// Work is under way or is tried again by itself. Present only while true.
    Reconciling,
    /// A person is needed. Present only while true.
    Stalled,
}

impl ConditionType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Synced => "Synced",
            Self::CredentialValid => "CredentialValid",
            Self::TokenFresh => "TokenFresh",
            Self::Reachable => "Reachable",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }
}

/// Why a condition is as it is: one word for columns and alerts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reason {
    /// All is as written.
    Succeeded,
    /// The first pass, or a change of the spec, is under way.
    Progressing,
    /// Something failed that is tried again by itself.
    ProgressingWithRetry,
    /// The object is being deleted.
    Deleting,
    /// The spec cannot be carried out as written.
    InvalidSpec,
    /// The platform object does not exist.
    PlatformNotFound,
    /// The platform object exists, but its session does not work yet.
    PlatformNotReady,
    /// The platform object does not allow this namespace or role.
    NotAllowed,
    /// Another tenant answers behind the same platform object.
    TenantChanged,
    /// Another object holds the same client, client name or Secret.
    ClaimedByAnother,
    /// A Secret of that name belongs to somebody else.
    SecretNotOurs,
    /// The platform refused.
    Refused,
    /// The platform did not answer, or answered that it could not.
    Unreachable,
    /// The platform asked us to slow down.
    Throttled,
    /// The outcome of a create stayed unknown.
    CreateUnresolved,
    /// A new credential was refused each time it was tried.
    CredentialUnproven,
    /// The stored credential is refused.
    CredentialRefused,
    /// The true copy of the credential is gone.
    CredentialLost,
    /// The remote client was deleted behind our back.
    ClientMissing,
    /// Suspended by the spec.
    Suspended,
    /// Switched off by the spec.
    Disabled,
    /// The vendor disabled the client.
    DisabledByVendor,
    /// A difference appeared.
    DriftDetected,
    /// Another writer keeps setting a field back.
    FightingAnotherWriter,
    /// The remote description carries `keysteward:hold`.
    Held,
    /// The token is expired.
    TokenExpired,
    /// The token is dead before its time.
    TokenDead,
    /// The platform let the unused token die.
    TokenIdledOut,
    /// Tokens live too short to be kept fresh.
    TokenTooShort,
    /// The token should have been renewed by now.
    RefreshLate,
    /// The last renewal failed.
    RefreshFailing,
    /// Not tried yet.
    NotTried,
    /// The credential of the platform object is missing or malformed.
    CredentialMissing,
}

impl Reason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Progressing => "Progressing",
            Self::ProgressingWithRetry => "ProgressingWithRetry",
            Self::Deleting => "Deleting",
            Self::InvalidSpec => "InvalidSpec",
            Self::PlatformNotFound => "PlatformNotFound",
            Self::PlatformNotReady => "PlatformNotReady",
            Self::NotAllowed => "NotAllowed",
            Self::TenantChanged => "TenantChanged",
            Self::ClaimedByAnother => "ClaimedByAnother",
            Self::SecretNotOurs => "SecretNotOurs",
            Self::Refused => "Refused",
            Self::Unreachable => "Unreachable",
            Self::Throttled => "Throttled",
            Self::CreateUnresolved => "CreateUnresolved",
            Self::CredentialUnproven => "CredentialUnproven",
            Self::CredentialRefused => "CredentialRefused",
            Self::CredentialLost => "CredentialLost",
            Self::ClientMissing => "ClientMissing",
            Self::Suspended => "Suspended",
            Self::Disabled => "Disabled",
            Self::DisabledByVendor => "DisabledByVendor",
            Self::DriftDetected => "DriftDetected",
            Self::FightingAnotherWriter => "FightingAnotherWriter",
            Self::Held => "Held",
            Self::TokenExpired => "TokenExpired",
            Self::TokenDead => "TokenDead",
            Self::TokenIdledOut => "TokenIdledOut",
            Self::TokenTooShort => "TokenTooShort",
            Self::RefreshLate => "RefreshLate",
            Self::RefreshFailing => "RefreshFailing",
            Self::NotTried => "NotTried",
            Self::CredentialMissing => "CredentialMissing",
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
