//! How our Secrets are laid out: names, labels, annotations and keys, written and read in one place.

mod reading;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

pub use self::reading::{credential_in, published_agrees, published_intact, token_in};
use crate::api::credential::{TokenKey, TokenSource};
use crate::model::desired::TokenWish;
use crate::model::object::ObjectKey;
use crate::model::platform::Addresses;
use crate::model::secret::SecretManifest;
use crate::model::secret_text::SecretText;
use crate::model::seen::{Answer, Minted, Reservation, TokenRecord};
use crate::model::token::Credential;

/// Selects all Secrets of ours.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "keysteward");
/// Which Keysteward wrote it.
pub const OWNER: &str = "keysteward.dev/owner";
/// Fingerprint of namespace and name of the object; both may be longer than a label value.
pub const OBJECT: &str = "keysteward.dev/object";
/// What the Secret is for.
pub const ROLE: &str = "keysteward.dev/role";

const NAMESPACE: &str = "keysteward.dev/namespace";
const NAME: &str = "keysteward.dev/name";
const UID: &str = "keysteward.dev/uid";
/// When the client was made or last got a new secret.
const MADE_AT: &str = "keysteward.dev/made-at";
const TENANT: &str = "keysteward.dev/tenant-id";
/// Name of the client of a retained credential.
pub const CLIENT_NAME: &str = "keysteward.dev/client-name";
/// When a deletion left the client behind.
pub const RETAINED_AT: &str = "keysteward.dev/retained-at";
const BEGUN_AT: &str = "keysteward.dev/create-begun-at";
const ATTEMPT: &str = "keysteward.dev/create-attempt";
const ANSWERED_AT: &str = "keysteward.dev/create-answered-at";
const TRIES: &str = "keysteward.dev/refused-proofs";
const TRIED_AT: &str = "keysteward.dev/refused-proof-at";
const CLIENT_ID: &str = "keysteward.dev/client-id";
const CREDENTIAL_HASH: &str = "keysteward.dev/credential-hash";
const MINTED_AT: &str = "keysteward.dev/minted-at";
const EXPIRES_AT: &str = "keysteward.dev/expires-at";
/// When the token is to be renewed: what the watchdog reads.
pub const REFRESH_AT: &str = "keysteward.dev/refresh-at";
const IDLES_AT: &str = "keysteward.dev/idles-at";
const DOUBTED_AT: &str = "keysteward.dev/doubted-at";
const DATA_HASH: &str = "keysteward.dev/data-hash";
const SHAPE: &str = "keysteward.dev/shape";

/// Keys of a credential, as input and as published.
pub const KEY_CLIENT_ID: &str = "client_id";
pub const KEY_CLIENT_SECRET: &str = "client_secret";

/// What a Secret of ours is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    TrueCopy,
    Reservation,
    Credential,
    Token,
}

impl Purpose {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrueCopy => "true-copy",
            Self::Reservation => "reservation",
            Self::Credential => "credential",
            Self::Token => "token",
        }
    }
}

/// Whose Secrets, and where the true copies are.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    pub owner: &'a str,
    pub operator_namespace: &'a str,
    pub object: &'a ObjectKey,
}

/// Name of the true copy. By namespace and name rather than by UID, so that an object applied again finds the
/// credential that its earlier life left; a namespace has no dot, so no two objects share a name.
pub fn true_copy_name(object: &ObjectKey) -> String {
    format!("credential.{}.{}", object.namespace, object.name)
}

/// Name of the place kept beside the true copy.
pub fn reservation_name(object: &ObjectKey) -> String {
    format!("credential-next.{}.{}", object.namespace, object.name)
}

/// Label value that stands for an object whatever its life.
pub fn object_label(namespace: &str, name: &str) -> String {
    fingerprint(&[namespace, name])
}

/// Label value that stands for an owner id: itself where a label can hold it.
pub fn owner_label(owner: &str) -> String {
    let plain = owner.len() <= 63
        && owner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && owner.starts_with(|c: char| c.is_ascii_alphanumeric())
        && owner.ends_with(|c: char| c.is_ascii_alphanumeric());
    if plain { owner.to_owned() } else { fingerprint(&[owner]) }
}

/// Namespace and name of the object for which a Secret of ours was written.
pub fn object_of(annotations: &BTreeMap<String, String>) -> Option<(&str, &str)> {
    Some((annotations.get(NAMESPACE)?.as_str(), annotations.get(NAME)?.as_str()))
}

impl Place<'_> {
    fn labels(&self, purpose: Purpose) -> BTreeMap<String, String> {
        BTreeMap::from([
            (MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned()),
            (OWNER.to_owned(), owner_label(self.owner)),
            (OBJECT.to_owned(), object_label(&self.object.namespace, &self.object.name)),
            (ROLE.to_owned(), purpose.as_str().to_owned()),
        ])
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            (NAMESPACE.to_owned(), self.object.namespace.clone()),
            (NAME.to_owned(), self.object.name.clone()),
            (UID.to_owned(), self.object.uid.clone()),
        ])
    }

    fn central(&self, purpose: Purpose, name: String) -> SecretManifest {
        SecretManifest {
            namespace: self.operator_namespace.to_owned(),
            name,
            labels: self.labels(purpose),
            annotations: self.annotations(),
            controller: None,
            data: BTreeMap::new(),
        }
    }

    fn beside_the_object(&self, purpose: Purpose, name: &str) -> SecretManifest {
        SecretManifest {
            namespace: self.object.namespace.clone(),
            name: name.to_owned(),
            labels: self.labels(purpose),
            annotations: self.annotations(),
            controller: Some(self.object.clone()),
            data: BTreeMap::new(),
        }
    }

    /// A place for the credential that is about to be made.
    pub fn reservation(&self, begun_at: Timestamp, attempt: u32) -> SecretManifest {
        let mut manifest = self.central(Purpose::Reservation, reservation_name(self.object));
        manifest.annotations.insert(BEGUN_AT.into(), begun_at.to_string());
        manifest.annotations.insert(ATTEMPT.into(), attempt.to_string());
        manifest
    }

    /// The reservation with the platform's answer in it.
    pub fn answered(&self, reservation: &Reservation, answer: &Answer) -> SecretManifest {
        let mut manifest = self.reservation(reservation.begun_at, reservation.attempt);
        manifest.annotations.insert(ANSWERED_AT.into(), answer.at.to_string());
        if answer.tries > 0 {
            manifest.annotations.insert(TRIES.into(), answer.tries.to_string());
        }
        if let Some(at) = answer.tried_at {
            manifest.annotations.insert(TRIED_AT.into(), at.to_string());
        }
        manifest.data = credential_data(&answer.credential);
        manifest
    }

    /// The one true copy of a credential.
    pub fn true_copy(
        &self,
        credential: &Credential,
        tenant_id: &str,
        client_name: &str,
        made_at: Option<Timestamp>,
        retained_at: Option<Timestamp>,
    ) -> SecretManifest {
        let mut manifest = self.central(Purpose::TrueCopy, true_copy_name(self.object));
        if let Some(at) = made_at {
            manifest.annotations.insert(MADE_AT.into(), at.to_string());
        }
        manifest.annotations.insert(TENANT.into(), tenant_id.to_owned());
        manifest.annotations.insert(CLIENT_ID.into(), credential.client_id.clone());
        manifest.annotations.insert(CLIENT_NAME.into(), client_name.to_owned());
        if let Some(at) = retained_at {
            manifest.annotations.insert(RETAINED_AT.into(), at.to_string());
            manifest.labels.insert("keysteward.dev/retained".into(), "true".into());
        }
        manifest.data = credential_data(credential);
        manifest
    }

    /// The published copy of a credential.
    pub fn published(&self, name: &str, credential: &Credential) -> SecretManifest {
        let mut manifest = self.beside_the_object(Purpose::Credential, name);
        manifest.annotations.insert(CLIENT_ID.into(), credential.client_id.clone());
        // Restart-on-change tools watch this; a token refresh must not look like a rotation.
        manifest.annotations.insert(CREDENTIAL_HASH.into(), credential_hash(credential));
        manifest.data = credential_data(credential);
        manifest
    }

    /// The published token.
    pub fn token(
        &self,
        wish: &TokenWish,
        minted: &Minted,
        refresh_at: Timestamp,
        addresses: &Addresses,
    ) -> SecretManifest {
        let mut manifest = self.beside_the_object(Purpose::Token, &wish.secret_name);
        let expires_at =
            minted.at.saturating_add(minted.token.expires_in).unwrap_or(Timestamp::MAX);
        let notes = &mut manifest.annotations;
        notes.insert(CLIENT_ID.into(), minted.client_id.clone());
        notes.insert(MINTED_AT.into(), minted.at.to_string());
        notes.insert(EXPIRES_AT.into(), expires_at.to_string());
        notes.insert(REFRESH_AT.into(), refresh_at.to_string());
        if let Some(at) = minted.introspected.as_ref().and_then(|seen| seen.idles_at) {
            notes.insert(IDLES_AT.into(), at.to_string());
        }
        notes.insert(SHAPE.into(), shape(wish, addresses));
        manifest.data = token_keys(wish)
            .iter()
            .map(|key| (key.key.clone(), token_value(key, minted, expires_at, addresses)))
            .collect();
        manifest.annotations.insert(DATA_HASH.into(), data_hash(&manifest.data));
        manifest
    }

    /// The token's Secret with a note that the token may be dead, or without it; the token stays for those who can still
    /// use it.
    pub fn doubted(&self, record: &TokenRecord, at: Option<Timestamp>) -> SecretManifest {
        let mut manifest = self.beside_the_object(Purpose::Token, &record.stored.name);
        manifest.annotations.extend(
            record
                .stored
                .annotations
                .iter()
                .filter(|(key, _)| key.starts_with("keysteward.dev/"))
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        match at {
            Some(at) => {
                manifest.annotations.insert(DOUBTED_AT.into(), whole_seconds(at).to_string())
            }
            None => manifest.annotations.remove(DOUBTED_AT),
        };
        manifest.data.clone_from(&record.stored.data);
        manifest
    }

    /// The token's Secret without a token.
    pub fn cleared(&self, name: &str) -> SecretManifest {
        self.beside_the_object(Purpose::Token, name)
    }
}

/// Fingerprint of the keys and formats that a token's Secret should have.
pub fn shape(wish: &TokenWish, addresses: &Addresses) -> String {
    let keys = token_keys(wish);
    let mut parts: Vec<String> =
        vec![addresses.region.clone(), addresses.api.clone(), addresses.login.clone()];
    for TokenKey { key, from, format } in &keys {
        parts.push(format!("{key}={from:?}:{}", format.as_deref().unwrap_or("")));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    fingerprint(&parts)
}

/// The keys of a token's Secret: as the spec says, else those that the platform's own tools read.
// Source: environment names of the vendor's Terraform provider and CLI (research: genesys §8).
fn token_keys(wish: &TokenWish) -> Vec<TokenKey> {
    if !wish.data.is_empty() {
        return wish.data.clone();
    }
    let key = |key: &str, from| TokenKey { key: key.into(), from, format: None };
    vec![
        key("GENESYSCLOUD_ACCESS_TOKEN", TokenSource::AccessToken),
        key("GENESYSCLOUD_REGION", TokenSource::Region),
    ]
}

fn token_value(
    key: &TokenKey,
    minted: &Minted,
    expires_at: Timestamp,
    addresses: &Addresses,
) -> SecretText {
    let value = match key.from {
        TokenSource::AccessToken => minted.token.access_token.reveal().to_owned(),
        TokenSource::TokenType => minted.token.token_type.clone(),
        TokenSource::ExpiresAt => expires_at.to_string(),
        TokenSource::Region => addresses.region.clone(),
        TokenSource::ApiUrl => addresses.api.clone(),
        TokenSource::LoginUrl => addresses.login.clone(),
    };
    SecretText::new(match &key.format {
        Some(format) => format.replacen("{}", &value, 1),
        None => value,
    })
}

fn credential_data(credential: &Credential) -> BTreeMap<String, SecretText> {
    BTreeMap::from([
        (KEY_CLIENT_ID.to_owned(), SecretText::new(credential.client_id.clone())),
        (KEY_CLIENT_SECRET.to_owned(), credential.client_secret.clone()),
    ])
}

fn credential_hash(credential: &Credential) -> String {
    fingerprint(&[&credential.client_id, credential.client_secret.reveal()])
}

fn data_hash(data: &BTreeMap<String, SecretText>) -> String {
    let parts: Vec<&str> =
        data.iter().flat_map(|(key, value)| [key.as_str(), value.reveal()]).collect();
    fingerprint(&parts)
}

/// 128 bits of SHA-256 in hexadecimal; the parts are kept apart by their lengths.
fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()[..16].iter().fold(String::with_capacity(32), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
        text
    })
}

/// A moment without fractions: what is stored and shown needs none, and two renderings of it agree.
pub fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// `at` plus a span, at the end of time at the latest.
pub fn after(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_add(span).unwrap_or(Timestamp::MAX)
}
