//! Conversations in text against a real core: `a> ...` is what client `a` sends, `a< ...` what it gets.
//!
//! `a>+ ...` is sent in one read with the next line of the same client; `! ...` steers time, durability, alarms and what
//! others do; `{TEXT*NUMBER}` stands for so many times the text. Run with `UPDATE_TRANSCRIPTS=1` to write down what is answered, then read the difference.
//!
//! Owns: the core over a log in memory, clients that are fed by hand, playing, changing and cutting conversations.
//! Must not know: any protocol. Each brings its [`Language`].
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "it fails the test that uses it"
)]

mod log;
mod mutants;
mod player;
mod rig;
mod scram;

pub use mutants::{check_changed, check_ends};
pub use player::{Language, check_all};
pub use rig::{Feed, Setup, Vendor};
pub use scram::ScramClient;
