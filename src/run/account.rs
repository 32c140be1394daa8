//! What a pass leaves in logs and metrics.

use std::time::Duration;

use super::metrics::Passed as How;
use super::operator::Operator;
use super::pass::Passed;
use crate::api::ServiceAccountCredential;
use crate::decide::status::failure_text;
use crate::model::account::Field;
use crate::model::desired::platform_key;
use crate::model::fault::Fault;
use crate::model::object::ObjectKey;
use crate::model::step::{Because, Failure, Lane, Step};

/// Counts a pass and tells of it: one line if it changed something, at debug if it did not.
pub fn account(
    operator: &Operator,
    key: &ObjectKey,
    object: Option<&ServiceAccountCredential>,
    passed: &Passed,
    took: Duration,
) {
    let outcome = &passed.outcome;
    let failures: Vec<&Failure> =
        [&outcome.config_failure, &outcome.upkeep_failure].into_iter().flatten().collect();
    let how =
        if matches!(outcome.config, Lane::Stuck(_)) || matches!(outcome.upkeep, Lane::Stuck(_)) {
            How::Stalled
        } else if !failures.is_empty() || matches!(outcome.config, Lane::Wait(_)) {
            How::Retrying
        } else if outcome.done.is_empty() {
            How::Rested
        } else {
            How::Acted
        };
    operator.metrics.passed(how, took);
    let steps: Vec<String> = outcome.done.iter().map(Step::describe).collect();
    let (namespace, name) = (&key.namespace, &key.name);
    if steps.is_empty() {
        tracing::debug!(namespace, name, ?how, "nothing to do");
    } else {
        tracing::info!(namespace, name, ?how, ?took, steps = steps.join(", "), "reconciled");
    }
    for failure in &failures {
        let text = failure_text(failure);
        tracing::warn!(
            namespace,
            name,
            step = failure.step.describe(),
            error = text,
            "a step failed"
        );
    }
    let platform = object.map(|object| platform_key(object, key));
    let drifted = outcome.done.iter().any(|step| matches!(step, Step::RecordDrift(_)));
    for step in &outcome.done {
        if let (Step::Mint | Step::Prove, Some(platform)) = (step, &platform) {
            operator.metrics.token_minted(platform, "ok");
        }
        if let (Step::Update(_, fields), true) = (step, drifted) {
            for field in fields {
                operator.metrics.drift_corrected(*field);
            }
        }
        if let Step::RecordDrift(drift) = step {
            let fields = drift.changes.iter().filter_map(|change| Field::named(&change.field));
            for field in fields {
                operator.metrics.drift_detected(field);
            }
        }
        if matches!(step, Step::Publish) && !outcome.done.contains(&Step::Promote) {
            operator.metrics.secret_repaired();
        }
    }
    let refused = failures.iter().any(|failure| {
        matches!(failure.step, Step::Mint | Step::Prove)
            && matches!(failure.because, Because::Platform(Fault::Refused(_)))
    });
    if let (true, Some(platform)) = (refused, &platform) {
        operator.metrics.token_minted(platform, "refused");
    }
    match passed.seen.token_record() {
        Some(record) => operator.metrics.token_published(key, record.expires_at),
        None => operator.metrics.forget_object(key),
    }
}
