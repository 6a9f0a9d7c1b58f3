//! What the clients do: some of everything that changes what is stored.
//!
//! One thread does it, so that the trace has one order. Whatever gives messages back or takes queues away is done when
//! everything before it has been answered: the order of frames on two sockets is not that of the core within a turn.

use anyhow::{Context, Result};
use ternmq_amqp091::codec::method::{basic, confirm, queue, tx};
use ternmq_amqp091::codec::write::Content;
use ternmq_amqp091::codec::{BasicProperties, FieldValue, TableBuf};
use ternmq_simulator::{MARK, body_of};

use crate::client::{Client, Delivery, id_of};

const DIRECT: &str = "amq.direct";
const PLAIN: &str = "plain";
const SECOND: &str = "second";
const QUORUM: &str = "quorum";
const URGENT: &str = "urgent";
const SHORT: &str = "short";
const DEAD: &str = "dead";
const PASSING: &str = "passing";
/// Key that leads to two queues, and one that leads nowhere.
const BOTH: &str = "both";
const NOWHERE: &str = "nowhere";

/// Channels: publishes with confirms, transactions, consumers, fetches.
const CONFIRMS: u16 = 1;
const TRANSACTIONS: u16 = 2;
const CONSUMERS: u16 = 1;
const FETCHES: u16 = 2;
const PREFETCH: u16 = 12;

/// The clients of one life of the broker. Numbers go on from life to life.
pub(crate) struct Workload {
    publisher: Client,
    consumer: Client,
    next_message: u64,
    next_mark: i64,
    /// Queue that is made and deleted again and again. A broker that failed may have left the one of its life.
    guest: String,
}

/// Where the numbers stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    message: u64,
    mark: i64,
}

/// Whether a fetch settles what it gets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fetch {
    Acked,
    Unacked,
}

impl Workload {
    /// Connects and sets up what lasts; queues that outlive a broker are made in the first life.
    pub(crate) fn begin(address: &str, user: &str, password: &str, numbers: Numbers) -> Result<Self> {
        let mut publisher = Client::connect(address, user, password)?;
        publisher.open(CONFIRMS)?;
        publisher.call(CONFIRMS, &confirm::Select { no_wait: false }, id_of::<confirm::SelectOk>())?;
        publisher.open(TRANSACTIONS)?;
        publisher.call(TRANSACTIONS, &tx::Select {}, id_of::<tx::SelectOk>())?;
        let mut consumer = Client::connect(address, user, password)?;
        consumer.open(CONSUMERS)?;
        consumer.open(FETCHES)?;
        let guest = format!("guest-{}", numbers.message);
        let mut workload =
            Self { publisher, consumer, next_message: numbers.message, next_mark: numbers.mark, guest };
        if numbers.mark == 0 {
            workload.declare_all()?;
        }
        workload.declare(PASSING, false, &[])?;
        workload.settle()?;
        for queue in [PLAIN, QUORUM] {
            let arguments = TableBuf::new();
            let consume = basic::Consume {
                queue,
                consumer_tag: queue,
                no_local: false,
                no_ack: false,
                exclusive: false,
                no_wait: false,
                arguments: arguments.as_table(),
            };
            workload.consumer.call(CONSUMERS, &consume, id_of::<basic::ConsumeOk<'_>>())?;
        }
        Ok(workload)
    }

    fn declare_all(&mut self) -> Result<()> {
        let text = FieldValue::text;
        self.declare(DEAD, true, &[])?;
        self.declare(PLAIN, true, &[])?;
        self.declare(QUORUM, true, &[("x-queue-type", text("quorum"))])?;
        self.declare(URGENT, true, &[("x-max-priority", FieldValue::I32(3))])?;
        self.declare(SHORT, true, &[("x-max-length", FieldValue::I32(8))])?;
        let dead_letter = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(DEAD))];
        self.declare(SECOND, true, &dead_letter)?;
        for queue in [PLAIN, SECOND] {
            self.bind(queue, BOTH)?;
        }
        Ok(())
    }

    /// Some of everything, `rounds` times.
    pub(crate) fn run(&mut self, rounds: u64) -> Result<()> {
        for round in 0..rounds {
            self.round(round).with_context(|| format!("round {round} of the workload"))?;
        }
        Ok(())
    }

    fn round(&mut self, round: u64) -> Result<()> {
        let queues = [PLAIN, SECOND, QUORUM, URGENT, SHORT];
        let queue = queues[(round % queues.len() as u64) as usize];
        for number in 0..1 + round % 4 {
            self.publish("", queue, true, (number % 4) as u8);
        }
        if round.is_multiple_of(3) {
            self.publish(DIRECT, BOTH, true, 0);
            self.publish("", PASSING, false, 0);
        }
        if round % 7 == 4 {
            self.publish(DIRECT, NOWHERE, true, 0);
        }
        self.accept_some(round)?;
        // Now and then the next round's publishes are under way with these.
        if round % 3 != 1 {
            self.publisher.await_confirms()?;
        }
        match round % 8 {
            0 => self.fetch(URGENT, Fetch::Acked)?,
            1 => self.transact(round)?,
            2 => self.fetch(SECOND, Fetch::Unacked)?,
            3 => self.give_back()?,
            4 => self.refuse()?,
            5 => self.entertain_guest()?,
            6 => self.fetch(PASSING, Fetch::Acked)?,
            _ => self.fetch(SHORT, Fetch::Acked)?,
        }
        if round % 16 == 15 { self.purge(SHORT) } else { Ok(()) }
    }

    /// Everything that was asked is answered, and what follows from it has come.
    pub(crate) fn settle(&mut self) -> Result<()> {
        self.publisher.await_confirms()?;
        for _ in 0..2 {
            let qos = basic::Qos { prefetch_size: 0, prefetch_count: PREFETCH, global: false };
            self.consumer.call(CONSUMERS, &qos, id_of::<basic::QosOk>())?;
        }
        Ok(())
    }

    /// Ends the connections in order; some deliveries are still held.
    pub(crate) fn end(mut self) -> Result<()> {
        self.settle()?;
        self.publisher.close()?;
        self.consumer.close()
    }

    /// Where the numbers stand.
    pub(crate) fn numbers(&self) -> Numbers {
        Numbers { message: self.next_message, mark: self.next_mark }
    }

    fn publish(&mut self, exchange: &str, key: &str, is_persistent: bool, priority: u8) {
        self.publish_on(CONFIRMS, exchange, key, is_persistent, priority);
        self.publisher.unconfirmed += 1;
    }

    fn publish_on(&mut self, channel: u16, exchange: &str, key: &str, is_persistent: bool, priority: u8) {
        self.next_message += 1;
        let message = self.next_message;
        let mut headers = TableBuf::new();
        headers.push("number", FieldValue::I64(message.cast_signed())).push_text("key", key);
        let id = message.to_be_bytes();
        let properties = BasicProperties {
            content_type: Some("application/octet-stream"),
            headers: message.is_multiple_of(3).then(|| headers.as_table()),
            delivery_mode: Some(if is_persistent { 2 } else { 1 }),
            priority: Some(priority),
            message_id: Some(&id),
            timestamp: Some(message),
            ..BasicProperties::default()
        };
        let mut encoded = Vec::new();
        properties.encode(&mut encoded);
        let content = Content { properties: &encoded, body: &body_of(message) };
        self.publisher.publish(channel, exchange, key, content);
    }

    fn declare(&mut self, queue: &str, durable: bool, arguments: &[(&str, FieldValue<'_>)]) -> Result<()> {
        self.next_mark += 1;
        let mut table = TableBuf::new();
        table.push(MARK, FieldValue::I64(self.next_mark));
        for (name, value) in arguments {
            table.push(name, *value);
        }
        let declare = queue::Declare {
            queue,
            passive: false,
            durable,
            exclusive: false,
            auto_delete: false,
            no_wait: false,
            arguments: table.as_table(),
        };
        self.consumer.call(FETCHES, &declare, id_of::<queue::DeclareOk<'_>>())
    }

    fn bind(&mut self, queue: &str, key: &str) -> Result<()> {
        let none = TableBuf::new();
        let bind = queue::Bind {
            queue,
            exchange: DIRECT,
            routing_key: key,
            no_wait: false,
            arguments: none.as_table(),
        };
        self.consumer.call(FETCHES, &bind, id_of::<queue::BindOk>())
    }

    /// Accepts the older half of what the consumers hold, one by one or all at once.
    fn accept_some(&mut self, round: u64) -> Result<()> {
        let count = self.consumer.deliveries.len().div_ceil(2);
        let accepted: Vec<Delivery> = self.consumer.deliveries.drain(..count).collect();
        let multiple = round % 2 == 1;
        let last = accepted.len().saturating_sub(1);
        for (number, delivery) in accepted.iter().enumerate() {
            if !multiple || number == last {
                self.consumer.send(delivery.channel, &basic::Ack { delivery_tag: delivery.tag, multiple });
            }
        }
        self.consumer.flush()
    }

    fn fetch(&mut self, queue: &str, fetch: Fetch) -> Result<()> {
        for _ in 0..2 {
            let no_ack = fetch == Fetch::Unacked;
            let Some(got) = self.consumer.get(FETCHES, queue, no_ack)? else { break };
            if !no_ack {
                self.consumer.send(FETCHES, &basic::Ack { delivery_tag: got.tag, multiple: false });
            }
        }
        self.consumer.flush()
    }

    /// Publishes and settles together, or not at all.
    fn transact(&mut self, round: u64) -> Result<()> {
        self.settle()?;
        for queue in [PLAIN, SECOND, QUORUM] {
            self.publish_on(TRANSACTIONS, "", queue, true, 0);
        }
        if let Some(got) = self.publisher.get(TRANSACTIONS, SECOND, false)? {
            self.publisher.send(TRANSACTIONS, &basic::Ack { delivery_tag: got.tag, multiple: false });
        }
        if round % 16 == 9 {
            self.publisher.call(TRANSACTIONS, &tx::Rollback {}, id_of::<tx::RollbackOk>())?;
        }
        self.publisher.call(TRANSACTIONS, &tx::Commit {}, id_of::<tx::CommitOk>())?;
        self.settle()
    }

    /// Gives the newest delivery back; it comes again.
    fn give_back(&mut self) -> Result<()> {
        self.settle()?;
        if let Some(Delivery { channel, tag }) = self.consumer.deliveries.pop() {
            let nack = basic::Nack { delivery_tag: tag, multiple: false, requeue: true };
            self.consumer.send(channel, &nack);
        }
        self.settle()
    }

    /// Refuses a message, which goes to the queue of the dead.
    fn refuse(&mut self) -> Result<()> {
        self.settle()?;
        if let Some(got) = self.consumer.get(FETCHES, SECOND, false)? {
            self.consumer.send(FETCHES, &basic::Reject { delivery_tag: got.tag, requeue: false });
        }
        self.settle()
    }

    /// A queue comes, gets messages, and goes with some of them.
    fn entertain_guest(&mut self) -> Result<()> {
        self.settle()?;
        let guest = &*self.guest.clone();
        self.declare(guest, true, &[])?;
        self.bind(guest, guest)?;
        self.publish("", guest, true, 0);
        self.publish(DIRECT, guest, true, 0);
        self.publisher.await_confirms()?;
        self.fetch(guest, Fetch::Acked)?;
        self.publish("", guest, true, 0);
        self.settle()?;
        let none = TableBuf::new();
        let unbind =
            queue::Unbind { queue: guest, exchange: DIRECT, routing_key: guest, arguments: none.as_table() };
        self.consumer.call(FETCHES, &unbind, id_of::<queue::UnbindOk>())?;
        let delete = queue::Delete { queue: guest, if_unused: false, if_empty: false, no_wait: false };
        self.consumer.call(FETCHES, &delete, id_of::<queue::DeleteOk>())?;
        self.settle()
    }

    fn purge(&mut self, queue: &str) -> Result<()> {
        self.settle()?;
        self.consumer.call(FETCHES, &queue::Purge { queue, no_wait: false }, id_of::<queue::PurgeOk>())?;
        self.settle()
    }
}
