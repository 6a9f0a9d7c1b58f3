//! Thousands of connections on one thread, none of which blocks it: devices that come, speak and go at once.

use std::{
    io::{self, ErrorKind, Write},
    os::fd::AsRawFd,
    time::Duration,
};

use anyhow::Result;
use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use rustix::{
    net::sockopt,
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};

use super::{dialer::Dialer, packets::Incoming};
use crate::{
    amqp::{Address, Wait},
    clock::now_ns,
    stream::{Stream, explained, is_of_tls},
};

/// Bytes of one read; whatever is not a whole packet is kept with its device.
const READ_BYTES: usize = 64 << 10;
const EVENTS: usize = 1_024;
/// Wakes the thread at a time finer than polling can wait for.
const TIMER: Token = Token(usize::MAX);

/// What a device hears.
pub(crate) enum Event<'a> {
    /// CONNACK: its return code, and whether the broker knew the session.
    Answered { code: u8, is_known: bool },
    /// SUBACK: its return code.
    Subscribed { code: u8 },
    /// A message, with its identifier when it wants an answer.
    Message { id: Option<u16>, body: &'a [u8] },
    /// PUBACK.
    Acked,
    /// The connection is over, and why.
    Ended { why: String },
}

#[derive(Default)]
struct Device {
    stream: Option<Stream>,
    is_connected: bool,
    begun_ns: u64,
    /// The start of a packet.
    inbox: Vec<u8>,
    /// What the socket had no room for.
    outbox: Vec<u8>,
}

/// Devices by number.
pub(crate) struct Fleet {
    address: Address,
    dialer: Dialer,
    poll: Poll,
    events: Events,
    timer: std::os::fd::OwnedFd,
    devices: Vec<Device>,
    scratch: Vec<u8>,
}

impl Fleet {
    /// `count` devices, none of them connected.
    pub(crate) fn new(address: &Address, count: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        Ok(Self {
            address: address.clone(),
            dialer: Dialer::new(&address.endpoint)?,
            poll,
            events: Events::with_capacity(EVENTS),
            timer,
            devices: (0..count).map(|_| Device::default()).collect(),
            scratch: vec![0; READ_BYTES],
        })
    }

    /// Starts the connection of a device that has none; `hello` goes out first.
    pub(crate) fn connect(&mut self, index: usize, hello: &[u8]) -> Result<()> {
        let Some(device) = self.devices.get_mut(index) else { return Ok(()) };
        device.begun_ns = now_ns();
        let tcp = self.dialer.dial()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut SourceFd(&tcp.as_raw_fd()), Token(index), both)?;
        device.stream = Some(Stream::start(tcp, &self.address)?);
        device.is_connected = false;
        device.inbox.clear();
        device.outbox.clear();
        device.outbox.extend_from_slice(hello);
        Ok(())
    }

    /// Sends whole packets, at once or when the socket has room.
    pub(crate) fn send(&mut self, index: usize, packets: &[u8]) {
        let Some(device) = self.devices.get_mut(index) else { return };
        device.outbox.extend_from_slice(packets);
        // A connection that broke says so when it is read.
        let _ = device.flush();
    }

    /// Closes the connection of a device without a word, as a lost network does.
    pub(crate) fn cut(&mut self, index: usize) {
        if let Some(device) = self.devices.get_mut(index) {
            device.stream = None;
        }
    }

    /// Closes all connections.
    pub(crate) fn cut_all(&mut self) {
        (0..self.devices.len()).for_each(|index| self.cut(index));
    }

    /// Has the next turns end at this time, in ns.
    pub(crate) fn wake_at(&self, until_ns: u64) -> Result<()> {
        // A timer of 0 would never go off.
        let left_ns = until_ns.saturating_sub(now_ns()).max(1);
        let it_value = Timespec {
            tv_sec: i64::try_from(left_ns / 1_000_000_000)?,
            tv_nsec: i64::try_from(left_ns % 1_000_000_000)?,
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }

    /// Waits for bytes and gives what they say to `on`: number of the device, when it began to connect in ns, event, and room for packets
    /// of an answer. True when anything came before `wait` was over.
    ///
    /// # Errors
    /// Bytes that are no MQTT, or TLS that cannot be had: no device would fare better.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        mut on: impl FnMut(usize, u64, Event<'_>, &mut Vec<u8>),
    ) -> Result<bool> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            other => other?,
        }
        let mut is_any = false;
        for event in &self.events {
            let Some(device) = self.devices.get_mut(event.token().0) else { continue };
            is_any = true;
            let (index, begun_ns) = (event.token().0, device.begun_ns);
            match device.serve(&mut self.scratch, |event, out| on(index, begun_ns, event, out))? {
                Served::Open => {}
                Served::Ended(error) if is_of_tls(&error) => {
                    return Err(explained(error, &self.address.endpoint));
                }
                Served::Ended(error) => {
                    device.stream = None;
                    on(index, begun_ns, Event::Ended { why: error.to_string() }, &mut Vec::new());
                }
            }
        }
        Ok(is_any)
    }
}

enum Served {
    Open,
    Ended(io::Error),
}

impl Device {
    /// Does all that its socket is ready for: readiness is told once only.
    fn serve(&mut self, scratch: &mut [u8], mut on: impl FnMut(Event<'_>, &mut Vec<u8>)) -> Result<Served> {
        let Some(stream) = &mut self.stream else { return Ok(Served::Open) };
        if !self.is_connected {
            match sockopt::socket_error(stream.tcp()) {
                Ok(Ok(())) => {}
                Ok(Err(error)) | Err(error) => return Ok(Served::Ended(error.into())),
            }
            self.is_connected = true;
        }
        if let Err(error) = self.flush() {
            return Ok(Served::Ended(error));
        }
        loop {
            let Some(stream) = &mut self.stream else { return Ok(Served::Open) };
            match stream.receive(scratch, Wait::Never) {
                Ok(0) => return Ok(Served::Ended(io::Error::other("the broker closed the connection"))),
                Ok(count) => self.take(scratch.get(..count).unwrap_or_default(), &mut on)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Ok(Served::Ended(error)),
            }
        }
        Ok(self.flush().map_or_else(Served::Ended, |()| Served::Open))
    }

    /// Takes packets apart and keeps what is none yet.
    fn take(&mut self, bytes: &[u8], on: &mut impl FnMut(Event<'_>, &mut Vec<u8>)) -> Result<()> {
        let mut inbox = std::mem::take(&mut self.inbox);
        if inbox.is_empty() {
            let taken = self.take_whole(bytes, on)?;
            inbox.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        } else {
            inbox.extend_from_slice(bytes);
            let taken = self.take_whole(&inbox, on)?;
            inbox.drain(..taken);
        }
        self.inbox = inbox;
        Ok(())
    }

    /// Takes whole packets; answers how many bytes they had.
    fn take_whole(&mut self, bytes: &[u8], on: &mut impl FnMut(Event<'_>, &mut Vec<u8>)) -> Result<usize> {
        let mut taken = 0;
        while let Some((packet, size)) = Incoming::first(bytes.get(taken..).unwrap_or_default())? {
            if let Some(event) = event_of(packet) {
                on(event, &mut self.outbox);
            }
            taken += size;
        }
        Ok(taken)
    }

    /// Writes what there is, as far as the socket takes it.
    fn flush(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut written = 0;
        let outcome = loop {
            let rest = self.outbox.get(written..).unwrap_or_default();
            match if rest.is_empty() { stream.flush().map(|()| 0) } else { stream.write(rest) } {
                // TLS takes nothing more until the handshake is over.
                Ok(0) => break Ok(()),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.outbox.drain(..written);
        outcome
    }
}

fn event_of(packet: Incoming<'_>) -> Option<Event<'_>> {
    Some(match packet {
        Incoming::Publish { id, body } => Event::Message { id, body },
        Incoming::PubAck { .. } => Event::Acked,
        Incoming::Other { kind: 2, body: [flags, code, ..] } => {
            Event::Answered { code: *code, is_known: flags & 1 == 1 }
        }
        Incoming::Other { kind: 9, body: [_, _, code, ..] } => Event::Subscribed { code: *code },
        Incoming::Other { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::{put_puback, put_publish};

    #[test]
    fn packets_in_pieces_are_put_together() {
        let mut bytes = vec![0x20, 2, 1, 0, 0x90, 3, 0, 1, 0x80];
        put_publish(&mut bytes, "t", Some(7), &[5; 300]);
        put_puback(&mut bytes, 9);
        for piece in [1, 2, 7, bytes.len()] {
            let mut device = Device::default();
            let mut heard = Vec::new();
            for part in bytes.chunks(piece) {
                let mut on = |event: Event<'_>, out: &mut Vec<u8>| {
                    out.push(0);
                    heard.push(match event {
                        Event::Answered { code, is_known } => format!("answered {code} {is_known}"),
                        Event::Subscribed { code } => format!("subscribed {code}"),
                        Event::Message { id, body } => format!("message {id:?} {}", body.len()),
                        Event::Acked => "acked".to_owned(),
                        Event::Ended { why } => why,
                    });
                };
                device.take(part, &mut on).unwrap();
            }
            assert_eq!(
                heard,
                ["answered 0 true", "subscribed 128", "message Some(7) 300", "acked"],
                "in pieces of {piece}"
            );
            assert_eq!((device.outbox.len(), device.inbox.len()), (4, 0));
        }
    }
}
