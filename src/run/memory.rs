//! What this process remembers of an object between passes. All of it can be lost: a restart only looks once more.

mod written;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

pub use self::written::Written;
use super::secrets::Name;
use crate::decide::pace::Retries;
use crate::decide::records::after;
use crate::model::account::{Account, AccountId};
use crate::model::inventory::Inventory;
use crate::model::seen::ListView;

/// What is remembered of one object.
#[derive(Debug, Default)]
pub struct Memory {
    /// UID of the life that this speaks of.
    pub uid: String,
    /// Accounts as our own reads and writes left them; None: deleted or absent.
    known: HashMap<AccountId, Known>,
    /// Sweeps running in which a read by id found nothing.
    pub misses: u32,
    missed_in_sweep: Option<u64>,
    /// The status written last, until the watch has shown it: a pass must not decide on an older one.
    pub written: Option<Box<Written>>,
    /// Our finalizer was added and the watch may not have shown it.
    pub held: bool,
    /// What the last pass left, so that an event of our own making wakes nobody.
    pub left: Option<Left>,
    /// Something that no version number shows wants a pass.
    pub dirty: bool,
    /// The back-off, and the generation of the spec for which it stands.
    pub retries: Option<(i64, Retries)>,
    /// The client of the stored credential.
    pub client_id: Option<String>,
    /// When a token was last minted.
    pub last_mint: Option<Timestamp>,
    /// A pass is under way.
    pub running: bool,
    /// What the watch showed of the object's Secrets meanwhile; None: deleted.
    pub meanwhile: Vec<(Name, Option<String>)>,
}

#[derive(Debug)]
struct Known {
    account: Option<Account>,
    /// Lists begun before this moment may show what was before.
    outdated_until: Timestamp,
    /// Lists begun before this moment may not show it at all.
    absent_until: Timestamp,
    /// We wrote it: reads before this moment may show what was before.
    written_until: Option<Timestamp>,
}

impl Known {
    /// Whether this is newer than what a list shows, or fails to show, of the account.
    fn goes_before(&self, id: &AccountId, list: &Inventory) -> bool {
        list.taken_at <= self.outdated_until
            || (list.taken_at <= self.absent_until && list.get(id).is_none())
    }
}

/// For whom a list is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Viewer<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    /// Name of the client that the spec asks for.
    pub client_name: &'a str,
    /// The client of the stored credential.
    pub own: Option<&'a AccountId>,
    /// When a create was begun whose client is looked for.
    pub begun_at: Option<Timestamp>,
}

/// What a pass left behind.
#[derive(Debug, Default)]
pub struct Left {
    pub generation: i64,
    pub deleting: bool,
    /// Our finalizer was on it.
    pub held: bool,
    /// Versions of the object's Secrets as the pass left them.
    pub secrets: Vec<(Name, String)>,
    pub next_look: Option<Timestamp>,
    /// Both lanes were at rest.
    pub settled: bool,
    /// It left a difference or a dead token alone: that it is over shows only in the absence of a difference.
    pub differs: bool,
    /// It waits for a newer list or for names.
    pub wants_list: bool,
}

/// A version as a number. Versions are revisions of one store, so they can be compared; the API server promises that since
/// Kubernetes 1.35.
fn revision(version: &str) -> Option<u64> {
    version.parse().ok()
}

impl Left {
    /// Whether a Secret changed after the pass.
    pub fn is_news(&self, secret: &Name, version: Option<&str>) -> bool {
        let Some(version) = version else { return self.knows(secret).is_some() };
        let known = match self.knows(secret) {
            Some(known) => revision(known),
            // One that the pass made and removed again: whatever is older than its last look is old.
            None => self.secrets.iter().filter_map(|(_, version)| revision(version)).max(),
        };
        match (revision(version), known) {
            (Some(version), Some(known)) => version > known,
            _ => true,
        }
    }

    /// The version of a Secret as the pass left it.
    fn knows(&self, secret: &Name) -> Option<&str> {
        self.secrets.iter().find(|(name, _)| name == secret).map(|(_, version)| version.as_str())
    }
}

impl Memory {
    /// What stands in for an object's memory while a pass has it.
    pub fn running() -> Self {
        Self { running: true, ..Self::default() }
    }

    /// Remembers what a write of ours left; lists and reads within `lag` of `now` may show what was before.
    pub fn learn_written(
        &mut self,
        id: &AccountId,
        account: Option<Account>,
        now: Timestamp,
        lag: SignedDuration,
    ) {
        self.learn(id, account, now, lag);
        if let Some(known) = self.known.get_mut(id) {
            known.written_until = Some(after(now, lag));
        }
    }

    /// Remembers what a read showed, unless a write of ours is too young to show. Returns what is to be believed.
    pub fn learn_read(
        &mut self,
        id: &AccountId,
        read: Option<Account>,
        now: Timestamp,
        lag: SignedDuration,
    ) -> Option<Account> {
        if let Some(known) = self.known.get(id)
            && known.written_until.is_some_and(|until| now < until)
        {
            return known.account.clone();
        }
        self.learn(id, read.clone(), now, lag);
        read
    }

    fn learn(
        &mut self,
        id: &AccountId,
        account: Option<Account>,
        now: Timestamp,
        lag: SignedDuration,
    ) {
        let until = after(now, lag);
        let absent_until = self.known.get(id).map_or(until, |known| known.absent_until.max(until));
        let known = Known { account, outdated_until: until, absent_until, written_until: None };
        self.known.insert(id.clone(), known);
    }

    /// Remembers an account just made; lists begun within `lag` of `now` may not show it.
    pub fn learn_made(&mut self, account: Account, now: Timestamp, lag: SignedDuration) {
        let id = account.id.clone();
        let known = Known {
            account: Some(account),
            outdated_until: now,
            absent_until: after(now, lag),
            written_until: None,
        };
        self.known.insert(id, known);
    }

    /// Notes that a read by id found nothing while this sweep's list stood.
    pub fn miss(&mut self, sweep: u64) {
        if self.missed_in_sweep != Some(sweep) {
            self.misses += 1;
            self.missed_in_sweep = Some(sweep);
        }
    }

    /// The account was seen.
    pub fn found(&mut self) {
        self.misses = 0;
        self.missed_in_sweep = None;
    }

    /// The account by id: from our own newer knowledge, else from the list.
    pub fn account(&self, id: &AccountId, inventory: Option<&Inventory>) -> Option<Account> {
        match (self.known.get(id), inventory) {
            (Some(known), None) => known.account.clone(),
            (Some(known), Some(list)) if known.goes_before(id, list) => known.account.clone(),
            (_, Some(list)) => list.get(id).cloned(),
            (None, None) => None,
        }
    }

    /// The list as it may be used for this object: our newer knowledge laid over it.
    pub fn list_view(
        &self,
        inventory: &Inventory,
        recent: &[Timestamp],
        of: &Viewer<'_>,
    ) -> ListView {
        let Viewer { namespace, name, client_name, own, begun_at } = *of;
        let mut marked: Vec<Account> = inventory
            .marked(namespace, name)
            .filter(|account| {
                self.known
                    .get(&account.id)
                    .is_none_or(|known| !known.goes_before(&account.id, inventory))
            })
            .cloned()
            .collect();
        let newer = self.known.iter().filter(|(id, known)| known.goes_before(id, inventory));
        marked.extend(newer.filter_map(|(_, known)| known.account.clone()).filter(|account| {
            account
                .marker
                .as_ref()
                .is_some_and(|marker| marker.namespace == namespace && marker.name == name)
        }));
        marked.retain(|account| account.state != crate::model::account::State::Deleted);
        marked.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        let lists_since_begun = begun_at.map_or(0, |begun| {
            u32::try_from(recent.iter().filter(|taken| **taken > begun).count()).unwrap_or(u32::MAX)
        });
        ListView {
            taken_at: inventory.taken_at,
            marked,
            strangers: inventory
                .strangers_named(client_name)
                .filter(|account| Some(&account.id) != own)
                .take(3)
                .map(|account| account.id.0.clone())
                .collect(),
            lists_since_begun,
        }
    }

    /// Forgets what lists have caught up with.
    pub fn catch_up(&mut self, inventory: &Inventory) {
        self.known.retain(|id, known| known.goes_before(id, inventory));
        // An emptied table keeps its room, and each object has one.
        self.known.shrink_to_fit();
    }
}
