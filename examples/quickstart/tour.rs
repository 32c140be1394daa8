//! The act in which the results are looked at: the clients in the tenant, the Secrets, and what the tokens are worth.

use anyhow::{Context, Result, ensure};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use keysteward::api::ServiceAccountCredential;
use keysteward::api::credential::{GenesysCloudAccount, GenesysGrantType};
use keysteward::model::marker::Marker;
use keysteward_simulator::ClientView;
use kube::ResourceExt;

use crate::scene::{Scene, full_name};

/// Holds the clients in the tenant against the objects.
pub(crate) async fn clients(scene: &Scene<'_>) -> Result<()> {
    let mut rows = Vec::new();
    for object in scene.objects().await? {
        let (client, roles) = agreed(scene, &object)?;
        rows.push(vec![
            client.name,
            client.state,
            client.authorized_grant_type,
            if roles.is_empty() { "-".to_owned() } else { roles.join(", ") },
            client.live_tokens.to_string(),
        ]);
    }
    scene.page.table(&["CLIENT", "STATE", "GRANT TYPE", "ROLES", "TOKENS"], &rows);
    Ok(())
}

/// The client of an object and its roles; an error unless the tenant holds it just as written.
pub(crate) fn agreed(
    scene: &Scene<'_>,
    object: &ServiceAccountCredential,
) -> Result<(ClientView, Vec<String>)> {
    let wish = object.spec.genesys_cloud.as_ref().context("the object is not for Genesys Cloud")?;
    let client = scene.tenant.client(&wish.client.name)?;
    let roles = scene.names.roles_of(&client);
    let seen = format!(
        "the client {:?} is {}, has the grant type {} and the roles [{}]",
        client.name,
        client.state,
        client.authorized_grant_type,
        roles.join(", ")
    );
    let state = if object.spec.enabled { "active" } else { "inactive" };
    let as_written = client.state == state
        && client.authorized_grant_type == grant_type(wish)?
        && roles == wished_roles(wish)?;
    ensure!(as_written, "{seen}, which is not what {} says", full_name(object));
    let marker = client.description.as_deref().and_then(Marker::find);
    let ours = marker.is_some_and(|marker| {
        Some(&marker.uid) == object.metadata.uid.as_ref() && marker.name == object.name_any()
    });
    ensure!(ours, "{seen}, and not the mark of {} in its description", full_name(object));
    Ok((client, roles))
}

/// As the platform spells it.
fn grant_type(wish: &GenesysCloudAccount) -> Result<&'static str> {
    Ok(match wish.grant_types.first().context("the object has no grant type")? {
        GenesysGrantType::ClientCredentials => "CLIENT-CREDENTIALS",
        GenesysGrantType::AuthorizationCode => "CODE",
        GenesysGrantType::Implicit => "TOKEN",
        GenesysGrantType::Password => "PASSWORD",
        GenesysGrantType::Saml2Bearer => "SAML2BEARER",
    })
}

/// The roles as [`crate::tenant::Names`] words them, sorted.
fn wished_roles(wish: &GenesysCloudAccount) -> Result<Vec<String>> {
    let word = |text: &Option<String>| text.clone().context("the examples name roles by name");
    let mut roles = Vec::new();
    for role in &wish.roles {
        let division = match role.division.as_str() {
            "*" => "every division",
            name => name,
        };
        roles.push(format!("{} in {division}", word(&role.name)?));
    }
    roles.sort();
    Ok(roles)
}

/// Shows the Secrets by their keys and sizes; an error when one that an object names is missing.
pub(crate) async fn secrets(scene: &Scene<'_>) -> Result<()> {
    let mut namespaces = scene.namespaces.clone();
    namespaces.push(scene.place.system());
    let secrets = scene.cluster.managed_secrets(&namespaces).await?;
    for object in scene.objects().await? {
        let of_token = object.spec.token.as_ref().map(|token| &token.secret_name);
        let of_credential = object.spec.credential.as_ref().map(|published| &published.secret_name);
        for name in of_token.into_iter().chain(of_credential) {
            let is_there = secrets.iter().any(|secret| {
                secret.namespace() == object.namespace() && secret.name_any() == *name
            });
            ensure!(
                is_there,
                "expected the Secret {name} of {}; it is not there",
                full_name(&object)
            );
        }
    }
    scene
        .page
        .table(&["SECRET", "KEYS (BYTES)"], &secrets.iter().flat_map(rows).collect::<Vec<_>>());
    Ok(())
}

/// `client_id (36), client_secret (43)`, a few keys a row.
fn rows(secret: &Secret) -> Vec<Vec<String>> {
    let size = |(key, value): (&String, &ByteString)| format!("{key} ({})", value.0.len());
    let sizes: Vec<_> = secret.data.iter().flatten().map(size).collect();
    let mut names = std::iter::once(full_name(secret)).chain(std::iter::repeat(String::new()));
    let row = |keys: &[String]| vec![names.next().unwrap_or_default(), keys.join(", ")];
    sizes.chunks(4).map(row).collect()
}

/// Uses every published token once; an error unless each is worth something, and for the right client.
pub(crate) async fn tokens(scene: &Scene<'_>) -> Result<()> {
    let mut good = 0;
    for object in scene.objects().await? {
        if object.spec.token.is_some() {
            let token = scene.published_token(&object).await?;
            let owner = scene.tenant.owner_of(&token).await;
            let owner = owner.with_context(|| format!("the token of {}", full_name(&object)))?;
            let (client, _) = agreed(scene, &object)?;
            ensure!(owner == client.id, "the token of {} is another client's", full_name(&object));
            good += 1;
        }
    }
    scene.page.say(&format!(
        "{good} published tokens taken from their Secrets: tokens/me answers 200 to each, with the right client."
    ));
    Ok(())
}
