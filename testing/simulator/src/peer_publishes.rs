//! What peers publish: under a token, without one, retained, and what goes to one of them alone.

use ternmq_broker::{Once, Publish, Published, Receipt};

use crate::checker::Violation;
use crate::clients::unexpected;
use crate::history::{Event, Outcome};
use crate::peers::{Sent, message_of};
use crate::world::World;

fn publish_of(id: u64, node: &str, key: &str, is_durable: bool) -> Option<Publish<'static>> {
    let message = message_of(id, node, key, is_durable)?;
    Some(Publish { message, extra_keys: &[], claimed_user: None })
}

impl World {
    /// Publishes a message under its token, for the first time or again.
    pub(crate) fn send_once(&mut self, at: usize, sent: &Sent) -> Result<(), Violation> {
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let (session, label) = (link.session, link.label);
        let Some(publish) = publish_of(sent.message, "sys.topic", &sent.key, true) else { return Ok(()) };
        let once = self
            .node
            .broker
            .publish_once(session, sent.token, publish, sent.is_retained)
            .map_err(|error| unexpected("publish", &error))?;
        let (published, receipt) = match once {
            Once::Before(receipt) => (None, receipt),
            Once::Published(published, receipt) => (Some(published), receipt),
        };
        let (receipt, outcome, is_routed) = match &published {
            Some(Published::Accepted(own)) => (own.and(receipt), Outcome::Unknown, true),
            Some(Published::Refused) => (Receipt::NONE, Outcome::Fail, true),
            Some(Published::Unroutable(_)) => (receipt, Outcome::Unknown, false),
            None => (receipt, Outcome::Unknown, true),
        };
        let op = self.new_op(receipt);
        let (client, token, message) = (self.peers[at].name.clone(), sent.token, sent.message);
        let is_known = published.is_none();
        self.note(Event::Once { op, client, token, message, is_known })?;
        if !is_known {
            self.note_published(op, label, sent.message, &sent.key, (outcome, is_routed, true))?;
            if sent.is_retained && outcome != Outcome::Fail {
                self.note(Event::Retain { op, key: sent.key.clone(), message: Some(sent.message) })?;
            }
        }
        self.peers[at].sent.retain(|known| known.token != sent.token || outcome != Outcome::Fail);
        if let Some(known) = self.peers[at].sent.iter_mut().find(|known| known.token == sent.token) {
            known.receipt = receipt;
        }
        if outcome != Outcome::Fail {
            self.answer_at_once(op, receipt)?;
        }
        self.hand_out()
    }

    fn note_published(
        &mut self,
        op: u64,
        session: u32,
        message: u64,
        key: &str,
        (outcome, is_routed, is_durable): (Outcome, bool, bool),
    ) -> Result<(), Violation> {
        self.note(Event::Publish {
            op,
            session,
            message,
            node: "sys.topic".into(),
            key: key.into(),
            is_durable,
            priority: 0,
            ttl_ms: None,
            outcome,
            is_routed,
        })
    }

    /// Publishes a message without a token, kept or not, retained or not.
    pub(crate) fn publish_as(&mut self, at: usize) -> Result<(), Violation> {
        if self.node.is_low_on_disk() {
            return Ok(());
        }
        let (is_durable, is_retained) = (self.peer_work.chance(3, 4), self.peer_work.chance(1, 4));
        let key =
            format!("{}.{}", ["t", "t", "s"][self.peer_work.below(3) as usize], self.peer_work.below(3));
        self.next_message += 1;
        let id = self.next_message;
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let (session, label) = (link.session, link.label);
        let Some(publish) = publish_of(id, "sys.topic", &key, is_durable) else { return Ok(()) };
        let kept = publish.message.clone();
        let published =
            self.node.broker.publish(session, publish).map_err(|error| unexpected("publish", &error))?;
        let (own, outcome, is_routed) = match published {
            Published::Accepted(receipt) => (receipt, Outcome::Unknown, true),
            Published::Refused => (Receipt::NONE, Outcome::Fail, true),
            Published::Unroutable(_) => (Receipt::NONE, Outcome::Unknown, false),
        };
        let is_retained = is_retained && outcome != Outcome::Fail;
        let mut receipt = own;
        if is_retained {
            let retained = self.node.broker.retain(session, &kept);
            receipt = own.and(retained.map_err(|error| unexpected("retain", &error))?);
        }
        let op = self.new_op(receipt);
        self.note_published(op, label, id, &key, (outcome, is_routed, is_durable))?;
        if is_retained {
            self.note(Event::Retain { op, key, message: Some(id) })?;
        }
        if outcome != Outcome::Fail {
            self.answer_at_once(op, receipt)?;
        }
        self.hand_out()
    }

    /// Takes back what is retained under a key.
    pub(crate) fn unretain(&mut self, at: usize) -> Result<(), Violation> {
        let key = format!("t.{}", self.peer_work.below(3));
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let meta = ternmq_message::MessageMeta { is_durable: true, ..Default::default() };
        let Ok(empty) = ternmq_message::Message::new("sys.topic", &key, b"", b"", meta, None) else {
            return Ok(());
        };
        let retained = self.node.broker.retain(link.session, &empty);
        let receipt = retained.map_err(|error| unexpected("retain", &error))?;
        let op = self.new_op(receipt);
        self.note(Event::Retain { op, key, message: None })?;
        self.answer_at_once(op, receipt)
    }

    /// Sends a message to the queue of a peer alone.
    pub(crate) fn send_to_peer(&mut self, at: usize, queue: String) -> Result<(), Violation> {
        self.next_message += 1;
        let id = self.next_message;
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let (session, label) = (link.session, link.label);
        let Some(message) = message_of(id, "", &queue, true) else { return Ok(()) };
        let sent = self.node.broker.send_to_client(session, message);
        let Published::Accepted(receipt) = sent.map_err(|error| unexpected("send", &error))? else {
            return Ok(());
        };
        let op = self.new_op(receipt);
        self.note(Event::Publish {
            op,
            session: label,
            message: id,
            node: String::new(),
            key: queue,
            is_durable: true,
            priority: 0,
            ttl_ms: None,
            outcome: Outcome::Unknown,
            is_routed: true,
        })?;
        self.answer_at_once(op, receipt)?;
        self.hand_out()
    }
}
