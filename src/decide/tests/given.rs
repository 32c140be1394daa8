//! An object for which all is well, to be changed in one respect.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::api::ServiceAccountCredentialStatus;
use crate::api::conditions::{ConditionType, Reason};
use crate::api::credential::{OnDelete, OnDrift, OnIdleTimeout, OnMissing, PlatformKind};
use crate::decide::condition::{Verdict, lay};
use crate::decide::next::{Inputs, config};
use crate::decide::pace::Retries;
use crate::decide::records::Place;
use crate::decide::status::{Report, report};
use crate::decide::upkeep::upkeep;
use crate::kubernetes::Controller;
use crate::model::account::{Account, AccountId, RoleGrant, Settings, State};
use crate::model::desired::{
    Desired, Invalid, Named as ByName, Policy, RoleWish, System, TokenWish,
};
use crate::model::fault::{Fault, Refusal, RefusalKind, Trouble, TroubleKind};
use crate::model::inventory::{Catalog, CatalogPart, Named, Tenant};
use crate::model::marker::Marker;
use crate::model::object::{ObjectKey, PlatformKey};
use crate::model::platform::{Addresses, Allowed, Capabilities, PlatformSeen, PlatformView};
use crate::model::secret::{SecretManifest, StoredSecret};
use crate::model::secret_text::SecretText;
use crate::model::seen::{
    Carried, ListView, Minted, ObjectSeen, RemoteSeen, Seen, Slot, TokenSlot,
};
use crate::model::step::{Because, Config, Failure, Lane, Outcome, Step, Upkeep};
use crate::model::token::{Credential, Token};

/// All that decides, as values of its own.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) object: ObjectSeen,
    pub(super) desired: Result<Desired, Invalid>,
    pub(super) platform: PlatformSeen,
    pub(super) seen: Seen,
    pub(super) lost_claim: Option<&'static str>,
    pub(super) last_mint: Option<Timestamp>,
    pub(super) retries: Retries,
    pub(super) now: Timestamp,
    pub(super) config_failure: Option<Failure>,
    pub(super) upkeep_failure: Option<Failure>,
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(super) fn key() -> ObjectKey {
    ObjectKey { namespace: "analytics".into(), name: "etl".into(), uid: "u-1".into() }
}

fn place(key: &ObjectKey) -> Place<'_> {
    Place { owner: "owner", operator_namespace: "keysteward", object: key }
}

pub(super) fn stored(manifest: &SecretManifest) -> StoredSecret {
    StoredSecret {
        namespace: manifest.namespace.clone(),
        name: manifest.name.clone(),
        uid: "s-1".into(),
        resource_version: "1".into(),
        labels: manifest.labels.clone(),
        annotations: manifest.annotations.clone(),
        controller: manifest.controller.as_ref().map(|object| Controller {
            kind: "ServiceAccountCredential".into(),
            name: object.name.clone(),
            uid: object.uid.clone(),
        }),
        data: manifest.data.clone(),
        ..StoredSecret::default()
    }
}

pub(super) fn account() -> Account {
    Account {
        id: AccountId("client-1".into()),
        settings: Settings {
            name: "etl".into(),
            grant_types: ["client_credentials".into()].into(),
            roles: [RoleGrant { role: "r-1".into(), division: "d-1".into() }].into(),
            access_token_lifetime: Some(SignedDuration::from_hours(24)),
            ..Settings::default()
        },
        state: State::Active,
        marker: Some(Marker {
            owner: "owner".into(),
            namespace: "analytics".into(),
            name: "etl".into(),
            uid: "u-1".into(),
        }),
        held: false,
        created_at: Some(at(-1000)),
        deletes_at: None,
    }
}

fn desired() -> Desired {
    Desired {
        platform: PlatformKey {
            kind: PlatformKind::Platform,
            namespace: "analytics".into(),
            name: "contact-center".into(),
        },
        system: System::GenesysCloud,
        enabled: true,
        client_name: "etl".into(),
        grant_types: ["client_credentials".into()].into(),
        roles: vec![RoleWish { role: ByName::Name("Viewer".into()), division: "Home".into() }],
        scopes: BTreeSet::new(),
        redirect_uris: BTreeSet::new(),
        access_token_lifetime: None,
        token: Some(TokenWish {
            secret_name: "etl-token".into(),
            refresh_after_percent: 66,
            data: Vec::new(),
            on_idle_timeout: OnIdleTimeout::Remint,
        }),
        credential_secret: Some("etl-credential".into()),
        policy: policy(),
        suspend: false,
    }
}

fn policy() -> Policy {
    Policy {
        drift: OnDrift::Correct,
        on_missing: OnMissing::Report,
        on_delete: OnDelete::Retain,
        deletion_deadline: SignedDuration::from_hours(24),
    }
}

fn view() -> PlatformView {
    let parts =
        [CatalogPart::Tenant, CatalogPart::Roles, CatalogPart::Divisions, CatalogPart::OwnGrants];
    let named = |id: &str, name: &str| vec![Named { id: id.into(), name: name.into() }];
    PlatformView {
        capabilities: Capabilities {
            platform: "Genesys Cloud",
            create_lag: SignedDuration::from_secs(120),
            write_lag: SignedDuration::from_secs(10),
            settle: SignedDuration::from_secs(10),
            catalog_parts: &[],
            inactive_before_delete: true,
        },
        addresses: Addresses::default(),
        catalog: Arc::new(Catalog {
            tenant: Some(tenant("t-1")),
            roles: Some(named("r-1", "Viewer")),
            divisions: Some(named("d-1", "Home")),
            own_grants: Some([RoleGrant { role: "r-1".into(), division: "*".into() }].into()),
            idle_timeout: Some(None),
            read_at: parts.map(|part| (part, at(-5))).into(),
        }),
        tenant: tenant("t-1"),
        other_tenant: None,
        allowed: Allowed::AnyRole,
        managing_clients: Arc::default(),
        trouble: None,
        credential_missing: false,
        sweep_every: SignedDuration::from_mins(5),
    }
}

pub(super) fn tenant(id: &str) -> Tenant {
    Tenant { id: id.into(), name: "Acme".into() }
}

/// The status of an object for which all is well.
fn well() -> ServiceAccountCredentialStatus {
    let said =
        |kind| lay(&[], kind, Some((Verdict::Yes, Reason::Succeeded, "well".into())), 1, at(-900));
    ServiceAccountCredentialStatus {
        observed_generation: Some(1),
        conditions: [
            ConditionType::Ready,
            ConditionType::Synced,
            ConditionType::CredentialValid,
            ConditionType::TokenFresh,
        ]
        .map(said)
        .into(),
        ..ServiceAccountCredentialStatus::default()
    }
}

impl Given {
    /// All is as written, and was said to be.
    pub(super) fn well() -> Self {
        let key = key();
        let place = place(&key);
        let credential = Credential {
            client_id: "client-1".into(),
            client_secret: SecretText::new("canary-secret"),
        };
        let copy = stored(&place.true_copy(&credential, "t-1", "etl", None, None));
        let published = stored(&place.published("etl-credential", &credential));
        let minted = Minted {
            token: Token {
                access_token: SecretText::new("canary-token"),
                token_type: "bearer".into(),
                expires_in: SignedDuration::from_hours(24),
            },
            client_id: "client-1".into(),
            at: at(-800),
            introspected: None,
        };
        let wish = desired().token.unwrap();
        let token = stored(&place.token(&wish, &minted, at(50_000), &Addresses::default()));
        let seen = Seen {
            remote: RemoteSeen {
                list: Some(ListView {
                    taken_at: at(-1),
                    marked: vec![account()],
                    strangers: Vec::new(),
                    lists_since_begun: 0,
                }),
                mine: Some(account()),
                ..RemoteSeen::default()
            },
            true_copy: place.read_true_copy(Some(copy)),
            reservation: Slot::Missing,
            published: place.read_published(Some(published)),
            token: place.read_token(Some(token)),
            stale: Vec::new(),
            carried: Carried::default(),
        };
        Self {
            object: ObjectSeen {
                key: key.clone(),
                generation: 1,
                created_at: Some(at(-1000)),
                held: true,
                deleting_since: None,
                status: well(),
                policy: policy(),
            },
            desired: Ok(desired()),
            platform: PlatformSeen::Ready(Box::new(view())),
            seen,
            lost_claim: None,
            last_mint: None,
            retries: Retries::default(),
            now: at(0),
            config_failure: None,
            upkeep_failure: None,
        }
    }

    /// An object just applied: nothing is made, nothing was said.
    pub(super) fn new() -> Self {
        let mut given = Self::well();
        given.seen.true_copy = Slot::Missing;
        given.seen.published = Slot::Missing;
        given.seen.token = Slot::Missing;
        given.seen.remote.mine = None;
        given.list().marked.clear();
        given.object.status = ServiceAccountCredentialStatus::default();
        given
    }

    pub(super) fn wish(&mut self) -> &mut Desired {
        self.desired.as_mut().unwrap()
    }

    pub(super) fn view(&mut self) -> &mut PlatformView {
        let PlatformSeen::Ready(view) = &mut self.platform else { panic!("the platform is ready") };
        view
    }

    pub(super) fn list(&mut self) -> &mut ListView {
        self.seen.remote.list.as_mut().unwrap()
    }

    /// The client as every source shows it.
    pub(super) fn client(&mut self, change: impl Fn(&mut Account)) {
        self.list().marked.iter_mut().for_each(&change);
        self.seen.remote.mine.iter_mut().for_each(&change);
    }

    /// Moves the token's own times.
    pub(super) fn token(&mut self, change: impl Fn(&mut crate::model::seen::TokenRecord)) {
        let Slot::Ours(TokenSlot::Token(record)) = &mut self.seen.token else {
            panic!("a token is published")
        };
        change(record);
    }

    /// A reservation as a pass wrote it.
    pub(super) fn reserve(&mut self, begun_at: Timestamp, attempt: u32) {
        let key = key();
        let manifest = place(&key).reservation(begun_at, attempt);
        self.seen.reservation = place(&key).read_reservation(Some(stored(&manifest)), self.now);
    }

    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            object: &self.object,
            desired: &self.desired,
            platform: &self.platform,
            seen: &self.seen,
            lost_claim: self.lost_claim,
            owner: "owner",
            last_mint: self.last_mint,
            retries: self.retries,
            now: self.now,
        }
    }

    pub(super) fn config(&self) -> Lane<Config> {
        config(&self.inputs())
    }

    pub(super) fn upkeep(&self) -> Lane<Upkeep> {
        upkeep(&self.inputs())
    }

    /// What a pass that did nothing more reports.
    pub(super) fn report(&self) -> Report {
        let outcome = Outcome {
            config: self.config(),
            upkeep: self.upkeep(),
            config_failure: self.config_failure.clone(),
            upkeep_failure: self.upkeep_failure.clone(),
            done: Vec::new(),
        };
        report(&self.inputs(), &outcome)
    }
}

pub(super) fn refused(step: Step, kind: RefusalKind) -> Failure {
    let refusal = Refusal {
        kind,
        tried: step.describe(),
        status: 400,
        code: Some("no".into()),
        message: "not so".into(),
        correlation_id: Some("c-1".into()),
        retry_after: None,
    };
    Failure { step, because: Because::Platform(Fault::Refused(refusal)) }
}

pub(super) fn unanswered(step: Step) -> Failure {
    let text = format!("could not {}: no answer", step.describe());
    let trouble = Trouble { kind: TroubleKind::NoAnswer, text };
    Failure { step, because: Because::Platform(Fault::Unknown(trouble)) }
}
