//! Keysteward keeps remote service accounts and their OAuth clients as written, and their tokens fresh.
//!
//! The map, and what each room may do:
//!
//! | module | holds | may |
//! |---|---|---|
//! | [`api`] | the custom resources: what users write and read | nothing but data |
//! | [`model`] | the nouns: desired, seen, inventory, step, fault | nothing but data |
//! | [`decide`] | the verbs, as pure functions over values | no clock, no client, no log, no `async` |
//! | [`provider`] | seam 1: the remote platforms | HTTP to a platform, nothing else |
//! | [`kubernetes`] | seam 2: the Kubernetes API | calls of `kube::Api`, nothing else |
//! | [`run`] | the wiring: watch, sweep, observe, execute, report | spawn, sleep, read the clock |
//! | [`cli`] | the command line | print |

pub mod api;
pub mod cli;
pub mod decide;
pub mod kubernetes;
pub mod model;
pub mod provider;
pub mod run;
