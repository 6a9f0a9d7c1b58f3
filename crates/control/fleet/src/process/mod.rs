//! Nodes as child processes on this machine.
//!
//! Reading order: `layout.rs` (what is where), `occupancy.rs` (who runs), `fleet.rs` (the calls), `launch.rs`,
//! `supervisor.rs`; the others are what those need.

mod certificates;
mod channel;
mod child;
mod client;
mod disk;
mod layout;
mod log_parts;
mod node;
mod occupancy;
mod poll;
mod ports;
mod program;
mod settings;

mod fleet;
mod launch;
mod supervisor;

pub use fleet::ProcessFleet;
pub use settings::{Footprint, ProcessSettings, StepHook};
