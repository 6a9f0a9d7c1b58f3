//! One port for every protocol: the first bytes tell which one it is.

use std::mem;
use std::sync::Arc;

use ternmq_broker::{
    Broker, BrowsePage, ConnectionId, Durable, Effect, LoginResult, Phase, Request, Session,
};

use crate::arrival::{Arrival, SessionFactory};
use crate::opening::Opening;

/// Bytes after which every protocol has shown itself.
const ENOUGH_BYTES: usize = 16;
/// Time for the first bytes, as for a login (B2).
const FIRST_BYTES_MS: u64 = 10_000;

/// A protocol that is told by its first bytes.
#[derive(Clone)]
pub struct FirstBytes {
    /// What its clients begin with; one of them is enough.
    pub starts: &'static [&'static [u8]],
    /// Makes its sessions.
    pub factory: SessionFactory,
}

/// Sessions of whichever protocol the client begins with; where the starts of two have a part in common, the first that
/// fits counts. A client that begins with none is closed.
#[must_use]
pub fn one_port(protocols: Vec<FirstBytes>) -> SessionFactory {
    of(protocols, None)
}

/// The same, with a protocol for everybody who begins with none of the others.
#[must_use]
pub fn one_port_or(protocols: Vec<FirstBytes>, otherwise: SessionFactory) -> SessionFactory {
    of(protocols, Some(otherwise))
}

fn of(protocols: Vec<FirstBytes>, otherwise: Option<SessionFactory>) -> SessionFactory {
    let known = Arc::new(Known { protocols, otherwise });
    Arc::new(move |arrival: &Arrival| {
        Box::new(OnePort {
            protocols: Some((known.clone(), Box::new(arrival.clone()))),
            inner: Box::new(Opening::new(arrival.now_ms.saturating_add(FIRST_BYTES_MS))),
        })
    })
}

/// What may be spoken.
struct Known {
    protocols: Vec<FirstBytes>,
    otherwise: Option<SessionFactory>,
}

struct OnePort {
    /// Absent once it is known who speaks.
    protocols: Option<(Arc<Known>, Box<Arrival>)>,
    inner: Box<dyn Session>,
}

/// Which of the protocols the input begins with. `Err`: none, whatever follows; `Ok(None)`: more is needed.
fn choose(protocols: &[FirstBytes], input: &[u8]) -> Result<Option<usize>, ()> {
    for (at, protocol) in protocols.iter().enumerate() {
        for start in protocol.starts {
            if input.starts_with(start) {
                return Ok(Some(at));
            }
            if start.starts_with(input) {
                return Ok(None);
            }
        }
    }
    Err(())
}

impl Session for OnePort {
    fn handle_bytes(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        if let Some((protocols, arrival)) = &self.protocols {
            let factory = match choose(&protocols.protocols, input) {
                Ok(None) => return 0,
                Ok(Some(at)) => protocols.protocols.get(at).map(|protocol| &protocol.factory),
                Err(()) => protocols.otherwise.as_ref(),
            };
            let Some(factory) = factory else {
                self.inner.handle_closed(broker);
                return input.len();
            };
            self.inner = factory(arrival);
            self.protocols = None;
        }
        self.inner.handle_bytes(broker, input, out)
    }

    fn take_successor(&mut self) -> Option<Box<dyn Session>> {
        let is_known = self.protocols.is_none();
        is_known.then(|| mem::replace(&mut self.inner, Box::new(Opening::new(u64::MAX))))
    }

    fn handle_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        self.inner.handle_effect(broker, effect, out);
    }

    fn handle_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        self.inner.handle_durable(durable, out);
    }

    fn is_waiting(&self) -> bool {
        self.inner.is_waiting()
    }

    fn handle_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        self.inner.handle_login(broker, result, out);
    }

    fn handle_browsed(&mut self, broker: &mut Broker, page: BrowsePage, out: &mut Vec<u8>) {
        self.inner.handle_browsed(broker, page, out);
    }

    fn handle_timeout(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        self.inner.handle_timeout(broker, now_ms, out);
    }

    fn handle_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        self.inner.handle_drain(broker, out);
    }

    fn handle_closed(&mut self, broker: &mut Broker) {
        self.inner.handle_closed(broker);
    }

    fn poll_request(&mut self) -> Option<Request> {
        self.inner.poll_request()
    }

    fn deadline_ms(&self) -> Option<u64> {
        self.inner.deadline_ms()
    }

    fn wants_input(&self) -> bool {
        self.inner.wants_input()
    }

    fn input_limit_bytes(&self) -> usize {
        if self.protocols.is_some() { ENOUGH_BYTES } else { self.inner.input_limit_bytes() }
    }

    fn phase(&self) -> Phase {
        self.inner.phase()
    }

    fn connection(&self) -> Option<ConnectionId> {
        self.inner.connection()
    }

    fn handle_congestion(&mut self, broker: &mut Broker, is_congested: bool) {
        self.inner.handle_congestion(broker, is_congested);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        let of = |starts: &'static [&'static [u8]]| FirstBytes {
            starts,
            factory: Arc::new(|_| Box::new(Opening::new(0))),
        };
        let protocols = [
            of(&[b"AMQP\0\x01"]),
            of(&[b"AMQP"]),
            of(&[&[0x10]]),
            of(&[b"CONNECT\n", b"STOMP\n"]),
            of(&[b"GET "]),
        ];
        for (input, expect) in [
            (&b"AMQP\0\0\x09\x01"[..], Ok(Some(1))),
            (b"AMQP\0\x01\0\0", Ok(Some(0))),
            (b"AMQP", Ok(None)),
            (b"AMQP\0", Ok(None)),
            (&[0x10, 12, 0], Ok(Some(2))),
            (b"CONNECT\naccept-version:1.2\n", Ok(Some(3))),
            (b"STOMP\n", Ok(Some(3))),
            (b"GET /ws HTTP/1.1", Ok(Some(4))),
            (b"", Ok(None)),
            (b"A", Ok(None)),
            (b"CONNECT", Ok(None)),
            (b"CONNECT ", Err(())),
            (b"AMQ ", Err(())),
            (&[0x20], Err(())),
            (&[0, 0, 0, 10, 1], Err(())),
        ] {
            assert_eq!(choose(&protocols, input), expect, "{input:?}");
        }
    }
}
