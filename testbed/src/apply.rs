//! In: YAML with any number of objects of any kind. Out: the objects as the server has them now.
//! Server-side apply with strict field validation: a field that the server does not know is an
//! error, and so is a field that somebody else holds.

use std::collections::HashMap;
use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{GroupVersionKind, TypeMeta};
use kube::discovery::{ApiCapabilities, ApiResource, Scope, pinned_kind};
use kube::{Api, Client, ResourceExt};
use thiserror::Error;

use crate::established::wait_for_crd;
use crate::eventually::NotYet;

/// How long a definition may take until its objects can be written.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// Why YAML could not be applied or deleted.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// It is not YAML, or not that of Kubernetes objects.
    #[error("could not read the YAML: {0}")]
    Unreadable(String),
    /// An object has no `kind`, `apiVersion` or `metadata.name`.
    #[error("object {position} of the YAML has no {field}")]
    Incomplete {
        /// Counted from 1.
        position: usize,
        /// The field that is missing.
        field: &'static str,
    },
    /// The server refused.
    #[error("the server refused {object}: {message}")]
    Refused {
        /// Kind, namespace and name.
        object: String,
        /// The HTTP status.
        code: u16,
        /// The reason as a word, such as `Invalid`.
        reason: String,
        /// The sentence that a user of kubectl would see.
        message: String,
    },
    /// The server gave no answer that could be read.
    #[error("could not ask the server about {object}")]
    Unanswered {
        /// Kind, namespace and name.
        object: String,
        /// What went wrong.
        source: Box<kube::Error>,
    },
    /// A definition was taken and its objects still cannot be written.
    #[error(transparent)]
    NotEstablished(#[from] NotYet),
}

/// Applies every object in the order of the YAML, each definition being awaited before the next;
/// an object without a namespace goes to the client's default one. What precedes a refused object
/// stays applied.
pub async fn apply_yaml(
    client: &Client,
    yaml: &str,
    field_manager: &str,
) -> Result<Vec<DynamicObject>, ApplyError> {
    let parameters = PatchParams::apply(field_manager).validation_strict();
    let mut kinds = Kinds::new(client);
    let mut applied = Vec::new();
    for object in read(yaml)? {
        let api = kinds.api(&object).await?;
        let patched = api.patch(&object.name_any(), &parameters, &Patch::Apply(&object)).await;
        let stored = patched.map_err(|error| refusal(&object, error))?;
        if kind_of(&object) == "CustomResourceDefinition" {
            wait_for_crd(client, &object.name_any(), ESTABLISHED_WITHIN).await?;
        }
        applied.push(stored);
    }
    Ok(applied)
}

/// Deletes every object, the last one first; one that is not there counts as deleted. Does not
/// wait for finalizers.
pub async fn delete_yaml(client: &Client, yaml: &str) -> Result<(), ApplyError> {
    let mut kinds = Kinds::new(client);
    for object in read(yaml)?.iter().rev() {
        let deleted = match kinds.api(object).await {
            Ok(api) => api.delete(&object.name_any(), &DeleteParams::default()).await,
            // Without its definition no object of the kind is left.
            Err(ApplyError::Refused { code: 404, .. }) => continue,
            Err(error) => return Err(error),
        };
        match deleted.map_err(|error| refusal(object, error)) {
            Ok(_) | Err(ApplyError::Refused { code: 404, .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The objects of a text, each with a kind and a name.
fn read(yaml: &str) -> Result<Vec<DynamicObject>, ApplyError> {
    // As kubectl reads it: 0440 is a file mode, and `yes` is true.
    let options = serde_saphyr::options! { legacy_octal_numbers: true, strict_booleans: false };
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple_with_options(yaml, options)
        .map_err(|error| ApplyError::Unreadable(error.to_string()))?;
    let mut objects = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        let position = index + 1;
        let text = |pointer| document.pointer(pointer).and_then(|value| value.as_str());
        for (pointer, field) in
            [("/apiVersion", "apiVersion"), ("/kind", "kind"), ("/metadata/name", "metadata.name")]
        {
            if text(pointer).is_none_or(str::is_empty) {
                return Err(ApplyError::Incomplete { position, field });
            }
        }
        let object = serde_json::from_value(document)
            .map_err(|error| ApplyError::Unreadable(format!("object {position}: {error}")))?;
        objects.push(object);
    }
    Ok(objects)
}

/// Asks the server once for each kind how it is addressed.
struct Kinds<'a> {
    client: &'a Client,
    known: HashMap<TypeMeta, (ApiResource, ApiCapabilities)>,
}

impl<'a> Kinds<'a> {
    fn new(client: &'a Client) -> Self {
        Self { client, known: HashMap::new() }
    }

    async fn api(&mut self, object: &DynamicObject) -> Result<Api<DynamicObject>, ApplyError> {
        let types = object.types.clone().unwrap_or_default();
        if !self.known.contains_key(&types) {
            let found = match GroupVersionKind::try_from(&types) {
                Ok(kind) => pinned_kind(self.client, &kind).await,
                Err(error) => return Err(ApplyError::Unreadable(error.to_string())),
            };
            let found = found.map_err(|error| refusal(object, error))?;
            self.known.insert(types.clone(), found);
        }
        let (resource, capabilities) = &self.known[&types];
        let client = self.client.clone();
        Ok(match (&capabilities.scope, object.namespace()) {
            (Scope::Cluster, _) => Api::all_with(client, resource),
            (Scope::Namespaced, Some(namespace)) => {
                Api::namespaced_with(client, &namespace, resource)
            }
            (Scope::Namespaced, None) => Api::default_namespaced_with(client, resource),
        })
    }
}

fn kind_of(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| &types.kind)
}

fn refusal(object: &DynamicObject, error: kube::Error) -> ApplyError {
    let namespace = object.namespace().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let object_name = format!("{} {namespace}{}", kind_of(object), object.name_any());
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others mean that no answer came")]
    match error {
        kube::Error::Api(status) => ApplyError::Refused {
            object: object_name,
            code: status.code,
            reason: status.reason,
            message: status.message,
        },
        kube::Error::Discovery(error) => ApplyError::Refused {
            object: object_name,
            code: 404,
            reason: "NotFound".to_owned(),
            message: error.to_string(),
        },
        error => ApplyError::Unanswered { object: object_name, source: Box::new(error) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

    #[test]
    fn every_document_is_an_object_and_an_empty_one_is_none() {
        let objects = read(&format!("# only words\n---\n{MAP}---\n---\n{MAP}")).unwrap();
        assert_eq!(objects.len(), 2);
        assert_eq!(kind_of(&objects[0]), "ConfigMap");
    }

    #[test]
    fn an_object_without_a_name_is_named_by_its_position() {
        let error = read(&format!("{MAP}---\napiVersion: v1\nkind: ConfigMap\n")).unwrap_err();
        assert_eq!(error.to_string(), "object 2 of the YAML has no metadata.name");
    }

    #[test]
    fn a_key_that_is_written_twice_is_refused() {
        let error = read(&format!("{MAP}data: {{a: x}}\ndata: {{a: y}}\n")).unwrap_err();
        assert!(matches!(error, ApplyError::Unreadable(_)), "{error}");
    }

    #[test]
    fn numbers_and_truths_are_read_as_kubectl_reads_them() {
        let object =
            &read(&format!("{MAP}data: {{mode: 0440, flag: yes, text: '0440'}}")).unwrap()[0];
        assert_eq!(
            object.data["data"],
            serde_json::json!({"mode": 288, "flag": true, "text": "0440"})
        );
    }
}
