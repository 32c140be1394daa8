//! In: names and addresses. Out: the objects of the benchmark as a user would write them.

use serde_json::{Value, json};

use super::platform::Platform;

/// The `ServiceAccount` of the operator, and the beginning of the names of its roles.
pub(crate) const ACCOUNT: &str = "keysteward";
/// Where the operator lives.
pub(crate) const HOME: &str = "keysteward-system";

const PLATFORM: &str = "contact-center";
const ADMIN: &str = "contact-center-admin";
const OTHERS: usize = 20;

/// Namespaces with nothing in them but Secrets of others.
pub(crate) fn other_namespaces() -> Vec<String> {
    (0..OTHERS).map(|number| format!("other-{number:02}")).collect()
}

/// Records what the operator's account does, and nothing else: a record costs time too.
pub(crate) fn audit_policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "omitManagedFields": true,
        "rules": [
            { "level": "Metadata", "users": [user()] },
            { "level": "None" },
        ],
    })
}

/// The operator as the API server names it.
pub(crate) fn user() -> String {
    format!("system:serviceaccount:{HOME}:{ACCOUNT}")
}

/// The managing credential of a platform and the platform object: at the benchmark's pace, or with every default.
pub(crate) fn platform(namespace: &str, platform: &Platform, defaults: bool) -> [Value; 2] {
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": ADMIN, "namespace": namespace },
        "type": "keysteward.dev/input",
        "stringData": { "client_id": platform.client_id, "client_secret": platform.client_secret },
    });
    let mut object = json!({
        "apiVersion": "keysteward.dev/v1alpha1",
        "kind": "Platform",
        "metadata": { "name": PLATFORM, "namespace": namespace },
        "spec": {
            "genesysCloud": {
                "region": "eu-central-1",
                "endpoints": { "login": platform.url, "api": platform.url },
            },
            "credentialsSecretRef": { "name": ADMIN },
        },
    });
    if !defaults {
        object["spec"]["sweepInterval"] = json!("5s");
        object["spec"]["requestsPerMinute"] = json!(100_000);
    }
    [secret, object]
}

/// Name of an object.
pub(crate) fn name(number: usize) -> String {
    format!("account-{number:05}")
}

/// An account with two roles, a token of 24 hours and a published credential.
pub(crate) fn account(namespace: &str, number: usize) -> Value {
    let name = name(number);
    json!({
        "apiVersion": "keysteward.dev/v1alpha1",
        "kind": "ServiceAccountCredential",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "platformRef": { "kind": "Platform", "name": PLATFORM },
            "genesysCloud": {
                "client": { "name": name },
                "grantTypes": ["client_credentials"],
                "roles": [
                    { "name": "Reporting Viewer", "division": "Home" },
                    { "name": "Integration Operator", "division": "Home" },
                ],
                "accessTokenLifetime": "24h",
            },
            "token": { "secretName": format!("{name}-token") },
            "credential": { "secretName": format!("{name}-credential") },
        },
    })
}
