//! What the operator is let read and write, and how it proves who it is.

use std::sync::Arc;

use keysteward::kubernetes::live::{Live, connect};
use keysteward::kubernetes::{Cluster, Error};
use keysteward_testbed::{apply_yaml, unique_name};
use serde_json::json;

use crate::ground::Ground;

#[tokio::test]
async fn an_input_is_read_only_from_a_secret_of_its_own_type() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let input = |name: &str, kind: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"namespace": ground.namespace, "name": name},
            "stringData": {"client_id": "id\n", "client_secret": "canary\n"},
        })
    };
    for (name, kind) in [("admin", "keysteward.dev/input"), ("other", "Opaque")] {
        apply_yaml(&ground.admin, &input(name, kind).to_string(), "user").await.unwrap();
    }
    let credential = ground.live.platform_credential(&ground.namespace, "admin").await.unwrap();
    assert_eq!(credential.client_id, "id");
    assert_eq!(credential.client_secret.reveal(), "canary");
    let error = ground.live.platform_credential(&ground.namespace, "other").await.unwrap_err();
    assert!(error.to_string().contains("has the type Opaque"), "{error}");

    let uid = ground.live.namespace_uid("kube-system").await.unwrap();
    assert_eq!(uid.len(), 36, "{uid}");
    let error = ground.live.namespace_uid("default").await.unwrap_err();
    assert!(matches!(error, Error::Forbidden(_)), "only the one in the table: {error:?}");
}

#[tokio::test]
async fn the_token_file_is_read_again_when_it_changes() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let read = async || ground.live.secret(&ground.namespace, "absent").await;
    assert_eq!(read().await.unwrap(), None);
    std::fs::write(ground.access.token_file(), "not a token").unwrap();
    let error = read().await.unwrap_err();
    let Error::Unavailable(text) = &error else { panic!("{error:?}") };
    assert!(text.contains("Unauthorized"), "{text}");
    ground.server.renew_token(&ground.access).await.unwrap();
    assert_eq!(read().await.unwrap(), None);
}

#[tokio::test]
async fn nothing_is_written_outside_the_table() {
    let Some(ground) = Ground::prepare().await else {
        return;
    };
    let outsider = unique_name("outsider");
    ground.server.new_service_account(&ground.namespace, &outsider).await.unwrap();
    let access = ground.server.kubeconfig_for(&ground.namespace, &outsider).await.unwrap();
    let connection = connect(Some(access.kubeconfig()), Arc::new(())).await.unwrap();
    let live = Live::new(connection.client, "outsider");
    let error = live.create_secret(&ground.manifest(None, "canary")).await.unwrap_err();
    let Error::Forbidden(text) = &error else { panic!("{error:?}") };
    let start = format!("could not create Secret {}/etl-token: ", ground.namespace);
    assert!(text.starts_with(&start) && text.contains(&outsider), "{text}");
}
