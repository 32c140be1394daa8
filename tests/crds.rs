//! The custom resources on a real API server: what it takes, what it refuses and with which sentence.
//!
//! `UPDATE_CRDS=1 cargo test --test crds` rewrites `crds/`.

#![expect(clippy::disallowed_methods, reason = "these tests play the user of the API server")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keysteward::api::{ClusterPlatform, Platform, ServiceAccountCredential};
use keysteward::cli::crds;
use keysteward_testbed::{apply_yaml, eventually, shared};
use kube::api::ListParams;
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

#[path = "crds/definitions.rs"]
mod definitions;
#[path = "crds/objects.rs"]
mod objects;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Name and text of every YAML file of a folder, in the order in which kubectl applies them.
fn yaml_files(name: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(folder(name))
        .expect("the folder is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("the file can be read");
            (path.file_name().expect("a file has a name").to_string_lossy().into_owned(), text)
        })
        .collect();
    files.sort();
    files
}

/// A client of an API server that knows our kinds; None where there is none.
async fn client() -> Option<Client> {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let client = shared().await?.client();
    INSTALLED.get_or_init(|| install(&client)).await;
    Some(client)
}

async fn install(client: &Client) {
    for (name, text) in crds::files() {
        let applied = apply_yaml(client, &text, "crds").await;
        applied.map_err(|error| format!("{name}: {error}")).expect("the server takes them");
    }
    // A definition may be established while the store of its objects is not yet open.
    let all = ListParams::default();
    eventually(Duration::from_secs(30), "every kind can be listed", async || {
        Api::<ServiceAccountCredential>::all(client.clone()).list(&all).await?;
        Api::<Platform>::all(client.clone()).list(&all).await?;
        Api::<ClusterPlatform>::all(client.clone()).list(&all).await.map(drop)
    })
    .await;
}

async fn namespace(prefix: &str) -> String {
    let control_plane = shared().await.expect("the client came from it");
    control_plane.new_namespace(prefix).await.expect("a namespace can be made")
}

/// A credential that is accepted, for tests to change.
fn accepted(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "keysteward.dev/v1alpha1",
        "kind": "ServiceAccountCredential",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "platformRef": { "kind": "Platform", "name": "contact-center" },
            "genesysCloud": {
                "client": { "name": name },
                "grantTypes": ["client_credentials"],
                "roles": [{ "name": "Employee", "division": "Home" }],
            },
            "token": { "secretName": "token" },
        },
    })
}

fn credential(value: Value) -> ServiceAccountCredential {
    serde_json::from_value(value).expect("the test writes one that can be read")
}
