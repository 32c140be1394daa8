use serde_json::json;

use super::*;
use crate::kubernetes::live::fixture::{ApiServer, Asked, refusal};

#[tokio::test]
async fn a_lease_is_replaced_with_the_version_that_was_read() {
    let server = ApiServer::start().await;
    let stored = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"namespace": "ks", "name": "keysteward", "resourceVersion": "41"},
        "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 2,
                 "renewTime": "2026-11-21T00:00:00.000000Z"},
    });
    server.then(200, stored.clone()).await;
    server.then(200, stored).await;
    let live = server.live();
    let read = live.read_lease("ks", "keysteward").await.unwrap().unwrap();
    assert_eq!((read.holder.as_str(), read.duration), ("a", Duration::from_secs(15)));

    let mine = LeaseRecord {
        holder: "b".into(),
        transitions: read.transitions + 1,
        acquired_at: Some(Timestamp::UNIX_EPOCH),
        ..read
    };
    live.replace_lease("ks", "keysteward", &mine).await.unwrap();
    assert_eq!(
        server.asked().await[1],
        Asked::new(
            "PUT /apis/coordination.k8s.io/v1/namespaces/ks/leases/keysteward\
         ?fieldManager=keysteward.dev%2Fcontroller",
            "application/json",
            json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {"namespace": "ks", "name": "keysteward", "resourceVersion": "41"},
                "spec": {
                    "holderIdentity": "b", "leaseDurationSeconds": 15, "leaseTransitions": 3,
                    "acquireTime": "1970-01-01T00:00:00.000000Z",
                    "renewTime": "2026-11-21T00:00:00.000000Z",
                },
            }),
        )
    );
}

#[tokio::test]
async fn an_absent_lease_is_none_and_a_lost_race_is_a_conflict() {
    let server = ApiServer::start().await;
    server.then(404, refusal(404, "NotFound", "not found")).await;
    server.then(409, refusal(409, "AlreadyExists", "exists")).await;
    let live = server.live();
    assert_eq!(live.read_lease("ks", "keysteward").await.unwrap(), None);
    let mine = LeaseRecord {
        holder: "b".into(),
        duration: Duration::from_millis(200),
        transitions: 0,
        acquired_at: None,
        renewed_at: None,
        resource_version: String::new(),
    };
    let error = live.create_lease("ks", "keysteward", &mine).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error:?}");
    let asked = server.asked().await;
    assert!(asked[1].line.starts_with("POST /apis/coordination.k8s.io/v1/namespaces/ks/leases?"));
    assert_eq!(asked[1].body["spec"]["leaseDurationSeconds"], 1, "whole seconds, at least one");
    assert_eq!(asked[1].body["metadata"].get("resourceVersion"), None);
}
