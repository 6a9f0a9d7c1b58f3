//! Reads all of the journal once a week, slowly, so that rot is known before somebody needs the message (F5).

use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use ternmq_journal::{Reader, Scrub, ScrubStep};

use crate::mail::{Mail, Mailbox};

/// From the start of the node to its first pass: a start has other things to read.
const FIRST: Duration = Duration::from_secs(10 * 60);
/// From the end of a pass to the next one.
const EVERY: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Between two steps of about 1 MiB: at most 10 MB/s.
const PAUSE: Duration = Duration::from_millis(100);

/// The thread that scrubs. It ends when this is dropped.
pub(crate) struct Scrubber {
    _stop: Sender<()>,
}

impl Scrubber {
    pub(crate) fn start(reader: &Reader, mailbox: &Mailbox) -> std::io::Result<Self> {
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let (reader, mailbox) = (reader.clone(), mailbox.clone());
        thread::Builder::new().name("scrubber".into()).spawn(move || run(&reader, &mailbox, &stopped))?;
        Ok(Self { _stop: stop })
    }
}

/// Waits; false when the node ends.
fn wait(stopped: &Receiver<()>, time: Duration) -> bool {
    stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
}

fn run(reader: &Reader, mailbox: &Mailbox, stopped: &Receiver<()>) {
    let mut time = FIRST;
    while wait(stopped, time) {
        if !pass(Scrub::new(reader), mailbox, || wait(stopped, PAUSE)) {
            return;
        }
        time = EVERY;
    }
}

/// One pass. False when it was cut short.
fn pass(mut scrub: Scrub, mailbox: &Mailbox, mut may_go_on: impl FnMut() -> bool) -> bool {
    let (mut checked_bytes, mut damaged) = (0, 0_u64);
    loop {
        match scrub.step() {
            Ok(ScrubStep::Checked { bytes }) => checked_bytes += bytes,
            Ok(ScrubStep::Damage(damage)) => {
                damaged += 1;
                let (from, to) = (damage.from.get(), damage.to.get());
                tracing::error!(
                    from,
                    to,
                    segment = damage.segment.get(),
                    "the journal is damaged where nobody has read it yet; check the disk, then `ternmq doctor`"
                );
                mailbox.send(Mail::JournalDamaged);
            }
            Ok(ScrubStep::Over) => {
                tracing::info!(checked_bytes, damaged, "the journal was scrubbed");
                return true;
            }
            Err(error) => tracing::warn!("a part of the journal could not be scrubbed: {error}"),
        }
        if !may_go_on() {
            return false;
        }
    }
}
