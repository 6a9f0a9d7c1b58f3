//! Password checks away from the loop, on a bounded number of threads (F15).

use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use ternmq_broker::LoginCheck;

use crate::driver::Key;
use crate::mail::{Mail, Mailbox};

/// Checks waiting at most; at 30 ms each the last one is done before its login times out.
const MAX_WAITING: usize = 256;

type Job = (Key, Box<LoginCheck>);

/// The threads that check passwords. They end when this is dropped.
pub(crate) struct Passwords {
    jobs: Sender<Job>,
}

impl Passwords {
    pub(crate) fn start(threads: usize, mailbox: &Mailbox) -> std::io::Result<Self> {
        let (jobs, waiting) = crossbeam_channel::bounded::<Job>(MAX_WAITING);
        for number in 0..threads.max(1) {
            let (waiting, mailbox) = (waiting.clone(), mailbox.clone());
            let name = format!("password-{number}");
            thread::Builder::new().name(name).spawn(move || work(&waiting, &mailbox))?;
        }
        Ok(Self { jobs })
    }

    /// Gives a check to the pool; gives the key back when the pool has no place for it.
    pub(crate) fn submit(&self, key: Key, check: Box<LoginCheck>) -> Result<(), Key> {
        self.jobs.try_send((key, check)).map_err(|error| match error {
            TrySendError::Full((key, _)) | TrySendError::Disconnected((key, _)) => key,
        })
    }
}

fn work(waiting: &Receiver<Job>, mailbox: &Mailbox) {
    for (key, check) in waiting {
        mailbox.send(Mail::Login(key, check.run()));
    }
}
