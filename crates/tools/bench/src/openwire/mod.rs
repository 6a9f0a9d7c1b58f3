//! A small, fast OpenWire client: version 12, loose encoding without a cache, which every broker of the protocol takes.
//! Bursts of prepared bytes out, frames scanned in place. Not built on the broker's own codec, for the reason that
//! [`crate::amqp`] is not.

mod client;
mod frames;

pub(crate) use client::{Client, Subscriber};
pub(crate) use frames::{Incoming, SendTemplate};
