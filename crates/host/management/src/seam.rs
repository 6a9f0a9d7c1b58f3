//! What this crate needs of the node around it.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use ternmq_broker::{Broker, Receipt, RecordSource};
use ternmq_message::Encoding;
use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

/// The core as a question sees it, between two turns of its thread.
pub trait Desk {
    /// The core.
    fn broker(&mut self) -> &mut Broker;

    /// Calls back once the receipt is durable; at once when it is already.
    fn when_durable(&mut self, receipt: Receipt, notify: Box<dyn FnOnce() + Send>);
}

/// A question to the core. It holds up the core's thread while it runs.
pub type Question = Box<dyn FnOnce(&mut dyn Desk) + Send>;

/// The way to the core's thread.
///
/// An implementation bounds how many questions wait and refuses more at once, and never drops a question that it took
/// unless the node ends.
pub trait Control: Send + Sync {
    /// Has the question run on the core's thread. Ready once it ran.
    fn call(&self, question: Question) -> Pin<Box<dyn Future<Output = Result<(), Unavailable>> + Send + '_>>;
}

/// Why the core can't be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unavailable {
    /// Too many requests wait.
    #[error("too many management requests are waiting; try again in a moment")]
    Busy,
    /// The node ends.
    #[error("the node is shutting down")]
    Ended,
}

/// One address at which clients come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeListener {
    /// Protocol by the name that RabbitMQ's tools use: `amqp`, `amqp/ssl`, `mqtt`, `stomp`, `http`, …
    pub protocol: Arc<str>,
    /// Where it accepts.
    pub address: SocketAddr,
}

/// What is known of the process, at one moment.
#[derive(Clone, Debug, Default)]
pub struct NodeFacts {
    /// Version of this product.
    pub version: Arc<str>,
    /// Version of RabbitMQ whose behaviour clients may expect.
    pub compatible_version: Arc<str>,
    /// Name of the cluster, for people.
    pub cluster_name: Arc<str>,
    /// Milliseconds since the start.
    pub uptime_ms: u64,
    /// Process number at the operating system.
    pub process_id: u32,
    /// Listeners.
    pub listeners: Vec<NodeListener>,
    /// Resident memory in bytes.
    pub memory_used_bytes: u64,
    /// Memory in bytes at which publishers are held back.
    pub memory_limit_bytes: u64,
    /// Free space of the data directory's disk in bytes; absent: not known.
    pub disk_free_bytes: Option<u64>,
    /// Free space in bytes below which publishers are held back.
    pub disk_limit_bytes: u64,
    /// Open descriptors; absent: not known.
    pub descriptors_used: Option<u64>,
    /// Most open descriptors; absent: not known.
    pub descriptors_limit: Option<u64>,
    /// Processors that the node uses.
    pub processors: u32,
}

/// Where facts of the process come from.
pub trait Facts: Send + Sync {
    /// The facts now. May read files of the system; never waits for the core.
    fn facts(&self) -> NodeFacts;
}

/// Passwords checked or hashed at the same time; each takes about 30 ms and 19 MiB (F15).
const PASSWORD_WORKERS: usize = 2;
/// Logins that wait for an answer from outside at once; more are refused.
const OUTSIDE_PLACES: usize = 16;
/// Passwords waiting for that at most; more are refused at once.
const PASSWORD_QUEUE: usize = 64;

/// Looks at messages at the same time, each of some MiB; more are refused at once.
const LOOKS: usize = 4;

/// What [`crate::router`] is made of.
pub struct Management {
    control: Arc<dyn Control>,
    facts: Arc<dyn Facts>,
    log: Arc<dyn RecordSource + Send + Sync>,
    encoding: Encoding,
    looks: Semaphore,
    password_places: Semaphore,
    password_workers: Semaphore,
    outside_places: Semaphore,
}

impl Management {
    /// Management of the node behind `control`, whose stored messages are read from `log`. `encoding` is the number
    /// under which this process has registered AMQP 0-9-1 heads, the form of messages that are published here.
    #[must_use]
    pub fn new(
        control: Arc<dyn Control>,
        facts: Arc<dyn Facts>,
        log: Arc<dyn RecordSource + Send + Sync>,
        encoding: Encoding,
    ) -> Self {
        Self {
            control,
            facts,
            log,
            encoding,
            looks: Semaphore::new(LOOKS),
            password_places: Semaphore::new(PASSWORD_QUEUE),
            password_workers: Semaphore::new(PASSWORD_WORKERS),
            outside_places: Semaphore::new(OUTSIDE_PLACES),
        }
    }

    /// Encoding of messages that are published here.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Facts of the process.
    pub(crate) fn facts(&self) -> NodeFacts {
        self.facts.facts()
    }

    /// Asks the core.
    ///
    /// # Errors
    /// [`Unavailable`]: it was not asked, or the node ended before it answered.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Broker) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (answer, wait) = oneshot::channel();
        let ask: Question = Box::new(move |desk| {
            // Whoever asked may have gone away.
            let _gone = answer.send(question(desk.broker()));
        });
        self.control.call(ask).await?;
        wait.await.map_err(|_| Unavailable::Ended)
    }

    /// Has the core change something; the answer comes once what its receipt stands for is durable (I10). After
    /// [`Unavailable::Ended`] it is unknown whether the change lasts.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Broker) -> (T, Receipt) + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (answer, wait) = oneshot::channel();
        let ask: Question = Box::new(move |desk| {
            let (value, receipt) = change(desk.broker());
            let notify = move || {
                let _gone = answer.send(value);
            };
            desk.when_durable(receipt, Box::new(notify));
        });
        self.control.call(ask).await?;
        wait.await.map_err(|_| Unavailable::Ended)
    }

    /// A place for a look at messages, to be kept until they are read.
    pub(crate) fn begin_look(&self) -> Result<SemaphorePermit<'_>, Unavailable> {
        self.looks.try_acquire().map_err(|_| Unavailable::Busy)
    }

    /// Reads the log, away from every other thread.
    pub(crate) async fn read_log<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn RecordSource) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let log = self.log.clone();
        tokio::task::spawn_blocking(move || read(&*log)).await.map_err(|_| Unavailable::Ended)
    }

    /// Runs work on a password on one of a few threads.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let _place = self.password_places.try_acquire().map_err(|_| Unavailable::Busy)?;
        let _worker = self.password_workers.acquire().await.map_err(|_| Unavailable::Ended)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Unavailable::Ended)
    }

    /// As [`Management::compute`], for what waits for somebody outside: it never keeps the others from their turn.
    pub(crate) async fn wait_outside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let _place = self.outside_places.try_acquire().map_err(|_| Unavailable::Busy)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| Unavailable::Ended)
    }
}
