//! What other threads tell a shard, and how they wake it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender};
use mio::Waker;
use ternmq_broker::{Alarm, BrowsePage, LoadResult, LoginResult};
use ternmq_journal::Durable;

use crate::driver::Key;
use crate::passwords::Opened;
use crate::shard::View;

/// One message to a shard.
pub(crate) enum Mail {
    /// The journal has everything up to here, and gives buffers back.
    Durable { durable: Durable, buffers: Vec<Vec<u8>> },
    /// A chunk of a backlog was read.
    Loaded(LoadResult),
    /// Messages that a session looks at were read.
    Browsed(Key, BrowsePage),
    /// A password was checked.
    Login(Key, LoginResult),
    /// What logins wait for was computed.
    Opened(Opened),
    /// A scrub found a damaged part of the journal.
    JournalDamaged,
    /// Something runs short, or no longer does.
    Alarm(Alarm, Switch),
    /// The disk runs short: old segments should be emptied, or need no longer be.
    DiskShort(Switch),
    /// New connections are turned away, or let in again (F13).
    NewConnections(Switch),
    /// Say goodbye to all and end (F12).
    Drain,
    /// Somebody wants to know when the shard ends: dropped then.
    Watch(tokio::sync::oneshot::Sender<()>),
    /// A question of management.
    Call(Box<dyn FnOnce(&mut View<'_>) + Send>),
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

impl From<bool> for Switch {
    fn from(is_on: bool) -> Self {
        if is_on { Self::On } else { Self::Off }
    }
}

/// Wakes a shard only if it sleeps or is about to: under load nobody pays for a wake-up.
#[derive(Clone)]
pub(crate) struct Bell {
    waker: Arc<Waker>,
    is_rung: Arc<AtomicBool>,
}

impl Bell {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { waker: Arc::new(waker), is_rung: Arc::new(AtomicBool::new(false)) }
    }

    /// After something was put in the mailbox.
    pub(crate) fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel)
            && let Err(error) = self.waker.wake()
        {
            tracing::error!("a shard cannot be woken: {error}");
        }
    }

    /// Before the mailbox is emptied: what is put there from now on rings again.
    ///
    /// It has to be a swap. A plain store may become visible after the mailbox was looked at: a sender that came between
    /// would find the bell rung and not wake anybody, and its mail would lie there until the next.
    pub(crate) fn silence(&self) {
        self.is_rung.swap(false, Ordering::AcqRel);
    }
}

/// The way to a shard's mailbox, for the threads around it. What they send is bounded by what the shard asked for.
#[derive(Clone)]
pub struct Mailbox {
    pub(crate) sender: Sender<Mail>,
    pub(crate) bell: Bell,
}

impl Mailbox {
    pub(crate) fn new(waker: Waker) -> (Self, Receiver<Mail>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        (Self { sender, bell: Bell::new(waker) }, receiver)
    }

    pub(crate) fn send(&self, mail: Mail) {
        // A shard that has ended needs no more mail.
        if self.sender.send(mail).is_ok() {
            self.bell.ring();
        }
    }

    /// Turns an alarm on or off (F4, F13).
    pub fn set_alarm(&self, alarm: Alarm, is_on: bool) {
        self.send(Mail::Alarm(alarm, is_on.into()));
    }

    /// Turns new connections away, or lets them in again (F13).
    pub fn refuse_connections(&self, is_on: bool) {
        self.send(Mail::NewConnections(is_on.into()));
    }

    /// Asks the shard to say goodbye to its clients and to end (F12).
    pub fn drain(&self) {
        self.send(Mail::Drain);
    }
}
