//! A status that was written and that the watch may not have shown yet.
//!
//! Enters: what was written, with the version that it gave the object, and what the watch shows. Leaves: the newer of
//! both. It may not outlive what the watch shows: whatever came after our write, a status edited by hand too, is the truth.

use super::{Memory, revision};
use crate::api::ServiceAccountCredentialStatus;

/// A status and the version of the object with it.
#[derive(Debug)]
pub struct Written {
    status: ServiceAccountCredentialStatus,
    version: String,
}

impl Written {
    pub fn new(status: ServiceAccountCredentialStatus, version: String) -> Box<Self> {
        Box::new(Self { status, version })
    }

    /// Whether an object of this version has it, or had it before.
    fn is_shown_by(&self, version: Option<&str>) -> bool {
        match (revision(&self.version), version.and_then(revision)) {
            (Some(ours), Some(shown)) => shown >= ours,
            // Nobody can tell: what is there goes before what is remembered.
            _ => true,
        }
    }
}

impl Memory {
    /// The watch shows the object in this version.
    pub fn shown(&mut self, version: Option<&str>) {
        self.written.take_if(|written| written.is_shown_by(version));
    }

    /// The status to decide on, when the watch shows this one in this version.
    pub fn status(
        &mut self,
        shown: ServiceAccountCredentialStatus,
        version: Option<&str>,
    ) -> ServiceAccountCredentialStatus {
        self.shown(version);
        self.written.as_ref().map_or(shown, |written| written.status.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(generation: i64) -> ServiceAccountCredentialStatus {
        ServiceAccountCredentialStatus {
            observed_generation: Some(generation),
            ..ServiceAccountCredentialStatus::default()
        }
    }

    #[rstest::rstest]
    #[case::before_ours(Some("9"), 2)]
    #[case::ours(Some("10"), 1)]
    #[case::edited_by_hand_after_ours(Some("11"), 1)]
    #[case::of_another_store(Some("x"), 1)]
    #[case::without_version(None, 1)]
    fn what_was_written_counts_until_the_watch_shows_it_or_what_came_after(
        #[case] version: Option<&str>,
        #[case] counts: i64,
    ) {
        let mut memory =
            Memory { written: Some(Written::new(of(2), "10".into())), ..Memory::default() };
        assert_eq!(memory.status(of(1), version), of(counts));
        assert_eq!(memory.written.is_some(), counts == 2);
    }
}
