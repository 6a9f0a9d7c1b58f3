//! Messages that go elsewhere too, or instead, because of where they are sent to: each copy is addressed anew and goes its
//! own way from there.

use std::{cell::OnceCell, collections::VecDeque, sync::Arc};

use smallvec::SmallVec;
use ternmq_message::{Message, Properties, TooLong};
use ternmq_queue::Candidate;
use ternmq_selector::Selector;

use crate::{
    broker::Broker,
    effect::SessionId,
    error::{Error, Verb},
    log::Receipt,
    producers::MessageOrigin,
    publish::Published,
    queues::QueueSpec,
    transaction::Place as Staging,
};

/// Most copies of one message (I11).
const MAX_COPIES: usize = 1_024;

/// Where else a message goes that is sent to a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Forwards {
    /// Whether the place itself gets it too.
    pub keeps: Keeps,
    /// The other places.
    pub to: Vec<Forward>,
}

/// When a place from which messages are forwarded gets them itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// All of them.
    All,
    /// None of them.
    Nothing,
    /// What no other place wanted.
    Rest,
}

/// A place that messages are forwarded to.
#[derive(Clone, Debug, PartialEq)]
pub struct Forward {
    /// Node.
    pub node: Arc<str>,
    /// Routing key.
    pub key: Arc<str>,
    /// Queue that is made when there is none of its name.
    pub queue: Option<QueueSpec>,
    /// What goes there; absent: everything.
    pub selector: Option<Selector>,
}

/// A node and a key.
type Place = (Arc<str>, Arc<str>);

/// A message on its way, with the places where it was, the last one last.
type Copy = (Message, Vec<Place>);

impl Broker {
    /// Makes the queues that a message sent to a place may be forwarded to, if the session may send there. Forwarding goes
    /// on from place to place, and never back to one where the message was.
    ///
    /// # Errors
    /// No permission for one of them, a limit is reached, or they are too many.
    pub(crate) fn prepare_forwards(&mut self, id: SessionId, node: &str, key: &str) -> Result<(), Error> {
        let mut waiting: Vec<Vec<Place>> = vec![vec![(node.into(), key.into())]];
        let mut count = 0;
        while let Some(path) = waiting.pop() {
            let Some((forwards, new)) = self.onward(&path) else { continue };
            for to in new.iter().filter_map(|index| forwards.to.get(*index)) {
                count += 1;
                if count > MAX_COPIES {
                    return Err(too_many());
                }
                let (principal, namespace, _) = self.who(id)?;
                let space = self.namespaces.name(namespace);
                self.check_target(&principal, namespace, &to.node, &to.key)?;
                self.authorize_key(&principal, Verb::Write, &space, &to.node, &to.key)?;
                if let Some(spec) = &to.queue {
                    let _made = self.ensure_queue(id, spec.clone(), Verb::Write)?;
                }
                waiting.push([path.clone(), vec![(to.node.clone(), to.key.clone())]].concat());
            }
        }
        Ok(())
    }

    /// Where a message goes on to from the last place of its path, and which of these places are new to it.
    fn onward(&self, path: &[Place]) -> Option<(Arc<Forwards>, SmallVec<[usize; 4]>)> {
        let (node, key) = path.last()?;
        let forwards = self.dialect.forwards(node, key)?;
        let is_new = |to: &Forward| !path.iter().any(|(node, key)| *node == to.node && *key == to.key);
        let new = forwards.to.iter().enumerate().filter(|(_, to)| is_new(to)).map(|(index, _)| index);
        let new = new.collect();
        Some((forwards, new))
    }

    /// Sends a message where its place forwards it to, all of that or nothing (I6), or stages it.
    pub(crate) fn publish_forwarded(
        &mut self,
        id: SessionId,
        message: Message,
        staging: Option<Staging>,
        origin: Option<MessageOrigin>,
    ) -> Result<Published, Error> {
        let copies = self.spread(message)?;
        let (published, receipt) = self.as_group(|broker| broker.publish_copies(id, copies, staging, origin));
        Ok(match published? {
            Published::Accepted(own) => Published::Accepted(own.and(receipt)),
            other => other,
        })
    }

    /// All copies of a message, itself among them where its place keeps it.
    pub(crate) fn spread(&self, message: Message) -> Result<Vec<Message>, Error> {
        let first = (message.node().into(), message.key().into());
        let mut waiting: VecDeque<Copy> = VecDeque::from([(message, vec![first])]);
        let mut arrived = Vec::new();
        while let Some((message, path)) = waiting.pop_front() {
            let Some((forwards, new)) = self.onward(&path) else {
                arrived.push(message);
                continue;
            };
            let properties = OnceCell::new();
            let mut is_wanted = false;
            for to in new.iter().filter_map(|index| forwards.to.get(*index)) {
                if !self.is_for(&message, to, &properties) {
                    continue;
                }
                is_wanted = true;
                // The parts came from a valid message and valid names, so they fit their length fields.
                if let Ok(copy) = readdressed(&message, to) {
                    let path = [path.clone(), vec![(to.node.clone(), to.key.clone())]].concat();
                    waiting.push_back((copy, path));
                }
            }
            if forwards.keeps == Keeps::All || (forwards.keeps == Keeps::Rest && !is_wanted) {
                arrived.push(message);
            }
            if arrived.len() + waiting.len() > MAX_COPIES {
                return Err(too_many());
            }
        }
        Ok(arrived)
    }

    fn is_for(&self, message: &Message, to: &Forward, properties: &OnceCell<Properties>) -> bool {
        let Some(selector) = &to.selector else { return true };
        let ttl_ms = message.meta().ttl_ms;
        self.filters().of(selector.clone()).matches(&Candidate {
            message,
            expires_at_ms: ttl_ms.map_or(u64::MAX, |ttl_ms| self.time.ms().saturating_add(ttl_ms)),
            is_redelivered: message.may_be_repeated(),
            acquired_count: 0,
            properties,
        })
    }

    fn publish_copies(
        &mut self,
        id: SessionId,
        copies: Vec<Message>,
        staging: Option<Staging>,
        origin: Option<MessageOrigin>,
    ) -> Result<Published, Error> {
        let (_, namespace, connection) = self.who(id)?;
        let (mut receipt, mut is_refused, mut unwanted) = (Receipt::NONE, false, None);
        let mut is_taken = copies.is_empty();
        let mut queues = SmallVec::new();
        for copy in copies {
            self.route(namespace, &copy, &[], &mut queues)?;
            let is_own_skipped = self.skip_publisher(connection, &mut queues);
            if let Some(place) = staging {
                let _staged = self.stage_publish(place, copy, &queues, origin)?;
                is_taken = true;
                continue;
            }
            self.counters.published += 1;
            if queues.is_empty() && is_own_skipped {
                is_taken = true;
                continue;
            }
            match self.send_from(&queues, copy, origin) {
                Published::Accepted(sent) => {
                    is_taken = true;
                    receipt = receipt.and(sent);
                }
                Published::Refused => is_refused = true,
                Published::Unroutable(copy) => unwanted = Some(copy),
            }
        }
        Ok(match unwanted {
            _ if is_refused => Published::Refused,
            Some(message) if !is_taken => Published::Unroutable(message),
            _ => Published::Accepted(receipt),
        })
    }
}

fn readdressed(message: &Message, to: &Forward) -> Result<Message, TooLong> {
    let history = message.history().cloned();
    let copy = Message::new(&to.node, &to.key, message.head(), message.body(), *message.meta(), history);
    copy.map(|copy| copy.in_group(message.group()))
}

fn too_many() -> Error {
    let what = format!("a message can't be forwarded to more than {MAX_COPIES} destinations");
    Error::NotSupported { what }
}
