//! The simulator as its users meet it: over HTTP.

mod caller;
mod clients;
