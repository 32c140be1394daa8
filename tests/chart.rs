//! The Helm chart: what it renders, and what a real API server says of that.
//!
//! `UPDATE_CHART=1 cargo test --test chart` rewrites its definitions and its RBAC from the code.

#![expect(clippy::disallowed_methods, reason = "these tests play the user of the API server")]

#[path = "chart/helm.rs"]
mod helm;
#[path = "chart/rbac_template.rs"]
mod rbac_template;
#[path = "chart/rendered.rs"]
mod rendered;
#[path = "chart/schemas.rs"]
mod schemas;
#[path = "chart/server.rs"]
mod server;
