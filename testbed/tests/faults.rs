//! In: a server of each test's own. Out: proof that it can fail as real ones do, and comes back
//! with its data.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Namespace;
use keysteward_testbed::{ControlPlane, eventually, is_running, own};
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_stopped_server_comes_back_at_its_place_with_its_data() {
    let Some(server) = own(ControlPlane::builder()).await else {
        return;
    };
    let namespace = server.new_namespace("kept").await.unwrap();
    let before = server.apiserver_pid().await.unwrap();
    let api = Api::<Namespace>::all(server.client());

    server.stop_apiserver().await.unwrap();
    assert_eq!(server.apiserver_pid().await, None);
    assert!(!is_running(before));
    assert!(is_running(server.etcd_pid()));
    api.get(&namespace).await.unwrap_err();
    let error = server.stop_apiserver().await.unwrap_err().to_string();
    assert_eq!(error, "could not stop the API server: it is not running");

    server.start_apiserver().await.unwrap();
    assert_ne!(server.apiserver_pid().await, Some(before));
    // The same client: the address has not changed.
    assert_eq!(api.get(&namespace).await.unwrap().metadata.name, Some(namespace));
    let error = server.start_apiserver().await.unwrap_err().to_string();
    assert_eq!(error, "could not start the API server: it is running");
}

#[tokio::test]
async fn a_watch_survives_the_kill_and_the_stop_of_the_server() {
    let Some(server) = own(ControlPlane::builder()).await else {
        return;
    };
    let api = Api::<Namespace>::all(server.client());
    let mut seen = watcher(api, watcher::Config::default())
        .default_backoff()
        .applied_objects()
        .filter_map(async |event| event.ok())
        .filter_map(async |namespace| namespace.metadata.name)
        .boxed();
    let mut wait_for = async |name: &str| {
        while let Some(found) = timeout(SOON, seen.next()).await.unwrap() {
            if found == name {
                return;
            }
        }
        panic!("the watch ended before it saw {name}");
    };
    wait_for(&server.new_namespace("before").await.unwrap()).await;

    server.kill_apiserver().await.unwrap();
    server.start_apiserver().await.unwrap();

    wait_for(&server.new_namespace("between").await.unwrap()).await;

    // Not held up by the open watch, which would be given a minute by default.
    timeout(Duration::from_secs(20), server.stop_apiserver()).await.unwrap().unwrap();
    server.start_apiserver().await.unwrap();
    wait_for(&server.new_namespace("after").await.unwrap()).await;
}

#[tokio::test]
async fn a_paused_server_keeps_connections_and_answers_nothing() {
    let Some(server) = own(ControlPlane::builder()).await else {
        return;
    };
    let client = server.client();
    client.apiserver_version().await.unwrap();

    server.pause_apiserver().await.unwrap();
    let late = timeout(Duration::from_secs(1), client.apiserver_version()).await;
    assert!(late.is_err(), "nothing is refused, and nothing is answered: {late:?}");

    server.resume_apiserver().await.unwrap();
    eventually(SOON, "an answer", async || client.apiserver_version().await).await;
}

#[tokio::test]
async fn a_list_is_complete_after_a_kill() {
    let Some(server) = own(ControlPlane::builder()).await else {
        return;
    };
    let made: Vec<_> = futures::stream::iter(0..20)
        .then(|_| server.new_namespace("many"))
        .try_collect()
        .await
        .unwrap();
    server.kill_apiserver().await.unwrap();
    server.start_apiserver().await.unwrap();
    let api = Api::<Namespace>::all(server.client());
    let found = api.list(&kube::api::ListParams::default()).await.unwrap();
    let names: Vec<_> = found.into_iter().filter_map(|found| found.metadata.name).collect();
    assert!(made.iter().all(|name| names.contains(name)), "{names:?}");
}
