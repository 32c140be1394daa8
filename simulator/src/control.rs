//! What tests and other people tell the twin past its API: what enters are faults, edits and settings.
//! What leaves is what the twin saw and holds. It may not be reached from the emulated paths.

pub(crate) mod client_view;
pub(crate) mod counters;
pub(crate) mod fault_book;
pub(crate) mod faults;
pub(crate) mod handle;
pub(crate) mod order;
pub(crate) mod organization_view;
pub(crate) mod remote;
pub(crate) mod routes;
