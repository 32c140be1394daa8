//! kube's recorder of events, with a bound on what it remembers.
//!
//! Enters: a client and who reports. Leaves: a recorder that folds repeats of the last events into series.
//! It publishes nothing itself.

use std::sync::{Arc, Mutex, PoisonError};

use kube::Client;
use kube::runtime::events::{Recorder, Reporter};

/// Events after which the recorder is renewed. kube keeps each event for minutes, 1.4 KB apiece, and its table keeps the
/// room for ever: a thousand objects that become Ready at once would cost 6 MiB at rest. What is lost is that a repeat
/// from before begins a new series.
const REMEMBERED: usize = 256;

/// A recorder that is renewed. Clones share it.
#[derive(Clone)]
pub(super) struct BoundedRecorder {
    client: Client,
    reporter: Reporter,
    current: Arc<Mutex<Current>>,
}

struct Current {
    recorder: Recorder,
    published: usize,
}

impl BoundedRecorder {
    pub(super) fn new(client: Client, reporter: Reporter) -> Self {
        let recorder = Recorder::new(client.clone(), reporter.clone());
        let current = Arc::new(Mutex::new(Current { recorder, published: 0 }));
        Self { client, reporter, current }
    }

    /// The recorder for one event.
    pub(super) fn for_one(&self) -> Recorder {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.published == REMEMBERED {
            let recorder = Recorder::new(self.client.clone(), self.reporter.clone());
            *current = Current { recorder, published: 0 };
        }
        current.published += 1;
        current.recorder.clone()
    }
}
