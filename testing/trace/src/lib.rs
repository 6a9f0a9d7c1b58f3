//! Crash states of the real binary (T2): what it asked of the disk is taken from a trace of its system calls.
//!
//! Brokers run under strace with a workload, are killed, stop, or meet a call that fails. Every call on a data directory
//! is then done again on the fake disk of `ternmq-fakes`, and what went through its sockets tells what its clients knew at
//! each moment. Between any two changes the power may have gone: the disk is rebuilt with unsynced writes lost,
//! reordered and torn, recovered with the real journal and core, and judged by the checker of `ternmq-simulator`.
//!
//! Owns: reading traces ([`Trace`]), replaying them ([`Process`]), the conversation ([`Conversation`]), judging a disk
//! ([`Judge`]), the check over all moments ([`Case`]), the run ([`run()`]).
//! Must not know: what is in the files. The broker is believed in nothing but its calls.
//!
//! Invariants: a call that could change the data directory and is not understood is an error, and the replayed disk is
//! compared with the real one, byte by byte, at the end of each life; a fault that is planted has to be found.
//!
//! Known limits: directories themselves are not lost; no message expires; queues of the dead are emptied after a crash
//! only.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "it runs a broker from outside: it reads files and clocks, and waits for a child"
)]

mod calls;
mod line;

mod replay;

mod conversation;

mod judge;

mod check;

mod broker;
mod client;
mod run;
mod workload;

pub use calls::{Call, Edge, Trace};
pub use check::{Case, FileImage, Image, Life, Plant, Report, read_image};
pub use conversation::Conversation;
pub use judge::{Encryption, End, Judge};
pub use line::Argument;
pub use replay::{Change, Heard, Process, TRACED_CALLS};
pub use run::{Order, Passed, run};
