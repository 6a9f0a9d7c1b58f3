//! The management HTTP API of a node: RabbitMQ's paths and JSON over our core.
//!
//! Owns: the table of routes with who may use each ([`router`] serves it), login by HTTP Basic, the JSON of things,
//! pages and sorting of lists, limits of bodies, the audit line of each change (S15).
//! Must not know: how a node is put together. It reaches the core through [`Control`] and learns facts of the process
//! through [`Facts`].
//!
//! Invariants: every request is matched, logged in and authorised by one piece of code before its handler runs (S10);
//! a change answers 2xx only once it is durable (I10); queues, exchanges, bindings and messages are changed only by
//! the core's own verbs in a session of the user who asks (S5); answers are rendered away from the core's thread.
//!
//! Known limits: no rates and no history of counters; consumers are listed without their protocol's tag.
//!
//! Reading order: `seam.rs`, `dispatch.rs` (one request's way), `routes.rs`, then one file for each kind of thing.

#![forbid(unsafe_code)]

mod scheduled;
mod seam;
mod transactions;

mod answer;
mod call;
mod json;
mod listing;

mod access;
mod dispatch;
mod login;
mod routes;

mod bindings;
mod browsing;
mod connections;
mod core_session;
mod definitions;
mod definitions_guest;
mod exchanges;
mod health;
mod limits;
mod message_json;
mod messages;
mod overview;
mod parameters;
mod permissions;
mod policies;
mod queues;
mod users;
mod vhosts;

pub use definitions::{DEFINITIONS_MAX_BYTES, Definitions};
pub use dispatch::{Peer, Service, router};
pub use seam::{Control, Desk, Facts, Management, NodeFacts, NodeListener, Question, Unavailable};

#[cfg(test)]
mod tests;
