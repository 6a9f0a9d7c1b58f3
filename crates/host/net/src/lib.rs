//! How bytes reach the sessions and how the core's wishes reach the world.
//!
//! Owns: listeners, their limits and who is let in ([`Listener`], [`AcceptLimits`], [`Gate`]), the one connection driver
//! of all protocols ([`Driver`]), the loop of a shard ([`Shard`]), the thread of the journal ([`JournalLog`], [`JournalThread`]), the
//! threads that read cold messages and check passwords.
//! Must not know: any protocol, any vendor, any rule of the core.
//!
//! Invariants: a shard's broker and sessions are touched by one thread only; an idle connection holds no buffer; what
//! waits to go out to a peer is bounded (F16), and so is what a peer may make us keep of its input (I11); a shard never
//! waits for a disk, a password or a peer.
//!
//! Known limits: one shard per node.
#![forbid(unsafe_code)]

mod arrival;
mod proxy;
mod tls;
mod transport;
mod wire;

mod one_port;
mod websocket;

mod buffers;
mod connection;
mod counters;
mod deadlines;

mod driver;
mod effects;
mod open;
mod opening;
mod output;

mod fault;
mod gate;
mod handshakes;
mod listener;
mod place;

mod journal_log;
mod journal_thread;
mod loader;
mod passwords;
mod scrubber;

mod handle;
mod incidents;
mod mail;
mod shard;

pub use arrival::{Arrival, ClientCertificate, Secured, SessionFactory};
pub use counters::Counters;
pub use driver::{Driver, DriverLimits, Key, Readiness};
pub use fault::install_panic_policy;
pub use gate::{Gate, Sources};
pub use handle::{Busy, ShardHandle};
pub use journal_log::{JournalLog, JournalState};
pub use journal_thread::{JournalFailure, JournalThread};
pub use listener::{AcceptLimits, BindError, Door, DoorTls, Listener, SocketOptions, file_limit};
pub use loader::{JournalSource, RECORD_READERS};
pub use mail::Mailbox;
pub use one_port::{FirstBytes, one_port, one_port_or};
pub use passwords::{Opened, Opening};
pub use proxy::{Network, NetworkError};
pub use shard::{Shard, ShardParts, View};
pub use tls::{CertificatePem, ClientAuth, LoginFrom, TlsError, TlsOptions, TlsServer, TlsVersion};
pub use transport::Transport;
pub use websocket::{Origins, Spoken, WebSocketSettings, fuzz_websocket, websocket};
pub use wire::Wire;
