//! One thing to do, and what a pass came to.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::account::{AccountId, Field, Wish};
use super::fault::Fault;
use crate::api::conditions::Reason;
use crate::api::credential_status::DriftStatus;

/// One thing to do. Each is safe to die after: the next pass sees what it did.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Put our finalizer on the object.
    Hold,
    /// Keep a place for the credential that is about to be made, by a plain create.
    Reserve {
        attempt: u32,
    },
    /// Make the account.
    Create(Box<Wish>),
    /// Give an account of ours, whose secret nobody can hold, a new one.
    Regenerate(AccountId),
    /// Store the answer of a create or regenerate in the reservation: the only copy.
    StoreAnswer,
    /// Try the reserved credential.
    Prove,
    /// The reserved credential becomes the true copy.
    Promote,
    /// The reservation has done its work.
    DropReservation,
    /// The true copy of an earlier life becomes this object's.
    TakeBack,
    /// Restore the true copy from the published one.
    Restore,
    /// Read the account by id.
    Read(AccountId),
    /// Write down what differs before it is corrected.
    RecordDrift(Box<DriftStatus>),
    /// Set these fields as wished.
    Update(Box<Wish>, BTreeSet<Field>),
    /// Switch an account of ours off.
    SwitchOff(AccountId),
    /// Delete an account of ours.
    Delete(AccountId),
    /// The client of the true copy is gone for good: forget it.
    Forget,
    /// Write the published credential.
    Publish,
    /// Delete a Secret of ours.
    DeleteSecret(String),
    /// Note on the token's Secret that the token may be dead.
    DoubtToken,
    /// Ask the platform about the published token.
    CheckToken,
    /// The published token lives: take the note off its Secret.
    TrustToken,
    Mint,
    /// Ask the platform about the token just minted.
    Introspect,
    WriteToken,
    RevokeToken,
    /// Take the keys out of the token's Secret.
    ClearToken,
    /// Mark the true copy as left behind.
    Retain,
    /// Take our finalizer off the object.
    Release,
}

impl Step {
    /// What is tried, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Hold => "add the finalizer".into(),
            Self::Reserve { .. } => "reserve a place for the new credential".into(),
            Self::Create(wish) => format!("create client {:?}", wish.settings.name),
            Self::Regenerate(id) => format!("give client {id} a new secret"),
            Self::StoreAnswer => "store the new credential".into(),
            Self::Prove => "try the new credential".into(),
            Self::Promote => "keep the new credential".into(),
            Self::DropReservation => "remove the reservation".into(),
            Self::TakeBack => "take the retained credential back".into(),
            Self::Restore => "restore the true copy of the credential".into(),
            Self::Read(id) => format!("read client {id}"),
            Self::RecordDrift(_) => "record the drift".into(),
            Self::Update(_, fields) => {
                let names: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
                format!("set {}", names.join(", "))
            }
            Self::SwitchOff(id) => format!("switch client {id} off"),
            Self::Delete(id) => format!("delete client {id}"),
            Self::Forget => "forget the credential of the missing client".into(),
            Self::Publish => "publish the credential".into(),
            Self::DeleteSecret(name) => format!("delete Secret {name}"),
            Self::DoubtToken => "note that the token may be dead".into(),
            Self::CheckToken | Self::Introspect => "ask the platform about the token".into(),
            Self::TrustToken => "note that the token lives".into(),
            Self::Mint => "mint a token".into(),
            Self::WriteToken => "publish the token".into(),
            Self::RevokeToken => "revoke the token".into(),
            Self::ClearToken => "remove the token".into(),
            Self::Retain => "keep the credential of the retained client".into(),
            Self::Release => "remove the finalizer".into(),
        }
    }

    /// Whether it asks or changes the platform.
    pub const fn is_remote(&self) -> bool {
        self.is_remote_write()
            || matches!(
                self,
                Self::Prove | Self::Read(_) | Self::CheckToken | Self::Mint | Self::Introspect
            )
    }

    /// Whether it changes something on the platform.
    pub const fn is_remote_write(&self) -> bool {
        matches!(
            self,
            Self::Create(_)
                | Self::Regenerate(_)
                | Self::Update(..)
                | Self::SwitchOff(_)
                | Self::Delete(_)
                | Self::RevokeToken
        )
    }
}

/// Where one of the two halves of a pass stands: the account's configuration, or its Secrets.
#[derive(Clone, Debug, PartialEq)]
pub enum Lane<T> {
    Do(Step),
    Settled(T),
    Wait(Wait),
    /// A person is needed.
    Stuck(Stuck),
}

/// Nothing to do before a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    pub reason: Reason,
    pub message: String,
    pub until: Timestamp,
    pub wants: Wants,
}

/// What a wait would be shortened by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wants {
    Time,
    /// A new list of accounts.
    List,
    /// A new catalog of names.
    Catalog,
}

/// A person is needed; looked at again when anything changes, and each sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Stuck {
    pub reason: Reason,
    pub message: String,
}

/// How the account's configuration stands when there is nothing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Config {
    Synced,
    /// Suspended by the spec.
    Suspended,
    /// Switched off as the spec says. The flag: there is a client.
    Off,
    /// Differences that are only reported.
    Reported {
        message: String,
    },
    /// Fields that somebody else keeps setting back.
    Fighting {
        message: String,
    },
    /// `keysteward:hold` in the description.
    Held {
        message: String,
        differs: bool,
    },
    /// Disabled by the vendor.
    Vendor {
        message: String,
    },
    /// The object has gone, or may go.
    Released,
}

/// How the Secrets stand when there is nothing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Upkeep {
    /// No token is asked for, or there is nothing yet to mint it with.
    Idle,
    Fresh {
        refresh_at: Timestamp,
    },
    /// Switched off by the spec.
    Off,
    /// The token is dead and minting another is forbidden or pointless.
    Dead {
        reason: Reason,
        message: String,
    },
}

/// A step that did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub step: Step,
    pub because: Because,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Because {
    Platform(Fault),
    Cluster(crate::kubernetes::Error),
    /// This process is no longer the leader, or is shutting down.
    NotLeading,
}

/// What a pass came to: both lanes at rest, and what was done on the way.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub config: Lane<Config>,
    pub upkeep: Lane<Upkeep>,
    pub config_failure: Option<Failure>,
    pub upkeep_failure: Option<Failure>,
    pub done: Vec<Step>,
}
