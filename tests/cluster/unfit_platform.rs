//! What a platform object gets that cannot be used as it is, and how it recovers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keysteward_simulator::{ClientEdit, Effect, Fault, Options, OrganizationEdit, Simulator, seed};
use serde_json::{Value, json};

use super::harness::{ADMIN, Account, PLATFORM, Plan, World, in_a_world, message, says};

/// Waits until the platform object says this of itself, in a sentence with all these parts.
async fn told(world: &World, reason: &str, parts: &[&str]) -> Value {
    world
        .until(&format!("the platform says {reason} {parts:?}"), async || {
            let platform = world.get("Platform", &world.namespace, PLATFORM).await.ok_or("gone")?;
            says(&platform, "Ready", "False", reason)?;
            let message = message(&platform, "Ready").unwrap_or_default();
            let lacks = parts.iter().find(|part| !message.contains(**part));
            lacks.map_or(Ok(platform.clone()), |part| Err(format!("no {part:?} in {message:?}")))
        })
        .await
}

#[tokio::test]
async fn a_platform_that_does_not_exist_or_is_another_namespaces_is_asked_for() {
    Plan::default()
        .no_platform()
        .run(async |world| {
            let mut elsewhere = world.platform();
            elsewhere["metadata"]["namespace"] = json!(world.neighbour);
            let mut secret = world.admin_secret();
            secret["metadata"]["namespace"] = json!(world.neighbour);
            world.apply(&secret).await;
            world.apply(&elsewhere).await;
            world.apply(&Account::of(world, "etl")).await;
            let sentence = ["Platform", PLATFORM, "does not exist", "spec.platformRef"];
            // It may still be on its way; after half a minute a person is asked.
            world.retried("etl", "PlatformNotFound", &sentence).await;
            world.stalled("etl", "PlatformNotFound", &sentence).await;
            assert_eq!(world.remote_writes(), 0);
            assert!(world.kept().await.is_empty());

            world.apply(&world.admin_secret()).await;
            world.apply(&world.platform()).await;
            world.ready("etl").await;
        })
        .await;
}

#[tokio::test]
async fn a_managing_credential_that_is_missing_or_malformed_is_named_and_mended_without_a_restart()
{
    in_a_world(async |world| {
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
        let token = world.token("etl").await;
        let secret = world.admin_secret();
        let with = |kind: &str, data: Value| {
            let mut secret = secret.clone();
            secret.as_object_mut().unwrap().remove("stringData");
            secret["type"] = json!(kind);
            secret["data"] = data;
            secret
        };
        let id = STANDARD.encode("some-id");
        let input = "keysteward.dev/input";
        let cases = [
            (None, "does not exist"),
            (Some(with(input, json!({ "client_id": id }))), "no key client_secret"),
            (Some(with(input, json!({ "client_id": id, "client_secret": "" }))), "client_secret of Secret"),
            (Some(with(input, json!({ "client_id": id, "client_secret": STANDARD.encode("canary one two") }))), "white space"),
            (Some(with(input, json!({ "client_id": id, "client_secret": STANDARD.encode([0xff, 0xfe, 0x41]) }))), "not UTF-8"),
            (Some(with("Opaque", json!({ "client_id": id, "client_secret": STANDARD.encode("canary-opaque-secret") }))), "keysteward.dev/input"),
        ];
        world.canary("a credential with white space", "canary one two");
        world.canary("a credential of the wrong type", "canary-opaque-secret");
        let writes = world.remote_writes();
        for (secret, sentence) in cases {
            world.delete("Secret", &world.namespace, ADMIN).await;
            told(world, "CredentialMissing", &["spec.credentialsSecretRef", ADMIN, "does not exist"]).await;
            if let Some(secret) = secret {
                world.apply(&secret).await;
            }
            told(world, "CredentialMissing", &["spec.credentialsSecretRef", ADMIN, sentence]).await;
        }
        // Nothing is lost: what is published stays, and no object fails by it.
        assert_eq!(world.token("etl").await, token);
        assert!(world.tenant.token_owner(&token).is_some());
        assert!(world.secret("etl-credential").await.is_some());
        // A new object waits, with the cause in its own words.
        world.apply(&Account::of(world, "new")).await;
        world.retried("new", "PlatformNotReady", &[PLATFORM, ADMIN]).await;
        assert_eq!(world.remote_writes(), writes);

        world.delete("Secret", &world.namespace, ADMIN).await;
        world.apply(&world.admin_secret()).await;
        world.platform_says(PLATFORM, "True", "Succeeded").await;
        world.ready("etl").await;
        world.ready("new").await;
        assert_eq!(world.token("etl").await, token);
    })
    .await;
}

#[tokio::test]
async fn the_wrong_region_is_told_and_the_right_one_recovers() {
    Plan::default()
        .no_platform()
        .run(async |world| {
            let elsewhere = Simulator::start(Options::default().without_limits()).unwrap();
            world.apply(&world.admin_secret()).await;
            world.apply(&world.platform_at(&elsewhere)).await;
            world.apply(&Account::of(world, "etl")).await;
            let platform = told(world, "CredentialRefused", &["client not found", "region"]).await;
            assert!(says(&platform, "Reachable", "True", "Succeeded").is_ok(), "{platform}");
            assert!(says(&platform, "CredentialValid", "False", "CredentialRefused").is_ok());
            world.retried("etl", "PlatformNotReady", &["client not found"]).await;
            assert_eq!(elsewhere.control().clients().len(), 1, "nothing was made there");

            world.apply(&world.platform()).await;
            world.ready("etl").await;
        })
        .await;
}

#[tokio::test]
async fn a_managing_credential_that_is_rotated_while_running_is_read_again() {
    in_a_world(async |world| {
        world.apply(&Account::of_a_day(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let before = world.object("etl").await;
        let admin = world.simulator.admin_client().client_id;
        let rotated = world.tenant.rotate_secret(&admin).unwrap();
        world.tenant.end_tokens(&admin).unwrap();
        let platform = told(world, "CredentialRefused", &["authentication failed"]).await;
        assert!(says(&platform, "CredentialValid", "False", "CredentialRefused").is_ok());
        // Only the platform object speaks while what is published works.
        assert_eq!(world.object("etl").await["status"], before["status"]);
        world.edit(&id, &ClientEdit::field("accessTokenValiditySeconds", 600));

        world.edit_secret(ADMIN, "client_secret", rotated.reveal()).await;
        world.platform_says(PLATFORM, "True", "Succeeded").await;
        world.remote_is(&id, "corrected", |c| c.access_token_validity_seconds == 86_400).await;
        world.ready("etl").await;
    })
    .await;
}

#[tokio::test]
async fn another_tenant_behind_the_same_platform_object_gets_nothing() {
    in_a_world(async |world| {
        world.apply(&Account::of_a_day(world, "etl")).await;
        world.ready("etl").await;
        let id = world.client_id("etl").await;
        let token = world.token("etl").await;
        let other = "00000000-0000-4000-8000-000000000001";
        let rename =
            |id: &str| OrganizationEdit { id: Some(id.to_owned()), ..OrganizationEdit::default() };
        world.tenant.edit_organization(rename(other));
        told(world, "TenantChanged", &[other, seed::ORGANIZATION]).await;
        let writes = world.remote_writes();
        world.edit(&id, &ClientEdit::field("accessTokenValiditySeconds", 600));
        world.apply(&Account::of(world, "new")).await;
        for name in ["etl", "new"] {
            world.stalled(name, "TenantChanged", &[other, seed::ORGANIZATION]).await;
        }
        world.sweeps(2).await;
        assert_eq!(world.remote_writes(), writes);
        assert_eq!(world.token("etl").await, token, "nothing is lost");
        let platform = world.get("Platform", &world.namespace, PLATFORM).await.unwrap();
        assert_eq!(platform["status"]["tenantId"], seed::ORGANIZATION);

        world.tenant.edit_organization(rename(seed::ORGANIZATION));
        world.platform_says(PLATFORM, "True", "Succeeded").await;
        world.remote_is(&id, "corrected", |c| c.access_token_validity_seconds == 86_400).await;
        for name in ["etl", "new"] {
            world.ready(name).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_pinned_tenant_is_not_exchanged_for_the_one_that_answers() {
    Plan::default()
        .no_platform()
        .run(async |world| {
            world.apply(&world.admin_secret()).await;
            let mut platform = world.platform();
            platform["spec"]["tenantId"] = json!("another-organization");
            world.apply(&platform).await;
            world.apply(&Account::of(world, "etl")).await;
            told(world, "TenantChanged", &["another-organization", seed::ORGANIZATION]).await;
            world.stalled("etl", "TenantChanged", &["another-organization"]).await;
            assert_eq!(world.remote_writes(), 0);
            platform["spec"]["tenantId"] = json!(seed::ORGANIZATION);
            world.apply(&platform).await;
            world.ready("etl").await;
        })
        .await;
}

#[tokio::test]
async fn a_login_host_that_answers_html_is_no_login_host() {
    Plan::default()
        .no_platform()
        .run(async |world| {
            let html = Fault::new("POST", "/oauth/token", Effect::Html { body: None });
            let html = world.tenant.inject(html).unwrap();
            world.apply(&world.admin_secret()).await;
            world.apply(&world.platform()).await;
            world.apply(&Account::of(world, "etl")).await;
            let platform =
                told(world, "Unreachable", &["text/html", "spec.genesysCloud", "endpoints"]).await;
            assert!(says(&platform, "Reachable", "False", "Unreachable").is_ok(), "{platform}");
            world.retried("etl", "PlatformNotReady", &["text/html"]).await;
            world.tenant.clear_fault(html);
            world.ready("etl").await;
        })
        .await;
}

#[tokio::test]
async fn private_addresses_that_nobody_allowed_are_not_called() {
    in_a_world(async |world| {
        let mut platform = world.platform();
        let calls = world.tenant.counters().total();
        platform["metadata"]["name"] = json!("metadata");
        platform["spec"]["genesysCloud"]["endpoints"] =
            json!({ "login": "http://169.254.169.254", "api": "http://169.254.169.254" });
        world.apply(&platform).await;
        let said = world.platform_says("metadata", "False", "InvalidSpec").await;
        let sentence = message(&said, "Ready").unwrap();
        assert!(sentence.contains("--allowed-endpoints"), "{sentence}");
        assert!(sentence.contains("spec.genesysCloud.endpoints"), "{sentence}");
        assert!(world.tenant.counters().total() >= calls);
        platform["spec"]["genesysCloud"] = world.platform()["spec"]["genesysCloud"].clone();
        world.apply(&platform).await;
        world.platform_says("metadata", "True", "Succeeded").await;
    })
    .await;
}

#[tokio::test]
async fn authorities_that_are_missing_or_no_pem_are_named() {
    in_a_world(async |world| {
        let mut platform = world.platform();
        platform["spec"]["caBundleRef"] =
            json!({ "kind": "ConfigMap", "name": "corp-ca", "key": "ca.crt" });
        world.apply(&platform).await;
        told(world, "InvalidSpec", &["spec.caBundleRef", "corp-ca", "does not exist"]).await;
        let map = |text: &str| {
            json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": { "name": "corp-ca", "namespace": world.namespace },
                "data": { "ca.crt": text },
            })
        };
        world.apply(&map("not a certificate")).await;
        // ConfigMaps are not watched; a change of the platform object looks at once.
        platform["spec"]["sweepInterval"] = json!("6s");
        world.apply(&platform).await;
        told(world, "InvalidSpec", &["spec.caBundleRef", "BEGIN CERTIFICATE"]).await;
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = rcgen::CertificateParams::new(vec!["acme.example".into()]).unwrap();
        let pem = authority.self_signed(&key).unwrap().pem();
        world.apply(&map(&pem)).await;
        world.platform_says(PLATFORM, "True", "Succeeded").await;
        world.apply(&Account::of(world, "etl")).await;
        world.ready("etl").await;
    })
    .await;
}
