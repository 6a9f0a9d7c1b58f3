//! Password checks away from the loop, on a bounded number of threads (F15).

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use ternmq_broker::{Broker, LoginCheck};

use crate::driver::Key;
use crate::mail::{Mail, Mailbox};

/// Checks waiting at most; at 30 ms each the last one is done before its login times out.
const MAX_WAITING: usize = 256;

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
}

impl Passwords {
    /// Starts the threads, with an opening as the first thing to do.
    pub(crate) fn start(threads: usize, opening: Option<Opening>, mailbox: &Mailbox) -> io::Result<Self> {
        let (jobs, waiting) = crossbeam_channel::bounded::<Job>(MAX_WAITING);
        for number in 0..threads.max(1) {
            let (waiting, mailbox) = (waiting.clone(), mailbox.clone());
            let name = format!("password-{number}");
            thread::Builder::new().name(name).spawn(move || work(&waiting, &mailbox))?;
        }
        if let Some(opening) = opening {
            // The channel is empty and its receivers live.
            let _ = jobs.send(Job::Open(opening));
        }
        Ok(Self { jobs })
    }

    /// Gives a check to the pool; gives the key back when the pool has no place for it.
    pub(crate) fn submit(&self, key: Key, check: Box<LoginCheck>) -> Result<(), Key> {
        self.jobs.try_send(Job::Check(key, check)).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => key,
        })
    }
}

fn work(waiting: &Receiver<Job>, mailbox: &Mailbox) {
    for job in waiting {
        mailbox.send(match job {
            Job::Open(opening) => Mail::Opened((opening.work)()),
            Job::Check(key, check) => Mail::Login(key, check.run()),
        });
    }
}
