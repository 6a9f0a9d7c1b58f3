//! A small, fast AMQP 0-9-1 client: blocking sockets, bursts of prepared bytes out, frames scanned in place.
//!
//! Owns: what a load tool needs of the protocol and nothing more. It is not built on the broker's own codec, so
//! that a mistake there can't hide on both ends of a measurement.

mod address;
mod burst;
mod connection;
mod delivery;
pub mod wire;

pub use address::{Address, Security};
pub use burst::{BURST_BYTES, Burst, BurstSpec};
pub use connection::{
    Connection, Product, QueueKind, READ_BYTES, Read, Settle, Wait, put_bind_queue, put_consume,
    put_declare_queue, put_delete_queue, put_find_queue,
};
pub use delivery::{Delivery, DeliveryScanner};
