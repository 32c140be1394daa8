//! The one sender of HTTP to platforms.
//!
//! Enters: a `Call`. Leaves: what its answer decodes to, or a [`Fault`] that says whether it happened.
//! May not: follow redirects, keep the body of a refusal, repeat anything but a GET.

#![expect(clippy::disallowed_methods, reason = "this module is the HTTP seam")]

mod answer;
mod budget;
mod call;
mod counts;
mod endpoints;
mod redaction;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use backon::{ConstantBuilder, Retryable};
use reqwest::{Certificate, Client, Method, redirect};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::model::{Fault, RefusalKind, Trouble, TroubleKind};

pub(in crate::provider) use answer::Answer;
pub use budget::Budget;
use budget::Withheld;
use call::Asked;
pub(in crate::provider) use call::{Body, Call, LIST_CAP, Proof, SMALL_CAP, Words, at};
pub use counts::{CallCount, CallCounts, CallOutcome};
pub use endpoints::{AllowedEndpoints, InvalidEndpoint};

/// Pause before a GET is asked once more.
const SHORT_BACK_OFF: Duration = Duration::from_millis(200);
/// What must be left of the deadline for that.
const ROOM_TO_REPEAT: Duration = Duration::from_secs(2);

/// How the calls of one platform are sent.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// What may be called besides public addresses.
    pub allowed: AllowedEndpoints,
    /// Call through the proxy that the environment names. It resolves names itself: only it can refuse private addresses.
    pub proxy_from_environment: bool,
    /// Cancelled when the operator ends: what is not sent by then is not sent.
    pub stopping: CancellationToken,
    /// PEM text of certificate authorities to trust in addition to the system's.
    pub ca_bundle: Option<String>,
    pub budget: Arc<Budget>,
    pub deadlines: Deadlines,
    /// The field of the spec that says which address is called, for messages.
    pub address_field: &'static str,
}

/// Bounds in time. The defaults are what a user of a healthy platform never meets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deadlines {
    /// Name, TCP and TLS together.
    pub connect: Duration,
    /// One call from connecting to the last byte, its repetition included.
    pub whole: Duration,
    /// Waiting for the request budget.
    pub admission: Duration,
}

/// Sends the calls of one platform within one budget.
#[derive(Debug)]
pub struct Sender {
    client: Client,
    allowed: AllowedEndpoints,
    address_field: &'static str,
    deadlines: Deadlines,
    budget: Arc<Budget>,
    stopping: CancellationToken,
    counts: CallCounts,
}

/// A sender that could not be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SenderError {
    #[error(
        "could not read the certificates of spec.caBundleRef: write PEM text with at least one certificate"
    )]
    CaBundle,
    #[error("could not set TLS up: {0}")]
    Tls(String),
}

// === impl Sender ===

impl Sender {
    pub fn new(config: SenderConfig) -> Result<Self, SenderError> {
        let SenderConfig {
            allowed,
            proxy_from_environment,
            stopping,
            ca_bundle,
            budget,
            deadlines,
            address_field,
        } = config;
        let resolver =
            endpoints::PublicOnly { allowed: allowed.clone(), field: address_field.into() };
        let mut client = Client::builder()
            .user_agent(concat!("keysteward/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(deadlines.connect)
            // Shorter than gateways keep idle connections: a POST must not meet one that is just being closed.
            .pool_idle_timeout(Duration::from_secs(30))
            .dns_resolver(resolver);
        if !proxy_from_environment {
            client = client.no_proxy();
        }
        if let Some(pem) = &ca_bundle {
            let certificates = Certificate::from_pem_bundle(pem.as_bytes())
                .ok()
                .filter(|certificates| !certificates.is_empty())
                .ok_or(SenderError::CaBundle)?;
            client = client.tls_certs_merge(certificates);
        }
        let client = client.build().map_err(|error| match ca_bundle {
            Some(_) => SenderError::CaBundle,
            None => SenderError::Tls(answer::deepest_cause(&error.without_url())),
        })?;
        let counts = CallCounts::default();
        Ok(Self { client, allowed, address_field, deadlines, budget, stopping, counts })
    }

    /// What came of all calls so far.
    pub fn counts(&self) -> &CallCounts {
        &self.counts
    }

    /// What this sender may call besides public addresses.
    pub fn allowed(&self) -> &AllowedEndpoints {
        &self.allowed
    }

    /// Sends a call and reads its 2xx answer; `read` says what is wrong with one that cannot be read.
    pub(in crate::provider) async fn ask<T>(
        &self,
        call: &Call,
        proof: Proof<'_>,
        read: impl FnOnce(&Answer) -> Result<T, String>,
    ) -> Result<T, Fault> {
        let asked = Asked { call, proof };
        let answer = self.send(asked).await?;
        let read = read(&answer).map_err(|wrong| answer.garbled(asked, &wrong));
        self.counts.count(call.endpoint, read.as_ref().err().map_or(CallOutcome::Ok, Into::into));
        read
    }

    async fn send(&self, asked: Asked<'_>) -> Result<Answer, Fault> {
        let until = OnceLock::new();
        let attempt = || self.attempt(asked, &until);
        if asked.call.method != Method::GET {
            return attempt().await;
        }
        let has_room = || until.get().is_some_and(|&until| until > Instant::now() + ROOM_TO_REPEAT);
        attempt
            .retry(
                ConstantBuilder::new().with_delay(SHORT_BACK_OFF).with_max_times(1).with_jitter(),
            )
            .when(|fault| may_pass(fault) && has_room())
            .await
    }

    /// One request. `until` is set by the first one that is admitted.
    async fn attempt(&self, asked: Asked<'_>, until: &OnceLock<Instant>) -> Result<Answer, Fault> {
        let span = tracing::debug_span!("remote_call", endpoint = asked.call.endpoint);
        let result = self.attempt_uncounted(asked, until).instrument(span).await;
        if let Err(fault) = &result {
            self.counts.count(asked.call.endpoint, fault.into());
            if fault.refusal() == Some(RefusalKind::Throttled)
                && let Some(wait) = fault.retry_after().and_then(|wait| wait.try_into().ok())
            {
                self.budget.pause(wait);
            }
        }
        result
    }

    async fn attempt_uncounted(
        &self,
        asked: Asked<'_>,
        until: &OnceLock<Instant>,
    ) -> Result<Answer, Fault> {
        self.allowed
            .check(&asked.call.url, self.address_field)
            .map_err(|why| asked.not_sent(TroubleKind::Connect, &why))?;
        let bound = self.deadlines.admission;
        let admitted = tokio::select! {
            biased;
            () = self.stopping.cancelled() => Err("the operator is stopping".to_owned()),
            admitted = self.budget.admit(asked.call.priority, bound) => {
                admitted.map_err(|withheld| in_words(withheld, bound))
            }
        };
        admitted.map_err(|why| asked.not_sent(TroubleKind::Withheld, &why))?;
        let until = *until.get_or_init(|| Instant::now() + self.deadlines.whole);
        let request =
            asked.request(&self.client).timeout(until.saturating_duration_since(Instant::now()));
        let response = request.send().await.map_err(|error| answer::no_answer(asked, error))?;
        answer::receive(asked, response).await
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            whole: Duration::from_secs(30),
            admission: Duration::from_mins(1),
        }
    }
}

impl SenderConfig {
    /// The usual sender: public addresses only, no proxy, no own authorities, 1 to 100000 requests a minute.
    pub fn new(requests_per_minute: u32, address_field: &'static str) -> Self {
        Self::within(Arc::new(Budget::new(requests_per_minute)), address_field)
    }

    /// The same within a budget that others use too.
    pub fn within(budget: Arc<Budget>, address_field: &'static str) -> Self {
        Self {
            allowed: AllowedEndpoints::default(),
            proxy_from_environment: false,
            stopping: CancellationToken::new(),
            ca_bundle: None,
            budget,
            deadlines: Deadlines::default(),
            address_field,
        }
    }
}

/// Whether asking once more may help.
fn may_pass(fault: &Fault) -> bool {
    match fault {
        Fault::Unknown(Trouble { kind, .. }) => {
            matches!(kind, TroubleKind::NoAnswer | TroubleKind::Server(_))
        }
        Fault::NotSent(_) | Fault::Refused(_) => false,
    }
}

fn in_words(withheld: Withheld, bound: Duration) -> String {
    match withheld {
        Withheld::Paused { rest } => format!(
            "the platform asked to wait, and {} s of that are left",
            rest.as_secs().saturating_add(1)
        ),
        Withheld::Busy => format!(
            "the request budget had no room within {} s: spec.requestsPerMinute sets it",
            bound.as_secs()
        ),
    }
}
