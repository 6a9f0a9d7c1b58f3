//! Idle time-outs of both sides (AMQP 1.0 2.4.5).
//!
//! The timer runs in ticks, so that traffic does not move it: at each tick it is seen who was silent since the last.

/// What is due at a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// An empty frame is to be sent.
    pub(super) is_frame: bool,
    /// The peer was silent for too long.
    pub(super) is_end: bool,
}

/// The state of both.
#[derive(Debug, Default)]
pub(super) struct Beats {
    /// Time between two ticks; absent: nobody wants any.
    tick_ms: Option<u64>,
    next_ms: u64,
    /// Ticks without input after which the peer is gone; 0: never.
    patience: u32,
    silent: u32,
    /// An empty frame is sent after each tick without output.
    sends: bool,
    has_input: bool,
    has_output: bool,
}

impl Beats {
    /// Begins. `ours_s`: time without a frame from the peer that is waited for; `theirs_ms`: the time that the peer waits.
    pub(super) fn start(&mut self, now_ms: u64, ours_s: u16, theirs_ms: Option<u32>) {
        let ours_ms = u64::from(ours_s) * 1_000;
        // Twice in the time that the peer waits, so that one that is late does no harm.
        let send_ms = theirs_ms.map(|ms| u64::from(ms) / 2);
        let watch_ms = (ours_ms > 0).then_some(ours_ms / 4);
        let tick_ms = match (send_ms, watch_ms) {
            (Some(send), Some(watch)) => Some(send.min(watch)),
            (send, watch) => send.or(watch),
        };
        self.tick_ms = tick_ms.map(|ms| ms.max(1));
        self.sends = send_ms.is_some();
        self.patience = match (self.tick_ms, watch_ms) {
            (Some(tick), Some(_)) => u32::try_from(ours_ms.div_ceil(tick)).unwrap_or(u32::MAX),
            _ => 0,
        };
        self.next_ms = now_ms.saturating_add(self.tick_ms.unwrap_or_default());
        (self.silent, self.has_input, self.has_output) = (0, false, false);
    }

    pub(super) fn note_input(&mut self, has_input: bool) {
        self.has_input |= has_input;
    }

    pub(super) fn note_output(&mut self, has_output: bool) {
        self.has_output |= has_output;
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        self.tick_ms.map(|_| self.next_ms)
    }

    pub(super) fn tick(&mut self, now_ms: u64) -> Due {
        let Some(tick_ms) = self.tick_ms.filter(|_| self.next_ms <= now_ms) else { return Due::default() };
        self.silent = if self.has_input { 0 } else { self.silent + 1 };
        let due = Due {
            is_frame: self.sends && !self.has_output,
            is_end: self.patience > 0 && self.silent >= self.patience,
        };
        (self.has_input, self.has_output) = (false, false);
        self.next_ms = now_ms.saturating_add(tick_ms);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Due = Due { is_frame: false, is_end: false };
    const FRAME: Due = Due { is_frame: true, is_end: false };

    #[test]
    fn a_silent_side_beats_and_a_silent_peer_is_given_up() {
        let mut beats = Beats::default();
        beats.start(0, 4, Some(1_000));
        assert_eq!(beats.deadline_ms(), Some(500));
        assert_eq!(beats.tick(499), NOTHING);
        assert_eq!(beats.tick(500), FRAME);
        beats.note_output(true);
        assert_eq!(beats.tick(1_000), NOTHING);
        beats.note_input(true);
        assert_eq!(beats.tick(1_500), FRAME);
        for at in 1..8 {
            assert_eq!(beats.tick(1_500 + 500 * at), FRAME);
        }
        assert_eq!(beats.tick(5_500), Due { is_frame: true, is_end: true });
    }

    #[test]
    fn nobody_has_to_wait_for_anything() {
        let mut beats = Beats::default();
        beats.start(0, 0, None);
        assert_eq!(beats.deadline_ms(), None);
        beats.start(0, 60, None);
        assert_eq!(beats.deadline_ms(), Some(15_000));
        assert_eq!(beats.tick(15_000), NOTHING);
    }
}
