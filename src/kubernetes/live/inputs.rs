//! What users hand in: the managing credential and certificate authorities of a platform.
//!
//! Enters: references from a platform object. Leaves: the values, or a sentence that says what to write instead.
//! Reads no Secret but of the type `keysteward.dev/input`: no other can be sent to a platform.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use super::Live;
use super::request::{CONFIG_MAP, NAMESPACE, SECRET, Target};
use crate::api::INPUT_SECRET_TYPE;
use crate::api::platform::{CaBundleKind, CaBundleRef};
use crate::kubernetes::Error;
use crate::model::secret_text::SecretText;
use crate::model::token::Credential;

/// Why an input cannot be used. The text is redacted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InputError {
    /// The API server did not give it: trying again may help.
    #[error("{0}")]
    Unread(Error),
    /// It is missing or wrong: somebody has to mend it.
    #[error("{0}")]
    Unfit(String),
}

impl Live {
    /// The managing credential of a platform: `client_id` and `client_secret` of an input Secret, without white space
    /// around them.
    pub async fn platform_credential(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Credential, InputError> {
        let secret = self.input_secret(namespace, name).await?;
        let client_id = text_of(&secret, namespace, name, "client_id")?;
        let client_secret = text_of(&secret, namespace, name, "client_secret")?;
        Ok(Credential { client_id, client_secret: SecretText::new(client_secret) })
    }

    /// The PEM text of a platform's own certificate authorities.
    pub async fn ca_bundle(
        &self,
        namespace: &str,
        reference: &CaBundleRef,
    ) -> Result<String, InputError> {
        let CaBundleRef { kind, name, key } = reference;
        let (bytes, target) = match kind {
            CaBundleKind::Secret => {
                let secret = self.input_secret(namespace, name).await?;
                let bytes = secret.data.unwrap_or_default().remove(key).map(|value| value.0);
                (bytes, Target::new(SECRET, namespace, name))
            }
            CaBundleKind::ConfigMap => {
                let target = Target::new(CONFIG_MAP, namespace, name);
                let Some(map) = self.ask_if_any::<ConfigMap>(target.get()).await? else {
                    return unfit(format!("{target} does not exist: create it with the key {key}"));
                };
                let text = map.data.unwrap_or_default().remove(key).map(String::into_bytes);
                let bytes = text.or_else(|| {
                    map.binary_data.unwrap_or_default().remove(key).map(|value| value.0)
                });
                (bytes, target)
            }
        };
        let Some(bytes) = bytes else {
            return unfit(format!("{target} has no key {key}: put the certificates there as PEM"));
        };
        match String::from_utf8(bytes) {
            Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => Ok(text),
            _ => unfit(format!(
                "key {key} of {target} holds no PEM certificate: it must contain BEGIN CERTIFICATE"
            )),
        }
    }

    /// The UID of a namespace: that of `kube-system` names the cluster.
    pub async fn namespace_uid(&self, name: &str) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Namespace {
            metadata: ObjectMeta,
        }
        let found: Namespace = self.ask(Target::new(NAMESPACE, "", name).get_metadata()).await?;
        found.metadata.uid.ok_or_else(|| {
            Error::Unavailable(format!("could not read Namespace {name}: the answer has no UID"))
        })
    }

    async fn input_secret(&self, namespace: &str, name: &str) -> Result<Secret, InputError> {
        let target = Target::new(SECRET, namespace, name);
        let Some(secret) = self.ask_if_any::<Secret>(target.get()).await? else {
            return unfit(format!(
                "{target} does not exist: create it with the type {INPUT_SECRET_TYPE}"
            ));
        };
        match secret.type_.as_deref() {
            Some(INPUT_SECRET_TYPE) => Ok(secret),
            other => unfit(format!(
                "{target} has the type {}: delete it and create it again with the type {INPUT_SECRET_TYPE}",
                other.unwrap_or("Opaque")
            )),
        }
    }
}

impl From<Error> for InputError {
    fn from(error: Error) -> Self {
        match error {
            // A name that cannot be one.
            Error::Invalid(text) => Self::Unfit(text),
            Error::Conflict(_) | Error::Gone(_) | Error::Forbidden(_) | Error::Unavailable(_) => {
                Self::Unread(error)
            }
        }
    }
}

/// One key as text, trimmed: `echo` and editors leave a line break.
fn text_of(secret: &Secret, namespace: &str, name: &str, key: &str) -> Result<String, InputError> {
    let target = Target::new(SECRET, namespace, name);
    let Some(bytes) = secret.data.as_ref().and_then(|data| data.get(key)) else {
        return unfit(format!(
            "{target} has no key {key}: it must hold client_id and client_secret"
        ));
    };
    let Ok(text) = std::str::from_utf8(&bytes.0) else {
        return unfit(format!("key {key} of {target} is not UTF-8 text"));
    };
    let text = text.trim();
    if text.is_empty() {
        return unfit(format!("key {key} of {target} is empty"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return unfit(format!(
            "key {key} of {target} has white space or a control character inside"
        ));
    }
    Ok(text.to_owned())
}

fn unfit<T>(text: String) -> Result<T, InputError> {
    Err(InputError::Unfit(text))
}

#[cfg(test)]
mod tests;
