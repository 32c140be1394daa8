//! The story of the threads: somebody changes the account in the tenant, and a program cannot get a token any more.
//!
//! Enters: a scene in which all is well. Leaves: the same scene, after a drift that was seen, told and corrected.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use keysteward::api::ServiceAccountCredential;
use keysteward::api::conditions::ConditionType;
use keysteward::api::credential_status::{DriftChange, DriftStatus};
use keysteward::model::secret_text::SecretText;
use keysteward_simulator::{ClientEdit, ClientView};

use crate::cluster::Versions;
use crate::scene::{Scene, conditions, holds, in_short, in_words};
use crate::tenant::Minted;
use crate::tour::agreed;
use crate::wait::until;

/// The object whose account is changed: two roles, a published credential, and drift is corrected.
const NAMESPACE: &str = "analytics";
const NAME: &str = "data-export";
/// A sweep, the pass, and the waiting times of new roles.
const WITHIN: Duration = Duration::from_mins(1);
const CHANGED: [&str; 3] = ["enabled", "grantTypes", "roles"];

/// How the account was before anybody touched it.
#[derive(Debug)]
struct Before {
    client: ClientView,
    roles: Vec<String>,
    token: SecretText,
    drift_at: Option<Timestamp>,
}

/// Plays it, and returns every secret that was seen on the way.
pub(crate) async fn play(scene: &Scene<'_>) -> Result<Vec<SecretText>> {
    let object = read(scene).await?;
    let (client, roles) = agreed(scene, &object)?;
    let before = Before {
        client,
        roles,
        token: scene.published_token(&object).await?,
        drift_at: drift(&object).and_then(|drift| drift.detected_at),
    };
    let mut versions = scene.cluster.follow(&object).await?;
    let broken_at = Instant::now();
    break_it(scene, &before)?;
    let refused = refused_in_words(scene, &object).await?;
    let drifted = detected(scene, &mut versions, &before, &refused).await?;
    corrected(scene, &mut versions, drifted, broken_at).await?;
    tokens_go_on(scene, before).await
}

/// Three changes in one stroke, as another administrator.
fn break_it(scene: &Scene<'_>, before: &Before) -> Result<()> {
    let page = scene.page;
    page.step(
        &format!(
            "Somebody changes the account of {}/{NAME} in the tenant",
            scene.place.of(NAMESPACE)
        ),
        "as a provisioning sync or a colleague does one night",
    );
    let kept = before.client.role_divisions.first().cloned();
    let stripped = ClientEdit::roles(kept.into_iter().collect())
        .and("state", "inactive")
        .and("authorizedGrantType", "CODE");
    scene.tenant.another_admin().edit_client(&before.client.id, &stripped)?;
    let now = scene.tenant.client(&before.client.name)?;
    let roles = scene.names.roles_of(&now);
    let was = &before.client;
    ensure!(
        now.state != was.state
            && now.authorized_grant_type != was.authorized_grant_type
            && roles != before.roles,
        "expected three changes in the tenant; it shows {}, {} and [{}]",
        now.state,
        now.authorized_grant_type,
        roles.join(", ")
    );
    page.table(
        &["IN THE TENANT", "WAS", "IS"],
        &[
            ["state", &was.state, &now.state].map(str::to_owned).into(),
            ["grant type", &was.authorized_grant_type, &now.authorized_grant_type]
                .map(str::to_owned)
                .into(),
            ["roles".to_owned(), before.roles.join(", "), roles.join(", ")].into(),
        ],
    );
    Ok(())
}

/// What a program of the team is told now that asks for a token with the published credential.
async fn refused_in_words(scene: &Scene<'_>, object: &ServiceAccountCredential) -> Result<String> {
    let (id, secret) = scene.published_credential(object).await?;
    match scene.tenant.mint(&id, &secret).await? {
        Minted::Refused(words) => Ok(words),
        Minted::Token(_) if agreed(scene, object).is_ok() => {
            Ok("nothing: Keysteward was quicker than the program this time".to_owned())
        }
        Minted::Token(_) => {
            bail!("expected the tenant to refuse a token to the changed client; it gave one")
        }
    }
}

/// Reads the versions of the object until one tells of the drift.
async fn detected(
    scene: &Scene<'_>,
    versions: &mut Versions,
    before: &Before,
    refused: &str,
) -> Result<ServiceAccountCredential> {
    let page = scene.page;
    page.say(
        "A program that asks for a token with the published credential is told no more than this:",
    );
    page.say(refused);
    page.step(
        "Keysteward sees the drift",
        "because each sweep holds the tenant against all objects",
    );
    let what = "a drift of enabled, grantTypes and roles in status.drift";
    let mut last = "the object as it was before".to_owned();
    let object = until(scene.operator, what, WITHIN, async || {
        let object = versions.next().await.with_context(|| last.clone())?;
        last = in_words(conditions(&object));
        let drift = drift(&object).context("no drift in status")?;
        ensure!(drift.detected_at != before.drift_at, "only an earlier drift");
        let mut fields: Vec<_> = drift.changes.iter().map(|change| change.field.as_str()).collect();
        fields.sort_unstable();
        ensure!(fields == CHANGED, "a drift of [{}]", fields.join(", "));
        Ok(object)
    })
    .await?;
    let changes = drift(&object).map(|drift| drift.changes.clone()).unwrap_or_default();
    let row =
        |change: &DriftChange| vec![change.field.clone(), change.was.clone(), change.now.clone()];
    page.table(&["STATUS.DRIFT", "SHOULD BE", "IS"], &changes.iter().map(row).collect::<Vec<_>>());
    if changes.iter().any(|change| change.field == "roles" && change.now == "none") {
        page.say("A client of the grant type CODE acts for people: roles that it still has count for nothing, hence none.");
    }
    tell_event(scene, "DriftDetected").await?;
    Ok(object)
}

/// Reads on until a version tells that all is well, and holds the tenant against it.
async fn corrected(
    scene: &Scene<'_>,
    versions: &mut Versions,
    drifted: ServiceAccountCredential,
    broken_at: Instant,
) -> Result<()> {
    let page = scene.page;
    page.step("Keysteward corrects it", "because policy.drift is Correct; Report would only tell");
    let what = "status.drift.correctedAt, Ready, Synced and TokenFresh";
    let mut first = Some(drifted);
    let mut last = String::new();
    let object = until(scene.operator, what, WITHIN, async || {
        let object = match first.take() {
            Some(object) => object,
            None => versions.next().await.with_context(|| last.clone())?,
        };
        last = in_words(conditions(&object));
        let drift = drift(&object).context("no drift in status")?;
        ensure!(drift.corrected_at.is_some(), "not corrected; {}", in_words(conditions(&object)));
        for wanted in [ConditionType::Ready, ConditionType::Synced, ConditionType::TokenFresh] {
            ensure!(
                holds(conditions(&object), wanted),
                "corrected; {}",
                in_words(conditions(&object))
            );
        }
        Ok(object)
    })
    .await?;
    let took = broken_at.elapsed().as_secs_f64();
    let (client, roles) = agreed(scene, &object)?;
    page.say(&format!(
        "In the tenant, {took:.1} s after the change: {}, {}, {}.",
        client.state,
        client.authorized_grant_type,
        roles.join(" and ")
    ));
    page.say(&format!("Its conditions: {}", in_short(conditions(&object))));
    tell_event(scene, "DriftCorrected").await
}

async fn tokens_go_on(scene: &Scene<'_>, before: Before) -> Result<Vec<SecretText>> {
    let page = scene.page;
    page.step("The tokens go on", "which is what it was all for");
    let object = read(scene).await?;
    let (client, _) = agreed(scene, &object)?;
    let token = scene.published_token(&object).await?;
    let owner = scene.tenant.owner_of(&token).await.context("the published token")?;
    ensure!(owner == client.id, "the published token is another client's");
    let which = if token == before.token { "the same as before the change" } else { "a new one" };
    page.say(&format!("The published token, {which}: tokens/me answers 200."));
    let (id, secret) = scene.published_credential(&object).await?;
    let minted = match scene.tenant.mint(&id, &secret).await? {
        Minted::Token(token) => token,
        Minted::Refused(words) => {
            bail!("expected a token for the corrected client; the tenant says {words}")
        }
    };
    let owner = scene.tenant.owner_of(&minted).await.context("the token just minted")?;
    ensure!(owner == client.id, "the token just minted is another client's");
    page.say("A token minted with the published credential, which was refused before: tokens/me answers 200.");
    Ok(vec![before.token, token, minted, secret])
}

/// Waits for an event on the object and repeats its words.
async fn tell_event(scene: &Scene<'_>, reason: &str) -> Result<()> {
    let what = format!("an event {reason}");
    let event = until(scene.operator, &what, WITHIN, async || {
        let events = scene.cluster.events(&scene.place.of(NAMESPACE), NAME).await?;
        let seen: Vec<_> = events.iter().filter_map(|event| event.reason.clone()).collect();
        let found = events.into_iter().find(|event| event.reason.as_deref() == Some(reason));
        found.with_context(|| format!("the events [{}]", seen.join(", ")))
    })
    .await?;
    let note = event.note.unwrap_or_default();
    scene.page.say(&format!("Event {} {reason}: {note}", event.type_.unwrap_or_default()));
    Ok(())
}

async fn read(scene: &Scene<'_>) -> Result<ServiceAccountCredential> {
    scene.cluster.credential(&scene.place.of(NAMESPACE), NAME).await
}

fn drift(object: &ServiceAccountCredential) -> Option<&DriftStatus> {
    object.status.as_ref()?.drift.as_ref()
}
