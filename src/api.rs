//! The custom resources of `keysteward.dev/v1alpha1`: what users write and read.
//!
//! Doc comments on fields are the manual (`kubectl explain`). What one object can show alone is CEL
//! here; what needs the platform is checked by `decide`. No logic lives here.

#![expect(
    clippy::doc_markdown,
    reason = "descriptions of fields are read in `kubectl explain`, where backticks are noise"
)]
#![expect(
    unreachable_pub,
    reason = "KubeSchema derives a copy of each struct inside a function, with its `pub`"
)]

pub mod allowance;
pub mod conditions;
pub mod credential;
pub mod credential_status;
pub mod duration;
pub mod genesys_cloud;
pub mod platform;
pub mod platform_status;
pub mod policy;
mod schema;
#[cfg(test)]
mod tests;
pub mod token;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

pub use credential::{ServiceAccountCredential, ServiceAccountCredentialSpec};
pub use credential_status::ServiceAccountCredentialStatus;
pub use platform::{ClusterPlatform, Platform};
pub use platform_status::PlatformStatus;

/// The API group of everything here.
pub const GROUP: &str = "keysteward.dev";
/// The one served version.
pub const VERSION: &str = "v1alpha1";
/// The finalizer that lets Keysteward settle the remote side before an object goes.
pub const FINALIZER: &str = "keysteward.dev/remote";
/// The type that a Secret must have before Keysteward reads a credential from it.
pub const INPUT_SECRET_TYPE: &str = "keysteward.dev/input";

/// Every custom resource definition, as `crds/` holds them and an API server takes them.
pub fn all() -> Vec<CustomResourceDefinition> {
    [ServiceAccountCredential::crd(), Platform::crd(), ClusterPlatform::crd()]
        .into_iter()
        .map(schema::for_the_api_server)
        .collect()
}
