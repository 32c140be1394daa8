//! One task a platform: connects, reads lists and names, wakes the few objects that differ.

mod report;
mod wake;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use self::report::Said;
use super::operator::{Operator, Options, clock};
use super::platforms::{Entry, Live, State};
use crate::api::conditions::Reason;
use crate::api::credential::PlatformKind;
use crate::decide::platform_status::Health;
use crate::decide::records::after;
use crate::kubernetes::live::InputError;
use crate::model::fault::{Fault, RefusalKind};
use crate::model::inventory::{Catalog, CatalogPart, Inventory, Tenant};
use crate::model::secret_text::SecretText;
use crate::model::token::Credential;
use crate::provider::Provider;
use crate::provider::any::AnyProvider;
use crate::provider::genesys::{Genesys, GenesysConfig, Hosts};
use crate::provider::http::{Sender, SenderConfig};

/// How many lists back a lost create is looked for.
const REMEMBERED_LISTS: usize = 64;
/// How long until a platform that cannot be connected is tried again, if nothing changes before.
const RECONNECT: SignedDuration = SignedDuration::from_secs(30);

/// Why there is no session.
struct Unconnected {
    reason: Reason,
    message: String,
    credential_missing: bool,
}

/// A connected platform between sweeps.
struct Connected {
    provider: Arc<AnyProvider>,
    client_id: String,
    catalog: Catalog,
    inventory: Option<Arc<Inventory>>,
    recent: Vec<Timestamp>,
    sweeps: u64,
    /// Sweeps that failed, running.
    failures: u32,
    counted: report::Counted,
}

/// Looks after one generation of one platform object until `stop`.
pub async fn run(operator: Arc<Operator>, entry: Arc<Entry>, stop: CancellationToken) {
    let mut connected: Option<Connected> = None;
    let mut said = Said::of(&entry);
    loop {
        if entry.take_reconnect() {
            connected = None;
        }
        let started_at = clock();
        entry.forget_wanted();
        let next = match &mut connected {
            None => match connect(&operator, &entry).await {
                Ok(session) => {
                    connected = Some(session);
                    continue;
                }
                Err(why) => {
                    unconnected(&operator, &entry, &why, &mut said).await;
                    after(started_at, RECONNECT)
                }
            },
            Some(session) => {
                // A newer generation does not wait for this one's answers, nor is overwritten by them.
                let failed = tokio::select! {
                    () = stop.cancelled() => return,
                    failed = sweep(&operator, &entry, session, &mut said) => failed,
                };
                let pause = match failed {
                    Some(fault) => {
                        let pause = report::pause(&fault, session.failures, entry.sweep_every());
                        // A rotated managing credential shows as a refusal: read its Secret again next time.
                        // So may certificates that were put right show as a connection that fails.
                        let private = entry.connection.ca_bundle_ref.is_some();
                        if fault.refusal() == Some(RefusalKind::Unauthorized)
                            || (private && matches!(fault, Fault::NotSent(_)))
                        {
                            entry.reconnect_later();
                        }
                        pause
                    }
                    None => entry.sweep_every(),
                };
                after(started_at, pause)
            }
        };
        if wait(&operator, &entry, next, started_at, &stop).await {
            return;
        }
    }
}

/// Waits for the next sweep, or until somebody wants one. True: stop.
#[expect(clippy::disallowed_methods, reason = "the pace of sweeps is kept here")]
async fn wait(
    operator: &Operator,
    entry: &Entry,
    next: Timestamp,
    started_at: Timestamp,
    stop: &CancellationToken,
) -> bool {
    loop {
        let earliest = after(started_at, operator.options.sweep_spacing);
        let due = if entry.wants_reconnect() {
            earliest
        } else {
            entry.wanted_at().map_or(next, |wanted| wanted.max(earliest).min(next))
        };
        let pause = Duration::try_from(due.duration_since(clock())).unwrap_or_default();
        tokio::select! {
            () = stop.cancelled() => return true,
            () = tokio::time::sleep(pause) => return false,
            () = entry.nudge.notified() => {}
        }
    }
}

async fn connect(operator: &Operator, entry: &Entry) -> Result<Connected, Unconnected> {
    let namespace = match entry.key.kind {
        PlatformKind::Platform => entry.key.namespace.as_str(),
        PlatformKind::ClusterPlatform => operator.options.settings.operator_namespace.as_str(),
    };
    let spec = &entry.connection;
    let credential = operator
        .live
        .platform_credential(namespace, &spec.credentials_secret_ref.name)
        .await
        .map_err(|error| unfit("spec.credentialsSecretRef", &error, Reason::CredentialMissing))?;
    let ca_bundle = match &spec.ca_bundle_ref {
        None => None,
        Some(reference) => Some(
            operator
                .live
                .ca_bundle(namespace, reference)
                .await
                .map_err(|error| unfit("spec.caBundleRef", &error, Reason::InvalidSpec))?,
        ),
    };
    let client_id = credential.client_id.clone();
    let provider = provider(&operator.options, operator.stopping(), entry, credential, ca_bundle);
    let provider = provider.map_err(|message| Unconnected {
        reason: Reason::InvalidSpec,
        message,
        credential_missing: false,
    })?;
    Ok(Connected {
        provider: Arc::new(provider),
        client_id,
        catalog: Catalog::default(),
        inventory: None,
        recent: Vec::new(),
        sweeps: 0,
        failures: 0,
        counted: report::Counted::default(),
    })
}

fn unfit(field: &str, error: &InputError, missing: Reason) -> Unconnected {
    let (reason, lost) = match error {
        InputError::Unread(_) => (Reason::ProgressingWithRetry, false),
        InputError::Unfit(_) => (missing, missing == Reason::CredentialMissing),
    };
    Unconnected { reason, message: format!("{field}: {error}"), credential_missing: lost }
}

fn provider(
    options: &Options,
    stopping: &CancellationToken,
    entry: &Entry,
    credential: Credential,
    ca_bundle: Option<String>,
) -> Result<AnyProvider, String> {
    let Some(connection) = &entry.connection.genesys_cloud else {
        return Err("spec.genesysCloud must be set: it says where the platform is".into());
    };
    let allowed = options.allowed_endpoints.clone();
    let hosts = Hosts::of(connection, &allowed).map_err(|error| error.to_string())?;
    let field = if connection.endpoints.is_some() {
        "spec.genesysCloud.endpoints"
    } else if connection.domain.is_some() {
        "spec.genesysCloud.domain"
    } else {
        "spec.genesysCloud.region"
    };
    let config = SenderConfig {
        allowed,
        proxy_from_environment: options.proxy_from_environment,
        stopping: stopping.clone(),
        ca_bundle,
        ..SenderConfig::within(Arc::clone(&entry.budget), field)
    };
    let sender = Sender::new(config).map_err(|error| error.to_string())?;
    let waits = options.waits;
    Ok(AnyProvider::Genesys(Genesys::new(GenesysConfig { hosts, credential, sender, waits })))
}

async fn unconnected(operator: &Operator, entry: &Entry, why: &Unconnected, said: &mut Said) {
    let Unconnected { reason, message, credential_missing } = why;
    let known = match entry.state() {
        State::Starting => false,
        State::NotReady { message: before, .. } => before == *message,
        State::Ready(live) => live.credential_missing,
    };
    // Tokens need only their own credential: where the tenant is known they go on without the managing one.
    let without =
        if *credential_missing { without_credential(operator, entry, message, said) } else { None };
    entry.set(match without {
        Some(live) => State::Ready(Arc::new(live)),
        None => State::NotReady {
            reason: *reason,
            message: message.clone(),
            credential_missing: *credential_missing,
        },
    });
    report::not_ready(operator, entry, *reason, message, said).await;
    if !known {
        wake::everybody(operator, entry);
    }
}

fn without_credential(
    operator: &Operator,
    entry: &Entry,
    message: &str,
    said: &Said,
) -> Option<Live> {
    if !said.is_verified() {
        return None;
    }
    let pinned = entry.connection.tenant_id.clone().or_else(|| said.tenant_id())?;
    let nobody = Credential { client_id: String::new(), client_secret: SecretText::new("") };
    // Private authorities are not read here: without them a call fails, and nothing is lost by that.
    let provider = provider(&operator.options, operator.stopping(), entry, nobody, None).ok()?;
    Some(Live {
        provider: Arc::new(provider),
        client_id: String::new(),
        inventory: None,
        recent: Vec::new(),
        catalog: Arc::new(Catalog::default()),
        tenant: Tenant { id: pinned, name: said.tenant_name() },
        other_tenant: None,
        trouble: Some(message.to_owned()),
        credential_missing: true,
    })
}

/// One sweep. Returns what failed.
async fn sweep(
    operator: &Operator,
    entry: &Entry,
    session: &mut Connected,
    said: &mut Said,
) -> Option<Fault> {
    let started = tokio::time::Instant::now();
    let everything = entry.begin_sweep();
    let read = read(&operator.options.settings.owner, session, everything).await;
    report::count(operator, entry, session);
    match read {
        Ok(taken_at) => {
            session.failures = 0;
            let first = !matches!(entry.state(), State::Ready(_));
            let troubled = entry.live().is_some_and(|live| live.trouble.is_some());
            let live = Arc::new(live(entry, session, said, None)?);
            entry.set(State::Ready(Arc::clone(&live)));
            report::ready(operator, entry, &live, said).await;
            if first {
                wake::everybody(operator, entry);
            } else {
                wake::differing(operator, entry, &live, troubled);
            }
            operator.metrics.swept(&entry.key, started.elapsed(), taken_at);
            None
        }
        Err(fault) => {
            session.failures += 1;
            operator.metrics.sweep_failed(&entry.key);
            failed(operator, entry, session, &fault, said).await;
            Some(fault)
        }
    }
}

async fn failed(
    operator: &Operator,
    entry: &Entry,
    session: &Connected,
    fault: &Fault,
    said: &mut Said,
) {
    let health = Health::of(fault);
    let message = health.message();
    // Where the tenant is known from before, tokens go on and only configuration waits.
    let state = match live(entry, session, said, Some(message.clone())) {
        Some(live) => State::Ready(Arc::new(live)),
        None => State::NotReady { reason: Reason::Unreachable, message, credential_missing: false },
    };
    let same = std::mem::discriminant(&entry.state()) == std::mem::discriminant(&state);
    entry.set(state);
    if !same {
        wake::everybody(operator, entry);
    }
    report::unhealthy(operator, entry, &health, said).await;
}

/// The session as passes may use it, if it is known which tenant it stands for.
fn live(
    entry: &Entry,
    session: &Connected,
    said: &mut Said,
    trouble: Option<String>,
) -> Option<Live> {
    let answers = session.catalog.tenant.clone();
    if answers.is_some() {
        said.verified();
    }
    // Nobody sends credentials to, or claims anything on, an address whose tenant was never heard of.
    if !said.is_verified() {
        return None;
    }
    let pinned = entry.connection.tenant_id.clone().or_else(|| said.tenant_id());
    let tenant = match (&pinned, &answers) {
        (None, None) => return None,
        (None, Some(first)) => first.clone(),
        (Some(id), Some(answers)) if answers.id == *id => answers.clone(),
        (Some(id), _) => Tenant { id: id.clone(), name: said.tenant_name() },
    };
    said.remember(&tenant);
    Some(Live {
        provider: Arc::clone(&session.provider),
        client_id: session.client_id.clone(),
        inventory: session.inventory.clone(),
        recent: session.recent.clone(),
        catalog: Arc::new(session.catalog.clone()),
        other_tenant: answers.filter(|answers| answers.id != tenant.id),
        tenant,
        trouble,
        credential_missing: false,
    })
}

/// Reads the tenant, the accounts, and names: all of them at first or when somebody waits, else one part in rotation.
async fn read(owner: &str, session: &mut Connected, everything: bool) -> Result<Timestamp, Fault> {
    let provider = Arc::clone(&session.provider);
    let taken_at = clock();
    let parts = provider.capabilities().catalog_parts;
    let read_at = |catalog: &Catalog, part: &CatalogPart| catalog.read_at.get(part).copied();
    let mut due: Vec<CatalogPart> = parts
        .iter()
        .copied()
        .filter(|part| {
            *part == CatalogPart::Tenant || everything || read_at(&session.catalog, part).is_none()
        })
        .collect();
    let oldest = parts
        .iter()
        .copied()
        .filter(|part| !due.contains(part))
        .min_by_key(|part| read_at(&session.catalog, part));
    if due.len() <= 1 {
        due.extend(oldest);
    }
    for part in due {
        provider.catalog(part, &mut session.catalog).await?;
        session.catalog.read_at.insert(part, taken_at);
    }
    let accounts = provider.accounts().await?;
    session.sweeps += 1;
    session.inventory = Some(Arc::new(Inventory::new(taken_at, session.sweeps, owner, accounts)));
    session.recent.push(taken_at);
    let surplus = session.recent.len().saturating_sub(REMEMBERED_LISTS);
    session.recent.drain(..surplus);
    Ok(taken_at)
}

#[cfg(test)]
mod tests;
