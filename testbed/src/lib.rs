//! In: a machine with Go, or with the programs. Out: a real etcd and kube-apiserver, helm and
//! kubeconform, for tests and for the quickstart.
//! It starts processes and talks to the server that it started; it knows nothing of Keysteward.
//!
//! | module | what it does |
//! |---|---|
//! | `tool` | finds or builds the programs |
//! | `require` | decides whether a test can run, holds the server that tests share |
//! | `control_plane` | starts the servers, gives access to them; `apiserver`, `etcd`, `server`, `certificates`, `kubeconfig`, `port` are its parts |
//! | `audit`, `memory` | what was asked of the API server, and what a process has in use |
//! | `apply`, `established` | YAML of any kind onto the server |
//! | `operator` | the program under test as a process |
//! | `process`, `scratch` | children and directories that never outlive this process |
//! | `eventually` | the one place where tests wait |

mod apiserver;
mod apply;
mod audit;
mod certificates;
mod control_plane;
mod established;
mod etcd;
mod eventually;
mod kubeconfig;
mod memory;
mod operator;
mod port;
mod process;
mod require;
mod scratch;
mod server;
mod tool;

pub use apply::{ApplyError, apply_yaml, delete_yaml};
pub use audit::{AuditLog, AuditMark, AuditRecord, count};
pub use control_plane::{ControlPlane, ControlPlaneBuilder, unique_name};
pub use established::wait_for_crd;
pub use eventually::{NotYet, eventually, try_eventually};
pub use kubeconfig::ServiceAccountAccess;
pub use memory::{is_running, peak_rss_kib, rss_kib};
pub use operator::OperatorProcess;
pub use require::{own, require, require_program, shared, skip};
pub use tool::{Tool, ToolError};
