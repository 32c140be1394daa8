//! What is on the stage once everything runs, and small readings of it that several acts share.

use anyhow::{Context, Result};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use keysteward::api::ServiceAccountCredential;
use keysteward::api::conditions::ConditionType;
use keysteward::api::token::TokenSource;
use keysteward::model::secret_text::SecretText;
use kube::ResourceExt;

use crate::cluster::Cluster;
use crate::operator::Operator;
use crate::page::Page;
use crate::place::Place;
use crate::tenant::{Names, Tenant};

/// Everything that an act may look at.
pub(crate) struct Scene<'a> {
    pub(crate) page: &'a Page,
    pub(crate) place: &'a Place,
    pub(crate) cluster: &'a Cluster,
    pub(crate) tenant: &'a Tenant,
    pub(crate) operator: &'a Operator,
    pub(crate) names: Names,
    /// The namespaces of the objects.
    pub(crate) namespaces: Vec<String>,
}

impl Scene<'_> {
    pub(crate) async fn objects(&self) -> Result<Vec<ServiceAccountCredential>> {
        self.cluster.credentials(&self.namespaces).await
    }

    /// The token that is published for an object, without the text around it.
    pub(crate) async fn published_token(
        &self,
        object: &ServiceAccountCredential,
    ) -> Result<SecretText> {
        let wish = object.spec.token.as_ref().context("the object publishes no token")?;
        let key = wish.data.iter().find(|key| key.from == TokenSource::AccessToken);
        let (key, format) = match key {
            Some(key) => (key.key.as_str(), key.format.as_deref().unwrap_or("{}")),
            None => ("GENESYSCLOUD_ACCESS_TOKEN", "{}"),
        };
        let text = self.value(object, &wish.secret_name, key).await?;
        let around = format.split_once("{}").context("the format has no place for the token")?;
        let token =
            text.reveal().strip_prefix(around.0).and_then(|text| text.strip_suffix(around.1));
        let token = token.with_context(|| {
            format!("the key {key} does not have the format that was asked for")
        })?;
        Ok(SecretText::new(token))
    }

    /// Client id and secret as they are published for an object.
    pub(crate) async fn published_credential(
        &self,
        object: &ServiceAccountCredential,
    ) -> Result<(String, SecretText)> {
        let wish = object.spec.credential.as_ref().context("the object publishes no credential")?;
        let id = self.value(object, &wish.secret_name, "client_id").await?;
        let secret = self.value(object, &wish.secret_name, "client_secret").await?;
        Ok((id.reveal().to_owned(), secret))
    }

    async fn value(
        &self,
        object: &ServiceAccountCredential,
        secret: &str,
        key: &str,
    ) -> Result<SecretText> {
        let namespace = object.namespace().unwrap_or_default();
        let data = self.cluster.secret(&namespace, secret).await?.data.unwrap_or_default();
        let missing = || format!("the Secret {namespace}/{secret} has no text under {key}");
        let bytes = data.get(key).with_context(missing)?;
        let text = std::str::from_utf8(&bytes.0).ok().filter(|text| !text.is_empty());
        Ok(SecretText::new(text.with_context(missing)?))
    }
}

/// NAMESPACE/NAME.
pub(crate) fn full_name(object: &impl ResourceExt) -> String {
    match object.namespace() {
        Some(namespace) => format!("{namespace}/{}", object.name_any()),
        None => object.name_any(),
    }
}

/// The conditions of an object, none before its first pass.
pub(crate) fn conditions(object: &ServiceAccountCredential) -> &[Condition] {
    object.status.as_ref().map_or(&[], |status| &status.conditions)
}

pub(crate) fn condition(conditions: &[Condition], wanted: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == wanted.as_str())
}

/// Whether a condition is there and True.
pub(crate) fn holds(conditions: &[Condition], wanted: ConditionType) -> bool {
    condition(conditions, wanted).is_some_and(|condition| condition.status == "True")
}

/// Every condition as TYPE=STATUS (REASON: MESSAGE).
pub(crate) fn in_words(conditions: &[Condition]) -> String {
    let one = |c: &Condition| format!("{}={} ({}: {})", c.type_, c.status, c.reason, c.message);
    match conditions {
        [] => "no condition yet".to_owned(),
        some => some.iter().map(one).collect::<Vec<_>>().join("; "),
    }
}

/// Every condition as TYPE=STATUS, with the reason where it tells more than that all is well.
pub(crate) fn in_short(conditions: &[Condition]) -> String {
    let one = |c: &Condition| match c.reason.as_str() {
        "Succeeded" => format!("{}={}", c.type_, c.status),
        reason => format!("{}={} ({reason})", c.type_, c.status),
    };
    conditions.iter().map(one).collect::<Vec<_>>().join(" ")
}
