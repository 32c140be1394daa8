//! What one pass saw of an object: its Secrets, its remote account, its own history.

use jiff::Timestamp;

use super::account::Account;
use super::object::ObjectKey;
use super::secret::StoredSecret;
use super::token::{Credential, Introspection, Token};
use crate::api::ServiceAccountCredentialStatus;
use crate::api::credential::OnDelete;
use crate::model::desired::Policy;
use crate::provider::Snapshot;

/// The object as the API server shows it.
#[derive(Clone, Debug)]
pub struct ObjectSeen {
    pub key: ObjectKey,
    pub generation: i64,
    pub created_at: Option<Timestamp>,
    /// Our finalizer is on it.
    pub held: bool,
    pub deleting_since: Option<Timestamp>,
    pub status: ServiceAccountCredentialStatus,
    /// What to do at deletion: readable even when the rest of the spec is not.
    pub policy: Policy,
}

impl ObjectSeen {
    pub fn on_delete(&self) -> OnDelete {
        self.policy.on_delete
    }
}

/// A Secret's place: empty, somebody else's, or ours.
#[derive(Clone, Debug)]
pub enum Slot<T> {
    Missing,
    /// Whose it is, for people.
    Foreign(String),
    Ours(T),
}

impl<T> Slot<T> {
    pub const fn ours(&self) -> Option<&T> {
        match self {
            Self::Ours(value) => Some(value),
            Self::Missing | Self::Foreign(_) => None,
        }
    }
}

/// The true copy of the credential, in the operator's namespace.
#[derive(Clone, Debug)]
pub struct TrueCopy {
    pub stored: StoredSecret,
    pub credential: Credential,
    /// UID of the object's life that wrote it.
    pub uid: String,
    pub tenant_id: String,
    /// When the client was made or last got a new secret, if that is known.
    pub made_at: Option<Timestamp>,
    /// Set when a deletion left the client behind.
    pub retained_at: Option<Timestamp>,
}

/// The place kept for a credential that is about to be made.
#[derive(Clone, Debug)]
pub struct Reservation {
    pub stored: StoredSecret,
    /// When the create was begun.
    pub begun_at: Timestamp,
    /// 1 for the first try.
    pub attempt: u32,
    pub answer: Option<Answer>,
}

/// The credential that the platform answered with.
#[derive(Clone, Debug)]
pub struct Answer {
    pub credential: Credential,
    pub at: Timestamp,
    /// Refused proofs so far.
    pub tries: u32,
    pub tried_at: Option<Timestamp>,
}

/// The published token, without the token itself.
#[derive(Clone, Debug)]
pub struct TokenRecord {
    pub stored: StoredSecret,
    pub client_id: String,
    pub minted_at: Timestamp,
    pub expires_at: Timestamp,
    pub refresh_at: Timestamp,
    /// When it dies if nobody uses it.
    pub idles_at: Option<Timestamp>,
    /// When something happened that may have killed it: the platform is to be asked.
    pub doubted_at: Option<Timestamp>,
    /// The data is what we wrote.
    pub intact: bool,
    /// Fingerprint of the keys and formats with which it was written.
    pub shape: String,
}

/// What the token Secret holds.
#[derive(Clone, Debug)]
pub enum TokenSlot {
    /// No keys: written so, or somebody emptied it.
    Empty(Box<StoredSecret>),
    Token(Box<TokenRecord>),
}

/// The remote account, as far as it is known.
#[derive(Clone, Debug, Default)]
pub struct RemoteSeen {
    /// The view that lists give; None: no list that may be used.
    pub list: Option<ListView>,
    /// The account of the stored credential, from the newest source that may be used.
    pub mine: Option<Account>,
    /// Read by id in this pass, so that it can be written.
    pub snapshot: Option<Snapshot>,
    /// What that read itself showed, where a write of ours is younger and believed instead.
    pub lagging: Option<Account>,
    /// A read by id in this pass found nothing.
    pub absent_now: bool,
    /// In how many sweeps running a read by id found nothing.
    pub misses: u32,
}

/// What a list shows of this object.
#[derive(Clone, Debug)]
pub struct ListView {
    /// When the list's reading began.
    pub taken_at: Timestamp,
    /// Accounts with our marker for this object, oldest first.
    pub marked: Vec<Account>,
    /// Ids of accounts of that name without our marker, at most three.
    pub strangers: Vec<String>,
    /// Lists taken since the reservation was begun.
    pub lists_since_begun: u32,
}

/// What this pass itself came to hold.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// The reservation was written in this pass: nothing has been sent yet.
    pub reserved: bool,
    /// A create or regenerate was answered and is not yet stored.
    pub answer: Option<Answer>,
    /// A token minted in this pass and not yet written.
    pub minted: Option<Minted>,
    /// The reservation's credential was tried in this pass and works.
    pub proven: bool,
    /// The published token was revoked in this pass.
    pub revoked: bool,
    /// Drift that this pass wrote down.
    pub drift_recorded: bool,
    /// Fields this pass wrote.
    pub updated: bool,
    /// The published token was asked for in this pass.
    pub token_checked: Option<TokenCheck>,
}

/// What a look at the published token found.
#[derive(Clone, Debug)]
pub enum TokenCheck {
    Alive(Introspection),
    Dead,
}

/// A token with the moment it was minted.
#[derive(Clone, Debug)]
pub struct Minted {
    pub token: Token,
    pub client_id: String,
    pub at: Timestamp,
    pub introspected: Option<Introspection>,
}

/// Everything one pass saw.
#[derive(Clone, Debug)]
pub struct Seen {
    pub remote: RemoteSeen,
    pub true_copy: Slot<TrueCopy>,
    pub reservation: Slot<Reservation>,
    /// The published credential.
    pub published: Slot<StoredSecret>,
    pub token: Slot<TokenSlot>,
    /// Secrets of ours for this object that the spec no longer names.
    pub stale: Vec<StoredSecret>,
    pub carried: Carried,
}

impl Seen {
    /// The published token, if there is one.
    pub fn token_record(&self) -> Option<&TokenRecord> {
        match self.token.ours()? {
            TokenSlot::Token(record) => Some(record),
            TokenSlot::Empty(_) => None,
        }
    }
}
