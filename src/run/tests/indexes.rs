//! The indexes that watches keep: whose Secrets count, and what a fresh list says of a watch that was broken.

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::Event;
use serde_json::json;

use super::ground::OPERATOR_NAMESPACE;
use crate::decide::records::{REFRESH_AT, RETAINED_AT};
use crate::run::namespaces::NamespaceIndex;
use crate::run::operator::clock;
use crate::run::secrets::{Change, Listing, Name, SecretIndex};

fn etl() -> Name {
    ("team-a".into(), "etl".into())
}

/// A Secret that carries our notes for team-a/etl.
fn noted(namespace: &str, name: &str, version: &str) -> PartialObjectMeta<Secret> {
    let notes = json!({
        "keysteward.dev/namespace": "team-a", "keysteward.dev/name": "etl",
        REFRESH_AT: "2026-11-01T10:00:00Z", RETAINED_AT: "2026-11-01T10:00:00Z",
    });
    serde_json::from_value(json!({"metadata": {
        "namespace": namespace, "name": name, "resourceVersion": version, "annotations": notes,
    }}))
    .unwrap()
}

#[derive(Default)]
struct Watch {
    index: SecretIndex,
    listing: Listing,
}

impl Watch {
    fn shows(&mut self, event: Event<PartialObjectMeta<Secret>>) -> Vec<Change> {
        // A watch of all namespaces but the operator's, which another one shows.
        let covers = |namespace: &str| namespace != OPERATOR_NAMESPACE;
        self.index.take(&mut self.listing, event, OPERATOR_NAMESPACE, covers)
    }
}

#[test]
fn a_secret_with_copied_notes_in_another_namespace_is_not_heard() {
    let mut watch = Watch::default();
    for event in [Event::InitApply, Event::Apply] {
        assert!(watch.shows(event(noted("team-b", "copied", "1"))).is_empty());
    }
    assert!(watch.index.overdue(clock()).is_empty());
    assert_eq!(watch.index.retained_at(&etl()), None);
    assert!(watch.shows(Event::Delete(noted("team-b", "copied", "2"))).is_empty());

    let changes = watch.shows(Event::Apply(noted("team-a", "etl-token", "3")));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].object, etl());
    assert_eq!(watch.index.beside(&etl()), ["etl-token"]);
}

#[test]
fn a_secret_of_ours_that_loses_its_notes_is_told_to_its_object() {
    let mut watch = Watch::default();
    watch.shows(Event::Apply(noted("team-a", "etl-token", "1")));
    let mut bare = noted("team-a", "etl-token", "2");
    bare.metadata.annotations = None;
    let changes = watch.shows(Event::Apply(bare));
    let [Change { object, version, .. }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((object, version.as_deref()), (&etl(), Some("2")));
    assert_eq!(watch.index.beside(&etl()), ["etl-token"], "it is ours all the same");
}

#[test]
fn each_note_is_heard_only_where_we_write_it() {
    let mut watch = Watch::default();
    watch.shows(Event::Apply(noted("team-a", "etl-token", "1")));
    assert_eq!(watch.index.overdue(clock()).len(), 1);
    assert_eq!(watch.index.retained_at(&etl()), None, "a team cannot backdate its orphans");

    let mut watch = Watch::default();
    watch.shows(Event::Apply(noted(OPERATOR_NAMESPACE, "credential.team-a.etl", "1")));
    assert!(watch.index.overdue(clock()).is_empty(), "a credential is not renewed");
    assert!(watch.index.retained_at(&etl()).is_some());
}

#[test]
fn a_deletion_that_a_broken_watch_missed_is_seen_in_the_next_list() {
    let mut watch = Watch::default();
    watch.shows(Event::Init);
    watch.shows(Event::InitApply(noted("team-a", "etl-token", "1")));
    watch.shows(Event::InitApply(noted("team-a", "kept", "2")));
    assert!(watch.shows(Event::InitDone).is_empty(), "the first list misses nothing");
    watch.shows(Event::Apply(noted(OPERATOR_NAMESPACE, "credential.team-a.etl", "3")));

    assert!(watch.shows(Event::Init).is_empty());
    watch.shows(Event::InitApply(noted("team-a", "kept", "2")));
    let gone = watch.shows(Event::InitDone);
    let [Change { object, secret, version: None }] = &gone[..] else { panic!("{gone:?}") };
    assert_eq!((object, secret), (&etl(), &("team-a".into(), "etl-token".into())));
    assert_eq!(watch.index.beside(&etl()), ["kept"]);
    assert!(watch.index.retained_at(&etl()).is_some(), "another watch shows that one");
    watch.shows(Event::Init);
    assert_eq!(watch.shows(Event::InitDone).len(), 1, "each list counts by itself");
    assert!(watch.index.beside(&etl()).is_empty());
}

#[test]
fn a_namespace_that_no_watch_has_shown_has_no_labels_rather_than_none_of_them() {
    let index = NamespaceIndex::default();
    let bare: PartialObjectMeta<Namespace> =
        serde_json::from_value(json!({"metadata": {"name": "team-a"}})).unwrap();
    assert_eq!(index.labels("team-a"), None);
    index.take(&Event::Apply(bare.clone()));
    assert!(index.labels("team-a").is_some_and(|labels| labels.is_empty()));
    index.take(&Event::Delete(bare));
    assert_eq!(index.labels("team-a"), None);
}
