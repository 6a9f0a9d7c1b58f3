//! An application over lapin. Prints one line per case; `../cases.py` tells the talk with the harness.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::{Duration, Instant};

use futures_lite::StreamExt;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions,
    BasicRejectOptions, ConfirmSelectOptions, ExchangeDeclareOptions, ExchangeDeleteOptions,
    QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind};
use tokio::io::{AsyncBufReadExt, BufReader};

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

const KEPT_MESSAGES: usize = 300;
const WAIT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Outcome {
    let url = std::env::var("AMQP_URL")?;
    macro_rules! attempt {
        ($($case:ident),*) => {$(
            let outcome = match open(&url).await {
                Ok((connection, channel)) => {
                    let outcome = tokio::time::timeout(Duration::from_secs(60), $case(&url, &channel)).await;
                    let _ = connection.close(200, "done".into()).await;
                    outcome.unwrap_or_else(|_| Err("took more than 60 s".into()))
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => println!("ok {}", stringify!($case)),
                Err(error) => println!("FAILED {}: {}", stringify!($case), error.to_string().replace('\n', " ")),
            }
        )*};
    }
    attempt!(
        declare,
        declare_conflict,
        publish_with_confirms,
        consume_with_acks,
        reject,
        dead_letter,
        ttl,
        priorities,
        transactions,
        mandatory_return,
        reconnect_after_kill
    );
    Ok(())
}

async fn open(url: &str) -> Result<(Connection, Channel), Box<dyn Error + Send + Sync>> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

fn equal<T: PartialEq + std::fmt::Debug>(got: T, wanted: T, what: &str) -> Outcome {
    if got == wanted { Ok(()) } else { Err(format!("{what}: got {got:?}, wanted {wanted:?}").into()) }
}

fn table(pairs: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in pairs {
        table.insert((*key).into(), value.clone());
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

async fn queue(channel: &Channel, name: &str, arguments: FieldTable) -> Result<u32, lapin::Error> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    Ok(channel.queue_declare(name.into(), options, arguments).await?.message_count())
}

async fn count(channel: &Channel, name: &str) -> Result<u32, lapin::Error> {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    Ok(channel.queue_declare(name.into(), options, FieldTable::default()).await?.message_count())
}

/// Publishes; with confirms on, waits for the answer.
async fn send(
    channel: &Channel,
    exchange: &str,
    key: &str,
    body: &[u8],
) -> Result<Confirmation, lapin::Error> {
    let properties = BasicProperties::default().with_delivery_mode(2);
    let options = BasicPublishOptions::default();
    channel.basic_publish(exchange.into(), key.into(), options, body, properties).await?.await
}

async fn take(
    channel: &Channel,
    name: &str,
    wanted: usize,
) -> Result<Vec<Delivery>, Box<dyn Error + Send + Sync>> {
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume(name.into(), "".into(), options, FieldTable::default()).await?;
    let mut got = Vec::new();
    while got.len() < wanted {
        let next = tokio::time::timeout(WAIT, consumer.next());
        let next = next.await.map_err(|_| format!("{} of {wanted} messages came from {name}", got.len()))?;
        let delivery = next.ok_or("the consumer ended")??;
        delivery.ack(BasicAckOptions::default()).await?;
        got.push(delivery);
    }
    channel.basic_cancel(consumer.tag(), Default::default()).await?;
    Ok(got)
}

fn bodies(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| String::from_utf8_lossy(&delivery.data).into_owned()).collect()
}

async fn get(channel: &Channel, name: &str) -> Result<BasicGetMessage, Box<dyn Error + Send + Sync>> {
    let deadline = Instant::now() + WAIT;
    while Instant::now() < deadline {
        if let Some(message) = channel.basic_get(name.into(), BasicGetOptions::default()).await? {
            return Ok(message);
        }
    }
    Err(format!("no message came from {name}").into())
}

fn check_death(properties: &BasicProperties, name: &str, reason: &str) -> Outcome {
    let headers = properties.headers().clone().ok_or("no headers")?;
    let deaths = headers.inner().get("x-death").cloned();
    let Some(AMQPValue::FieldArray(deaths)) = deaths else { return Err("no x-death".into()) };
    let Some(AMQPValue::FieldTable(death)) = deaths.as_slice().first().cloned() else {
        return Err("x-death has no table".into());
    };
    let field = |key: &str| death.inner().get(key).cloned();
    equal(field("queue"), Some(text(name)), "x-death queue")?;
    equal(field("reason"), Some(text(reason)), "x-death reason")?;
    equal(field("exchange"), Some(text("")), "x-death exchange")?;
    equal(field("count"), Some(AMQPValue::LongLongInt(1)), "x-death count")
}

async fn declare(_: &str, channel: &Channel) -> Outcome {
    let none = FieldTable::default;
    let options = ExchangeDeclareOptions::default();
    channel.exchange_declare("s.topic".into(), ExchangeKind::Topic, options, none()).await?;
    queue(channel, "s.declare", none()).await?;
    let options = QueueBindOptions::default();
    channel.queue_bind("s.declare".into(), "s.topic".into(), "*.x.#".into(), options, none()).await?;
    send(channel, "s.topic", "a.y", b"miss").await?;
    send(channel, "s.topic", "a.x", b"hit").await?;
    equal(bodies(&take(channel, "s.declare", 1).await?), vec!["hit".to_owned()], "routed by topic")?;
    channel.queue_delete("s.declare".into(), QueueDeleteOptions::default()).await?;
    channel.exchange_delete("s.topic".into(), ExchangeDeleteOptions::default()).await?;
    Ok(())
}

async fn declare_conflict(_: &str, channel: &Channel) -> Outcome {
    queue(channel, "s.conflict", FieldTable::default()).await?;
    match queue(channel, "s.conflict", table(&[("x-message-ttl", AMQPValue::LongInt(5))])).await {
        Err(error) if error.to_string().contains("PRECONDITION") => Ok(()),
        other => Err(format!("a different redeclaration gave {other:?}").into()),
    }
}

async fn publish_with_confirms(_: &str, channel: &Channel) -> Outcome {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    queue(channel, "s.confirms", FieldTable::default()).await?;
    let mut confirms = Vec::new();
    for number in 0..200 {
        let body = number.to_string();
        let options = BasicPublishOptions::default();
        let properties = BasicProperties::default().with_delivery_mode(2);
        let key = "s.confirms".into();
        confirms.push(channel.basic_publish("".into(), key, options, body.as_bytes(), properties).await?);
    }
    for confirm in confirms {
        if !confirm.await?.is_ack() {
            return Err("a message was refused".into());
        }
    }
    let wanted: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    equal(bodies(&take(channel, "s.confirms", 200).await?), wanted, "order of 200 messages")
}

async fn consume_with_acks(_: &str, channel: &Channel) -> Outcome {
    channel.basic_qos(3, Default::default()).await?;
    queue(channel, "s.acks", FieldTable::default()).await?;
    for _ in 0..9 {
        send(channel, "", "s.acks", b"x").await?;
    }
    take(channel, "s.acks", 9).await?;
    equal(count(channel, "s.acks").await?, 0, "messages left")
}

async fn reject(_: &str, channel: &Channel) -> Outcome {
    queue(channel, "s.reject", FieldTable::default()).await?;
    send(channel, "", "s.reject", b"x").await?;
    let first = get(channel, "s.reject").await?;
    first.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await?;
    let second = get(channel, "s.reject").await?;
    equal(second.redelivered, true, "redelivered")?;
    second.reject(BasicRejectOptions { requeue: false }).await?;
    let none = channel.basic_get("s.reject".into(), BasicGetOptions::default()).await?;
    equal(none.is_none(), true, "nothing after the final reject")
}

async fn dead_letter(_: &str, channel: &Channel) -> Outcome {
    queue(channel, "s.dead", FieldTable::default()).await?;
    let arguments =
        table(&[("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("s.dead"))]);
    queue(channel, "s.alive", arguments).await?;
    send(channel, "", "s.alive", b"bad").await?;
    get(channel, "s.alive").await?.reject(BasicRejectOptions { requeue: false }).await?;
    check_death(&get(channel, "s.dead").await?.properties, "s.alive", "rejected")
}

async fn ttl(_: &str, channel: &Channel) -> Outcome {
    queue(channel, "s.expired", FieldTable::default()).await?;
    let arguments = table(&[
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text("s.expired")),
        ("x-message-ttl", AMQPValue::LongInt(60)),
    ]);
    queue(channel, "s.ttl", arguments).await?;
    send(channel, "", "s.ttl", b"late").await?;
    check_death(&get(channel, "s.expired").await?.properties, "s.ttl", "expired")
}

async fn priorities(_: &str, channel: &Channel) -> Outcome {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    queue(channel, "s.priority", table(&[("x-max-priority", AMQPValue::LongInt(5))])).await?;
    for priority in [1_u8, 5, 3] {
        let properties = BasicProperties::default().with_priority(priority);
        let options = BasicPublishOptions::default();
        let body = priority.to_string();
        channel
            .basic_publish("".into(), "s.priority".into(), options, body.as_bytes(), properties)
            .await?
            .await?;
    }
    let wanted: Vec<String> = ["5", "3", "1"].map(str::to_owned).to_vec();
    equal(bodies(&take(channel, "s.priority", 3).await?), wanted, "order by priority")
}

async fn transactions(_: &str, channel: &Channel) -> Outcome {
    queue(channel, "s.tx", FieldTable::default()).await?;
    channel.tx_select().await?;
    send(channel, "", "s.tx", b"gone").await?;
    channel.tx_rollback().await?;
    send(channel, "", "s.tx", b"kept").await?;
    equal(count(channel, "s.tx").await?, 0, "visible before commit")?;
    channel.tx_commit().await?;
    let message = get(channel, "s.tx").await?;
    equal(message.data.clone(), b"kept".to_vec(), "committed body")?;
    message.ack(BasicAckOptions::default()).await?;
    channel.tx_commit().await?;
    equal(count(channel, "s.tx").await?, 0, "messages left")
}

async fn mandatory_return(_: &str, channel: &Channel) -> Outcome {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let properties = BasicProperties::default();
    let confirm =
        channel.basic_publish("".into(), "s.nowhere".into(), options, b"back", properties).await?.await?;
    match confirm {
        Confirmation::Ack(Some(message)) => {
            equal(message.reply_code, 312, "reply code")?;
            equal(message.delivery.data.clone(), b"back".to_vec(), "returned body")
        }
        other => Err(format!("got {other:?}, wanted an ack with the returned message").into()),
    }
}

/// Publishes with confirms while the broker is killed; nothing confirmed may be missing afterwards.
async fn reconnect_after_kill(url: &str, channel: &Channel) -> Outcome {
    queue(channel, "s.kept", FieldTable::default()).await?;
    let (mut connection, mut sender) = open(url).await?;
    sender.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut confirmed = Vec::new();
    let mut restarted: Option<tokio::task::JoinHandle<std::io::Result<String>>> = None;
    let mut answer = String::new();
    let mut number = 0;
    while confirmed.len() < KEPT_MESSAGES {
        number += 1;
        match send(&sender, "", "s.kept", number.to_string().as_bytes()).await {
            Ok(confirmation) if confirmation.is_ack() => confirmed.push(number),
            Ok(other) => return Err(format!("message {number} got {other:?}").into()),
            Err(error) if restarted.is_none() => return Err(error.into()),
            Err(_) => {
                if let Some(task) = restarted.as_mut().filter(|_| answer.is_empty()) {
                    answer = task.await??;
                }
                (connection, sender) = open(url).await?;
                sender.confirm_select(ConfirmSelectOptions::default()).await?;
            }
        }
        if confirmed.len() == KEPT_MESSAGES / 2 && restarted.is_none() {
            restarted = Some(tokio::spawn(harness_answer()));
            println!("HARNESS kill");
        }
    }
    if answer.is_empty() {
        answer = restarted.ok_or("the kill was not asked for")?.await??;
    }
    equal(answer.trim(), "restarted", "answer of the harness")?;
    let _ = connection.close(200, "done".into()).await;
    let (_connection, reader) = open(url).await?;
    let waiting = count(&reader, "s.kept").await?;
    let got = bodies(&take(&reader, "s.kept", usize::try_from(waiting)?).await?);
    let got: BTreeSet<i32> = got.iter().filter_map(|body| body.parse().ok()).collect();
    let lost: Vec<i32> = confirmed.into_iter().filter(|number| !got.contains(number)).collect();
    equal(lost, Vec::new(), "confirmed messages lost")
}

async fn harness_answer() -> std::io::Result<String> {
    let mut line = String::new();
    BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;
    Ok(line)
}
