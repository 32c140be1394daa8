//! The simulator as its users meet it: over HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod caller;
mod choices;
mod clients;
mod contract;
mod control;
mod faults;
mod login;
mod login_fixtures;
mod organization;
mod propagation;
mod readme;
mod schema;
mod tokens;
