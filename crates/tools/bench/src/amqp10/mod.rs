//! A small, fast AMQP 1.0 client: one session, one link. Bursts of prepared bytes out, frames scanned in place. Not built on
//! the broker's own codec, for the reason that [`crate::amqp`] is not.

mod client;
mod frames;

pub(crate) use client::{Receiver, Sender};
