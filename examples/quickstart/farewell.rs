//! The end: commands to play with, the wait for Ctrl-C, and taking everything down.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::time::{Instant, interval, interval_at};

use crate::page::Page;
use crate::play::Stage;
use crate::scene::full_name;

/// A third of the hour that the operator's token lives.
const RENEW_EVERY: Duration = Duration::from_mins(20);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long objects may take to go while the operator settles the remote side.
const GONE_WITHIN: Duration = Duration::from_secs(30);

const DEFINITION: &str = "CustomResourceDefinition";

impl Stage {
    /// Prints what to play with.
    pub(crate) fn invite(&self, page: &Page) -> Result<()> {
        let (cluster, tenant, operator, place) = (
            self.cluster.as_ref().context("there is no cluster")?,
            self.tenant.as_ref().context("there is no tenant")?,
            self.operator.as_ref().context("there is no operator")?,
            self.place.as_ref().context("there are no names")?,
        );
        let client = tenant.client("data-export")?.id;
        let analytics = place.of("analytics");
        page.plain("\nIt all stays until Ctrl-C. In another terminal:\n");
        page.plain(&format!("  export KUBECONFIG={}\n", cluster.kubeconfig.display()));
        let invite = |why: &str, command: &str| page.plain(&format!("  # {why}\n  {command}"));
        invite("everything of Keysteward", "kubectl get keysteward --all-namespaces");
        invite(
            "how one object is, in words",
            &format!("kubectl describe sacred data-export --namespace {analytics}"),
        );
        invite(
            "be the other administrator: switch the account off, and see it come back within a sweep (a field that is set back three times is left alone: somebody means it)",
            &format!(
                "curl -sX PATCH {}/_simulator/clients/{client} -H 'content-type: application/json' -d '{{\"state\":\"inactive\"}}'; \
                 kubectl get sacred data-export --namespace {analytics} -o jsonpath='{{.status.drift}}{{\"\\n\"}}' -w",
                tenant.api()
            ),
        );
        invite(
            "lose a token: a new one is minted",
            &format!(
                "kubectl delete secret reporting-etl-token --namespace {analytics}; \
                 kubectl get secret --namespace {analytics} -w"
            ),
        );
        invite("what the operator counts", &format!("curl -s {}/metrics", operator.admin));
        page.plain(&format!("\n  Its log: {}", operator.log().display()));
        if !on_the_path("kubectl") {
            page.plain("  There is no kubectl on the PATH here: any version from 1.34 on will do.");
        }
        if !self.is_a_guest() {
            page.plain("  Only the API server runs: no controllers, no Pods, and a namespace that is deleted never ends.");
        }
        Ok(())
    }

    /// Keeps the operator's token good; returns only when the operator has ended.
    pub(crate) async fn stay(&self) -> Result<()> {
        let (Some(cluster), Some(access), Some(operator)) =
            (&self.cluster, &self.access, &self.operator)
        else {
            bail!("there is nothing that could stay");
        };
        let mut renew = interval_at(Instant::now() + RENEW_EVERY, RENEW_EVERY);
        let mut look = interval(LOOK_EVERY);
        loop {
            tokio::select! {
                _ = renew.tick() => access.renew(cluster).await?,
                _ = look.tick() => operator.check()?,
            }
        }
    }

    /// Ends and removes everything that was started and made.
    pub(crate) async fn take_down(&mut self, page: &Page) -> Result<()> {
        let objects = if self.is_a_guest() { self.remove_objects().await } else { Ok(()) };
        let operator = match self.operator.take() {
            Some(operator) => operator.stop().await,
            None => Ok(()),
        };
        let rest = if self.is_a_guest() { self.remove_the_rest(page).await } else { Ok(()) };
        self.access = None;
        self.tenant = None;
        self.cluster = None;
        objects.and(operator).and(rest)
    }

    /// Whether the cluster is somebody else's.
    fn is_a_guest(&self) -> bool {
        self.cluster.as_ref().is_some_and(|cluster| !cluster.is_our_own())
    }

    /// Deletes the objects while the operator can still settle the remote side.
    async fn remove_objects(&self) -> Result<()> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        if !cluster.knows_our_kinds().await? {
            return Ok(());
        }
        for object in cluster.credentials(&self.namespaces).await? {
            cluster.delete(&object).await?;
        }
        let until = Instant::now() + GONE_WITHIN;
        let mut look = interval(Duration::from_millis(200));
        loop {
            look.tick().await;
            let left = cluster.credentials(&self.namespaces).await?;
            if left.is_empty() {
                return Ok(());
            }
            let works = self.operator.as_ref().is_some_and(|operator| operator.check().is_ok());
            if !works || Instant::now() >= until {
                for object in &left {
                    cluster.release(object).await?;
                }
                if works {
                    let names: Vec<_> = left.iter().map(full_name).collect();
                    bail!(
                        "expected the operator to let go of {} when they were deleted",
                        names.join(", ")
                    );
                }
            }
        }
    }

    async fn remove_the_rest(&self, page: &Page) -> Result<()> {
        let (Some(cluster), Some(place)) = (&self.cluster, &self.place) else { return Ok(()) };
        // True copies stay when objects go, and all others if the operator died; their tenant goes as well now.
        let mut namespaces = self.namespaces.clone();
        namespaces.push(place.system());
        for secret in cluster.managed_secrets(&namespaces).await? {
            cluster.delete(&secret).await?;
        }
        cluster.delete_made(|manifest| !is_definition(manifest)).await?;
        if !self.made_definitions {
            return Ok(());
        }
        let foreign = cluster.foreign_objects(&self.namespaces).await?;
        if foreign.is_empty() {
            return cluster.delete_made(is_definition).await;
        }
        page.plain(&format!("The definitions stay: {} need them.", foreign.join(", ")));
        Ok(())
    }
}

fn is_definition(manifest: &Value) -> bool {
    manifest["kind"] == DEFINITION
}

fn on_the_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}
