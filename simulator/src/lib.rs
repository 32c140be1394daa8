//! A twin of Genesys Cloud's login and API hosts, for tests: what enters are HTTP requests, faults and settings.
//! What leaves are the answers the real platform is documented to give, and a record of what was asked.
//! It may not call the real platform, and it keeps nothing on disk.
//!
//! ```
//! use keysteward_simulator::{Fault, Options, Simulator};
//!
//! let simulator = Simulator::start(Options::default())?;
//! let control = simulator.control();
//! control.inject(Fault::lost_answer("POST", "/api/v2/oauth/clients").once())?;
//! println!("{} {}", simulator.login_url(), simulator.api_url());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clock;
mod control;
mod genesys;
mod merge_patch;
mod options;
mod secret;
mod server;
mod settings;
mod simulator;
mod tenant;

pub use control::client_view::{ClientEdit, ClientView, Credentials, NewClient};
pub use control::counters::Counters;
pub use control::faults::{BadFault, Effect, Fault, FaultId, FaultView};
pub use control::handle::Control;
pub use control::order::ControlError;
pub use control::organization_view::OrganizationEdit;
pub use control::remote::{RemoteControl, RemoteError};
pub use options::{Options, SeedClient};
pub use secret::SecretText;
pub use settings::choices::{
    Choices, DeletedClient, NameFilter, OmittedFields, ScopeParameter, TokenRefusal, TokenRefusals,
};
pub use settings::{BadSettings, Lag, Limits, Propagation, Settings};
pub use simulator::Simulator;
pub use tenant::division::Division;
pub use tenant::grant::RoleDivision;
pub use tenant::organization::OrganizationState;
pub use tenant::role::{Policy, Role};
pub use tenant::seed;
