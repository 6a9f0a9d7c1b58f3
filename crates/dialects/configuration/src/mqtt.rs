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
    /// Virtual host of clients whose user name names none.
    pub vhost: Option<String>,
    /// Longest time in s that a session is kept without a connection.
    pub max_session_expiry_s: Option<u32>,
    /// Most QoS 1 and 2 messages under way to a client.
    pub prefetch: Option<u16>,
    /// Most QoS 1 and 2 messages under way from a client.
    pub receive_max: Option<u16>,
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
        "seconds, 0 to 604800, or `infinity` for the most",
        "604800",
        "Longest time that an MQTT session is kept without a connection.",
        |s, _, value| {
            s.mqtt.max_session_expiry_s = match value {
                "infinity" => None,
                _ => u32::try_from(values::number(value, 0, 604_800)?).ok(),
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
        "bytes, 1024 to 268435456",
        "16777216",
        "Largest MQTT packet after the login.",
        |s, _, value| {
            s.mqtt.packet_max_bytes = u32::try_from(values::number(value, 1_024, 268_435_456)?).ok();
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
