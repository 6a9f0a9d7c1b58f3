//! Packets as lines: what conversations of this protocol bring along.

use std::{collections::BTreeMap, sync::Arc};

use ternmq_access::Secret;
use ternmq_broker::{Limits, Session};
use ternmq_message::Formats;
use ternmq_mqtt::{
    MqttSession, Redirect, Settings,
    codec::{PACKET_MAX_BYTES, Qos, Reason, Version},
    format::{ENCODING, MqttFormat},
};
use ternmq_routing::Wildcards;
use ternmq_transcripts::{Language, Setup, Vendor};

use super::wire;

/// Packets as lines.
#[derive(Default)]
pub struct Packets {
    /// What each client speaks; MQTT 5 until it says otherwise.
    versions: BTreeMap<String, Version>,
}

impl Packets {
    fn version(&self, client: &str) -> Version {
        self.versions.get(client).copied().unwrap_or(Version::V5)
    }
}

fn session(client: &str, now_ms: u64) -> Box<dyn Session> {
    if client == "lesser" {
        // It offers less than the protocol has, and limits nothing.
        let settings = Settings {
            receive_max: u16::MAX,
            alias_max: 0,
            packet_max_bytes: PACKET_MAX_BYTES,
            qos_max: Qos::AtLeastOnce,
            is_retain_available: false,
            takes_empty_ids: false,
            login_refusal: Reason::NOT_AUTHORIZED,
            ..Settings::default()
        };
        return Box::new(MqttSession::new(Arc::new(settings), None, None, now_ms));
    }
    let settings = Settings {
        receive_max: 3,
        outbound_max: 3,
        alias_max: 2,
        packet_max_bytes: 2_000,
        output_max_bytes: 1_000,
        retained_step: 3,
        anonymous: (client == "anonymous").then(|| ("root".into(), Secret::from("secret"))),
        is_certificate_login: client.starts_with("certificate-"),
        keep_alive_max_s: if client == "limited" { 30 } else { 0 },
        redirect: (client == "elsewhere")
            .then(|| Redirect { reason: Reason::USE_ANOTHER_SERVER, reference: "other.example:1883".into() }),
        ..Settings::default()
    };
    let certificate_user = client.strip_prefix("certificate-").map(Arc::from);
    Box::new(MqttSession::new(Arc::new(settings), None, None, now_ms).with_certificate_user(certificate_user))
}

impl Language for Packets {
    const CONNECT: &'static str = "log-in";

    fn setup() -> Setup {
        let mut formats = Formats::default();
        formats.register(ENCODING, Arc::new(MqttFormat::of(Wildcards::DOT_STAR_HASH)));
        let limits = Limits {
            max_message_bytes: 1_000,
            max_subscriptions_per_client: 5,
            max_retained: 20,
            ..Limits::default()
        };
        Setup {
            vendor: Vendor::RabbitMq,
            session,
            formats,
            herald: None,
            limits,
            guest_pattern: "^(mine.*|amq.topic)$",
        }
    }

    fn login(&self, line: &str) -> Option<(Vec<String>, String)> {
        (line == "log-in").then(|| (vec!["connect".to_owned()], "connack 0x00 success".to_owned()))
    }

    fn encode(&mut self, client: &str, line: &str) -> Vec<u8> {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() == Some(&"connect") || words.iter().any(|word| word.starts_with("v=")) {
            self.versions.insert(client.to_owned(), wire::version(&words));
        }
        wire::encode(client, &words, self.version(client))
    }

    fn decode(&mut self, client: &str, bytes: &[u8]) -> Vec<String> {
        wire::decode(bytes, self.version(client))
    }

    fn named(&self, _: &str, line: &str) -> String {
        line.to_owned()
    }

    fn masked(&mut self, _: &str, line: &str) -> String {
        line.to_owned()
    }
}
