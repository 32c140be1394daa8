//! Reads our Secrets back: whose a Secret is, and what it says.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    ANSWERED_AT, ATTEMPT, BEGUN_AT, CLIENT_ID, CREDENTIAL_HASH, DATA_HASH, DOUBTED_AT, EXPIRES_AT,
    IDLES_AT, KEY_CLIENT_ID, KEY_CLIENT_SECRET, MADE_AT, MANAGED_BY, MINTED_AT, OWNER, Place,
    REFRESH_AT, RETAINED_AT, SHAPE, TENANT, TRIED_AT, TRIES, UID, credential_hash, data_hash,
    object_of, owner_label, token_keys,
};
use crate::api::credential::{TokenKey, TokenSource};
use crate::model::desired::TokenWish;
use crate::model::secret::{SecretManifest, StoredSecret};
use crate::model::secret_text::SecretText;
use crate::model::seen::{Answer, Reservation, Slot, TokenRecord, TokenSlot, TrueCopy};
use crate::model::token::Credential;

impl Place<'_> {
    /// Whether a Secret is ours: controlled by this very object, or labelled for this object by this Keysteward.
    pub fn owns(&self, stored: &StoredSecret) -> bool {
        if let Some(controller) = &stored.controller
            && controller.uid == self.object.uid
        {
            return true;
        }
        stored.labels.get(MANAGED_BY.0).is_some_and(|by| by == MANAGED_BY.1)
            && stored.labels.get(OWNER).is_some_and(|owner| *owner == owner_label(self.owner))
            && object_of(&stored.annotations)
                == Some((self.object.namespace.as_str(), self.object.name.as_str()))
    }

    fn slot(&self, stored: Option<StoredSecret>) -> Slot<StoredSecret> {
        match stored {
            None => Slot::Missing,
            Some(stored) if self.owns(&stored) => Slot::Ours(stored),
            Some(stored) => Slot::Foreign(whose(&stored)),
        }
    }

    /// Reads the true copy. One without its two keys is no credential: it counts as missing.
    pub fn read_true_copy(&self, stored: Option<StoredSecret>) -> Slot<TrueCopy> {
        match self.slot(stored) {
            Slot::Missing => Slot::Missing,
            Slot::Foreign(whose) => Slot::Foreign(whose),
            Slot::Ours(stored) => match credential_in(&stored.data) {
                None => Slot::Foreign(format!(
                    "Secret {}/{} has lost its keys {KEY_CLIENT_ID} and {KEY_CLIENT_SECRET}; restore them, or delete it",
                    stored.namespace, stored.name
                )),
                Some(credential) => Slot::Ours(TrueCopy {
                    credential,
                    uid: stored.annotations.get(UID).cloned().unwrap_or_default(),
                    tenant_id: stored.annotations.get(TENANT).cloned().unwrap_or_default(),
                    made_at: time(&stored.annotations, MADE_AT),
                    retained_at: time(&stored.annotations, RETAINED_AT),
                    stored,
                }),
            },
        }
    }

    /// Reads the reservation. One whose notes are damaged counts as begun `now`: it is then looked for once more.
    pub fn read_reservation(
        &self,
        stored: Option<StoredSecret>,
        now: Timestamp,
    ) -> Slot<Reservation> {
        match self.slot(stored) {
            Slot::Missing => Slot::Missing,
            Slot::Foreign(whose) => Slot::Foreign(whose),
            Slot::Ours(stored) => {
                let notes = &stored.annotations;
                let answer = credential_in(&stored.data).map(|credential| Answer {
                    credential,
                    at: time(notes, ANSWERED_AT).unwrap_or(now),
                    tries: number(notes, TRIES).unwrap_or(0),
                    tried_at: time(notes, TRIED_AT),
                });
                Slot::Ours(Reservation {
                    begun_at: time(notes, BEGUN_AT).unwrap_or(now),
                    attempt: number(notes, ATTEMPT).unwrap_or(1),
                    answer,
                    stored,
                })
            }
        }
    }

    /// Reads the published credential.
    pub fn read_published(&self, stored: Option<StoredSecret>) -> Slot<StoredSecret> {
        self.slot(stored)
    }

    /// Reads the token's Secret.
    pub fn read_token(&self, stored: Option<StoredSecret>) -> Slot<TokenSlot> {
        match self.slot(stored) {
            Slot::Missing => Slot::Missing,
            Slot::Foreign(whose) => Slot::Foreign(whose),
            Slot::Ours(stored) => Slot::Ours(match token_record(&stored) {
                Some(record) => TokenSlot::Token(Box::new(record)),
                None => TokenSlot::Empty(Box::new(stored)),
            }),
        }
    }
}

/// Whether the published copy holds just this credential and stands under this object's name.
pub fn published_agrees(stored: &StoredSecret, manifest: &SecretManifest) -> bool {
    stored.data == manifest.data
        && manifest.labels.iter().all(|(key, value)| stored.labels.get(key) == Some(value))
        && manifest
            .annotations
            .iter()
            .all(|(key, value)| stored.annotations.get(key) == Some(value))
        && stored.controller.as_ref().map(|c| &c.uid)
            == manifest.controller.as_ref().map(|c| &c.uid)
}

/// Whether a published copy is what we wrote there, whatever the spec says now.
pub fn published_intact(stored: &StoredSecret) -> bool {
    credential_in(&stored.data).is_some_and(|credential| {
        stored.annotations.get(CREDENTIAL_HASH) == Some(&credential_hash(&credential))
    })
}

/// The credential in a Secret's data.
pub fn credential_in(data: &BTreeMap<String, SecretText>) -> Option<Credential> {
    let client_id = data.get(KEY_CLIENT_ID)?.reveal();
    let client_secret = data.get(KEY_CLIENT_SECRET)?;
    if client_id.is_empty() || client_secret.reveal().is_empty() {
        return None;
    }
    Some(Credential { client_id: client_id.to_owned(), client_secret: client_secret.clone() })
}

/// The access token in a Secret of ours, whatever text stands around it.
pub fn token_in(
    data: &BTreeMap<String, SecretText>,
    wish: Option<&TokenWish>,
) -> Option<SecretText> {
    let keys = match wish {
        Some(wish) => token_keys(wish),
        None => vec![TokenKey {
            key: "GENESYSCLOUD_ACCESS_TOKEN".into(),
            from: TokenSource::AccessToken,
            format: None,
        }],
    };
    let key = keys.iter().find(|key| key.from == TokenSource::AccessToken)?;
    let text = data.get(&key.key)?.reveal();
    let (before, after) = key.format.as_deref().unwrap_or("{}").split_once("{}")?;
    Some(SecretText::new(text.strip_prefix(before)?.strip_suffix(after)?))
}

fn token_record(stored: &StoredSecret) -> Option<TokenRecord> {
    if stored.data.is_empty() {
        return None;
    }
    let notes = &stored.annotations;
    Some(TokenRecord {
        client_id: notes.get(CLIENT_ID)?.clone(),
        minted_at: time(notes, MINTED_AT)?,
        expires_at: time(notes, EXPIRES_AT)?,
        refresh_at: time(notes, REFRESH_AT)?,
        idles_at: time(notes, IDLES_AT),
        doubted_at: time(notes, DOUBTED_AT),
        intact: notes.get(DATA_HASH).is_some_and(|hash| *hash == data_hash(&stored.data)),
        shape: notes.get(SHAPE)?.clone(),
        stored: stored.clone(),
    })
}

fn whose(stored: &StoredSecret) -> String {
    let by = match (&stored.controller, stored.labels.get(MANAGED_BY.0)) {
        (Some(controller), _) => format!("{} {}", controller.kind, controller.name),
        (None, Some(tool)) => tool.clone(),
        (None, None) => "somebody else".to_owned(),
    };
    match object_of(&stored.annotations) {
        Some((namespace, name)) => format!("{by} (for {namespace}/{name})"),
        None => by,
    }
}

fn time(notes: &BTreeMap<String, String>, key: &str) -> Option<Timestamp> {
    notes.get(key)?.parse().ok()
}

fn number(notes: &BTreeMap<String, String>, key: &str) -> Option<u32> {
    notes.get(key)?.parse().ok()
}
