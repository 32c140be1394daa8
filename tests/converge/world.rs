//! The world in memory: one clock, one tenant, one API server, and a log of every call that was made to them.
//!
//! Enters: calls through both seams, and what people do behind our back. Leaves: the truth, for assertions.

use std::sync::{Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use keysteward::model::platform::Capabilities;
use tokio::sync::Notify;

use crate::etcd::Etcd;
use crate::faults::{Mishap, Plan};
use crate::tenant::Tenant;

/// One call, as the log keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) writes: bool,
    pub(crate) remote: bool,
    pub(crate) mishap: Option<Mishap>,
}

/// Everything outside the operator. Its debug text is empty: it holds every secret there is.
pub(crate) struct World {
    pub(crate) capabilities: Capabilities,
    state: Mutex<State>,
    died: Notify,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) tenant: Tenant,
    pub(crate) etcd: Etcd,
    pub(crate) plan: Plan,
    /// Calls since the plan was made.
    pub(crate) calls: u64,
    pub(crate) log: Vec<Line>,
    /// What must never happen and did.
    pub(crate) wrongs: Vec<String>,
    /// Something that people do in the midst of a pass, at the call of this number.
    pub(crate) interruption: Option<(u64, Deed)>,
    /// A watch has something new to show.
    pub(crate) shown: bool,
}

/// Something that people do.
pub(crate) type Deed = fn(&mut State);

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("World")
    }
}

impl World {
    pub(crate) fn new(capabilities: Capabilities, tenant: Tenant, etcd: Etcd) -> Self {
        let state = State {
            now: "2026-03-01T08:00:00Z".parse().unwrap(),
            tenant,
            etcd,
            plan: Plan::none(),
            calls: 0,
            log: Vec::new(),
            wrongs: Vec::new(),
            interruption: None,
            shown: false,
        };
        Self { capabilities, state: Mutex::new(state), died: Notify::new() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state().now
    }

    pub(crate) fn advance(&self, to: Timestamp) {
        let mut state = self.state();
        state.now = state.now.max(to);
    }

    /// From now on calls go wrong as planned.
    pub(crate) fn arm(&self, plan: Plan) {
        let mut state = self.state();
        state.plan = plan;
        state.calls = 0;
    }

    /// Somebody does something.
    pub(crate) fn act(&self, deed: Deed) {
        deed(&mut self.state());
    }

    /// Takes what was to interrupt the story and has not.
    pub(crate) fn interruption(&self) -> Option<(u64, Deed)> {
        self.state().interruption.take()
    }

    /// Resolves when the process is to die.
    pub(crate) async fn died(&self) {
        self.died.notified().await;
    }

    /// One call: counted, logged, with its effect or without, answered or not.
    pub(crate) async fn call<T, E>(
        &self,
        what: String,
        kind: Kind,
        refused: impl FnOnce(Mishap, &str) -> E,
        effect: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let (mishap, answer) = {
            let mut state = self.state();
            state.now += SignedDuration::from_millis(10);
            state.calls += 1;
            let number = state.calls;
            if let Some((_, deed)) = state.interruption.take_if(|(at, _)| *at == number) {
                deed(&mut state);
                state.shown = true;
            }
            let mishap = state.plan.take(number);
            state.log.push(Line {
                what: what.clone(),
                writes: matches!(kind, Kind::RemoteWrite | Kind::KubernetesWrite),
                remote: matches!(kind, Kind::RemoteRead | Kind::RemoteWrite),
                mishap,
            });
            let happens = mishap.is_none_or(Mishap::has_effect);
            let answer = happens.then(|| effect(&mut state));
            state.look_for_wrongs(&what);
            (mishap, answer)
        };
        match (mishap, answer) {
            (None, Some(answer)) => answer,
            (Some(Mishap::Death), _) => {
                self.died.notify_one();
                std::future::pending().await
            }
            (Some(mishap), _) => Err(refused(mishap, &what)),
            (None, None) => unreachable!("a call without a mishap has its effect"),
        }
    }
}

/// What a call may change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    RemoteRead,
    RemoteWrite,
    KubernetesRead,
    KubernetesWrite,
}

impl State {
    /// What must hold after every single call.
    fn look_for_wrongs(&mut self, what: &str) {
        let mut stored: Vec<String> = self
            .etcd
            .stored_credentials()
            .filter(|(id, secret)| self.tenant.accepts(id, secret))
            .map(|(id, _)| id)
            .collect();
        stored.sort();
        stored.dedup();
        if stored.len() > 1 {
            self.wrongs.push(format!(
                "after `{what}` the secrets of two live clients are stored: {stored:?}"
            ));
        }
        for wrong in self.tenant.wrongs.drain(..).chain(self.etcd.wrongs.drain(..)) {
            self.wrongs.push(format!("at `{what}`: {wrong}"));
        }
    }

    /// What was called since a place in the log, for messages.
    pub(crate) fn story_since(&self, from: usize) -> String {
        let lines = self.log[from..].iter().map(|line| match line.mishap {
            None => format!("  {}", line.what),
            Some(mishap) => format!("  {}  ← {mishap:?}", line.what),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
