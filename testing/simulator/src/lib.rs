//! The simulator: a whole node (real core, real journal, fake disk and clock) lives through a seeded workload with
//! crashes and faults, and a model that knows nothing of the core judges what its clients saw (T1, T2, T3).
//!
//! Owns: [`Node`], the core and its journal driven step by step without threads; [`World`], the seeded schedule of
//! clients, peers, faults and restarts; the history ([`Event`], [`Line`]) and the [`Checker`] that judges it.
//! Must not know: sockets, threads, the machine's time or randomness.
//!
//! Invariants: one seed gives one history, on every machine and in every build; the checker sees only what clients
//! see, plus which turns had become durable before a crash.
//!
//! Known limits: one node, one namespace; no policies, no message groups, no filters; no frames of a protocol. A log that is reported damaged
//! at the start relaxes the model to I2 and I4 for the rest of the run.
#![forbid(unsafe_code)]

mod history;

mod checker;

mod dialect;
mod journal_log;
mod node;
mod sabotage;
mod schedules;

mod branches;
mod clients;
mod faults;
mod peer_publishes;
mod peers;
mod wides;
mod world;

mod crash_states;

pub use checker::{Checker, Violation, body_of, head_of, message_id};
pub use crash_states::{CrashStates, check_crash_states, check_failing_calls};
pub use dialect::PlainDialect;
pub use history::{Event, Found, Line, Outcome, QueueFacts, Taken};
pub use node::{Engine, KEYS, MARK, Node, Start, Stopped, Tuning, USER};
pub use sabotage::Sabotage;
pub use world::{Failure, Passed, Plan, World, run_seed};
