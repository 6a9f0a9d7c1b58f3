//! How other threads ask a shard's broker something.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ternmq_broker::Receipt;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::mail::{Mail, Mailbox};
use crate::shard::View;

/// Questions waiting at most; more are refused at once.
const MAX_WAITING: usize = 256;

/// Asks a shard from any thread. Clones ask the same shard.
#[derive(Clone)]
pub struct ShardHandle {
    mailbox: Mailbox,
    waiting: Arc<AtomicUsize>,
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Busy {
    /// Too many questions wait.
    #[error("the node is busy: {MAX_WAITING} requests wait already; try again in a moment")]
    TooManyWaiting,
    /// The shard has ended.
    #[error("the node is shutting down")]
    Ended,
}

impl ShardHandle {
    pub(crate) fn new(mailbox: Mailbox) -> Self {
        Self { mailbox, waiting: Arc::default() }
    }

    /// Runs `question` on the shard's thread between two turns and brings back what it answers. It holds up every
    /// client of the shard while it runs: keep it short, and build texts from the answer elsewhere.
    ///
    /// # Errors
    /// [`Busy`]; the question was not asked, or the node ended before it was answered.
    pub async fn call<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut View<'_>) -> R + Send + 'static,
    ) -> Result<R, Busy> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Busy::TooManyWaiting);
        }
        let (answer, wait) = oneshot::channel();
        let waiting = self.waiting.clone();
        self.mailbox.send(Mail::Call(Box::new(move |view| {
            waiting.fetch_sub(1, Ordering::Relaxed);
            // Whoever asked may have gone away.
            let _ = answer.send(question(view));
        })));
        wait.await.map_err(|_| Busy::Ended)
    }

    /// As [`ShardHandle::call`], for a change: the answer comes once what it stands for is durable (I10).
    ///
    /// # Errors
    /// As [`ShardHandle::call`]; after [`Busy::Ended`] it is unknown whether the change lasts.
    pub async fn call_durable<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut View<'_>) -> (R, Receipt) + Send + 'static,
    ) -> Result<R, Busy> {
        let (answer, wait) = oneshot::channel();
        self.call(move |view| {
            let (value, receipt) = change(view);
            view.when_durable(receipt, move || {
                let _ = answer.send(value);
            });
        })
        .await?;
        wait.await.map_err(|_| Busy::Ended)
    }

    /// Waits until the shard has ended, in whatever way.
    pub async fn ended(&self) {
        let (answer, wait) = oneshot::channel::<()>();
        // Kept by the shard as long as it runs, and dropped with it.
        self.mailbox.send(Mail::Watch(answer));
        let _ = wait.await;
    }

    /// The mailbox of the shard, for alarms and draining.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }
}
