//! One connection with one session and one link.

use anyhow::{Context, Result, bail};

use super::frames::{AMQP, Fields, Incoming, SASL, SendTemplate, Value, code, put_frame};
use crate::{amqp::Address, clock::now_ns, link::Link};

/// Size of the read buffer at first.
const INBOX_BYTES: usize = 256 << 10;
/// Longest frame in bytes: every message of a workload fits in one.
const FRAME_BYTES: u32 = 256 << 10;
/// Transfers that may come without a word about the session's window: more than a run has.
const WINDOW: u32 = i32::MAX as u32;
const SASL_HEADER: &[u8; 8] = b"AMQP\x03\x01\x00\x00";
const AMQP_HEADER: &[u8; 8] = b"AMQP\x00\x01\x00\x00";
const UNSETTLED: u8 = 0;
const SETTLED: u8 = 1;

/// A connection with a session.
struct Session {
    link: Link,
    id: String,
}

impl Session {
    fn open(address: &Address, role: &str) -> Result<Self> {
        let id = format!("bench-{}-{}-{role}", std::process::id(), now_ns());
        let mut session = Self { link: Link::open(address, INBOX_BYTES)?, id };
        let Address { endpoint, user, password, .. } = address;
        session.link.send(SASL_HEADER)?;
        session.expect_header(SASL_HEADER)?;
        session.wait(code::SASL_MECHANISMS, |_| Ok(()))?;
        let login = format!("\0{user}\0{password}");
        let init = Fields::default().symbol("PLAIN").binary(login.as_bytes());
        session.send(SASL, code::SASL_INIT, &init)?;
        session.wait(code::SASL_OUTCOME, |outcome| {
            match outcome.fields::<1>()?.map(|value| value.number()) {
                [0] => Ok(()),
                [code] => bail!("the broker refused the login with code {code}"),
            }
        })?;
        session.link.send(AMQP_HEADER)?;
        session.expect_header(AMQP_HEADER)?;
        let host = endpoint.rsplit_once(':').map_or(endpoint.as_str(), |(host, _)| host);
        let open = Fields::default().text(&session.id).text(host).uint(FRAME_BYTES).ushort(0);
        session.send(AMQP, code::OPEN, &open)?;
        session.wait(code::OPEN, |_| Ok(()))?;
        let begin = Fields::default().null().uint(0).uint(WINDOW).uint(WINDOW);
        session.send(AMQP, code::BEGIN, &begin)?;
        Ok(session)
    }

    fn send(&mut self, kind: u8, code: u8, fields: &Fields) -> Result<()> {
        let mut out = Vec::new();
        put_frame(&mut out, kind, code, fields, &[]);
        self.link.send(&out)
    }

    fn expect_header(&mut self, header: &[u8; 8]) -> Result<()> {
        loop {
            let whole = |input: &[u8]| Ok(input.first_chunk::<8>().map(|bytes| (*bytes, 8)));
            match self.link.next(whole)? {
                Some(answer) if answer == *header => return Ok(()),
                Some(answer) => bail!("the broker answers {answer:?}, not a header of AMQP 1.0"),
                None => self.link.read_answer()?,
            }
        }
    }

    /// Reads until a frame of that kind comes.
    fn wait<T>(&mut self, code: u8, read: impl Fn(&Incoming<'_>) -> Result<T>) -> Result<T> {
        loop {
            match self.link.next(Incoming::first)? {
                Some(frame) if frame.code == u64::from(code) => return read(&frame),
                Some(frame) => refuse_end(&frame)?,
                None => self.link.read_answer()?,
            }
        }
    }

    /// Attaches; gives the number of deliveries at which a sending broker begins to count.
    fn attach(&mut self, is_receiver: bool, mode: u8, address: &str) -> Result<u32> {
        let name = self.id.clone();
        let place = || Fields::default().text(address);
        let attach = Fields::default().text(&name).uint(0).bool(is_receiver).ubyte(mode).ubyte(0);
        let attach = attach.described(code::SOURCE, place()).described(code::TARGET, place());
        let attach = attach.null().null();
        self.send(AMQP, code::ATTACH, &if is_receiver { attach } else { attach.uint(0) })?;
        self.wait(code::ATTACH, |attach| {
            let [.., count] = attach.fields::<10>()?;
            u32::try_from(count.number()).context("the broker counts its deliveries beyond 32 bits")
        })
    }
}

/// An error when the broker ends the link, the session or the connection.
fn refuse_end(frame: &Incoming<'_>) -> Result<()> {
    let is_end = [code::DETACH, code::END, code::CLOSE].iter().any(|code| frame.code == u64::from(*code));
    if !is_end {
        return Ok(());
    }
    bail!("the broker ended the conversation ({:#04x}): {}", frame.code, String::from_utf8_lossy(frame.raw()))
}

/// A link that sends.
pub(crate) struct Sender {
    session: Session,
    template: SendTemplate,
    /// Transfers that the session's window and the link's credit allow in all.
    window: u64,
    credit: u64,
}

impl Sender {
    /// Attaches to `address`. `is_durable`: messages are, and the broker settles them.
    pub(crate) fn open(address: &Address, queue: &str, body_bytes: usize, is_durable: bool) -> Result<Self> {
        let mut session = Session::open(address, "sender")?;
        let window =
            session.wait(code::BEGIN, |begin| Ok(begin.fields::<3>()?.map(|value| value.number())))?;
        session.attach(false, if is_durable { UNSETTLED } else { SETTLED }, queue)?;
        let [.., window] = window;
        Ok(Self { session, template: SendTemplate::new(body_bytes, is_durable), window, credit: 0 })
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>, number: u64, body: &[u8]) {
        self.template.put(out, number, body);
    }

    pub(crate) fn link(&mut self) -> &mut Link {
        &mut self.session.link
    }

    /// Messages that may have been sent in all.
    pub(crate) fn allowed(&self) -> u64 {
        self.window.min(self.credit)
    }

    /// Looks at what was read; gives how many deliveries it settles.
    pub(crate) fn take(&mut self) -> Result<u64> {
        let mut settled = 0;
        while let Some(frame) = self.session.link.next(Incoming::first)? {
            if frame.code == u64::from(code::FLOW) {
                let [next, window, _, _, handle, count, credit] = frame.fields::<7>()?;
                self.window = self.window.max(next.number() + window.number());
                if handle != Value::Null {
                    self.credit = count.number() + credit.number();
                }
            } else if frame.code == u64::from(code::DISPOSITION) {
                let [_, first, last, _, state] = frame.fields::<5>()?;
                if state != Value::Described(code::ACCEPTED.into()) {
                    bail!("the broker did not accept delivery {}: {state:?}", first.number());
                }
                let last = if last == Value::Null { first } else { last };
                settled += (last.number() + 1).saturating_sub(first.number());
            } else {
                refuse_end(&frame)?;
            }
        }
        Ok(settled)
    }
}

/// A link that receives.
pub(crate) struct Receiver {
    session: Session,
    is_settled: bool,
    /// Transfers of the session and deliveries of the link so far, as the broker counts both.
    transfers: u32,
    deliveries: u32,
    /// First and last delivery that are not acknowledged, and how many there are.
    first: u32,
    last: u32,
    open: u32,
}

/// Messages that may be on their way to a receiver.
const CREDIT: u32 = 1_000;

impl Receiver {
    /// Attaches to `address` and lets messages come. `is_settled`: nothing has to be acknowledged.
    pub(crate) fn open(address: &Address, queue: &str, is_settled: bool) -> Result<Self> {
        let mut session = Session::open(address, "receiver")?;
        let transfers = session.wait(code::BEGIN, |begin| {
            let [_, next] = begin.fields::<2>()?;
            u32::try_from(next.number()).context("the broker counts its transfers beyond 32 bits")
        })?;
        let deliveries = session.attach(true, if is_settled { SETTLED } else { UNSETTLED }, queue)?;
        let mut receiver = Self { session, is_settled, transfers, deliveries, first: 0, last: 0, open: 0 };
        let mut out = Vec::new();
        receiver.put_flow(&mut out);
        receiver.session.link.send(&out)?;
        Ok(receiver)
    }

    pub(crate) fn link(&mut self) -> &mut Link {
        &mut self.session.link
    }

    fn put_flow(&self, out: &mut Vec<u8>) {
        let flow = Fields::default().uint(self.transfers).uint(WINDOW).uint(0).uint(WINDOW);
        put_frame(out, AMQP, code::FLOW, &flow.uint(0).uint(self.deliveries).uint(CREDIT), &[]);
    }

    /// Hands over the bodies of all messages that were read; gives their count.
    pub(crate) fn take(&mut self, message: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let before = self.open;
        while let Some(frame) = self.session.link.next(Incoming::first)? {
            if frame.code != u64::from(code::TRANSFER) {
                refuse_end(&frame)?;
                continue;
            }
            let [_, delivery, _, _, _, more] = frame.fields::<6>()?;
            if more.number() == 1 {
                bail!("the broker sends a message in several frames, though all fit in one");
            }
            self.last = delivery.number() as u32;
            if self.open == 0 {
                self.first = self.last;
            }
            self.open += 1;
            self.transfers = self.transfers.wrapping_add(1);
            self.deliveries = self.deliveries.wrapping_add(1);
            message(frame.body()?);
        }
        Ok((self.open - before).into())
    }

    /// Deliveries that are not acknowledged.
    pub(crate) fn open_count(&self) -> u64 {
        self.open.into()
    }

    /// Appends the acknowledgement of all that came, and lets more come.
    pub(crate) fn acknowledge(&mut self, out: &mut Vec<u8>) {
        if !self.is_settled {
            let fields = Fields::default().bool(true).uint(self.first).uint(self.last).bool(true);
            let fields = fields.described(code::ACCEPTED, Fields::default());
            put_frame(out, AMQP, code::DISPOSITION, &fields, &[]);
        }
        self.open = 0;
        self.put_flow(out);
    }

    /// Ends the link.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.session.send(AMQP, code::DETACH, &Fields::default().uint(0).bool(true))?;
        loop {
            match self.session.link.next(Incoming::first)? {
                Some(frame) if frame.code == u64::from(code::DETACH) => return Ok(()),
                Some(_) => {}
                None => self.session.link.read_answer()?,
            }
        }
    }
}
