//! Keys of MQTT that this broker obeys.

use crate::{
    keys::{Key, sets},
    settings::Password,
    values,
};

/// What a file says of MQTT. Absent: the broker's own default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MqttSettings {
    /// Clients may come without a user name; they stand for the default user then.
    pub is_anonymous: bool,
    /// Name of that user.
    pub default_user: Option<String>,
    /// Its password.
    pub default_password: Option<Password>,
    /// Clients without a user name are the user whom their certificate names.
    pub is_certificate_login: Option<bool>,
    /// A login is refused as one that is not authorized, not as one with a bad user name or password.
    pub is_refused_as_unauthorized: bool,
    /// Clients may come without an identifier.
    pub takes_empty_ids: Option<bool>,
    /// Virtual host of clients whose user name names none.
    pub vhost: Option<String>,
    /// Longest time in s that a session is kept without a connection; `u32::MAX`: for ever.
    pub max_session_expiry_s: Option<u32>,
    /// Most QoS 1 and 2 messages under way to a client.
    pub prefetch: Option<u16>,
    /// Most QoS 1 and 2 messages under way from a client.
    pub receive_max: Option<u16>,
    /// Highest QoS, 0 to 2.
    pub qos_max: Option<u8>,
    /// Messages are retained.
    pub is_retain_available: Option<bool>,
    /// Highest topic alias.
    pub alias_max: Option<u16>,
    /// Longest keep alive in s.
    pub keep_alive_max_s: Option<u16>,
    /// Largest packet in bytes after the login.
    pub packet_max_bytes: Option<u32>,
    /// Largest packet in bytes before the login.
    pub handshake_packet_max_bytes: Option<u32>,
}

impl MqttSettings {
    /// Rules that hold between keys.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.is_anonymous && (self.default_user.is_none() || self.default_password.is_none()) {
            return Err(
                "mqtt.allow_anonymous needs mqtt.default_user and mqtt.default_pass: there is no default \
                        account (S1)"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

fn two_bytes(value: &str, least: u64) -> Result<Option<u16>, String> {
    Ok(u16::try_from(values::number(value, least, 65_535)?).ok())
}

pub(crate) static MQTT: &[Key] = &[
    sets(
        "mqtt.allow_anonymous",
        "`true` or `false`",
        "false",
        "MQTT clients may come without a user name and stand for `mqtt.default_user`, which `true` needs.",
        |s, _, value| {
            s.mqtt.is_anonymous = values::truth(value)?;
            Ok(())
        },
    ),
    sets(
        "mqtt.default_user",
        "name",
        "none",
        "User that MQTT clients without a user name stand for.",
        |s, _, value| {
            s.mqtt.default_user = Some(values::name(value)?);
            Ok(())
        },
    ),
    sets("mqtt.default_pass", "1 to 1024 bytes", "none", "Password of that user.", |s, _, value| {
        s.mqtt.default_password = Some(Password::new(values::password(value)?));
        Ok(())
    }),
    sets(
        "mqtt.ssl_cert_login",
        "`true` or `false`",
        "as `auth_mechanisms` has EXTERNAL",
        "MQTT clients without a user name are the user whom their verified certificate names.",
        |s, _, value| {
            s.mqtt.is_certificate_login = Some(values::truth(value)?);
            Ok(())
        },
    ),
    sets(
        "mqtt.login_refusal",
        "`bad_user_name_or_password` or `not_authorized`",
        "bad_user_name_or_password",
        "Reason that an MQTT client with a wrong user name or password is told (4 or 5 in MQTT 3); not a key of RabbitMQ.",
        |s, _, value| {
            s.mqtt.is_refused_as_unauthorized = match value {
                "not_authorized" => true,
                "bad_user_name_or_password" => false,
                _ => {
                    let value = ternmq_stdx::quoted(value);
                    return Err(format!("{value} is neither bad_user_name_or_password nor not_authorized"));
                }
            };
            Ok(())
        },
    ),
    sets(
        "mqtt.allow_empty_client_id",
        "`true` or `false`",
        "true",
        "MQTT clients may come without an identifier and are given one; not a key of RabbitMQ.",
        |s, _, value| {
            s.mqtt.takes_empty_ids = Some(values::truth(value)?);
            Ok(())
        },
    ),
    sets(
        "mqtt.vhost",
        "name",
        "/",
        "Virtual host of MQTT clients whose user name names none (`VHOST:USER`).",
        |s, _, value| {
            s.mqtt.vhost = Some(values::name(value)?);
            Ok(())
        },
    ),
    sets(
        "mqtt.max_session_expiry_interval_seconds",
        "seconds, 0 to 4294967294, or `infinity` for ever",
        "604800",
        "Longest time that an MQTT session is kept without a connection.",
        |s, _, value| {
            s.mqtt.max_session_expiry_s = match value {
                "infinity" => Some(u32::MAX),
                _ => u32::try_from(values::number(value, 0, 4_294_967_294)?).ok(),
            };
            Ok(())
        },
    ),
    sets(
        "mqtt.prefetch",
        "number, 1 to 65535",
        "1000",
        "Most QoS 1 and 2 messages under way to an MQTT client.",
        |s, _, value| {
            s.mqtt.prefetch = two_bytes(value, 1)?;
            Ok(())
        },
    ),
    sets(
        "mqtt.receive_maximum",
        "number, 1 to 65535",
        "100",
        "Most QoS 1 and 2 messages under way from an MQTT client; not a key of RabbitMQ.",
        |s, _, value| {
            s.mqtt.receive_max = two_bytes(value, 1)?;
            Ok(())
        },
    ),
    sets(
        "mqtt.maximum_qos",
        "0, 1 or 2",
        "2",
        "Highest QoS that MQTT clients publish with and get; not a key of RabbitMQ.",
        |s, _, value| {
            s.mqtt.qos_max = u8::try_from(values::number(value, 0, 2)?).ok();
            Ok(())
        },
    ),
    sets(
        "mqtt.retain_available",
        "`true` or `false`",
        "true",
        "Messages of MQTT clients are retained; with `false` one that asks for it ends its connection; not a key of RabbitMQ.",
        |s, _, value| {
            s.mqtt.is_retain_available = Some(values::truth(value)?);
            Ok(())
        },
    ),
    sets(
        "mqtt.topic_alias_maximum",
        "number, 0 to 65535",
        "16",
        "Highest topic alias of an MQTT 5 connection, each way.",
        |s, _, value| {
            s.mqtt.alias_max = two_bytes(value, 0)?;
            Ok(())
        },
    ),
    sets(
        "mqtt.max_keep_alive_seconds",
        "seconds, 0 for whatever clients want",
        "0",
        "Longest keep alive; MQTT 5 clients that want more, or none, are told this one; not a key of RabbitMQ.",
        |s, _, value| {
            s.mqtt.keep_alive_max_s = two_bytes(value, 0)?;
            Ok(())
        },
    ),
    sets(
        "mqtt.max_packet_size_authenticated",
        "bytes, 16 to 268435460",
        "16777216",
        "Largest MQTT packet after the login; 268435460 is the largest that MQTT has, and then clients are told no limit.",
        |s, _, value| {
            s.mqtt.packet_max_bytes = u32::try_from(values::number(value, 16, 268_435_460)?).ok();
            Ok(())
        },
    ),
    sets(
        "mqtt.max_packet_size_unauthenticated",
        "bytes, 1024 to 65536",
        "65536",
        "Largest MQTT packet before the login.",
        |s, _, value| {
            s.mqtt.handshake_packet_max_bytes = u32::try_from(values::number(value, 1_024, 65_536)?).ok();
            Ok(())
        },
    ),
];
