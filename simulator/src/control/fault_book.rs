//! The faults that are set: what enters is a request, what leaves are the faults that strike it.
//! It may not change the answer: the gate does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use regex_lite::Regex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::faults::{BadFault, Effect, Fault, FaultId, FaultView};
use crate::genesys::{Genesys, caller_id};

/// All faults in the order they were made.
#[derive(Debug, Default)]
pub(crate) struct FaultBook {
    entries: Mutex<Entries>,
    /// Spares requests the lock while there is no fault.
    count: AtomicUsize,
    cleared: Notify,
}

#[derive(Debug, Default)]
struct Entries {
    faults: Vec<Entry>,
    next: u64,
}

#[derive(Debug)]
struct Entry {
    id: FaultId,
    fault: Fault,
    regex: Option<Regex>,
    list_before: Option<Bytes>,
    matched: u32,
    struck: u32,
}

/// A fault that acts on a request.
#[derive(Clone, Debug)]
pub(crate) struct Struck {
    pub id: FaultId,
    pub effect: Effect,
    pub list_before: Option<Bytes>,
}

impl Entry {
    fn matches(&self, method: &Method, path: &str, caller: Option<&str>) -> bool {
        let fault = &self.fault;
        let method_fits =
            fault.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()));
        let path_fits = fault.path.as_ref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == wanted,
        });
        method_fits
            && path_fits
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(path))
            && fault.client_id.as_ref().is_none_or(|wanted| caller == Some(wanted.as_str()))
    }

    /// Counts a matching request, and whether it is one of those that fail.
    fn strikes(&mut self) -> bool {
        self.matched = self.matched.saturating_add(1);
        let due = self.matched > self.fault.skip
            && self.fault.times.is_none_or(|times| self.struck < times);
        if due {
            self.struck = self.struck.saturating_add(1);
        }
        due
    }
}

impl FaultBook {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a fault; `list` is the list of clients as of now.
    pub(crate) fn add(
        &self,
        fault: Fault,
        list: impl FnOnce() -> Bytes,
    ) -> Result<FaultId, BadFault> {
        check(&fault.effect)?;
        let regex = fault.path_regex.as_deref().map(Regex::new).transpose()?;
        let list_before = (fault.effect == Effect::StaleList).then(list);
        let mut entries = self.entries();
        let id = FaultId(entries.next);
        entries.next += 1;
        entries.faults.push(Entry { id, fault, regex, list_before, matched: 0, struck: 0 });
        self.count.store(entries.faults.len(), Ordering::Release);
        Ok(id)
    }

    pub(crate) fn all(&self) -> Vec<FaultView> {
        let view = |entry: &Entry| FaultView {
            id: entry.id,
            struck: entry.struck,
            fault: entry.fault.clone(),
        };
        self.entries().faults.iter().map(view).collect()
    }

    /// Takes a fault away; false if there is none of that number.
    pub(crate) fn remove(&self, id: FaultId) -> bool {
        let mut entries = self.entries();
        let before = entries.faults.len();
        entries.faults.retain(|entry| entry.id != id);
        let removed = entries.faults.len() < before;
        self.count.store(entries.faults.len(), Ordering::Release);
        drop(entries);
        self.cleared.notify_waiters();
        removed
    }

    pub(crate) fn clear(&self) {
        self.entries().faults.clear();
        self.count.store(0, Ordering::Release);
        self.cleared.notify_waiters();
    }

    /// The faults that strike a request.
    pub(crate) fn strike(
        &self,
        genesys: &Genesys,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Vec<Struck> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let caller = caller_id(genesys, headers);
        let mut struck = Vec::new();
        for entry in &mut self.entries().faults {
            if entry.matches(method, path, caller.as_deref()) && entry.strikes() {
                struck.push(Struck {
                    id: entry.id,
                    effect: entry.fault.effect.clone(),
                    list_before: entry.list_before.clone(),
                });
            }
        }
        struck
    }

    /// Waits until the fault is taken away or the simulator stops.
    pub(crate) async fn hang(&self, id: FaultId, stopping: &CancellationToken) {
        loop {
            let cleared = self.cleared.notified();
            if !self.entries().faults.iter().any(|entry| entry.id == id) {
                return;
            }
            tokio::select! {
                () = cleared => {}
                () = stopping.cancelled() => return,
            }
        }
    }
}

fn check(effect: &Effect) -> Result<(), BadFault> {
    if let Effect::Status { status, .. } | Effect::Json { status, .. } = effect
        && StatusCode::from_u16(*status).is_err()
    {
        return Err(BadFault::Status(*status));
    }
    if let Effect::Status { headers, .. } = effect {
        for (name, value) in headers {
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                return Err(BadFault::Header(name.clone()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::{HeaderMap, Method};

    use super::FaultBook;
    use crate::control::faults::Fault;
    use crate::genesys::Genesys;
    use crate::options::Options;

    fn strikes(book: &FaultBook, method: &Method, path: &str) -> bool {
        let genesys = Genesys::new(Options::default());
        !book.strike(&genesys, method, path, &HeaderMap::new()).is_empty()
    }

    #[test]
    fn a_path_is_whole_unless_it_ends_in_a_star() {
        let book = FaultBook::default();
        book.add(Fault::status("POST", "/api/v2/oauth/clients", 503), Bytes::new).unwrap();
        assert!(strikes(&book, &Method::POST, "/api/v2/oauth/clients"));
        assert!(!strikes(&book, &Method::POST, "/api/v2/oauth/clients/1/secret"));
        assert!(!strikes(&book, &Method::GET, "/api/v2/oauth/clients"));
        book.add(Fault::status("POST", "/api/v2/oauth/clients*", 503), Bytes::new).unwrap();
        assert!(strikes(&book, &Method::POST, "/api/v2/oauth/clients/1/secret"));
    }

    #[test]
    fn a_fault_lets_the_first_pass_and_stops_after_its_times() {
        let book = FaultBook::default();
        let fault = Fault::status("GET", "", 503).matching("/clients/[0-9]+$").after(1).times(2);
        book.add(fault, Bytes::new).unwrap();
        let struck: Vec<bool> =
            (0..5).map(|_| strikes(&book, &Method::GET, "/clients/7")).collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn a_fault_that_cannot_be_is_refused() {
        let book = FaultBook::default();
        assert!(book.add(Fault::status("GET", "/", 42), Bytes::new).is_err());
        assert!(book.add(Fault::status("GET", "/", 500).matching("("), Bytes::new).is_err());
    }
}
