//! Counters: what enters are requests and answers, what leaves is how many there were since the last reset.
//! It may not slow a request down: one short lock each.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

/// What has happened since the counters were reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Requests by method and path template, such as `GET /api/v2/oauth/clients/{clientId}`.
    pub requests: BTreeMap<String, u64>,
    /// Answers by status; a lost answer counts as what was lost.
    pub statuses: BTreeMap<u16, u64>,
    /// Tokens made, by client id.
    pub mints: BTreeMap<String, u64>,
    /// Token requests refused by the token endpoint itself.
    pub mints_refused: u64,
}

impl Counters {
    /// Requests of one kind, such as `POST /oauth/token`.
    pub fn of(&self, method_and_template: &str) -> u64 {
        self.requests.get(method_and_template).copied().unwrap_or(0)
    }

    /// All requests.
    pub fn total(&self) -> u64 {
        self.requests.values().sum()
    }

    /// All tokens made.
    pub fn minted(&self) -> u64 {
        self.mints.values().sum()
    }
}

#[derive(Debug, Default)]
pub(crate) struct RequestCounters {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    requests: HashMap<(Method, String), u64>,
    statuses: BTreeMap<u16, u64>,
}

impl RequestCounters {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, method: &Method, template: Option<&str>) {
        let key = (method.clone(), template.unwrap_or("(no such path)").to_owned());
        *self.counted().requests.entry(key).or_insert(0) += 1;
    }

    pub(crate) fn answered(&self, status: StatusCode) {
        *self.counted().statuses.entry(status.as_u16()).or_insert(0) += 1;
    }

    pub(crate) fn reset(&self) {
        *self.counted() = Counted::default();
    }

    /// The requests and answers; mints are the tenant's.
    pub(crate) fn read(&self) -> Counters {
        let counted = self.counted();
        Counters {
            requests: counted
                .requests
                .iter()
                .map(|((method, template), count)| (format!("{method} {template}"), *count))
                .collect(),
            statuses: counted.statuses.clone(),
            ..Counters::default()
        }
    }
}
