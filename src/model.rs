//! Nouns: what is desired, what was seen, what is to be done, what came of it.
//!
//! Plain values that derive everything. Nothing here decides or touches the world; anything that
//! holds [`SecretText`] derives only `Debug`, which does not show it.

pub mod account;
pub mod desired;
pub mod event;
pub mod fault;
pub mod inventory;
pub mod marker;
pub mod object;
pub mod platform;
pub mod secret;
pub mod secret_text;
pub mod seen;
pub mod step;
pub mod token;

pub use account::{Account, AccountId, Field, RoleGrant, Settings, State, Wish};
pub use desired::Desired;
pub use fault::{Fault, Refusal, RefusalKind, Trouble, TroubleKind};
pub use inventory::{Catalog, CatalogPart, Inventory};
pub use marker::Marker;
pub use secret_text::SecretText;
pub use token::{Credential, Introspection, Token};
