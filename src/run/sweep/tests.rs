//! What outlives a session.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::api::PlatformStatus;
use crate::model::object::PlatformKey;
use crate::provider::genesys::Waits;
use crate::provider::http::AllowedEndpoints;
use crate::run::pass::Settings;

fn options() -> Options {
    let none = SignedDuration::ZERO;
    Options {
        settings: Settings { owner: "owner".into(), operator_namespace: "keysteward".into() },
        namespaces: Vec::new(),
        allowed_endpoints: AllowedEndpoints::default(),
        proxy_from_environment: false,
        waits: Waits { create_lag: none, write_lag: none, settle: none },
        concurrency: 1,
        sweep_spacing: none,
        late_after: none,
        watchdog_every: Duration::from_secs(5),
    }
}

fn entry(generation: i64, requests_per_minute: u32) -> Entry {
    let key = PlatformKey {
        kind: PlatformKind::Platform,
        namespace: "team-a".into(),
        name: "contact-center".into(),
    };
    let connection = serde_json::from_value(json!({
        "genesysCloud": { "region": "eu-central-1" },
        "credentialsSecretRef": { "name": "admin" },
        "requestsPerMinute": requests_per_minute,
    }));
    Entry::new(key, "p-1".into(), generation, connection.unwrap(), PlatformStatus::default(), 1)
}

async fn refused(entry: &Entry) -> String {
    let credential = Credential { client_id: "id".into(), client_secret: SecretText::new("s") };
    let session = provider(&options(), &CancellationToken::new(), entry, credential, None).unwrap();
    session.accounts().await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_new_session_or_generation_does_not_begin_with_a_new_budget() {
    let first = entry(1, 240);
    first.budget.pause(Duration::from_mins(5));
    let second = entry(2, 240).succeeding(Some(&first));
    assert!(Arc::ptr_eq(&first.budget, &second.budget));
    let faster = entry(3, 100_000).succeeding(Some(&second));
    for entry in [&first, &first, &second, &faster] {
        let said = refused(entry).await;
        assert!(said.contains("the platform asked to wait"), "{said}");
    }
}
