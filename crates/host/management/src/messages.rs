//! Publishing and fetching single messages, for people and tests.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_amqp091::format::head_from_properties;
use ternmq_broker::{
    Broker, ConnectionId, Deliver, DeliveryId, GetOutcome, Outcome as Settlement, Publish, Published,
    Receipt, SessionId, SettleRange,
};
use ternmq_message::{Encoding, Message, MessageMeta, Properties, Value};

use crate::answer::{Answer, Outcome, Refusal, Reply};
use crate::call::Call;
use crate::exchanges::core_name;
use crate::json::{map, number, required_text, text};
use crate::message_json::{Payload, Shown, message_json};
use crate::seam::Management;
use crate::{core_session, queues};

type Task = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Most messages of one fetch.
const GET_MAX: i64 = 1_000;
/// Bytes of bodies after which a fetch ends.
const GET_MAX_BYTES: usize = 16 << 20;
/// How often, and how many times, a fetch asks again for a message that is being read from disk.
const LOAD_PAUSE: Duration = Duration::from_millis(5);
const LOAD_TRIES: u32 = 1_000;
/// Headers with further keys to route by; the second is not for the receiver.
const CC: &str = "CC";
const BCC: &str = "BCC";

/// A message out of a body, before it is known where it goes.
struct Letter {
    key: String,
    payload: Vec<u8>,
    properties: Properties,
    meta: MessageMeta,
    extra_keys: Vec<Arc<str>>,
}

pub(crate) fn publish(management: Arc<Management>, call: Arc<Call>) -> Task {
    Box::pin(async move {
        let letter = letter(&call.object()?, management.encoding())?;
        let outcome = management.change(move |broker| {
            let outcome = send(broker, &call, letter);
            let receipt = outcome.as_ref().map_or(Receipt::NONE, |answer| answer.receipt);
            (outcome, receipt)
        });
        outcome.await?
    })
}

fn letter(body: &JsonMap<String, Json>, encoding: Encoding) -> Result<Letter, Refusal> {
    let none = JsonMap::new();
    let given = match body.get("properties") {
        None | Some(Json::Null) => &none,
        Some(Json::Object(given)) => given,
        Some(Json::Array(items)) if items.is_empty() => &none,
        Some(_) => return Err(Refusal::bad("\"properties\" must be an object")),
    };
    let payload = required_text(body, "payload")?;
    let payload = match text(body, "payload_encoding")?.unwrap_or("string") {
        "string" => payload.as_bytes().to_vec(),
        "base64" => STANDARD.decode(payload).map_err(|_| Refusal::bad("\"payload\" is not base64"))?,
        _ => return Err(Refusal::bad("\"payload_encoding\" must be \"string\" or \"base64\"")),
    };
    let mut properties = properties(given)?;
    let extra_keys = extra_keys(&mut properties)?;
    let small = |name: &str| match number(given, name)? {
        None => Ok(0),
        Some(value) => u8::try_from(value).map_err(|_| Refusal::bad(format!("\"{name}\" must be 0 to 255"))),
    };
    let ttl_ms = match text(given, "expiration")? {
        None => None,
        Some(ms) => {
            let wrong = |_| Refusal::bad("\"expiration\" must be a number of milliseconds, as a string");
            Some(ms.parse::<u64>().map_err(wrong)?)
        }
    };
    let meta = MessageMeta {
        encoding,
        is_durable: small("delivery_mode")? == 2,
        priority: small("priority")?,
        ttl_ms,
    };
    Ok(Letter { key: required_text(body, "routing_key")?.to_owned(), payload, properties, meta, extra_keys })
}

fn properties(given: &JsonMap<String, Json>) -> Result<Properties, Refusal> {
    let word = |name: &str| -> Result<Option<Arc<str>>, Refusal> {
        match text(given, name)? {
            Some(text) if text.len() > 255 => {
                Err(Refusal::bad(format!("\"{name}\" may have 255 bytes at most")))
            }
            text => Ok(text.map(Arc::from)),
        }
    };
    let timestamp = match number(given, "timestamp")? {
        None => None,
        Some(value) => {
            Some(u64::try_from(value).map_err(|_| Refusal::bad("\"timestamp\" must not be negative"))?)
        }
    };
    Ok(Properties {
        content_type: word("content_type")?,
        content_encoding: word("content_encoding")?,
        headers: map(given, "headers")?,
        correlation_id: word("correlation_id")?.map(|id| Arc::from(id.as_bytes())),
        reply_to: word("reply_to")?,
        message_id: word("message_id")?.map(|id| Arc::from(id.as_bytes())),
        timestamp,
        kind: word("type")?,
        user_id: word("user_id")?,
        app_id: word("app_id")?,
        ..Properties::default()
    })
}

/// Keys of the two headers; the one that is not for the receiver is taken out.
fn extra_keys(properties: &mut Properties) -> Result<Vec<Arc<str>>, Refusal> {
    let mut keys = Vec::new();
    for name in [CC, BCC] {
        let Some(value) = properties.header(name) else { continue };
        let wrong = || Refusal::bad(format!("the header \"{name}\" must be a list of strings"));
        let Value::Array(items) = value else { return Err(wrong()) };
        for item in items {
            keys.push(Arc::from(item.as_str().ok_or_else(wrong)?));
        }
    }
    properties.headers.retain(|(name, _)| &**name != BCC);
    Ok(keys)
}

fn send(broker: &mut Broker, call: &Call, letter: Letter) -> Outcome {
    let limit = broker.limits().max_message_bytes;
    if letter.payload.len() as u64 > limit {
        return Err(Refusal::bad(format!("a message may have {limit} bytes at most")));
    }
    if let Some(reason) = broker.blocked_reason() {
        let reason = format!("publishers are held back: the node is {reason}");
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "blocked", reason));
    }
    let head = head_from_properties(&letter.properties, &letter.meta);
    let node = core_name(broker, call.name("name"));
    let message = Message::new(node, &letter.key, &head, &letter.payload, letter.meta, None)
        .map_err(|_| Refusal::bad("the routing key may have 255 bytes at most"))?;
    if letter.key.len() > 255 {
        return Err(Refusal::bad("the routing key may have 255 bytes at most"));
    }
    let claimed_user = letter.properties.user_id.as_deref();
    let publish = Publish { message, extra_keys: &letter.extra_keys, claimed_user };
    let published = core_session::run(broker, &call.actor, call.name("vhost"), |broker, session| {
        broker.publish(session, publish)
    })?;
    let routed = |is_routed: bool| move || json!({ "routed": is_routed });
    match published {
        Published::Accepted(receipt) => Ok(Answer { receipt, ..Answer::one(routed(true)) }),
        Published::Unroutable(_) => Ok(Answer::one(routed(false))),
        Published::Refused => Err(Refusal::bad("rejected: a queue is full and refuses new messages")),
    }
}

/// What becomes of fetched messages.
#[derive(Clone, Copy)]
enum Fetch {
    /// They are gone at once.
    Take,
    /// They are held, then settled so.
    Hold(Settlement),
}

struct Wish {
    count: usize,
    fetch: Fetch,
    shown: Shown,
}

fn wish(body: &JsonMap<String, Json>) -> Result<Wish, Refusal> {
    let count = number(body, "count")?.ok_or_else(|| Refusal::bad("\"count\" is missing"))?;
    if !(0..=GET_MAX).contains(&count) {
        return Err(Refusal::bad(format!("\"count\" must be 0 to {GET_MAX}")));
    }
    let fetch = match required_text(body, "ackmode")? {
        "ack_requeue_false" => Fetch::Take,
        "ack_requeue_true" | "reject_requeue_true" => Fetch::Hold(Settlement::Requeue),
        "reject_requeue_false" => Fetch::Hold(Settlement::Discard),
        _ => {
            return Err(Refusal::bad(
                "\"ackmode\" must be ack_requeue_true, ack_requeue_false, reject_requeue_true or reject_requeue_false",
            ));
        }
    };
    let payload = Payload::named(text(body, "encoding")?)?;
    let truncate = match number(body, "truncate")? {
        None => None,
        Some(bytes) => {
            Some(usize::try_from(bytes).map_err(|_| Refusal::bad("\"truncate\" must not be negative"))?)
        }
    };
    Ok(Wish { count: usize::try_from(count).unwrap_or(0), fetch, shown: Shown { payload, truncate } })
}

/// A fetch under way. Its session is open from the first question to the last.
#[derive(Clone, Copy)]
struct Fetching {
    connection: ConnectionId,
    session: SessionId,
}

pub(crate) fn get(management: Arc<Management>, call: Arc<Call>) -> Task {
    Box::pin(async move {
        let wish = wish(&call.object()?)?;
        let shared = call.clone();
        let start = move |broker: &mut Broker| {
            let (vhost, queue) = (shared.name("vhost"), shared.name("name"));
            broker.queue_view(vhost, queue).ok_or_else(|| queues::missing(vhost, queue))?;
            let (connection, session) = core_session::open(broker, &shared.actor, vhost)?;
            Ok::<_, Refusal>((Fetching { connection, session }, broker.formats().clone()))
        };
        let (fetching, formats) = management.ask(start).await??;
        let guard = Closing { management: management.clone(), fetching: Some(fetching) };
        let fetched = fetch_all(&management, &call, fetching, &wish).await;
        let receipt = guard.close(wish.fetch).await?;
        let fetched = fetched?;
        let render = move || {
            let encoding = management.encoding();
            let json = |(deliver, remaining): &Got| {
                let Deliver { message, is_redelivered, .. } = deliver;
                let mut json = message_json(message, *is_redelivered, wish.shown, &formats, encoding);
                json.insert("message_count".to_owned(), json!(remaining));
                Json::Object(json)
            };
            fetched.iter().map(json).collect()
        };
        Ok(Answer { receipt, reply: Reply::One(StatusCode::OK, Box::new(render)) })
    })
}

/// Gives the session back even when nobody waits for the answer any more.
struct Closing {
    management: Arc<Management>,
    fetching: Option<Fetching>,
}

impl Closing {
    async fn close(mut self, fetch: Fetch) -> Result<Receipt, Refusal> {
        let Some(Fetching { connection, session }) = self.fetching.take() else { return Ok(Receipt::NONE) };
        let close = move |broker: &mut Broker| {
            if let Fetch::Hold(outcome) = fetch {
                // Nothing is unsettled when nothing was fetched.
                let _none = broker.settle(session, DeliveryId(0), SettleRange::UpTo, outcome);
            }
            core_session::close(broker, connection);
        };
        self.management.ask(close).await?;
        Ok(Receipt::NONE)
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let Some(Fetching { connection, .. }) = self.fetching.take() else { return };
        let management = self.management.clone();
        tokio::spawn(async move {
            // A node that has ended has no session left to give back.
            let _ended = management.ask(move |broker| core_session::close(broker, connection)).await;
        });
    }
}

/// One fetched message, and how many stayed behind it.
type Got = (Deliver, u64);

async fn fetch_all(
    management: &Management,
    call: &Arc<Call>,
    fetching: Fetching,
    wish: &Wish,
) -> Result<Vec<Got>, Refusal> {
    let (mut fetched, mut bytes, mut tries) = (Vec::new(), 0_usize, 0);
    let needs_settle = matches!(wish.fetch, Fetch::Hold(_));
    while fetched.len() < wish.count && bytes < GET_MAX_BYTES {
        let (call, wanted) = (call.clone(), wish.count - fetched.len());
        let room_bytes = GET_MAX_BYTES - bytes;
        let step = move |broker: &mut Broker| {
            let (mut got, mut taken_bytes) = (Vec::new(), 0);
            while got.len() < wanted && taken_bytes < room_bytes {
                match broker.get(fetching.session, call.name("name"), needs_settle) {
                    Ok(GetOutcome::Got(deliver, remaining)) => {
                        taken_bytes += deliver.message.body_len();
                        got.push((deliver, remaining));
                    }
                    Ok(GetOutcome::Empty) => return Ok((got, Next::End)),
                    Ok(GetOutcome::Loading) => return Ok((got, Next::Again)),
                    Err(error) => return Err(Refusal::of(broker, &error)),
                }
            }
            Ok((got, Next::End))
        };
        let (got, next) = management.ask(step).await??;
        bytes += got.iter().map(|(deliver, _)| deliver.message.body_len()).sum::<usize>();
        fetched.extend(got);
        tries += 1;
        if matches!(next, Next::End) || tries == LOAD_TRIES {
            break;
        }
        tokio::time::sleep(LOAD_PAUSE).await;
    }
    Ok(fetched)
}

enum Next {
    /// There is no more to fetch.
    End,
    /// The next message is being read from disk.
    Again,
}
