//! In: the server that the tests of this file share. Out: proof that it is a real one, with access
//! limited as in a real cluster.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails a test")]

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use keysteward_testbed::{
    ApplyError, ControlPlane, Tool, apply_yaml, count, delete_yaml, eventually, own, shared,
    unique_name,
};
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::{Api, Client, ResourceExt};

const SOON: Duration = Duration::from_secs(20);

fn config_map(name: &str, value: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        data: Some(BTreeMap::from([("value".to_owned(), value.to_owned())])),
        ..ConfigMap::default()
    }
}

/// A ServiceAccount `reader` that may read ConfigMaps in `namespace`.
async fn reader(
    server: &ControlPlane,
    namespace: &str,
) -> keysteward_testbed::ServiceAccountAccess {
    server.new_service_account(namespace, "reader").await.unwrap();
    let role = format!(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: reader, namespace: {namespace}}}
rules: [{{apiGroups: [''], resources: [configmaps], verbs: [get, list]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: reader, namespace: {namespace}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}
subjects: [{{kind: ServiceAccount, name: reader, namespace: {namespace}}}]
"
    );
    apply_yaml(&server.client(), &role, "test").await.unwrap();
    server.kubeconfig_for(namespace, "reader").await.unwrap()
}

/// Lists ConfigMaps until the role has reached the authoriser, which lags behind a write.
async fn list_once_allowed(client: &Client, namespace: &str) -> Vec<ConfigMap> {
    let api = Api::<ConfigMap>::namespaced(client.clone(), namespace);
    eventually(SOON, "the role to be in force", async || api.list(&ListParams::default()).await)
        .await
        .items
}

fn code<T: std::fmt::Debug>(outcome: kube::Result<T>) -> u16 {
    match outcome {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("a refusal by the server was expected: {other:?}"),
    }
}

#[tokio::test]
async fn the_server_is_the_pinned_version() {
    let Some(server) = shared().await else { return };
    let version = server.client().apiserver_version().await.unwrap();
    assert_eq!(version.git_version, Tool::KubeApiserver.version());
}

#[tokio::test]
async fn two_namespaces_of_one_prefix_are_two() {
    let Some(server) = shared().await else { return };
    let (one, two) = (server.new_namespace("twin").await, server.new_namespace("twin").await);
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one, two);
    let api = Api::<ConfigMap>::namespaced(server.client(), &one);
    api.create(&PostParams::default(), &config_map("a", "x")).await.unwrap();
    let other = Api::<ConfigMap>::namespaced(server.client(), &two);
    assert_eq!(other.list(&ListParams::default()).await.unwrap().items, []);
}

#[tokio::test]
async fn a_service_account_does_what_its_role_allows_and_no_more() {
    let Some(server) = shared().await else { return };
    let mine = server.new_namespace("mine").await.unwrap();
    let theirs = server.new_namespace("theirs").await.unwrap();
    let access = reader(server, &mine).await;
    let client = server.client_for(&access).await.unwrap();
    assert_eq!(client.default_namespace(), mine);

    assert_eq!(list_once_allowed(&client, &mine).await, []);
    let create = Api::<ConfigMap>::namespaced(client.clone(), &mine)
        .create(&PostParams::default(), &config_map("a", "x"))
        .await;
    assert_eq!(code(create), 403);
    let elsewhere = Api::<ConfigMap>::namespaced(client.clone(), &theirs);
    assert_eq!(code(elsewhere.list(&ListParams::default()).await), 403);
    let secrets = Api::<Secret>::namespaced(client.clone(), &mine);
    assert_eq!(code(secrets.list(&ListParams::default()).await), 403);
    let namespaces = Api::<Namespace>::all(client);
    assert_eq!(code(namespaces.list(&ListParams::default()).await), 403);
}

#[tokio::test]
async fn a_token_is_read_from_its_file_and_a_renewed_one_is_another() {
    let Some(server) = shared().await else { return };
    let namespace = server.new_namespace("token").await.unwrap();
    let access = reader(server, &namespace).await;
    list_once_allowed(&server.client_for(&access).await.unwrap(), &namespace).await;

    let first = std::fs::read_to_string(access.token_file()).unwrap();
    let kubeconfig = std::fs::read_to_string(access.kubeconfig()).unwrap();
    assert!(!kubeconfig.contains(&first), "the token is in its own file only");

    std::fs::write(access.token_file(), "spoiled").unwrap();
    let client = server.client_for(&access).await.unwrap();
    let api = Api::<ConfigMap>::namespaced(client, &namespace);
    assert_eq!(code(api.list(&ListParams::default()).await), 401);

    // Two tokens of one second would be equal but for their identifiers.
    server.renew_token(&access).await.unwrap();
    assert_ne!(first, std::fs::read_to_string(access.token_file()).unwrap());
    let client = server.client_for(&access).await.unwrap();
    let api = Api::<ConfigMap>::namespaced(client, &namespace);
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items, []);
}

#[tokio::test]
async fn a_token_may_last_ten_minutes_and_not_less() {
    let Some(server) = shared().await else { return };
    let namespace = server.new_namespace("short").await.unwrap();
    server.new_service_account(&namespace, "brief").await.unwrap();
    let lasting = async |seconds| {
        server.kubeconfig_lasting(&namespace, "brief", Duration::from_secs(seconds)).await
    };
    lasting(600).await.unwrap();
    let error = format!("{:#}", lasting(599).await.unwrap_err());
    assert!(error.contains("10 minutes"), "{error}");
}

#[tokio::test]
async fn a_service_account_that_is_not_there_is_named() {
    let Some(server) = shared().await else { return };
    let namespace = server.new_namespace("nobody").await.unwrap();
    let error = server.kubeconfig_for(&namespace, "ghost").await.unwrap_err().to_string();
    assert_eq!(error, format!("could not get a token for the ServiceAccount {namespace}/ghost"));
}

#[tokio::test]
async fn the_audit_log_counts_requests_by_verb_and_resource() {
    let Some(server) = own(ControlPlane::builder().audited()).await else {
        return;
    };
    let namespace = server.new_namespace("audit").await.unwrap();
    let log = server.audit_log().unwrap();
    let api = Api::<ConfigMap>::namespaced(server.client(), &namespace);
    let mark = log.mark().unwrap();
    for name in ["a", "b", "c"] {
        api.create(&PostParams::default(), &config_map(name, "x")).await.unwrap();
    }
    api.list(&ListParams::default()).await.unwrap();
    api.get("missing").await.unwrap_err();

    let mine = eventually(SOON, "five records", async || {
        let records = log.since(mark).map_err(|error| error.to_string())?;
        let mine: Vec<_> =
            records.into_iter().filter(|record| record.namespace == namespace).collect();
        if mine.len() == 5 { Ok(mine) } else { Err(format!("{mine:?}")) }
    })
    .await;
    let key = |verb: &str| (verb.to_owned(), "configmaps".to_owned());
    let expected = BTreeMap::from([(key("create"), 3), (key("list"), 1), (key("get"), 1)]);
    assert_eq!(count(&mine), expected);
    assert!(mine.iter().all(|record| record.user == "testbed-admin"), "{mine:?}");
    assert_eq!(mine.last().unwrap().code, 404);
}

#[tokio::test]
async fn a_flag_reaches_the_server_and_a_wrong_one_is_told() {
    let builder = ControlPlane::builder().apiserver_flag("--no-such-flag");
    let Some(_) = shared().await else { return };
    let error = builder.start().await.unwrap_err().to_string();
    assert!(error.contains("before it was ready"), "{error}");
    assert!(error.contains("unknown flag: --no-such-flag"), "{error}");
}

/// A definition of `gadgets` in a group of the test's own, and an object of it.
fn gadgets(group: &str, namespace: &str, field: &str) -> String {
    format!(
        "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: gadgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Gadget, plural: gadgets, singular: gadget}}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            x-kubernetes-validations: [{{rule: 'self.size < 10', message: size must be below ten}}]
            properties: {{size: {{type: integer}}}}
---
# A definition and its first object in one text.
apiVersion: {group}/v1
kind: Gadget
metadata: {{name: first, namespace: {namespace}}}
spec: {{{field}}}
"
    )
}

#[tokio::test]
async fn a_definition_and_its_object_are_applied_from_one_text() {
    let Some(server) = shared().await else { return };
    let namespace = server.new_namespace("gadget").await.unwrap();
    let group = format!("{}.example.com", unique_name("g"));
    let (client, yaml) = (server.client(), gadgets(&group, &namespace, "size: 1"));

    let applied = apply_yaml(&client, &yaml, "test").await.unwrap();
    assert_eq!(applied.len(), 2);
    assert_eq!(applied[1].data["spec"]["size"], 1);
    let managers = applied[1].managed_fields();
    assert_eq!(managers[0].manager.as_deref(), Some("test"));

    delete_yaml(&client, &yaml).await.unwrap();
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    eventually(SOON, "the definition to be gone", async || {
        match api.get_opt(&format!("gadgets.{group}")).await {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    delete_yaml(&client, &yaml).await.unwrap();
}

#[tokio::test]
async fn a_field_that_the_server_does_not_know_is_refused() {
    let Some(server) = shared().await else { return };
    let namespace = server.new_namespace("strict").await.unwrap();
    let group = format!("{}.example.com", unique_name("g"));
    let yaml = gadgets(&group, &namespace, "size: 1, colour: red");
    let error = apply_yaml(&server.client(), &yaml, "test").await.unwrap_err();
    let ApplyError::Refused { object, message, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*object, format!("Gadget {namespace}/first"));
    assert!(message.contains("colour"), "{message}");
}

#[tokio::test]
async fn a_rule_of_a_definition_refuses_with_its_sentence() {
    let Some(server) = shared().await else { return };
    let namespace = server.new_namespace("rule").await.unwrap();
    let group = format!("{}.example.com", unique_name("g"));
    let yaml = gadgets(&group, &namespace, "size: 10");
    let error = apply_yaml(&server.client(), &yaml, "test").await.unwrap_err();
    let ApplyError::Refused { code, message, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*code, 422);
    assert!(message.contains("size must be below ten"), "{message}");
}

#[tokio::test]
async fn a_kind_that_nobody_serves_is_named() {
    let Some(server) = shared().await else { return };
    let yaml = "apiVersion: nowhere.example.com/v1\nkind: Ghost\nmetadata: {name: boo}";
    let error = apply_yaml(&server.client(), yaml, "test").await.unwrap_err().to_string();
    assert!(error.starts_with("the server refused Ghost boo: "), "{error}");
}

#[tokio::test]
async fn a_field_that_somebody_else_holds_is_not_taken() {
    let Some(server) = shared().await else { return };
    let namespace = server.new_namespace("held").await.unwrap();
    let yaml = |value| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: {namespace}}}\n\
             data: {{value: {value}}}"
        )
    };
    apply_yaml(&server.client(), &yaml("first"), "one").await.unwrap();
    let error = apply_yaml(&server.client(), &yaml("second"), "two").await.unwrap_err();
    assert!(matches!(error, ApplyError::Refused { code: 409, .. }), "{error}");
}

#[tokio::test]
async fn the_memory_of_both_servers_is_read() {
    let Some(server) = shared().await else { return };
    assert!(server.apiserver_rss_kib().await.unwrap() > 50 * 1024);
    assert!(server.etcd_rss_kib().unwrap() > 10 * 1024);
}

#[tokio::test]
async fn a_task_of_its_own_may_start_a_server_and_apply_to_it() {
    fn may_be_spawned<T: Send + 'static>(future: T) -> T {
        future
    }
    let Some(server) = shared().await else { return };
    drop(may_be_spawned(ControlPlane::start()));
    let client = server.client();
    may_be_spawned(async move {
        apply_yaml(&client, "", "test").await.unwrap();
        delete_yaml(&client, "").await.unwrap();
    })
    .await;
}
