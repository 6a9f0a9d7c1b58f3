//! Password checks away from the loop, on a bounded number of threads (F15). Those that wait for somebody outside have
//! threads of their own, so that users of the node's own never wait for them.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use ternmq_broker::{Broker, LoginCheck};

use crate::driver::Key;
use crate::mail::{Mail, Mailbox};

/// Checks waiting at most; at 30 ms each the last one is done before its login times out.
const MAX_WAITING: usize = 256;

/// Threads that wait for somebody outside.
const OUTSIDE_THREADS: usize = 8;
/// Checks that wait for one of them at most: when nobody outside answers, more would not be done in time anyway.
const MAX_WAITING_OUTSIDE: usize = 64;

/// What an [`Opening`] came to: done by the shard between two turns. An error ends the shard.
pub type Opened = Box<dyn FnOnce(&mut Broker) -> io::Result<()> + Send>;

/// What has to be computed before anybody can log in. Connections are greeted meanwhile, and their logins wait for it.
pub struct Opening {
    work: Box<dyn FnOnce() -> Opened + Send>,
}

impl Opening {
    /// The computing, for a thread of its own.
    #[must_use]
    pub fn new(work: impl FnOnce() -> Opened + Send + 'static) -> Self {
        Self { work: Box::new(work) }
    }
}

enum Job {
    Open(Opening),
    Check(Key, Box<LoginCheck>),
}

/// The threads that check passwords. They end when this is dropped.
pub(crate) struct Passwords {
    jobs: Sender<Job>,
    outside: Sender<Job>,
}

impl Passwords {
    /// Starts the threads, with an opening as the first thing to do.
    pub(crate) fn start(
        threads: usize,
        has_outside: bool,
        opening: Option<Opening>,
        mailbox: &Mailbox,
    ) -> io::Result<Self> {
        let outside_threads = if has_outside { OUTSIDE_THREADS } else { 0 };
        let (jobs, waiting) = crossbeam_channel::bounded::<Job>(MAX_WAITING);
        spawn("password", threads.max(1), &waiting, mailbox)?;
        let (outside, waiting) = crossbeam_channel::bounded::<Job>(MAX_WAITING_OUTSIDE);
        spawn("outside", outside_threads, &waiting, mailbox)?;
        if let Some(opening) = opening {
            // The channel is empty and its receivers live.
            let _ = jobs.send(Job::Open(opening));
        }
        Ok(Self { jobs, outside })
    }

    /// Gives a check to the pool; gives the key back when the pool has no place for it.
    pub(crate) fn submit(&self, key: Key, check: Box<LoginCheck>) -> Result<(), Key> {
        let jobs = if check.waits_outside() { &self.outside } else { &self.jobs };
        jobs.try_send(Job::Check(key, check)).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => key,
        })
    }
}

fn spawn(kind: &str, count: usize, waiting: &Receiver<Job>, mailbox: &Mailbox) -> io::Result<()> {
    for number in 0..count {
        let (waiting, mailbox) = (waiting.clone(), mailbox.clone());
        thread::Builder::new().name(format!("{kind}-{number}")).spawn(move || work(&waiting, &mailbox))?;
    }
    Ok(())
}

fn work(waiting: &Receiver<Job>, mailbox: &Mailbox) {
    for job in waiting {
        mailbox.send(match job {
            Job::Open(opening) => Mail::Opened((opening.work)()),
            Job::Check(key, check) => Mail::Login(key, check.run()),
        });
    }
}
