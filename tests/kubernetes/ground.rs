//! The ground that each test stands on: a namespace, and the operator in it under its own account.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use keysteward::kubernetes::live::{Live, connect};
use keysteward::kubernetes::rbac::{Place, manifests};
use keysteward::kubernetes::{ObjectKey, SecretManifest};
use keysteward::model::secret_text::SecretText;
use keysteward_testbed::{ControlPlane, ServiceAccountAccess, apply_yaml, shared};
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

const CRDS: [&str; 3] = [
    include_str!("../../crds/keysteward.dev_clusterplatforms.yaml"),
    include_str!("../../crds/keysteward.dev_platforms.yaml"),
    include_str!("../../crds/keysteward.dev_serviceaccountcredentials.yaml"),
];

/// A namespace, and the operator in it under its own account.
pub(crate) struct Ground {
    pub(crate) server: &'static ControlPlane,
    pub(crate) admin: Client,
    pub(crate) namespace: String,
    pub(crate) access: ServiceAccountAccess,
    pub(crate) live: Live,
}

impl Ground {
    pub(crate) async fn prepare() -> Option<Self> {
        let server = shared().await?;
        let admin = server.client();
        for crd in CRDS {
            apply_yaml(&admin, crd, "test").await.unwrap();
        }
        let namespace = server.new_namespace("seam").await.unwrap();
        server.new_service_account(&namespace, "operator").await.unwrap();
        let place = Place {
            name: &namespace,
            namespace: &namespace,
            service_account: "operator",
            lease: "keysteward",
            served: &[],
        };
        for manifest in manifests(&place) {
            apply_yaml(&admin, &manifest.to_string(), "test").await.unwrap();
        }
        let access = server.kubeconfig_for(&namespace, "operator").await.unwrap();
        let connection = connect(Some(access.kubeconfig()), Arc::new(())).await.unwrap();
        let live = Live::new(connection.client, "seam-test");
        Some(Self { server, admin, namespace, access, live })
    }

    pub(crate) fn objects(&self, kind: &str, plural: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("keysteward.dev", "v1alpha1", kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        Api::namespaced_with(self.admin.clone(), &self.namespace, &resource)
    }

    pub(crate) fn credentials(&self) -> Api<DynamicObject> {
        self.objects("ServiceAccountCredential", "serviceaccountcredentials")
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.admin.clone(), &self.namespace)
    }

    /// A new object, in its first life.
    pub(crate) async fn object(&self, name: &str) -> ObjectKey {
        let yaml = json!({
            "apiVersion": "keysteward.dev/v1alpha1",
            "kind": "ServiceAccountCredential",
            "metadata": {"namespace": self.namespace, "name": name},
            "spec": {
                "platformRef": {"kind": "Platform", "name": "contact-center"},
                "genesysCloud": {
                    "client": {"name": name},
                    "grantTypes": ["client_credentials"],
                    "roles": [{"name": "Reporting Viewer", "division": "Home"}],
                },
                "token": {"secretName": format!("{name}-token")},
            },
        });
        let applied = apply_yaml(&self.admin, &yaml.to_string(), "user").await.unwrap().remove(0);
        ObjectKey {
            namespace: self.namespace.clone(),
            name: name.into(),
            uid: applied.uid().unwrap(),
        }
    }

    pub(crate) fn manifest(&self, controller: Option<ObjectKey>, token: &str) -> SecretManifest {
        SecretManifest {
            namespace: self.namespace.clone(),
            name: "etl-token".into(),
            labels: BTreeMap::from([("keysteward.dev/name".into(), "etl".into())]),
            annotations: BTreeMap::from([("keysteward.dev/refresh-at".into(), token.into())]),
            controller,
            data: BTreeMap::from([("token".into(), SecretText::new(token))]),
        }
    }
}
