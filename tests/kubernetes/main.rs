//! In: a real API server with the definitions of `crds/`, and the operator's account with the rights of its table.
//! Out: proof that the seam to Kubernetes means there what it says. It changes nothing but its own namespaces.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]
#![expect(clippy::disallowed_methods, reason = "looks at the server beside the seam")]

mod access;
mod events;
mod ground;
mod leases;
mod objects;
mod secrets;
