//! Heart-beats both ways (STOMP 1.2 "Heart-beating").

use ternmq_broker::Broker;

use super::StompSession;

/// Shortest time in ms between heart-beats that is agreed to, in either direction: as RabbitMQ.
const MIN_INTERVAL_MS: u32 = 1_000;
/// Half intervals without input after which the client counts as gone: two whole ones.
const MAX_SILENT_TICKS: u8 = 4;

/// What was agreed on, and how things stand.
#[derive(Default)]
pub(super) struct Beats {
    /// Something is sent at least so often; 0: no promise.
    send_ms: u32,
    /// Something comes at least so often; 0: no promise.
    receive_ms: u32,
    /// Next time to look whether something was sent.
    send_at_ms: u64,
    /// Next time to look whether something came.
    receive_at_ms: u64,
    has_sent: bool,
    has_received: bool,
    /// Half intervals without any input.
    silent_ticks: u8,
}

impl Beats {
    pub(super) fn note_input(&mut self, has_any: bool) {
        self.has_received |= has_any;
    }

    pub(super) fn note_output(&mut self, has_any: bool) {
        self.has_sent |= has_any;
    }

    /// Reads the client's `heart-beat` header: what it can do, what it wants. `None` when it can't be read.
    pub(super) fn agree(header: Option<&str>) -> Option<Self> {
        let (can, wants) = header.unwrap_or("0,0").split_once(',')?;
        let interval = |text: &str| {
            let ms: u32 = text.trim().parse().ok()?;
            Some(if ms == 0 { 0 } else { ms.max(MIN_INTERVAL_MS) })
        };
        Some(Self { send_ms: interval(wants)?, receive_ms: interval(can)?, ..Self::default() })
    }

    /// As the CONNECTED frame says it.
    pub(super) fn header(&self) -> String {
        format!("{},{}", self.send_ms, self.receive_ms)
    }

    /// Interval in s for people; 0 for none.
    pub(super) fn interval_s(&self) -> u16 {
        u16::try_from(self.receive_ms.max(self.send_ms) / 1_000).unwrap_or(u16::MAX)
    }

    fn half_ms(interval_ms: u32) -> u64 {
        u64::from(interval_ms / 2)
    }

    /// The connection is open from now on.
    pub(super) fn start(&mut self, now_ms: u64) {
        self.send_at_ms = now_ms + Self::half_ms(self.send_ms);
        self.receive_at_ms = now_ms + Self::half_ms(self.receive_ms);
    }

    /// When something is to be looked at next.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        let send = (self.send_ms > 0).then_some(self.send_at_ms);
        let receive = (self.receive_ms > 0).then_some(self.receive_at_ms);
        send.into_iter().chain(receive).min()
    }

    /// Whether a heart-beat has to be sent now.
    fn is_send_due(&mut self, now_ms: u64) -> bool {
        if self.send_ms == 0 || self.send_at_ms > now_ms {
            return false;
        }
        self.send_at_ms = now_ms + Self::half_ms(self.send_ms);
        !std::mem::take(&mut self.has_sent)
    }

    /// Whether the client has been silent for too long.
    fn is_client_gone(&mut self, now_ms: u64) -> bool {
        if self.receive_ms == 0 || self.receive_at_ms > now_ms {
            return false;
        }
        self.receive_at_ms = now_ms + Self::half_ms(self.receive_ms);
        self.silent_ticks =
            if std::mem::take(&mut self.has_received) { 0 } else { self.silent_ticks.saturating_add(1) };
        self.silent_ticks >= MAX_SILENT_TICKS
    }
}

impl StompSession {
    pub(super) fn on_beat(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        // Input that is not taken can't be told from silence.
        let is_listening = !self.is_held && self.deferred.is_empty();
        if self.beats.is_client_gone(now_ms) && is_listening {
            self.cut(broker);
            return;
        }
        if self.beats.is_send_due(now_ms) {
            out.push(b'\n');
        }
        self.deadline_ms = self.beats.deadline_ms();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_agreed_on() {
        for (header, expect) in [
            (None, Some("0,0")),
            (Some("0,0"), Some("0,0")),
            (Some("1500,300"), Some("1000,1500")),
            (Some("0, 60000"), Some("60000,0")),
            (Some("60000"), None),
            (Some("-1,0"), None),
            (Some("99999999999,0"), None),
        ] {
            assert_eq!(Beats::agree(header).map(|beats| beats.header()).as_deref(), expect, "{header:?}");
        }
    }
}
