//! A session around a session: frames outside, the bytes of a protocol inside.

use std::sync::Arc;

use ternmq_broker::{
    Broker, BrowsePage, ConnectionId, Durable, Effect, LoginResult, Phase, Request, Session,
};

use super::frame::{self, CloseCode, Kind, MAX_CONTROL_BYTES, TextCheck};
use super::head::{self, MAX_HEAD_BYTES, Origins, Refusal, Spoken};
use crate::arrival::{Arrival, SessionFactory};

/// Time for the head of the request (guarantees section 6), once the transport is open.
const HEAD_MS: u64 = 5_000;
/// Time for the handshake of the transport and the head together (B2).
const BEFORE_LOGIN_MS: u64 = 10_000;
/// Longest message before login.
const MAX_EARLY_MESSAGE_BYTES: u64 = 64 * 1024;
/// What a protocol adds to a message: its own head and the properties.
const MESSAGE_SLACK_BYTES: u64 = 128 * 1024;
/// Output of one call beyond which no more input is taken.
const MAX_OUTPUT_BYTES: usize = 1 << 20;
/// Payload given to the inner session at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What the WebSockets of a listener share.
pub struct WebSocketSettings {
    /// What can be spoken.
    pub spoken: Vec<Spoken>,
    /// Which pages may connect.
    pub origins: Origins,
    /// Longest message body of any protocol, in bytes.
    pub max_message_bytes: u64,
}

/// Sessions that begin with the request for a WebSocket.
#[must_use]
pub fn websocket(settings: Arc<WebSocketSettings>) -> SessionFactory {
    Arc::new(move |arrival: &Arrival| Box::new(WebSocket::new(settings.clone(), arrival)))
}

/// One connection.
struct WebSocket {
    settings: Arc<WebSocketSettings>,
    state: State,
    /// The last frame has been written.
    is_closed: bool,
    is_draining: bool,
}

enum State {
    /// The head of the request is awaited.
    Head { arrival: Box<Arrival> },
    /// Frames carry the bytes of the inner session.
    Open(Box<Open>),
    /// The last bytes are out.
    Ending,
    /// The end.
    Ended,
}

struct Open {
    inner: Box<dyn Session>,
    speaks_text: bool,
    /// The data frame whose payload is being read.
    frame: Option<Frame>,
    /// The message that frame belongs to, until its last frame.
    message: Option<Message>,
    /// Payload that the inner session has not taken yet.
    plain: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Frame {
    mask: [u8; 4],
    len_bytes: u64,
    read_bytes: u64,
    is_last: bool,
}

struct Message {
    bytes: u64,
    /// Of a text message.
    text: Option<TextCheck>,
}

impl WebSocket {
    fn new(settings: Arc<WebSocketSettings>, arrival: &Arrival) -> Self {
        let state = State::Head { arrival: Box::new(arrival.clone()) };
        Self { settings, state, is_closed: false, is_draining: false }
    }

    fn inner(&self) -> Option<&dyn Session> {
        match &self.state {
            State::Open(open) => Some(&*open.inner),
            _ => None,
        }
    }

    fn refuse(&mut self, refusal: Refusal, out: &mut Vec<u8>) {
        refusal.write(out);
        self.is_closed = true;
        self.state = State::Ending;
    }

    /// Answers how many bytes of the head were taken.
    fn on_head(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let State::Head { arrival } = &self.state else { return 0 };
        match head::read(input, &self.settings.spoken, &self.settings.origins) {
            Ok(None) => 0,
            Ok(Some(granted)) => {
                let Some(spoken) = self.settings.spoken.get(granted.protocol) else { return 0 };
                let inner = (spoken.factory)(arrival);
                granted.write(out);
                let speaks_text = spoken.speaks_text;
                let open = Open { inner, speaks_text, frame: None, message: None, plain: Vec::new() };
                self.state = State::Open(Box::new(open));
                granted.len_bytes
            }
            Err(refusal) => {
                self.refuse(refusal, out);
                input.len()
            }
        }
    }

    /// Reads frames until the input ends or the inner session has to wait; answers how many bytes were taken.
    fn on_frames(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        let max_message_bytes = self.settings.max_message_bytes.saturating_add(MESSAGE_SLACK_BYTES);
        loop {
            let State::Open(open) = &mut self.state else { return input.len() };
            if let Err(code) = open.feed(broker, out) {
                self.close(code, out);
                return input.len();
            }
            let rest = input.get(taken..).unwrap_or_default();
            if self.end_with_inner(out) || rest.is_empty() {
                return if self.is_closed { input.len() } else { taken };
            }
            let State::Open(open) = &mut self.state else { return input.len() };
            // What waits inside stays behind at least one byte of input, so that the driver comes again with it.
            if open.is_held(out) {
                return taken;
            }
            match open.step(rest, max_message_bytes, out) {
                Ok(Step::Taken(count)) => taken += count,
                Ok(Step::More) => return taken,
                Ok(Step::Closed) => {
                    self.is_closed = true;
                    return input.len();
                }
                Err(code) => {
                    self.close(code, out);
                    return input.len();
                }
            }
        }
    }

    fn close(&mut self, code: CloseCode, out: &mut Vec<u8>) {
        if !self.is_closed {
            self.is_closed = true;
            frame::write_close(code, out);
        }
    }

    /// The last frame, once the inner session is over. Answers whether all is said.
    fn end_with_inner(&mut self, out: &mut Vec<u8>) -> bool {
        let is_over =
            self.inner().is_some_and(|inner| matches!(inner.phase(), Phase::Closing | Phase::Closed));
        if is_over {
            let code = if self.is_draining { CloseCode::GoingAway } else { CloseCode::Normal };
            self.close(code, out);
        }
        self.is_closed
    }

    /// Calls the inner session and frames what it writes.
    fn call<R>(
        &mut self,
        out: &mut Vec<u8>,
        call: impl FnOnce(&mut dyn Session, &mut Vec<u8>) -> R,
    ) -> Option<R> {
        // After the last frame nothing may follow.
        if self.is_closed {
            return None;
        }
        let State::Open(open) = &mut self.state else { return None };
        let start = frame::begin(out);
        let answer = call(&mut *open.inner, out);
        open.end_frame(start, out);
        self.end_with_inner(out);
        Some(answer)
    }
}

/// A handshake that took long leaves the head its time: who has just come through it has had none yet.
fn head_deadline_ms(arrival: &Arrival) -> u64 {
    let of_head = arrival.opened_ms.saturating_add(HEAD_MS);
    of_head.min(arrival.now_ms.saturating_add(BEFORE_LOGIN_MS))
}

enum Step {
    /// So many bytes were taken.
    Taken(usize),
    /// More are needed.
    More,
    /// The peer has closed, and was answered.
    Closed,
}

impl Open {
    fn end_frame(&self, start: usize, out: &mut Vec<u8>) {
        let speaks_text = self.speaks_text;
        frame::end(out, start, |payload| {
            // A client that takes text for granted must still never get bytes that are none (8.1).
            let is_text = speaks_text && std::str::from_utf8(payload).is_ok();
            if is_text { Kind::Text } else { Kind::Binary }
        });
    }

    fn is_held(&self, out: &[u8]) -> bool {
        !self.inner.wants_input() || out.len() >= MAX_OUTPUT_BYTES
    }

    /// Gives the inner session what waits for it.
    fn feed(&mut self, broker: &mut Broker, out: &mut Vec<u8>) -> Result<(), CloseCode> {
        if self.plain.is_empty() || self.is_held(out) {
            return Ok(());
        }
        let start = frame::begin(out);
        let taken = self.inner.handle_bytes(broker, &self.plain, out);
        self.end_frame(start, out);
        if taken >= self.plain.len() {
            // An idle connection holds no buffer.
            self.plain = Vec::new();
        } else if taken > 0 {
            self.plain.drain(..taken);
        } else if self.plain.len() > self.inner.input_limit_bytes() && !self.is_held(out) {
            return Err(CloseCode::TooBig);
        }
        Ok(())
    }

    /// Reads a header, a control frame or a piece of payload.
    fn step(&mut self, input: &[u8], max_message_bytes: u64, out: &mut Vec<u8>) -> Result<Step, CloseCode> {
        if let Some(frame) = self.frame {
            return self.on_payload(frame, input).map(Step::Taken);
        }
        let Some(header) = frame::read_header(input)? else { return Ok(Step::More) };
        let behind = input.get(header.size_bytes..).unwrap_or_default();
        if header.kind.is_control() {
            let len = header.len_bytes as usize;
            let Some(payload) = behind.get(..len) else { return Ok(Step::More) };
            let mut plain = Vec::with_capacity(MAX_CONTROL_BYTES);
            frame::unmask_into(payload, header.mask, 0, &mut plain);
            return on_control(header.kind, &plain, header.size_bytes + len, out);
        }
        let message = match (header.kind, self.message.take()) {
            (Kind::Continuation, Some(message)) => message,
            (Kind::Text, None) if !self.speaks_text => return Err(CloseCode::WrongKind),
            (Kind::Text, None) => Message { bytes: 0, text: Some(TextCheck::default()) },
            (Kind::Binary, None) => Message { bytes: 0, text: None },
            // A message within a message, or the middle of none.
            _ => return Err(CloseCode::ProtocolError),
        };
        let is_early = self.inner.phase() == Phase::Handshake;
        let most = if is_early { MAX_EARLY_MESSAGE_BYTES } else { max_message_bytes };
        let bytes = message.bytes.saturating_add(header.len_bytes);
        if bytes > most {
            return Err(CloseCode::TooBig);
        }
        self.message = Some(Message { bytes, ..message });
        let frame =
            Frame { mask: header.mask, len_bytes: header.len_bytes, read_bytes: 0, is_last: header.is_last };
        self.frame = Some(frame);
        if frame.len_bytes == 0 {
            self.end_of_frame(frame)?;
        }
        Ok(Step::Taken(header.size_bytes))
    }

    /// Takes a piece of payload, and never the last byte of the input together with others: should the inner session
    /// stop before the end of the piece, that byte brings the driver back.
    fn on_payload(&mut self, mut frame: Frame, input: &[u8]) -> Result<usize, CloseCode> {
        let left = usize::try_from(frame.len_bytes - frame.read_bytes).unwrap_or(usize::MAX);
        let mut count = left.min(input.len()).min(PIECE_BYTES);
        if count == input.len() && count > 1 {
            count -= 1;
        }
        let piece = input.get(..count).unwrap_or_default();
        let start = self.plain.len();
        frame::unmask_into(piece, frame.mask, frame.read_bytes, &mut self.plain);
        if let Some(Message { text: Some(text), .. }) = &mut self.message
            && !text.take(self.plain.get(start..).unwrap_or_default())
        {
            return Err(CloseCode::NotText);
        }
        frame.read_bytes += count as u64;
        self.frame = Some(frame);
        if frame.read_bytes == frame.len_bytes {
            self.end_of_frame(frame)?;
        }
        Ok(count)
    }

    fn end_of_frame(&mut self, frame: Frame) -> Result<(), CloseCode> {
        self.frame = None;
        if !frame.is_last {
            return Ok(());
        }
        match self.message.take() {
            Some(Message { text: Some(text), .. }) if !text.is_whole() => Err(CloseCode::NotText),
            _ => Ok(()),
        }
    }
}

fn on_control(kind: Kind, payload: &[u8], size: usize, out: &mut Vec<u8>) -> Result<Step, CloseCode> {
    match kind {
        Kind::Close => {
            frame::check_close(payload)?;
            // The same code back (5.5.1).
            frame::write_control(Kind::Close, payload.get(..2).unwrap_or_default(), out);
            Ok(Step::Closed)
        }
        Kind::Ping => {
            frame::write_control(Kind::Pong, payload, out);
            Ok(Step::Taken(size))
        }
        _ => Ok(Step::Taken(size)),
    }
}

impl Session for WebSocket {
    fn handle_bytes(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        if self.is_closed {
            return input.len();
        }
        let head = match &self.state {
            State::Head { .. } => match self.on_head(input, out) {
                0 => return 0,
                taken => taken,
            },
            _ => 0,
        };
        head + self.on_frames(broker, input.get(head..).unwrap_or_default(), out)
    }

    fn handle_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        self.call(out, |inner, out| inner.handle_effect(broker, effect, out));
    }

    fn handle_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        self.call(out, |inner, out| inner.handle_durable(durable, out));
    }

    fn is_waiting(&self) -> bool {
        self.inner().is_some_and(Session::is_waiting)
    }

    fn handle_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        self.call(out, |inner, out| inner.handle_login(broker, result, out));
    }

    fn handle_browsed(&mut self, broker: &mut Broker, page: BrowsePage, out: &mut Vec<u8>) {
        self.call(out, |inner, out| inner.handle_browsed(broker, page, out));
    }

    fn handle_timeout(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        match &self.state {
            State::Head { arrival } if head_deadline_ms(arrival) <= now_ms => {
                self.refuse(Refusal::TooSlow, out);
            }
            _ => {
                self.call(out, |inner, out| inner.handle_timeout(broker, now_ms, out));
            }
        }
    }

    fn handle_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        self.is_draining = true;
        if matches!(self.state, State::Head { .. }) {
            self.is_closed = true;
            self.state = State::Ended;
        }
        self.call(out, |inner, out| inner.handle_drain(broker, out));
    }

    fn handle_closed(&mut self, broker: &mut Broker) {
        if let State::Open(open) = &mut self.state {
            open.inner.handle_closed(broker);
        }
        self.state = State::Ended;
    }

    fn poll_request(&mut self) -> Option<Request> {
        match &mut self.state {
            State::Open(open) => open.inner.poll_request(),
            _ => None,
        }
    }

    fn deadline_ms(&self) -> Option<u64> {
        match &self.state {
            State::Head { arrival } => Some(head_deadline_ms(arrival)),
            State::Open(open) => open.inner.deadline_ms(),
            State::Ending | State::Ended => None,
        }
    }

    fn wants_input(&self) -> bool {
        self.inner().is_none_or(Session::wants_input)
    }

    fn input_limit_bytes(&self) -> usize {
        match &self.state {
            State::Head { .. } => MAX_HEAD_BYTES,
            _ => 2 * MAX_CONTROL_BYTES,
        }
    }

    fn phase(&self) -> Phase {
        match &self.state {
            State::Ended => Phase::Closed,
            _ if self.is_closed => Phase::Closing,
            State::Open(open) => open.inner.phase(),
            State::Head { .. } => Phase::Handshake,
            State::Ending => Phase::Closing,
        }
    }

    fn connection(&self) -> Option<ConnectionId> {
        self.inner().and_then(Session::connection)
    }

    fn handle_congestion(&mut self, broker: &mut Broker, is_congested: bool) {
        if let State::Open(open) = &mut self.state {
            open.inner.handle_congestion(broker, is_congested);
        }
    }
}
