//! The wiring, over an API server in this process: what one object, platform or namespace does to the others.

mod claims;
mod ground;
mod indexes;
mod news;
mod passes;
mod platforms;
mod sweeps;
mod targets;
mod watchdog;
