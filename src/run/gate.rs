//! A first list that work waits for: told to readiness and to whoever waits.

use tokio::sync::watch;

use super::admin::{Awaited, Readiness};

/// Opened once, when the first list is in.
#[derive(Debug)]
pub struct Gate {
    awaited: Awaited,
    opened: watch::Sender<bool>,
}

/// Waits for a [`Gate`].
pub type Opened = watch::Receiver<bool>;

impl Gate {
    pub fn new(readiness: &Readiness, what: &'static str) -> (Self, Opened) {
        let (opened, wait) = watch::channel(false);
        (Self { awaited: readiness.awaits(what), opened }, wait)
    }

    pub fn open(&self) {
        self.awaited.done();
        self.opened.send_replace(true);
    }
}
