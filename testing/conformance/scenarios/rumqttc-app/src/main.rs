//! An application over rumqttc in MQTT 3.1.1 and 5 on each transport. Prints one line per case; `../cases.py` tells the talk
//! with the harness.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::TcpStream;
use std::time::Duration;

use rumqttc::{Outgoing, TlsConfiguration, Transport};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

type Fault = Box<dyn Error + Send + Sync>;

const KEPT_S: u32 = 1_000;
const KEPT_MESSAGES: usize = 300;
const WAIT: Duration = Duration::from_secs(10);
const MAX_PACKET_BYTES: u32 = 4 << 20;

/// A transport with where to find the broker on it.
#[derive(Clone)]
struct Way {
    name: &'static str,
    host: &'static str,
    port: u16,
    transport: Transport,
}

fn ways() -> Result<Vec<Way>, Fault> {
    let ca = std::fs::read(std::env::var("TLS_CA")?)?;
    let tls = || TlsConfiguration::Simple { ca: ca.clone(), alpn: None, client_auth: None };
    let way = |name, host, port, transport| Way { name, host, port, transport };
    Ok(vec![
        way("tcp", "localhost", 1883, Transport::Tcp),
        way("tls", "localhost", 8883, Transport::Tls(tls())),
        way("ws", "ws://localhost:61618/ws", 61618, Transport::Ws),
        way("wss", "wss://localhost:61619/ws", 61619, Transport::Wss(tls())),
    ])
}

fn equal<T: PartialEq + std::fmt::Debug>(got: T, wanted: T, what: &str) -> Result<(), Fault> {
    if got == wanted { Ok(()) } else { Err(format!("{what}: got {got:?}, wanted {wanted:?}").into()) }
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(bytes.as_ref()).into_owned()
}

/// The same application over the client's two interfaces, whose types are not the same.
macro_rules! application {
    ($name:ident, [$($api:tt)+], [$($packets:tt)+], $options:expr, $will:expr) => {
        mod $name {
            use super::*;
            use $($api)+::{AsyncClient, Event, Incoming, MqttOptions};
            use $($packets)+::QoS;

            /// Topic, first bytes, QoS and whether it was retained.
            type Facts = (String, String, u8, bool);

            /// A client whose packets are collected by a task. The client connects again by itself as long as that runs.
            struct Client {
                handle: AsyncClient,
                packets: mpsc::UnboundedReceiver<Incoming>,
                poller: JoinHandle<()>,
                is_resumed: bool,
            }

            impl Client {
                async fn enter(way: &Way, id: &str, is_kept: bool, will: Option<&str>) -> Result<Self, Fault> {
                    let mut options = MqttOptions::new(id, way.host, way.port);
                    options.set_transport(way.transport.clone()).set_credentials("guest", "guest");
                    ($options)(&mut options, is_kept);
                    if let Some(topic) = will {
                        options.set_last_will(($will)(topic));
                    }
                    let (handle, mut events) = AsyncClient::new(options, 1_000);
                    let (sender, packets) = mpsc::unbounded_channel();
                    let poller = tokio::spawn(async move {
                        loop {
                            match events.poll().await {
                                Ok(Event::Incoming(packet)) => {
                                    if sender.send(packet).is_err() {
                                        return;
                                    }
                                }
                                Ok(Event::Outgoing(Outgoing::Disconnect)) => return,
                                Ok(Event::Outgoing(_)) => {}
                                Err(_) => sleep(Duration::from_millis(50)).await,
                            }
                        }
                    });
                    let mut client = Self { handle, packets, poller, is_resumed: false };
                    client.is_resumed = client
                        .find("CONNACK", |packet| match packet {
                            Incoming::ConnAck(answer) => Some(answer.session_present),
                            _ => None,
                        })
                        .await?;
                    Ok(client)
                }

                /// Waits for a packet; others that come before it are passed over.
                async fn find<T>(
                    &mut self,
                    what: &str,
                    mut pick: impl FnMut(&Incoming) -> Option<T>,
                ) -> Result<T, Fault> {
                    let search = async {
                        while let Some(packet) = self.packets.recv().await {
                            if let Some(found) = pick(&packet) {
                                return Ok(found);
                            }
                        }
                        Err("the client is gone".into())
                    };
                    timeout(WAIT, search).await.map_err(|_| format!("no {what} in time"))?
                }

                async fn subscribe(&mut self, topic: &str, qos: QoS) -> Result<(), Fault> {
                    self.handle.subscribe(topic, qos).await?;
                    self.find("SUBACK", |packet| matches!(packet, Incoming::SubAck(_)).then_some(())).await
                }

                /// Returns once the broker has acknowledged it.
                async fn publish(&mut self, topic: &str, qos: QoS, retain: bool, body: &[u8]) -> Result<(), Fault> {
                    self.handle.publish(topic, qos, retain, body.to_vec()).await?;
                    match qos {
                        QoS::AtMostOnce => Ok(()),
                        _ => {
                            self.find("acknowledgement", |packet| {
                                matches!(packet, Incoming::PubAck(_) | Incoming::PubComp(_)).then_some(())
                            })
                            .await
                        }
                    }
                }

                async fn take(&mut self, count: usize) -> Result<Vec<Facts>, Fault> {
                    let mut taken = Vec::new();
                    while taken.len() < count {
                        let message = self
                            .find(&format!("message {} of {count}", taken.len() + 1), |packet| match packet {
                                Incoming::Publish(publish) => {
                                    let start = &publish.payload[..publish.payload.len().min(20)];
                                    let body = text(start);
                                    Some((text(&publish.topic), body, publish.qos as u8, publish.retain))
                                }
                                _ => None,
                            })
                            .await?;
                        taken.push(message);
                    }
                    Ok(taken)
                }

                async fn leave(self) -> Result<(), Fault> {
                    self.handle.disconnect().await?;
                    timeout(WAIT, self.poller).await.map_err(|_| "no end in time")??;
                    Ok(())
                }

                /// Goes without a word.
                async fn vanish(self) {
                    self.poller.abort();
                    let _ = self.poller.await;
                }
            }

            pub async fn every_qos(way: &Way) -> Result<(), Fault> {
                let mut reader = Client::enter(way, "q-reader", false, None).await?;
                let mut writer = Client::enter(way, "q-writer", false, None).await?;
                reader.subscribe("q/#", QoS::ExactlyOnce).await?;
                for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
                    writer.publish(&format!("q/{}", qos as u8), qos, false, b"body").await?;
                }
                writer.publish("q/large", QoS::ExactlyOnce, false, &vec![b'x'; 1_000_000]).await?;
                let mut wanted: Vec<Facts> =
                    (0..3).map(|qos| (format!("q/{qos}"), "body".to_owned(), qos, false)).collect();
                wanted.push(("q/large".to_owned(), "x".repeat(20), 2, false));
                equal(reader.take(4).await?, wanted, "messages")?;
                reader.leave().await?;
                writer.leave().await
            }

            pub async fn retained(way: &Way) -> Result<(), Fault> {
                let mut writer = Client::enter(way, "r-writer", false, None).await?;
                writer.publish("r/a", QoS::AtLeastOnce, true, b"kept").await?;
                let mut reader = Client::enter(way, "r-reader", false, None).await?;
                reader.handle.subscribe("r/#", QoS::AtLeastOnce).await?;
                equal(reader.take(1).await?, vec![("r/a".into(), "kept".into(), 1, true)], "retained")?;
                writer.publish("r/a", QoS::AtLeastOnce, true, b"").await?;
                equal(reader.take(1).await?, vec![("r/a".into(), String::new(), 1, false)], "live")?;
                reader.leave().await?;
                writer.leave().await
            }

            pub async fn last_will(way: &Way) -> Result<(), Fault> {
                let mut reader = Client::enter(way, "w-reader", false, None).await?;
                reader.subscribe("w/#", QoS::AtLeastOnce).await?;
                Client::enter(way, "w-lost", false, Some("w/lost")).await?.vanish().await;
                equal(reader.take(1).await?, vec![("w/lost".into(), "gone".into(), 1, false)], "the will")?;
                reader.leave().await
            }

            pub async fn kept_session(way: &Way) -> Result<(), Fault> {
                let id = format!("kept-{}-{}", stringify!($name), way.name);
                let mut first = Client::enter(way, &id, true, None).await?;
                equal(first.is_resumed, false, "session present at first")?;
                first.subscribe("k/#", QoS::ExactlyOnce).await?;
                first.vanish().await;
                let mut writer = Client::enter(way, "k-writer", false, None).await?;
                for number in 0..3 {
                    writer.publish(&format!("k/{number}"), QoS::ExactlyOnce, false, b"x").await?;
                }
                writer.leave().await?;
                let mut second = Client::enter(way, &id, true, None).await?;
                equal(second.is_resumed, true, "session present")?;
                let wanted = (0..3).map(|number| (format!("k/{number}"), "x".to_owned(), 2, false)).collect();
                equal(second.take(3).await?, wanted, "kept messages")?;
                second.handle.unsubscribe("k/#").await?;
                second.find("UNSUBACK", |packet| matches!(packet, Incoming::UnsubAck(_)).then_some(())).await?;
                second.leave().await
            }

            /// What was acknowledged before and after SIGKILL is there; the writer comes back by itself.
            pub async fn outlive_a_kill(way: &Way) -> Result<(), Fault> {
                let id = format!("outlives-{}", stringify!($name));
                let mut reader = Client::enter(way, &id, true, None).await?;
                reader.subscribe("o/#", QoS::AtLeastOnce).await?;
                reader.vanish().await;
                let mut writer = Client::enter(way, "o-writer", true, None).await?;
                for number in 0..KEPT_MESSAGES {
                    if number == KEPT_MESSAGES / 2 {
                        println!("HARNESS kill");
                    }
                    writer.publish(&format!("o/{number}"), QoS::AtLeastOnce, false, b"x").await?;
                }
                let mut line = String::new();
                timeout(WAIT, BufReader::new(tokio::io::stdin()).read_line(&mut line)).await??;
                equal(line.trim(), "restarted", "the harness's answer")?;
                let mut reader = Client::enter(way, &id, true, None).await?;
                equal(reader.is_resumed, true, "session present")?;
                let mut seen = BTreeSet::new();
                while seen.len() < KEPT_MESSAGES {
                    seen.extend(reader.take(1).await?.into_iter().map(|(topic, ..)| topic));
                }
                writer.leave().await?;
                reader.leave().await
            }
        }
    };
}

application!(
    v3,
    [rumqttc],
    [rumqttc],
    |options: &mut MqttOptions, is_kept: bool| {
        let most = MAX_PACKET_BYTES as usize;
        options.set_clean_session(!is_kept).set_max_packet_size(most, most);
    },
    |topic: &str| rumqttc::LastWill::new(topic, "gone", QoS::AtLeastOnce, false)
);

application!(
    v5,
    [rumqttc::v5],
    [rumqttc::v5::mqttbytes],
    |options: &mut MqttOptions, is_kept: bool| {
        options.set_clean_start(!is_kept).set_max_packet_size(Some(MAX_PACKET_BYTES));
        if is_kept {
            options.set_session_expiry_interval(Some(KEPT_S));
        }
    },
    |topic: &str| rumqttc::v5::mqttbytes::v5::LastWill::new(topic, "gone", QoS::AtLeastOnce, false, None)
);

fn tell(name: &str, outcome: Result<(), Fault>) {
    match outcome {
        Ok(()) => println!("ok {name}"),
        Err(error) => println!("FAILED {name}: {}", error.to_string().replace('\n', " ")),
    }
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    if TcpStream::connect("127.0.0.1:1883").is_err() {
        println!("skipped all: no MQTT here");
        return Ok(());
    }
    rustls::crypto::ring::default_provider().install_default().map_err(|_| "a second provider of TLS")?;
    let ways = ways()?;
    macro_rules! attempt {
        ($way:expr, $($case:ident),+) => {$(
            tell(&format!("{} {} 3.1.1", stringify!($case), $way.name), v3::$case($way).await);
            tell(&format!("{} {} 5", stringify!($case), $way.name), v5::$case($way).await);
        )+};
    }
    for way in &ways {
        attempt!(way, every_qos, retained, last_will, kept_session);
    }
    tell("outlive_a_kill 3.1.1", v3::outlive_a_kill(&ways[0]).await);
    tell("outlive_a_kill 5", v5::outlive_a_kill(&ways[3]).await);
    Ok(())
}
