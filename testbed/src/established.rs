//! In: the name of a CustomResourceDefinition. Out: nothing, once objects of it can be written.
//! The condition alone is not enough: discovery follows it a moment later.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::GroupVersionKind;
use kube::discovery::pinned_kind;
use kube::{Api, Client};

use crate::eventually::{NotYet, try_eventually};

/// Waits until the definition is established and every version that it serves can be found.
pub async fn wait_for_crd(client: &Client, name: &str, deadline: Duration) -> Result<(), NotYet> {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    try_eventually(deadline, &format!("the definition {name} established"), async || {
        let crd = api.get(name).await.map_err(|error| error.to_string())?;
        let conditions = crd.status.and_then(|status| status.conditions).unwrap_or_default();
        for wanted in ["NamesAccepted", "Established"] {
            let Some(condition) = conditions.iter().find(|found| found.type_ == wanted) else {
                return Err(format!("no condition {wanted} yet"));
            };
            if condition.status != "True" {
                let message = condition.message.as_deref().unwrap_or("no message");
                return Err(format!("{wanted} is {}: {message}", condition.status));
            }
        }
        for version in crd.spec.versions.iter().filter(|version| version.served) {
            let kind = GroupVersionKind::gvk(&crd.spec.group, &version.name, &crd.spec.names.kind);
            pinned_kind(client, &kind).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    })
    .await
}
