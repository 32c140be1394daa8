//! What a remote call that did not succeed means: did it happen?

use std::fmt;

use jiff::SignedDuration;

/// A remote call that did not succeed, by its effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// It did not happen: the request never left.
    NotSent(Trouble),
    /// Perhaps it happened: no answer, an unreadable answer, or any 5xx.
    Unknown(Trouble),
    /// It did not happen, and the platform said why.
    Refused(Refusal),
}

/// A call without a usable answer. `text` is a redacted sentence: what was tried, what came, what to check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trouble {
    pub kind: TroubleKind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TroubleKind {
    /// No connection: name, route, port or TLS.
    Connect,
    /// No answer in time, or the connection broke.
    NoAnswer,
    /// An answer that cannot be read as what was asked for.
    Garbled,
    /// The platform said that it could not (5xx).
    Server(u16),
    /// Our own budget or session does not allow the call now.
    Withheld,
}

/// A refusal in the platform's own words.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub kind: RefusalKind,
    /// What was tried, for people: `update client 1f…`, `mint a token for client 1f…`.
    pub tried: String,
    /// HTTP status.
    pub status: u16,
    /// The platform's error code.
    pub code: Option<String>,
    /// The platform's description, at most 200 characters, redacted.
    pub message: String,
    /// What its support asks for.
    pub correlation_id: Option<String>,
    /// How long it asked us to wait.
    pub retry_after: Option<SignedDuration>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalKind {
    /// Whoever called is not accepted.
    Unauthorized,
    /// Whoever called is known but may not do this.
    Forbidden,
    NotFound,
    /// Somebody else wrote in between.
    Conflict,
    /// Too many requests, whatever the status: 429, or 400 at Genesys Cloud's token endpoint.
    Throttled,
    /// The request itself is refused.
    Invalid,
}

impl Fault {
    /// How long the platform asked us to wait, if it did.
    pub fn retry_after(&self) -> Option<SignedDuration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            Self::NotSent(_) | Self::Unknown(_) => None,
        }
    }

    /// The kind of refusal, if it is one.
    pub fn refusal(&self) -> Option<RefusalKind> {
        match self {
            Self::Refused(refusal) => Some(refusal.kind),
            Self::NotSent(_) | Self::Unknown(_) => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(trouble) | Self::Unknown(trouble) => f.write_str(&trouble.text),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: the platform answered {}", self.tried, self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if !self.message.is_empty() {
            write!(f, " \"{}\"", self.message)?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
