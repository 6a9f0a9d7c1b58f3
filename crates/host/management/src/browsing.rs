//! Looking at a queue's messages without taking any. RabbitMQ has no such call; its fetch takes messages and gives them
//! back, which marks them as redelivered and counts against delivery limits.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use ternmq_broker::{Broker, Browse, BrowsePage, BrowseSpec, BrowsedMessage};
use ternmq_queue::{ReadyPlace, Seq};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::core_session;
use crate::message_json::{Payload, Shown, message_json};
use crate::seam::Management;

/// Most messages of one page.
const COUNT_MAX: usize = 1_000;
/// Bytes of bodies in one page, but for the first message.
const PAGE_BYTES: u64 = 16 << 20;

pub(crate) fn browse(
    management: Arc<Management>,
    call: Arc<Call>,
) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        let (spec, shown) = (spec(&call)?, shown(&call)?);
        let place = management.begin_look()?;
        let look = move |broker: &mut Broker| {
            let (vhost, queue) = (call.name("vhost"), call.name("name"));
            let looked = core_session::run(broker, &call.actor, vhost, |broker, session| {
                broker.browse(session, queue, spec)
            });
            let receipt = looked.as_ref().map(Browse::receipt).unwrap_or_default();
            (looked.map(|browse| (browse, broker.formats().clone())), receipt)
        };
        let (browse, formats) = management.change(look).await??;
        let page = management.read_log(move |log| browse.read(log)).await?;
        drop(place);
        Ok(Answer::one(move || {
            let BrowsePage { messages, unreadable, next } = page;
            let encoding = management.encoding();
            let json = |browsed: BrowsedMessage| {
                let mut json =
                    message_json(&browsed.message, browsed.is_redelivered, shown, &formats, encoding);
                json.insert("place".to_owned(), json!(place_text(browsed.place)));
                Json::Object(json)
            };
            let messages: Vec<Json> = messages.into_iter().map(json).collect();
            json!({ "messages": messages, "unreadable": unreadable, "next": next.map(place_text) })
        }))
    })
}

fn spec(call: &Call) -> Result<BrowseSpec, Refusal> {
    let max_count = number(call, "count")?.unwrap_or(1);
    if !(1..=COUNT_MAX).contains(&max_count) {
        return Err(Refusal::bad(format!("\"count\" must be 1 to {COUNT_MAX}")));
    }
    let after = match call.query("after") {
        None => None,
        Some(text) => Some(place(text).ok_or_else(|| {
            Refusal::bad("\"after\" must be the \"next\" of a page or the \"place\" of a message")
        })?),
    };
    Ok(BrowseSpec { after, max_count, max_bytes: PAGE_BYTES })
}

fn shown(call: &Call) -> Result<Shown, Refusal> {
    Ok(Shown { payload: Payload::named(call.query("encoding"))?, truncate: number(call, "truncate")? })
}

fn number(call: &Call, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(text) = call.query(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(Refusal::bad(format!("\"{name}\" must be a number that is not negative"))),
    }
}

/// A place in a queue as text: priority, then number.
fn place_text(ReadyPlace { lane, seq }: ReadyPlace) -> String {
    format!("{lane}-{}", seq.0)
}

fn place(text: &str) -> Option<ReadyPlace> {
    let (lane, seq) = text.split_once('-')?;
    Some(ReadyPlace { lane: lane.parse().ok()?, seq: Seq(seq.parse().ok()?) })
}
