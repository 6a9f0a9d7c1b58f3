//! Which vendor's ways a node follows, and which listener speaks what.

use std::sync::Arc;

use ternmq_activemq::ActiveMq;
use ternmq_amqp10::Amqp10Session;
use ternmq_amqp10::format::Amqp10Format;
use ternmq_amqp091::format::Amqp091Format;
use ternmq_amqp091::{Amqp091Session, ENCODING};
use ternmq_broker::{Dialect, Herald};
use ternmq_message::Formats;
use ternmq_mqtt::{MqttSession, format::MqttFormat};
use ternmq_net::{FirstBytes, SessionFactory, one_port_or};
use ternmq_openwire::{OpenWireHerald, OpenWireSession, format::OpenWireFormat};
use ternmq_rabbitmq::RabbitMq;
use ternmq_stomp::StompSession;
use ternmq_stomp::format::StompFormat;

use crate::error::StartError;
use crate::options::EngineType;
use crate::settings::Settings;

/// What a listener speaks.
pub(crate) struct Protocol {
    /// Name of the listener.
    pub(crate) name: &'static str,
    /// Port on 127.0.0.1 unless one is named.
    pub(crate) default_port: u16,
    /// Makes a session per connection.
    pub(crate) factory: SessionFactory,
}

/// A vendor's dialect with the protocols that go with it.
pub(crate) struct Engine {
    /// The dialect.
    pub(crate) dialect: Arc<dyn Dialect>,
    /// Who tells what happens in the broker.
    pub(crate) herald: Option<Arc<dyn Herald>>,
    /// Encodings of stored messages.
    pub(crate) formats: Formats,
    /// What the listeners speak.
    pub(crate) protocols: Vec<Protocol>,
    /// Name of the node, for people.
    pub(crate) node_name: Arc<str>,
    /// Name that clients and the management API are told.
    pub(crate) cluster_name: Arc<str>,
}

/// The engine whose data bears no mark.
pub(crate) const UNMARKED_ENGINE: &str = "rabbitmq";

impl Engine {
    /// The engine that the options ask for. All protocols together follow RabbitMQ's ways.
    ///
    /// # Errors
    /// The configuration file says something that this engine does not have.
    pub(crate) fn of(engine: EngineType, settings: &Settings) -> Result<Self, StartError> {
        match engine {
            EngineType::All => {
                let mut all = Self::rabbitmq(settings);
                all.protocols.push(openwire(settings.openwire.clone()));
                Ok(all)
            }
            EngineType::RabbitMq => Ok(Self::rabbitmq(settings)),
            EngineType::ActiveMq => {
                check_activemq(settings)?;
                Ok(Self::activemq(settings))
            }
        }
    }

    /// OpenWire, AMQP 1.0, STOMP and MQTT: AMQP 0-9-1 is not among ActiveMQ's protocols.
    fn activemq(settings: &Settings) -> Self {
        let (dialect, problems) = match &settings.activemq {
            Some(file) => ActiveMq::configured(file),
            None => (ActiveMq, Vec::new()),
        };
        for problem in problems {
            tracing::warn!("the configuration file: {problem}");
        }
        let dialect = Arc::new(dialect);
        let mut formats = Formats::default();
        formats.register(ternmq_mqtt::format::ENCODING, Arc::new(MqttFormat::of(dialect.wildcards())));
        formats.register(ternmq_stomp::ENCODING, Arc::new(StompFormat::of(dialect.clone())));
        formats.register(ternmq_amqp10::ENCODING, Arc::new(Amqp10Format::of(dialect.clone())));
        formats.register(ternmq_openwire::ENCODING, Arc::new(OpenWireFormat::of(dialect.clone())));
        let node_name = node_name();
        let cluster_name: Arc<str> =
            settings.cluster_name.as_deref().map_or_else(|| node_name.clone(), Arc::from);
        let protocols = vec![
            Protocol { name: "amqp", default_port: 5_672, factory: amqp10(settings, &cluster_name) },
            openwire(settings.openwire.clone()),
            mqtt(ternmq_mqtt::Settings {
                namespace: dialect.default_namespace().into(),
                ..settings.mqtt.clone()
            }),
            // A NACK is the consumer's refusal: the message goes to the dead-letter queue.
            stomp(ternmq_stomp::Settings { is_nack_requeued: false, ..settings.stomp.clone() }),
        ];
        let herald: Option<Arc<dyn Herald>> = Some(Arc::new(OpenWireHerald));
        Self { dialect, herald, formats, protocols, node_name, cluster_name }
    }

    fn rabbitmq(settings: &Settings) -> Self {
        let mut formats = Formats::default();
        formats.register(ENCODING, Arc::new(Amqp091Format));
        formats.register(ternmq_mqtt::format::ENCODING, Arc::new(MqttFormat::of(RabbitMq.wildcards())));
        formats.register(ternmq_stomp::ENCODING, Arc::new(StompFormat::of(Arc::new(RabbitMq))));
        formats.register(ternmq_amqp10::ENCODING, Arc::new(Amqp10Format::of(Arc::new(RabbitMq))));
        formats.register(ternmq_openwire::ENCODING, Arc::new(OpenWireFormat::of(Arc::new(RabbitMq))));
        let node_name = node_name();
        let cluster_name: Arc<str> =
            settings.cluster_name.as_deref().map_or_else(|| node_name.clone(), Arc::from);
        let amqp = amqp(ternmq_amqp091::Settings {
            cluster_name: cluster_name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            ..settings.amqp.clone()
        });
        let amqp = Protocol { factory: both(amqp10(settings, &cluster_name), amqp.factory), ..amqp };
        let stomp = stomp(ternmq_stomp::Settings {
            is_nack_requeued: settings.is_nack_requeued.unwrap_or(settings.stomp.is_nack_requeued),
            ..settings.stomp.clone()
        });
        let protocols = vec![amqp, mqtt(settings.mqtt.clone()), stomp];
        Self { dialect: Arc::new(RabbitMq), herald: None, formats, protocols, node_name, cluster_name }
    }
}

/// What RabbitMQ's configuration file can say and ActiveMQ's ways have no place for is refused, so that nobody counts on it.
fn check_activemq(settings: &Settings) -> Result<(), StartError> {
    let space = ActiveMq.default_namespace();
    let vhost = &*settings.mqtt.namespace;
    let problem = if settings.is_nack_requeued == Some(true) {
        "stomp.default_nack_requeue: a NACK sends its message to the dead-letter queue; take it out"
            .to_owned()
    } else if vhost != space && *vhost != *ternmq_mqtt::Settings::default().namespace {
        format!("mqtt.vhost = {vhost}: the one virtual host is {space}; take it out")
    } else if settings.namespace.name.as_deref().is_some_and(|name| name != space) {
        format!("default_vhost: the one virtual host is {space}; take it out")
    } else {
        return Ok(());
    };
    Err(StartError::Usage(format!("with --engine activemq the configuration file can't have {problem}")))
}

fn amqp(settings: ternmq_amqp091::Settings) -> Protocol {
    let settings = Arc::new(settings);
    Protocol {
        name: "amqp",
        default_port: 5_672,
        factory: Arc::new(move |arrival| {
            let session = Amqp091Session::new(settings.clone(), arrival.peer, arrival.local, arrival.now_ms);
            Box::new(session.with_certificate_user(arrival.certificate_user().cloned()))
        }),
    }
}

/// Both versions on one port: the protocol header tells.
fn both(amqp10: SessionFactory, amqp091: SessionFactory) -> SessionFactory {
    let starts: &[&[u8]] = &[b"AMQP\x00\x01", b"AMQP\x03"];
    one_port_or(vec![FirstBytes { starts, factory: amqp10 }], amqp091)
}

/// AMQP 1.0, which has the settings of AMQP 0-9-1 where both have them.
fn amqp10(settings: &Settings, cluster_name: &Arc<str>) -> SessionFactory {
    let known = &settings.amqp;
    let settings = Arc::new(ternmq_amqp10::Settings {
        cluster_name: cluster_name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        frame_max: known.frame_max,
        handshake_frame_max: known.handshake_frame_max,
        idle_timeout_s: known.heartbeat_s,
        login_timeout_ms: known.login_timeout_ms,
        is_plain_login: known.mechanisms.plain,
        is_certificate_login: known.mechanisms.external,
        is_scram_login: settings.is_scram_login,
        anonymous: settings.anonymous.clone(),
        ..ternmq_amqp10::Settings::default()
    });
    Arc::new(move |arrival| {
        let session = Amqp10Session::new(settings.clone(), arrival.peer, arrival.local, arrival.now_ms);
        Box::new(session.with_certificate_user(arrival.certificate_user().cloned()))
    })
}

fn mqtt(settings: ternmq_mqtt::Settings) -> Protocol {
    let settings = Arc::new(settings);
    Protocol {
        name: "mqtt",
        default_port: 1_883,
        factory: Arc::new(move |arrival| {
            let session = MqttSession::new(settings.clone(), arrival.peer, arrival.local, arrival.now_ms);
            Box::new(session.with_certificate_user(arrival.certificate_user().cloned()))
        }),
    }
}

fn stomp(settings: ternmq_stomp::Settings) -> Protocol {
    let settings = Arc::new(settings);
    Protocol {
        name: "stomp",
        default_port: 61_613,
        factory: Arc::new(move |arrival| {
            let session = StompSession::new(settings.clone(), arrival.peer, arrival.local, arrival.now_ms);
            Box::new(session.with_certificate_user(arrival.certificate_user().cloned()))
        }),
    }
}

fn openwire(settings: ternmq_openwire::Settings) -> Protocol {
    let settings = Arc::new(settings);
    Protocol {
        name: "openwire",
        default_port: 61_616,
        factory: Arc::new(move |arrival| {
            let session = OpenWireSession::new(settings.clone(), arrival.peer, arrival.local, arrival.now_ms);
            Box::new(session.with_certificate_user(arrival.certificate_user().cloned()))
        }),
    }
}

fn node_name() -> Arc<str> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("ternmq@{host}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_has_a_number_of_its_own() {
        let all = [
            ENCODING,
            ternmq_mqtt::format::ENCODING,
            ternmq_stomp::ENCODING,
            ternmq_amqp10::ENCODING,
            ternmq_openwire::ENCODING,
        ];
        let numbers: std::collections::BTreeSet<u8> = all.iter().map(|encoding| encoding.0).collect();
        assert_eq!(numbers.len(), all.len());
    }

    #[test]
    fn the_cluster_has_the_name_of_the_file_or_of_the_node() {
        let of = |name: Option<&str>| {
            let settings = Settings { cluster_name: name.map(str::to_owned), ..Settings::default() };
            let engine = Engine::of(EngineType::All, &settings).ok().unwrap();
            (engine.node_name, engine.cluster_name)
        };
        let (node, cluster) = of(None);
        assert_eq!(node, cluster);
        let (node, cluster) = of(Some("shop"));
        assert_eq!(&*cluster, "shop");
        assert!(node.starts_with("ternmq@"));
    }

    #[test]
    fn what_activemqs_ways_have_no_place_for_is_refused() {
        let refused = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            let settings = Settings::load(Some(file.path()), EngineType::ActiveMq, None).unwrap();
            assert!(Engine::of(EngineType::RabbitMq, &settings).is_ok(), "{text}");
            Engine::of(EngineType::ActiveMq, &settings).err().map(|error| error.to_string())
        };
        for (text, expect) in [
            ("stomp.default_nack_requeue = true\n", "stomp.default_nack_requeue"),
            ("mqtt.vhost = other\n", "mqtt.vhost = other: the one virtual host is localhost"),
            ("default_vhost = other\n", "default_vhost: the one virtual host is localhost"),
        ] {
            assert!(refused(text).is_some_and(|said| said.contains(expect)), "{text}");
        }
        for text in [
            "listeners.tcp.default = 5672\n",
            "stomp.default_nack_requeue = false\n",
            "mqtt.vhost = localhost\n",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
    }
}
