use serde_json::{Value, json};

use super::*;
use crate::kubernetes::live::fixture::{ApiServer, refusal};

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

fn input(data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "keysteward.dev/input",
        "metadata": {"namespace": "team-a", "name": "admin"}, "data": data,
    })
}

async fn credential(code: u16, answer: Value) -> Result<Credential, InputError> {
    let server = ApiServer::start().await;
    server.then(code, answer).await;
    server.live().platform_credential("team-a", "admin").await
}

#[tokio::test]
async fn a_credential_is_read_without_the_white_space_around_it() {
    let data = json!({"client_id": "IGlkCg==", "client_secret": "Y2FuYXJ5DQo="});
    let credential = credential(200, input(&data)).await.unwrap();
    assert_eq!(credential.client_id, "id");
    assert_eq!(credential.client_secret.reveal(), "canary");
}

#[tokio::test]
async fn each_wrong_input_says_what_to_write_instead() {
    let mut opaque = input(&json!({"client_id": "aWQ=", "client_secret": "Y2FuYXJ5"}));
    opaque["type"] = json!("Opaque");
    for (code, answer, text) in [
        (
            404,
            refusal(404, "NotFound", "secrets \"admin\" not found"),
            "Secret team-a/admin does not exist: create it with the type keysteward.dev/input",
        ),
        (
            200,
            opaque,
            "Secret team-a/admin has the type Opaque: delete it and create it again with the type \
             keysteward.dev/input",
        ),
        (
            200,
            input(&json!({"client_id": "aWQ="})),
            "Secret team-a/admin has no key client_secret: it must hold client_id and client_secret",
        ),
        (
            200,
            input(&Value::Null),
            "Secret team-a/admin has no key client_id: it must hold client_id and client_secret",
        ),
        (
            200,
            input(&json!({"client_id": "aWQ=", "client_secret": "Cg=="})),
            "key client_secret of Secret team-a/admin is empty",
        ),
        (
            200,
            input(&json!({"client_id": "/w==", "client_secret": "Y2FuYXJ5"})),
            "key client_id of Secret team-a/admin is not UTF-8 text",
        ),
        (
            200,
            input(&json!({"client_id": "aWQ=", "client_secret": "Y2FuCmFyeQ=="})),
            "key client_secret of Secret team-a/admin has white space or a control character inside",
        ),
    ] {
        let error = credential(code, answer).await.unwrap_err();
        assert_eq!(error, InputError::Unfit(text.into()));
    }
}

#[tokio::test]
async fn an_api_server_that_fails_is_not_blamed_on_the_user() {
    let error = credential(403, refusal(403, "Forbidden", "no")).await.unwrap_err();
    let InputError::Unread(Error::Forbidden(text)) = error else { panic!("{error:?}") };
    assert_eq!(text, "could not read Secret team-a/admin: no (Forbidden, 403)");
}

#[tokio::test]
async fn a_name_that_cannot_be_one_is_the_users_to_mend() {
    let server = ApiServer::start().await;
    let error = server.live().platform_credential("team-a", "../x").await.unwrap_err();
    assert!(matches!(error, InputError::Unfit(_)), "{error:?}");
    assert!(server.asked().await.is_empty());
}

async fn bundle(kind: CaBundleKind, code: u16, answer: Value) -> Result<String, InputError> {
    let server = ApiServer::start().await;
    server.then(code, answer).await;
    let reference = CaBundleRef { kind, name: "corp-ca".into(), key: "ca.crt".into() };
    server.live().ca_bundle("team-a", &reference).await
}

#[tokio::test]
async fn a_bundle_comes_from_a_config_map_or_an_input_secret() {
    let map = |data: Value| json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {}, "data": data});
    let found = bundle(CaBundleKind::ConfigMap, 200, map(json!({"ca.crt": PEM}))).await;
    assert_eq!(found.unwrap(), PEM);

    let encoded = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==";
    let found = bundle(CaBundleKind::Secret, 200, input(&json!({"ca.crt": encoded}))).await;
    assert!(found.unwrap().starts_with("-----BEGIN CERTIFICATE-----"));

    let binary = json!({"metadata": {}, "binaryData": {"ca.crt": encoded}});
    assert!(bundle(CaBundleKind::ConfigMap, 200, binary).await.is_ok());

    for (answer, text) in [
        (
            map(json!({})),
            "ConfigMap team-a/corp-ca has no key ca.crt: put the certificates there as PEM",
        ),
        (
            map(json!({"ca.crt": "hello"})),
            "key ca.crt of ConfigMap team-a/corp-ca holds no PEM certificate: it must contain BEGIN CERTIFICATE",
        ),
    ] {
        let error = bundle(CaBundleKind::ConfigMap, 200, answer).await.unwrap_err();
        assert_eq!(error, InputError::Unfit(text.into()));
    }
    let absent = refusal(404, "NotFound", "not found");
    let error = bundle(CaBundleKind::ConfigMap, 404, absent).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ConfigMap team-a/corp-ca does not exist: create it with the key ca.crt"
    );
    let mut opaque = input(&json!({"ca.crt": encoded}));
    opaque["type"] = json!("Opaque");
    let error = bundle(CaBundleKind::Secret, 200, opaque).await.unwrap_err();
    assert!(error.to_string().contains("has the type Opaque"), "{error}");
}

#[tokio::test]
async fn the_cluster_is_named_by_the_uid_of_a_namespace() {
    let server = ApiServer::start().await;
    server.then(200, json!({"metadata": {"name": "kube-system", "uid": "cluster-1"}})).await;
    assert_eq!(server.live().namespace_uid("kube-system").await.unwrap(), "cluster-1");
    assert_eq!(server.asked().await[0].line, "GET /api/v1/namespaces/kube-system");
}
