//! What a step may not touch: a managing client, another process's answer, and the platform within half a minute.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use serde_json::json;

use super::ground::{Ground, OPERATOR_NAMESPACE, client, object, of_team_a, session};
use crate::api::ServiceAccountCredentialStatus;
use crate::decide::records::reservation_name;
use crate::kubernetes::live::Live;
use crate::kubernetes::{Cluster, Error};
use crate::model::account::{Account, AccountId, Field, State, Wish};
use crate::model::desired::{Desired, Invalid};
use crate::model::fault::Fault;
use crate::model::inventory::{Catalog, CatalogPart, Inventory};
use crate::model::object::ObjectKey;
use crate::model::platform::{Addresses, Capabilities, PlatformSeen};
use crate::model::secret_text::SecretText;
use crate::model::seen::{Answer, ObjectSeen, Seen};
use crate::model::step::{Because, Lane, Step};
use crate::model::token::{Credential, Introspection, Token};
use crate::provider::{Created, Provider, Snapshot};
use crate::run::execute::execute;
use crate::run::memory::Memory;
use crate::run::objects::{Guarded, key_of};
use crate::run::observe::observe;
use crate::run::operator::clock;
use crate::run::pass::{Scene, Session, pass};
use crate::run::platforms::Found;

/// A tenant of one client, which notes what is written to it.
struct Tenant {
    capabilities: Capabilities,
    client: Account,
    written: Mutex<Vec<String>>,
}

impl Tenant {
    fn note(&self, what: &str) {
        self.written.lock().unwrap().push(what.to_owned());
    }

    fn written(&self) -> Vec<String> {
        self.written.lock().unwrap().clone()
    }
}

impl Provider for Tenant {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn accounts(&self) -> Result<Vec<Account>, Fault> {
        Ok(vec![self.client.clone()])
    }

    async fn catalog(&self, _part: CatalogPart, _catalog: &mut Catalog) -> Result<(), Fault> {
        Ok(())
    }

    async fn read(&self, _id: &AccountId) -> Result<Option<Snapshot>, Fault> {
        Ok(Some(Snapshot { account: self.client.clone(), document: json!({}) }))
    }

    async fn create(&self, _wish: &Wish) -> Result<Created, Fault> {
        self.note("create");
        Ok(Created { account: self.client.clone(), credential: credential("first") })
    }

    async fn update(
        &self,
        _snapshot: &Snapshot,
        _wish: &Wish,
        _fields: &BTreeSet<Field>,
    ) -> Result<Account, Fault> {
        self.note("update");
        Ok(self.client.clone())
    }

    async fn regenerate(&self, _id: &AccountId) -> Result<Credential, Fault> {
        self.note("regenerate");
        Ok(credential("second"))
    }

    async fn delete(&self, _id: &AccountId) -> Result<(), Fault> {
        self.note("delete");
        Ok(())
    }

    async fn mint(&self, _credential: &Credential) -> Result<Token, Fault> {
        self.note("mint");
        let expires_in = SignedDuration::from_hours(24);
        let access_token = SecretText::new("canary-token");
        Ok(Token { access_token, token_type: "bearer".into(), expires_in })
    }

    async fn introspect(&self, _access_token: &SecretText) -> Result<Introspection, Fault> {
        Ok(Introspection::default())
    }

    async fn revoke(&self, _access_token: &SecretText) -> Result<(), Fault> {
        self.note("revoke");
        Ok(())
    }

    fn addresses(&self) -> Addresses {
        Addresses::default()
    }
}

fn credential(secret: &str) -> Credential {
    Credential {
        client_id: "client-1".into(),
        client_secret: SecretText::new(format!("canary-{secret}")),
    }
}

/// One object and everything that a pass over it works with.
struct Stage {
    ground: Ground,
    guarded: Arc<Guarded>,
    desired: Result<Desired, Invalid>,
    platform: PlatformSeen,
    session: Session<Tenant>,
    memory: Memory,
}

impl Stage {
    /// The platform is managed as `managing`; its one client is client-1, with the marker of the object.
    fn new(managing: &str, state: State) -> Self {
        let mut ground = Ground::new();
        ground.ready(&of_team_a(), json!({}), session("t-1", managing, Vec::new()));
        let guarded = ground.show(object("etl", json!({"spec": {"suspend": true}})));
        let desired = Desired::parse(guarded.0.as_ref().unwrap(), &key_of(&*guarded));
        let platforms = &ground.operator.platforms;
        let found = platforms.find(&of_team_a(), None, "team-a", None);
        let Found::Seen(platform, Some(at)) = found else { panic!("{found:?}") };
        let client = Account { state, ..client("client-1", "etl") };
        let inventory = Inventory::new(clock(), 1, "owner", vec![client.clone()]);
        let capabilities = at.provider.capabilities().clone();
        let provider = Arc::new(Tenant { capabilities, client, written: Mutex::default() });
        let session =
            Session { provider, inventory: Some(Arc::new(inventory)), recent: vec![clock()] };
        Self { ground, guarded, desired, platform, session, memory: Memory::default() }
    }

    fn key(&self) -> ObjectKey {
        key_of(&*self.guarded)
    }

    fn scene<'a>(&'a self, clock: &'a (dyn Fn() -> Timestamp + Sync)) -> Scene<'a, Tenant, Live> {
        let policy = self.desired.as_ref().unwrap().policy.clone();
        Scene {
            object: ObjectSeen {
                key: self.key(),
                generation: 1,
                created_at: None,
                held: true,
                deleting_since: None,
                status: ServiceAccountCredentialStatus::default(),
                policy,
            },
            desired: &self.desired,
            platform: &self.platform,
            session: Some(&self.session),
            cluster: &self.ground.operator.live,
            own_secrets: &[],
            lost_claim: None,
            settings: &self.ground.operator.options.settings,
            clock,
            leads: &|| true,
        }
    }

    async fn look(&self) -> Seen {
        observe(&self.scene(&clock), &self.memory).await.unwrap()
    }

    async fn step(&mut self, step: &Step, seen: &mut Seen) -> Result<(), Because> {
        let mut memory = std::mem::take(&mut self.memory);
        let done = execute(step, &mut self.scene(&clock), &mut memory, seen).await;
        self.memory = memory;
        done
    }
}

#[tokio::test]
async fn a_managing_client_with_our_marker_is_not_seen_as_ours() {
    let stage = Stage::new("admin", State::Active);
    assert_eq!(stage.look().await.remote.list.unwrap().marked.len(), 1);
    let stage = Stage::new("client-1", State::Active);
    assert!(stage.look().await.remote.list.unwrap().marked.is_empty());
}

#[rstest]
#[case::switched_off(Step::SwitchOff, State::Active, "update")]
#[case::deleted(Step::Delete, State::Inactive, "delete")]
#[case::given_a_new_secret(Step::Regenerate, State::Active, "regenerate")]
#[tokio::test]
async fn a_managing_client_is_never(
    #[case] step: fn(AccountId) -> Step,
    #[case] state: State,
    #[case] what: &str,
) {
    for (managing, written) in [("admin", vec![what]), ("client-1", Vec::new())] {
        let mut stage = Stage::new(managing, state.clone());
        let mut seen = stage.look().await;
        let done = stage.step(&step(AccountId("client-1".into())), &mut seen).await;
        // The tenant still shows a client that it was told to delete: a fault, after the call.
        assert!(done.is_ok() || !written.is_empty(), "{done:?}");
        assert_eq!(stage.session.provider.written(), written, "managed as {managing}");
    }
}

fn reservation() -> String {
    let key = ObjectKey { namespace: "team-a".into(), name: "etl".into(), uid: "uid-etl".into() };
    let name = reservation_name(&key);
    format!("/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{name}")
}

/// A stage on which a create was answered, and what its pass has seen.
async fn answered() -> (Stage, Seen) {
    let mut stage = Stage::new("admin", State::Active);
    let mut seen = stage.look().await;
    stage.step(&Step::Reserve { attempt: 1 }, &mut seen).await.unwrap();
    let answer = Answer { credential: credential("first"), at: clock(), tries: 0, tried_at: None };
    seen.carried.answer = Some(answer);
    (stage, seen)
}

fn stored_secret(stage: &Stage) -> serde_json::Value {
    stage.ground.server.get(&reservation()).unwrap()["data"]["client_secret"].clone()
}

/// base64 of canary-first
const FIRST: &str = "Y2FuYXJ5LWZpcnN0";
/// base64 of canary-other
const OTHER: &str = "Y2FuYXJ5LW90aGVy";

#[tokio::test(start_paused = true)]
async fn an_answer_is_not_written_over_the_later_answer_of_another_process() {
    let (mut stage, mut seen) = answered().await;
    stage.ground.server.change(&reservation(), |secret| {
        secret["data"] = json!({"client_id": "Y2xpZW50LTE=", "client_secret": OTHER});
    });
    let error = stage.step(&Step::StoreAnswer, &mut seen).await.unwrap_err();
    let Because::Cluster(Error::Invalid(text)) = error else { panic!("{error:?}") };
    assert!(text.contains("another process stored one") && !text.contains("canary"), "{text}");
    assert_eq!(stored_secret(&stage), OTHER);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_written_over_a_place_that_only_changed() {
    let (mut stage, mut seen) = answered().await;
    stage.ground.server.change(&reservation(), |secret| {
        secret["metadata"]["labels"]["team"] = "theirs".into();
    });
    stage.step(&Step::StoreAnswer, &mut seen).await.unwrap();
    assert_eq!(stored_secret(&stage), FIRST);
    assert!(seen.reservation.ours().unwrap().answer.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_storing_was_not_answered_is_known_for_our_own() {
    let (mut stage, mut seen) = answered().await;
    stage.ground.server.lose_the_next_answer();
    stage.step(&Step::StoreAnswer, &mut seen).await.unwrap();
    assert_eq!(stored_secret(&stage), FIRST);
    assert!(seen.reservation.ours().unwrap().answer.is_some());
}

#[tokio::test]
async fn a_token_secret_deleted_in_a_loop_costs_one_mint_in_half_a_minute() {
    let stage = Stage::new("admin", State::Active);
    let mut memory = Memory::default();
    let start = clock();
    let scene = stage.scene(&clock);
    let copy = scene.place().true_copy(&credential("first"), "t-1", "etl", None, None);
    stage.ground.operator.live.create_secret(&copy).await.unwrap();
    let token = "/api/v1/namespaces/team-a/secrets/etl-token";
    for second in 0..60 {
        let now = start + SignedDuration::from_secs(second);
        let at = move || now;
        let passed = pass(&mut stage.scene(&at), &mut memory).await.unwrap();
        match &passed.outcome.upkeep {
            Lane::Settled(_) | Lane::Wait(_) => {}
            other @ (Lane::Do(_) | Lane::Stuck(_)) => panic!("{other:?}"),
        }
        stage.ground.server.remove(token);
    }
    assert_eq!(stage.session.provider.written(), ["mint", "mint"]);
}
