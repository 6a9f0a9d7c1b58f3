//! A small, fast MQTT 3.1.1 client: blocking sockets, bursts of prepared bytes out, packets scanned in place; and a fleet of thousands
//! on one thread, whose sockets do not block. Not built on the broker's own codec, for the reason that [`crate::amqp`] is not.

mod client;
mod dialer;
mod fleet;
mod packets;

pub(crate) use client::Client;
pub(crate) use dialer::allow_files;
pub(crate) use fleet::{Event, Fleet};
pub(crate) use packets::{Incoming, Session, put_connect, put_puback, put_publish, put_subscribe};
