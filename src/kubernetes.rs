//! Seam 2: the Kubernetes API. The only caller of `kube::Api` verbs; watches are set up in `run`.
//!
//! Enters: manifests and statuses. Leaves: what is stored, or an [`Error`] that says what was tried.
//! Secret bytes are read when they are used and never cached.

pub mod live;
pub mod rbac;

use std::future::Future;

use crate::api::ServiceAccountCredentialStatus;
pub use crate::model::event::{Event, Severity};
pub use crate::model::object::ObjectKey;
pub use crate::model::secret::{Controller, SecretManifest, StoredSecret};

/// A call of the Kubernetes API that did not succeed. The text is redacted and says what was tried.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Error {
    /// Something of that name is there already, or it changed since it was read: look again.
    #[error("{0}")]
    Conflict(String),
    /// The object is gone.
    #[error("{0}")]
    Gone(String),
    /// Our own rights do not suffice.
    #[error("{0}")]
    Forbidden(String),
    /// The API server refused what was written.
    #[error("{0}")]
    Invalid(String),
    /// The API server did not answer, or could not.
    #[error("{0}")]
    Unavailable(String),
}

/// What the operator asks of the Kubernetes API while it settles one object.
pub trait Cluster: Send + Sync {
    /// One Secret with its data.
    fn secret(
        &self,
        namespace: &str,
        name: &str,
    ) -> impl Future<Output = Result<Option<StoredSecret>, Error>> + Send;

    /// Makes a Secret; [`Error::Conflict`] if one of that name exists.
    fn create_secret(
        &self,
        manifest: &SecretManifest,
    ) -> impl Future<Output = Result<StoredSecret, Error>> + Send;

    /// Replaces a Secret exactly as it was read: labels and annotations of others stay, data becomes the manifest's.
    /// [`Error::Conflict`] if it changed in between.
    fn replace_secret(
        &self,
        stored: &StoredSecret,
        manifest: &SecretManifest,
    ) -> impl Future<Output = Result<StoredSecret, Error>> + Send;

    /// Deletes a Secret exactly as it was read: by UID and version. An absent one counts as deleted; [`Error::Conflict`]
    /// if it changed, or if another has its name.
    fn delete_secret(
        &self,
        stored: &StoredSecret,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Adds our finalizer. Guarded by the UID.
    fn hold(&self, object: &ObjectKey) -> impl Future<Output = Result<(), Error>> + Send;

    /// Removes our finalizer. An absent object counts as released.
    fn release(&self, object: &ObjectKey) -> impl Future<Output = Result<(), Error>> + Send;

    /// Writes the whole status. Guarded by the UID. Returns the version that the object has with it.
    fn write_status(
        &self,
        object: &ObjectKey,
        status: &ServiceAccountCredentialStatus,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// Writes of a status, which must be there, only the conditions and the generation that they speak of. The rest
    /// stays, whatever it is. Guarded and answered as a whole one.
    fn write_conditions(
        &self,
        object: &ObjectKey,
        status: &ServiceAccountCredentialStatus,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// Publishes an event. Never fails a pass: trouble is logged at debug.
    fn publish(&self, object: &ObjectKey, event: &Event) -> impl Future<Output = ()> + Send;
}
