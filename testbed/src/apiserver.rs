//! In: a program, an etcd and certificates. Out: an API server on loopback that can be stopped,
//! killed, paused and started again on the same port with the same data.
//! It runs no controllers, and it authorises by RBAC as a real cluster does.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use kube::Client;
use rustix::process::Signal;
use tokio::sync::Mutex;

use crate::certificates::Certificates;
use crate::process::Process;
use crate::server::Server;

/// Records who asked for what, once each, and no content.
const AUDIT_POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
omitManagedFields: true
rules: [{level: Metadata}]
";

/// How long a server that was asked to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(30);

/// What the flags of an API server are made from.
pub(crate) struct Wiring<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) certificates: &'a Certificates,
    pub(crate) etcd_url: &'a str,
    pub(crate) port: u16,
    pub(crate) audit_log: Option<&'a Path>,
    pub(crate) more_flags: &'a [String],
}

/// An API server, running or not.
#[derive(Debug)]
pub(crate) struct ApiServer {
    server: Server,
    running: Mutex<Option<Process>>,
}

impl ApiServer {
    /// Starts one and waits until `/readyz` says yes to `client`.
    pub(crate) async fn start(
        program: PathBuf,
        wiring: &Wiring<'_>,
        client: &Client,
    ) -> Result<Self> {
        let server = Server {
            name: "kube-apiserver",
            program,
            flags: flags(wiring)?.into_iter().map(Into::into).collect(),
            log: wiring.directory.join("kube-apiserver.log"),
        };
        let process = server.start(|| ready(client)).await?;
        Ok(Self { server, running: Mutex::new(Some(process)) })
    }

    /// Starts it again.
    pub(crate) async fn start_again(&self, client: &Client) -> Result<()> {
        let mut running = self.running.lock().await;
        if let Some(process) = running.as_mut()
            && process.try_wait()?.is_none()
        {
            bail!("could not start the API server: it is running");
        }
        *running = Some(self.server.start(|| ready(client)).await?);
        Ok(())
    }

    /// Asks it to end as a cluster does in an upgrade, and waits for it.
    pub(crate) async fn stop(&self) -> Result<()> {
        let mut running = self.running.lock().await;
        let process =
            running.as_mut().context("could not stop the API server: it is not running")?;
        process.signal(Signal::TERM)?;
        if process.ended_within(GRACE).await?.is_none() {
            process.kill()?;
        }
        *running = None;
        Ok(())
    }

    /// Ends it at once, with requests and watches open.
    pub(crate) async fn kill(&self) -> Result<()> {
        let mut running = self.running.lock().await;
        let process =
            running.as_mut().context("could not kill the API server: it is not running")?;
        process.kill()?;
        *running = None;
        Ok(())
    }

    /// Stops or resumes its execution: connections stay open and nothing answers.
    pub(crate) async fn signal(&self, signal: Signal) -> Result<()> {
        let mut running = self.running.lock().await;
        let process =
            running.as_mut().context("could not signal the API server: it is not running")?;
        Ok(process.signal(signal)?)
    }

    /// Its process id, if it runs.
    pub(crate) async fn pid(&self) -> Option<u32> {
        self.running.lock().await.as_ref().map(Process::pid)
    }
}

async fn ready(client: &Client) -> Result<(), String> {
    let request =
        http::Request::get("/readyz").body(Vec::new()).map_err(|error| error.to_string())?;
    // A server that accepts and does not answer must be asked again on a new connection.
    let answer = tokio::time::timeout(Duration::from_secs(5), client.request_text(request)).await;
    match answer {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(kube::Error::Api(status))) => Err(format!("/readyz answered {}", status.code)),
        Ok(Err(_)) => Err("nothing listens".to_owned()),
        Err(_) => Err("/readyz did not answer in 5 s".to_owned()),
    }
}

fn flags(wiring: &Wiring<'_>) -> Result<Vec<String>> {
    let certificates = wiring.certificates;
    let mut flags = vec![
        format!("--etcd-servers={}", wiring.etcd_url),
        format!("--secure-port={}", wiring.port),
        format!("--cert-dir={}", wiring.directory.display()),
        format!("--tls-cert-file={}", certificates.serving_certificate.display()),
        format!("--tls-private-key-file={}", certificates.serving_key.display()),
        format!("--client-ca-file={}", certificates.authority.display()),
        format!("--service-account-key-file={}", certificates.token_public_key.display()),
        format!("--service-account-signing-key-file={}", certificates.token_key.display()),
    ];
    flags.extend(
        [
            "--bind-address=127.0.0.1",
            "--service-account-issuer=https://localhost",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--allow-privileged",
            "--authorization-mode=RBAC",
            // No controller makes the default ServiceAccounts that this plugin insists on.
            "--disable-admission-plugins=ServiceAccount",
            // Without it, a server that is asked to end waits a minute for watches to end first.
            "--shutdown-watch-termination-grace-period=1s",
        ]
        .map(str::to_owned),
    );
    if let Some(log) = wiring.audit_log {
        let policy = wiring.directory.join("audit-policy.yaml");
        fs::write(&policy, AUDIT_POLICY).context("could not write the audit policy")?;
        flags.extend([
            format!("--audit-policy-file={}", policy.display()),
            format!("--audit-log-path={}", log.display()),
            // One file: a rotated one would be missed by whoever counts. In MiB.
            "--audit-log-maxsize=16384".to_owned(),
            "--audit-log-mode=blocking".to_owned(),
        ]);
    }
    flags.extend(wiring.more_flags.iter().cloned());
    Ok(flags)
}
