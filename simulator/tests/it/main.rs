//! The simulator as its users meet it: over HTTP.

mod caller;
mod clients;
mod control;
mod faults;
mod login;
mod organization;
mod propagation;
mod tokens;
