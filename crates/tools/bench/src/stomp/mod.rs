//! A small, fast STOMP 1.2 client: blocking sockets, bursts of prepared bytes out, frames scanned in place. Not built on
//! the broker's own codec, for the reason that [`crate::amqp`] is not.

mod client;
mod frames;

pub(crate) use client::Client;
pub(crate) use frames::{Incoming, SendTemplate, put_ack};
