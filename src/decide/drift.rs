//! Drift: a difference that appeared after both sides had agreed. Who fights whom, and what is left alone.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::diff::Change;
use super::records::whole_seconds;
use crate::api::conditions::{ConditionType, Reason};
use crate::api::credential_status::{
    DriftChange, DriftStatus, ServiceAccountCredentialStatus, UndoneField,
};
use crate::model::account::Field;

/// So often must a field be set back to the same value before it is left alone.
const FIGHT: u32 = 3;
/// So long must a field have been quiet before its count is forgotten.
const QUIET: SignedDuration = SignedDuration::from_hours(7 * 24);
const LONGEST_VALUE: usize = 256;

/// Whether both sides had agreed on this generation before, so that what differs now is drift.
pub fn had_agreed(status: &ServiceAccountCredentialStatus, generation: i64) -> bool {
    if status.observed_generation != Some(generation) {
        return false;
    }
    let open =
        status.drift.as_ref().is_some_and(|d| d.detected_at.is_some() && d.corrected_at.is_none());
    open || status.conditions.iter().any(|condition| {
        condition.type_ == ConditionType::Synced.as_str()
            && [
                Reason::Succeeded,
                Reason::DriftDetected,
                Reason::FightingAnotherWriter,
                Reason::Held,
                Reason::DisabledByVendor,
                Reason::Disabled,
            ]
            .iter()
            .any(|reason| condition.reason == reason.as_str())
    })
}

/// What to write down about these differences; None if just that is written already.
pub fn record(
    before: Option<&DriftStatus>,
    changes: &[Change],
    now: Timestamp,
) -> Option<DriftStatus> {
    let now = whole_seconds(now);
    let shown: Vec<DriftChange> = changes
        .iter()
        .filter(|change| change.field != Field::Marker)
        .map(|change| DriftChange {
            field: change.field.as_str().into(),
            was: short(&change.want),
            now: short(&change.now),
        })
        .collect();
    if shown.is_empty() {
        return None;
    }
    let none = DriftStatus::default();
    let before = before.unwrap_or(&none);
    if before.corrected_at.is_none() && before.changes == shown {
        return None;
    }
    let mut undone = faded(&before.undone, now);
    for change in &shown {
        let named = before.changes.iter().any(|earlier| earlier.field == change.field);
        let counted = before.undone.iter().any(|entry| entry.field == change.field);
        // The last drift may have been of other fields only: then a count that runs goes on.
        let repeated = before.corrected_at.is_some()
            && (before.changes.contains(change) || (counted && !named));
        let at = undone.iter().position(|entry| entry.field == change.field);
        match (repeated, at) {
            (true, Some(at)) => {
                undone[at].times += 1;
                undone[at].last_at = Some(now);
            }
            (true, None) => {
                undone.push(UndoneField {
                    field: change.field.clone(),
                    times: 1,
                    last_at: Some(now),
                });
            }
            // Already counted in this very drift, or set to something new.
            (false, Some(at)) if named && !before.changes.contains(change) => {
                undone.remove(at);
            }
            (false, _) => {}
        }
    }
    Some(DriftStatus { detected_at: Some(now), changes: shown, corrected_at: None, undone })
}

/// What differs, for people.
pub fn sentence(drift: &DriftStatus) -> String {
    let one = |change: &DriftChange| {
        format!("{} should be {} and is {}", change.field, change.was, change.now)
    };
    drift.changes.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// The fields that somebody else has set back too often.
pub fn fought(drift: Option<&DriftStatus>, now: Timestamp) -> BTreeSet<String> {
    drift
        .into_iter()
        .flat_map(|drift| faded(&drift.undone, now))
        .filter(|entry| entry.times >= FIGHT)
        .map(|entry| entry.field)
        .collect()
}

fn faded(undone: &[UndoneField], now: Timestamp) -> Vec<UndoneField> {
    undone
        .iter()
        .filter(|entry| entry.last_at.is_none_or(|at| now.duration_since(at) < QUIET))
        .cloned()
        .collect()
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST_VALUE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off() -> Vec<Change> {
        vec![Change { field: Field::Enabled, want: "active".into(), now: "inactive".into() }]
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_third_time_it_is_set_back_a_field_is_left_alone() {
        let mut status = record(None, &off(), at(1)).unwrap();
        for (round, second) in [10, 20, 30].into_iter().enumerate() {
            assert!(fought(Some(&status), at(second)).is_empty(), "round {round}");
            status.corrected_at = Some(at(second));
            status = record(Some(&status), &off(), at(second + 1)).unwrap();
        }
        assert_eq!(status.undone[0].times, 3);
        assert_eq!(fought(Some(&status), at(40)), BTreeSet::from(["enabled".to_owned()]));
        let week = 7 * 24 * 3600 + 32;
        assert!(fought(Some(&status), at(week)).is_empty(), "seven quiet days end the fight");
    }

    #[test]
    fn another_value_starts_the_count_again() {
        let mut status = record(None, &off(), at(1)).unwrap();
        status.corrected_at = Some(at(2));
        status = record(Some(&status), &off(), at(3)).unwrap();
        status.corrected_at = Some(at(4));
        let other =
            vec![Change { field: Field::Enabled, want: "active".into(), now: "disabled".into() }];
        status = record(Some(&status), &other, at(5)).unwrap();
        assert!(status.undone.is_empty());
    }

    #[test]
    fn the_same_drift_is_written_down_once() {
        let status = record(None, &off(), at(1)).unwrap();
        assert_eq!(record(Some(&status), &off(), at(2)), None);
    }
}
