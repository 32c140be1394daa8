//! Verbs, pure: what differs, what to do next, what to write, what to say.
//!
//! Enters: values of `model` and `api`, and `now`. Leaves: values. No clock, no client, no log, no `async`.

pub mod allow;
pub mod claims;
pub mod condition;
pub mod deletion;
pub mod diff;
pub mod drift;
pub mod next;
pub mod pace;
pub mod platform_status;
pub mod records;
pub mod resolve;
pub mod status;
pub mod sweep;
pub mod upkeep;

#[cfg(test)]
mod tests;
