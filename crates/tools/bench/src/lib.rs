//! The load tool: named workloads, correctness counted while it measures, brokers compared on one machine.
//!
//! Owns: a fast client of its own ([`amqp`]), bodies that carry their proof ([`body`]), the book of what became of each
//! message ([`ledger`]), the workloads, the null broker, the report. Must not know: the broker's own code, so that a
//! mistake there can't hide on both ends of a measurement.
//!
//! Invariants: every figure comes with the count of faults of the same run, and a run with a fault fails; latencies
//! count from the time a message was meant to be sent; targets take turns within each round.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "a load tool reads the clock")]
#![allow(clippy::print_stdout, reason = "its report goes to standard output")]

pub mod amqp;
mod amqp10;
mod args;
pub mod body;
mod clock;
mod flow;
pub mod ledger;
mod link;
mod mqtt;
mod null_broker;
mod openwire;
mod process;
mod report;
mod spawn;
mod stomp;
mod stream;
mod target;
mod workloads;

pub use args::{BenchArgs, run};
pub use stream::Trust;
