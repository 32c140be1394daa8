//! The act in which objects become Ready: a table as `kubectl get` shows it, that follows them.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use keysteward::api::conditions::ConditionType;
use keysteward::api::{PlatformStatus, ServiceAccountCredential};
use kube::ResourceExt;

use crate::scene::{Scene, condition, conditions, full_name, holds, in_words};
use crate::wait::until;

const READY_WITHIN: Duration = Duration::from_mins(2);
const HEAD: [&str; 7] = ["NAME", "PLATFORM", "READY", "REASON", "ENABLED", "SECRET", "EXPIRES"];
/// `ProgressingWithRetry` is the longest reason on the way to Ready.
const WIDTHS: [usize; 7] = [23, 14, 7, 20, 7, 19, 20];

/// Follows the objects until all of them are Ready, and shows the platforms then.
pub(crate) async fn become_ready(scene: &Scene<'_>, expected: usize) -> Result<()> {
    let mut table = scene.page.live(&HEAD, WIDTHS.into());
    let what = format!("{expected} objects to be Ready");
    until(scene.operator, &what, READY_WITHIN, async || {
        let objects = scene.objects().await?;
        table.show(objects.iter().map(row).collect());
        ensure!(objects.len() == expected, "{} objects", objects.len());
        match objects.iter().find(|object| !is_ready(object)) {
            None => Ok(()),
            Some(object) => bail!("{}: {}", full_name(object), in_words(conditions(object))),
        }
    })
    .await?;
    platforms(scene).await
}

/// The platforms have been Ready for their objects to be; here they say which tenant they found.
async fn platforms(scene: &Scene<'_>) -> Result<()> {
    let mut rows = Vec::new();
    let mut take = |kind: &str, name: String, status: Option<PlatformStatus>| {
        let status = status.unwrap_or_default();
        let Some(ready) = condition(&status.conditions, ConditionType::Ready) else {
            bail!("expected the {kind} {name} to be Ready; last seen: no condition");
        };
        ensure!(
            ready.status == "True",
            "expected the {kind} {name} to be Ready; last seen: {}",
            in_words(&status.conditions)
        );
        let tenant = status.tenant_name.unwrap_or_default();
        rows.push([kind.to_owned(), name, ready.status.clone(), tenant].into());
        Ok(())
    };
    for platform in scene.cluster.platforms(&scene.namespaces).await? {
        take("Platform", full_name(&platform), platform.status)?;
    }
    for platform in scene.cluster.cluster_platforms().await? {
        take("ClusterPlatform", platform.name_any(), platform.status)?;
    }
    scene.page.table(&["KIND", "NAME", "READY", "TENANT"], &rows);
    Ok(())
}

/// Ready, and for the spec as it is now.
fn is_ready(object: &ServiceAccountCredential) -> bool {
    let current = object.status.as_ref().and_then(|status| status.observed_generation);
    current == object.metadata.generation && holds(conditions(object), ConditionType::Ready)
}

fn row(object: &ServiceAccountCredential) -> Vec<String> {
    let ready = condition(conditions(object), ConditionType::Ready);
    let of = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let expires = || object.status.as_ref()?.token.as_ref()?.expires_at.map(|at| at.to_string());
    vec![
        full_name(object),
        object.spec.platform_ref.name.clone(),
        of(ready.map(|ready| ready.status.clone())),
        of(ready.map(|ready| ready.reason.clone())),
        object.spec.enabled.to_string(),
        of(object.spec.token.as_ref().map(|token| token.secret_name.clone())),
        of(expires()),
    ]
}
