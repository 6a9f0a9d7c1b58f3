//! A small, fast MQTT 3.1.1 client: blocking sockets, bursts of prepared bytes out, packets scanned in place. Not built
//! on the broker's own codec, for the reason that [`crate::amqp`] is not.

mod client;
mod packets;

pub(crate) use client::Client;
pub(crate) use packets::{Incoming, put_puback, put_publish};
