//! The store of OAuth clients: what enters are writes and how long each stays unseen by whom.
//! What leaves are the client as the list, a read by id or the token endpoint sees it now, and the truth.
//! It may not check who writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::client::{Client, ClientState};
use crate::clock::later;
use crate::secret::SecretText;
use crate::settings::Lag;

/// One client's history as far as somebody still sees it.
#[derive(Debug)]
pub(crate) struct Record {
    id: Arc<str>,
    /// None once it is deleted.
    current: Option<Arc<Client>>,
    secret: SecretText,
    /// The secret before, and until when it still mints.
    old_secret: Option<(SecretText, Timestamp)>,
    past: Vec<Past>,
    /// Tokens of an earlier generation are dead.
    pub generation: u32,
    pub secrets_issued: u64,
}

/// What was true before a write, and how long each reader still takes it for true.
#[derive(Debug)]
struct Past {
    client: Option<Arc<Client>>,
    secret: SecretText,
    listed_until: Timestamp,
    read_until: Timestamp,
    known_until: Timestamp,
    poisoned: bool,
}

impl Past {
    fn last(&self) -> Timestamp {
        self.listed_until.max(self.read_until).max(self.known_until)
    }
}

/// A client as the token endpoint knows it.
#[derive(Debug)]
pub(crate) struct Known {
    pub client: Arc<Client>,
    pub secret: SecretText,
    pub old_secret: Option<SecretText>,
}

/// All clients in the order of their creation.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    records: BTreeMap<u64, Record>,
    by_id: HashMap<Arc<str>, u64>,
    next: u64,
    /// When a record has to be looked at again: a planned deletion, or the end of a tombstone.
    due: BTreeSet<(Timestamp, u64)>,
    list: Option<CachedList>,
    /// Every secret that a client ever had, for those who look whether one leaked.
    secrets: Vec<SecretText>,
}

#[derive(Debug)]
struct CachedList {
    body: Bytes,
    valid_until: Timestamp,
}

impl Clients {
    /// Whether there are this many clients or more in truth.
    pub(crate) fn reach(&self, number: usize) -> bool {
        // Records of deleted clients linger, so only a full store has to be counted.
        self.records.len() >= number && self.all().count() >= number
    }

    /// The client in truth.
    pub(crate) fn truth(&self, id: &str) -> Option<&Arc<Client>> {
        self.record(id)?.current.as_ref()
    }

    /// Every secret that a client ever had.
    pub(crate) fn secrets(&self) -> &[SecretText] {
        &self.secrets
    }

    pub(crate) fn record(&self, id: &str) -> Option<&Record> {
        self.records.get(self.by_id.get(id)?)
    }

    /// Every client in truth.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Arc<Client>, &Record)> {
        self.records.values().filter_map(|record| Some((record.current.as_ref()?, record)))
    }

    pub(crate) fn create(&mut self, client: Client, secret: SecretText, lag: Lag, now: Timestamp) {
        let sequence = self.next;
        self.next += 1;
        self.by_id.insert(Arc::clone(&client.id), sequence);
        self.secrets.push(secret.clone());
        let mut record = Record {
            id: Arc::clone(&client.id),
            current: None,
            secret,
            old_secret: None,
            past: Vec::new(),
            generation: 0,
            secrets_issued: 1,
        };
        record.supersede(lag, now);
        record.current = Some(Arc::new(client));
        self.records.insert(sequence, record);
        self.wrote(sequence);
    }

    /// Puts another version in the client's place.
    pub(crate) fn change(&mut self, client: Client, lag: Lag, now: Timestamp) {
        let Some(&sequence) = self.by_id.get(&client.id) else {
            return;
        };
        if let Some(record) = self.records.get_mut(&sequence) {
            record.supersede(lag, now);
            record.current = Some(Arc::new(client));
        }
        self.wrote(sequence);
    }

    /// Puts another secret in the client's place; the old one mints for `grace` longer.
    pub(crate) fn replace_secret(
        &mut self,
        client: Client,
        secret: SecretText,
        lag: Lag,
        grace: SignedDuration,
        now: Timestamp,
    ) {
        let Some(&sequence) = self.by_id.get(&client.id) else {
            return;
        };
        if let Some(record) = self.records.get_mut(&sequence) {
            record.supersede(lag, now);
            record.current = Some(Arc::new(client));
            self.secrets.push(secret.clone());
            let old = std::mem::replace(&mut record.secret, secret);
            record.old_secret = grace.is_positive().then(|| (old, later(now, grace)));
            record.secrets_issued += 1;
        }
        self.wrote(sequence);
    }

    /// Makes every token of the client that exists now worthless.
    pub(crate) fn end_tokens(&mut self, id: &str) {
        if let Some(record) = self.by_id.get(id).and_then(|sequence| self.records.get_mut(sequence))
        {
            record.generation += 1;
        }
    }

    pub(crate) fn delete(&mut self, id: &str, lag: Lag, now: Timestamp) {
        let Some(&sequence) = self.by_id.get(id) else {
            return;
        };
        if let Some(record) = self.records.get_mut(&sequence) {
            record.supersede(lag, now);
            record.current = None;
            let until = record.past.iter().map(Past::last).max().unwrap_or(now);
            self.due.insert((until, sequence));
        }
        self.wrote(sequence);
    }

    /// The client as a read by id sees it.
    pub(crate) fn read(&mut self, id: &str, now: Timestamp) -> Option<Arc<Client>> {
        self.settle(now);
        self.record(id)?.seen(now, |past| past.read_until).cloned()
    }

    /// The client as the token endpoint knows it; asking too early may keep its view old for `poison` longer.
    pub(crate) fn known(
        &mut self,
        id: &str,
        poison: SignedDuration,
        now: Timestamp,
    ) -> Option<Known> {
        self.settle(now);
        let record = self.records.get_mut(self.by_id.get(id)?)?;
        let Some(past) = record.past.iter_mut().find(|past| past.known_until > now) else {
            return Some(Known {
                client: record.current.clone()?,
                secret: record.secret.clone(),
                old_secret: record
                    .old_secret
                    .as_ref()
                    .filter(|(_, until)| *until > now)
                    .map(|(secret, _)| secret.clone()),
            });
        };
        if poison.is_positive() && !past.poisoned {
            past.poisoned = true;
            past.known_until = past.known_until.max(later(now, poison));
        }
        Some(Known { client: past.client.clone()?, secret: past.secret.clone(), old_secret: None })
    }

    /// The list's answer from an earlier request, if nothing has changed since.
    pub(crate) fn cached_list(&mut self, now: Timestamp) -> Option<Bytes> {
        self.settle(now);
        let cached = self.list.as_ref().filter(|cached| now < cached.valid_until)?;
        Some(cached.body.clone())
    }

    pub(crate) fn cache_list(&mut self, body: Bytes, valid_until: Timestamp) {
        self.list = Some(CachedList { body, valid_until });
    }

    /// The clients that the list shows, and until when it shows these.
    pub(crate) fn listed(&mut self, now: Timestamp) -> (Vec<Arc<Client>>, Timestamp) {
        self.settle(now);
        let mut until = self.due.first().map_or(Timestamp::MAX, |(at, _)| *at);
        let mut clients = Vec::with_capacity(self.records.len());
        for record in self.records.values() {
            for past in record.past.iter().filter(|past| past.listed_until > now) {
                until = until.min(past.listed_until);
            }
            let seen = record.seen(now, |past| past.listed_until);
            clients
                .extend(seen.filter(|client| client.fields.state != ClientState::Deleted).cloned());
        }
        (clients, until)
    }

    /// Whether this is the client's secret in truth.
    pub(crate) fn secret_is(&self, id: &str, secret: &SecretText) -> bool {
        self.record(id).is_some_and(|record| record.current.is_some() && record.secret == *secret)
    }

    fn wrote(&mut self, sequence: u64) {
        self.list = None;
        let current = self.records.get(&sequence).and_then(|record| record.current.as_ref());
        if let Some(at) = current.and_then(|client| client.fields.date_to_delete) {
            self.due.insert((at, sequence));
        }
    }

    /// Carries out planned deletions and forgets what nobody sees any more.
    fn settle(&mut self, now: Timestamp) {
        while let Some(&(at, sequence)) = self.due.first() {
            if at > now {
                return;
            }
            self.due.pop_first();
            let Some(record) = self.records.get_mut(&sequence) else {
                continue;
            };
            let planned = record.current.as_ref().is_none_or(|client| {
                client.fields.state != ClientState::Active
                    && client.fields.date_to_delete.is_some_and(|at| at <= now)
            });
            if planned && record.past.iter().all(|past| past.last() <= now) {
                self.by_id.remove(&record.id);
                self.records.remove(&sequence);
                self.list = None;
            } else if planned {
                let until = record.past.iter().map(Past::last).max().unwrap_or(now);
                record.current = None;
                self.due.insert((until, sequence));
                self.list = None;
            }
        }
    }
}

impl Record {
    /// Keeps what is true now as the past of those who are slow to see.
    fn supersede(&mut self, lag: Lag, now: Timestamp) {
        self.past.retain(|past| past.last() > now);
        let after = |milliseconds: u64| {
            later(now, SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX)))
        };
        let past = Past {
            client: self.current.clone(),
            secret: self.secret.clone(),
            listed_until: after(lag.list_milliseconds),
            read_until: after(lag.get_milliseconds),
            known_until: after(lag.token_milliseconds),
            poisoned: false,
        };
        if past.last() > now {
            self.past.push(past);
        }
    }

    /// The oldest state that a reader still takes for true.
    fn seen(&self, now: Timestamp, until: impl Fn(&Past) -> Timestamp) -> Option<&Arc<Client>> {
        match self.past.iter().find(|past| until(past) > now) {
            Some(past) => past.client.as_ref(),
            None => self.current.as_ref(),
        }
    }
}
