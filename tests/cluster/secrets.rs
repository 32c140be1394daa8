//! What becomes of the Secrets that are published when somebody changes them, or what is written about them.

use serde_json::json;

use super::harness::{Account, in_a_world};

#[tokio::test]
async fn renamed_secrets_move_and_removed_blocks_take_theirs_with_them() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let credential = world.data("etl-credential").await;
        let names =
            json!({ "token": { "secretName": "t2" }, "credential": { "secretName": "c2" } });
        world.change("etl", &names).await;
        world.gone("Secret", &world.namespace, "etl-token").await;
        world.gone("Secret", &world.namespace, "etl-credential").await;
        let object = world.ready("etl").await;
        assert_eq!(object["status"]["token"]["secretName"], "t2");
        assert_eq!(object["status"]["credential"]["secretName"], "c2");
        assert_eq!(world.data("c2").await, credential);
        let token = world.data("t2").await["GENESYSCLOUD_ACCESS_TOKEN"].clone();
        assert!(world.tenant.token_owner(&token).is_some());

        world.change("etl", &json!({ "token": null })).await;
        world.gone("Secret", &world.namespace, "t2").await;
        let object = world.ready("etl").await;
        assert!(object["status"]["token"].is_null());
        let types: Vec<_> =
            object["status"]["conditions"].as_array().unwrap().iter().map(|c| &c["type"]).collect();
        assert!(!types.contains(&&json!("TokenFresh")), "{types:?}");

        world.change("etl", &json!({ "credential": null })).await;
        world.gone("Secret", &world.namespace, "c2").await;
        let object = world.ready("etl").await;
        assert!(object["status"]["credential"].is_null());
        // The true copy stays: the block can come back.
        world.change("etl", &json!({ "credential": { "secretName": "c3" } })).await;
        world
            .until("the credential under its third name", async || {
                world.secret("c3").await.map(|_| ()).ok_or("missing".to_owned())
            })
            .await;
        assert_eq!(world.data("c3").await, credential);
        assert_eq!(world.remote("etl").await.secrets_issued, 1);
    })
    .await;
}

#[tokio::test]
async fn a_published_credential_is_written_again_without_a_remote_call() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let credential = world.data("etl-credential").await;
        let calls = || {
            let counters = world.tenant.counters();
            (
                world.remote_writes(),
                counters.minted(),
                counters.of("GET /api/v2/oauth/clients/{clientId}"),
            )
        };
        let before = calls();
        let again = async || {
            world
                .until("the credential as it was", async || {
                    let secret = world.secret("etl-credential").await.ok_or("missing")?;
                    let same = super::harness::text(&secret) == credential;
                    same.then_some(()).ok_or_else(|| "another".to_owned())
                })
                .await;
        };
        world.edit_secret("etl-credential", "client_secret", "edited").await;
        again().await;
        world.event("etl", "CredentialRepaired", "true copy").await;
        world.edit_secret("etl-credential", "more", "added").await;
        again().await;
        world.delete("Secret", &world.namespace, "etl-credential").await;
        again().await;
        assert_eq!(calls(), before);
        world.ready("etl").await;
    })
    .await;
}

#[tokio::test]
async fn a_token_secret_that_is_edited_or_deleted_gets_a_new_token() {
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let first = world.live_token("etl", None).await;
        world.delete("Secret", &world.namespace, "etl-token").await;
        let second = world.live_token("etl", Some(&first)).await;
        world.canary(
            "what somebody wrote into the token Secret",
            "canary-written-by-hand-0123456789",
        );
        world
            .edit_secret(
                "etl-token",
                "GENESYSCLOUD_ACCESS_TOKEN",
                "canary-written-by-hand-0123456789",
            )
            .await;
        world.live_token("etl", Some(&second)).await;
        world.ready("etl").await;
        assert_eq!(world.mints(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_lost_true_copy_is_restored_from_the_published_one_and_without_it_a_person_is_asked() {
    in_a_world(async |world| {
        for name in ["etl", "alone"] {
            let mut object = Account::of(world, name);
            if name == "alone" {
                object["spec"].as_object_mut().unwrap().remove("credential");
            }
            world.apply(&object).await;
            world.ready(name).await;
        }
        let copy = world.true_copy("etl").await.unwrap();
        let kept = world.true_copy("alone").await.unwrap();
        for secret in [&copy, &kept] {
            world.delete("Secret", &world.home, secret["metadata"]["name"].as_str().unwrap()).await;
        }
        world
            .until("the true copy restored", async || {
                let restored = world.true_copy("etl").await.ok_or("missing")?;
                (restored["data"] == copy["data"]).then_some(()).ok_or("another".to_owned())
            })
            .await;
        world.ready("etl").await;

        // Nobody knows who holds the secret: a new one would cut them off.
        world.stalled("alone", "CredentialLost", &["is gone", "restore the Secret"]).await;
        assert_eq!(world.remote("alone").await.secrets_issued, 1);
        let mut kept = kept;
        let metadata = kept["metadata"].as_object_mut().unwrap();
        metadata.retain(|key, _| {
            ["name", "namespace", "labels", "annotations"].contains(&key.as_str())
        });
        world.apply(&kept).await;
        world.ready("alone").await;
        assert_eq!(world.marked(None).len(), 2);
    })
    .await;
}
