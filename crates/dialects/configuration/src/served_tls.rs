//! Keys of TLS that this broker obeys.

use ternmq_stdx::quoted;

use crate::{
    keys::{Key, Verdict, depends, ignored, refused, sets},
    settings::{CertificateLogin, SanKind, TlsSettings, TlsVersion},
    values,
};

const TRUTH: &str = "`true` or `false`";
const OWN_SUITES: &str =
    "only suites with forward secrecy and authenticated encryption are offered, in a good order";

/// The same keys for the listeners of messages and for that of http.
macro_rules! tls_keys {
    ($prefix:literal, $of:ident) => {
        [
            sets(
                concat!($prefix, ".cacertfile"),
                "path of a PEM file",
                "none",
                "CAs whose clients are trusted; needed to verify clients.",
                |s, _, value| {
                    s.$of.ca_file = Some(values::text(value)?);
                    Ok(())
                },
            ),
            sets(
                concat!($prefix, ".certfile"),
                "path of a PEM file",
                "none",
                "Certificate shown to clients, with its chain; read again when it changes.",
                |s, _, value| {
                    s.$of.certificate_file = Some(values::text(value)?);
                    Ok(())
                },
            ),
            sets(
                concat!($prefix, ".keyfile"),
                "path of a PEM file",
                "none",
                "Private key of that certificate, without a password.",
                |s, _, value| {
                    s.$of.key_file = Some(values::text(value)?);
                    Ok(())
                },
            ),
            sets(
                concat!($prefix, ".verify"),
                "`verify_peer` or `verify_none`",
                "verify_none",
                "Whether clients are asked for a certificate; one that is shown must be good.",
                |s, _, value| {
                    s.$of.is_peer_verified = Some(match value {
                        "verify_peer" => true,
                        "verify_none" => false,
                        _ => {
                            let shown = quoted(value);
                            return Err(format!("{shown} is neither verify_peer nor verify_none"));
                        }
                    });
                    Ok(())
                },
            ),
            sets(
                concat!($prefix, ".fail_if_no_peer_cert"),
                TRUTH,
                "false",
                "Whether nobody comes in without a certificate; needs `verify_peer`.",
                |s, _, value| {
                    s.$of.is_certificate_required = Some(values::truth(value)?);
                    Ok(())
                },
            ),
            sets(
                concat!($prefix, ".versions.*"),
                "`tlsv1.2` or `tlsv1.3`",
                "both",
                "A version that is spoken; older ones are refused (S3).",
                |s, _, value| add_version(&mut s.$of, value),
            ),
            sets(
                concat!($prefix, ".depth"),
                "number, 0 to 255",
                "6",
                "Most certificates between that of a client and a trusted CA.",
                |s, _, value| {
                    s.$of.max_intermediates = u8::try_from(values::number(value, 0, 255)?).ok();
                    Ok(())
                },
            ),
            depends(
                concat!($prefix, ".password"),
                "any",
                "none",
                "Refused: private keys with a password are not read.",
                |_| {
                    Ok(Verdict::Refused(
                        "private keys with a password are not read; save the key without one and protect the file",
                    ))
                },
            ),
            depends(
                concat!($prefix, ".client_renegotiation"),
                TRUTH,
                "false",
                "There is no renegotiation; `true` has no effect.",
                never,
            ),
            depends(
                concat!($prefix, ".secure_renegotiate"),
                TRUTH,
                "true",
                "There is no renegotiation, hence no insecure one.",
                |value| values::truth(value).map(|_| Verdict::AsItIs),
            ),
            ignored(concat!($prefix, ".honor_cipher_order"), OWN_SUITES),
            ignored(concat!($prefix, ".honor_ecc_order"), OWN_SUITES),
            ignored(concat!($prefix, ".reuse_sessions"), "sessions are always resumed without keeping state"),
            ignored(concat!($prefix, ".ciphers.*"), OWN_SUITES),
            ignored(concat!($prefix, ".log_level"), "what goes wrong in a handshake is logged at info"),
            ignored(concat!($prefix, ".hibernate_after"), "an idle connection holds no buffers"),
            refused(
                concat!($prefix, ".**"),
                "this setting of TLS is not there, and to pass over it could leave the listener less safe than it looks",
            ),
        ]
    };
}

fn never(value: &str) -> Result<Verdict, String> {
    Ok(if values::truth(value)? { Verdict::Ignored("there is no renegotiation") } else { Verdict::AsItIs })
}

fn add_version(tls: &mut TlsSettings, value: &str) -> Result<(), String> {
    let version = match value {
        "tlsv1.2" => TlsVersion::V1_2,
        "tlsv1.3" => TlsVersion::V1_3,
        "tlsv1.1" | "tlsv1" | "sslv3" => {
            return Err(format!("{value} is never spoken (S3); take the line out"));
        }
        _ => return Err(format!("{} is neither tlsv1.2 nor tlsv1.3", quoted(value))),
    };
    tls.least = Some(tls.least.map_or(version, |known| known.min(version)));
    tls.most = Some(tls.most.map_or(version, |known| known.max(version)));
    Ok(())
}

pub(crate) static OF_MESSAGES: &[Key] = &tls_keys!("ssl_options", tls);
pub(crate) static OF_HTTP: &[Key] = &tls_keys!("management.ssl", http_tls);

pub(crate) static OTHERS: &[Key] = &[
    sets(
        "ssl_handshake_timeout",
        "milliseconds, 1 to 600000",
        "10000",
        "Time that a client has for the TLS handshake; `handshake_timeout` counts from the same moment.",
        |s, _, value| {
            s.tls_handshake_timeout_ms = Some(values::number(value, 1, 600_000)?);
            Ok(())
        },
    ),
    sets(
        "ssl_cert_login_from",
        "`distinguished_name`, `common_name` or `subject_alternative_name`",
        "distinguished_name",
        "Which part of a client's verified certificate names its user (SASL EXTERNAL).",
        |s, _, value| {
            s.certificate_login = Some(match value {
                "distinguished_name" => CertificateLogin::DistinguishedName,
                "common_name" => CertificateLogin::CommonName,
                "subject_alternative_name" | "subject_alt_name" => CertificateLogin::AlternativeName,
                _ => {
                    let shown = quoted(value);
                    return Err(format!(
                        "{shown} is not one of distinguished_name, common_name, subject_alternative_name"
                    ));
                }
            });
            Ok(())
        },
    ),
    sets(
        "ssl_cert_login_san_type",
        "`dns`, `email` or `uri`",
        "dns",
        "Kind of that alternative name.",
        |s, _, value| {
            s.san_kind = Some(match value {
                "dns" => SanKind::Dns,
                "email" => SanKind::Email,
                "uri" => SanKind::Uri,
                _ => return Err(format!("{} is not one of dns, email, uri", quoted(value))),
            });
            Ok(())
        },
    ),
    sets(
        "ssl_cert_login_san_index",
        "number from 0",
        "0",
        "Its place among those of its kind.",
        |s, _, value| {
            s.san_index = u32::try_from(values::number(value, 0, 1_000)?).ok();
            Ok(())
        },
    ),
    sets(
        "auth_mechanisms.*",
        "`PLAIN`, `AMQPLAIN`, `EXTERNAL` or `SCRAM-SHA-256`",
        "PLAIN, AMQPLAIN",
        "A way for clients to log in; naming one takes the place of the default. EXTERNAL is by certificate, SCRAM-SHA-256 is for \
         AMQP 1.0 and not known to RabbitMQ.",
        |s, _, value| {
            if !["PLAIN", "AMQPLAIN", "EXTERNAL", "SCRAM-SHA-256"].contains(&value) {
                return Err(format!(
                    "{} is not one of PLAIN, AMQPLAIN, EXTERNAL, SCRAM-SHA-256",
                    quoted(value)
                ));
            }
            s.mechanisms.retain(|known| known != value);
            s.mechanisms.push(value.to_owned());
            Ok(())
        },
    ),
    sets("management.ssl.port", "port", "15671", "Port of the http listener with TLS.", |s, _, value| {
        s.https_port = Some(values::port(value)?);
        Ok(())
    }),
    sets(
        "management.ssl.ip",
        "IP address",
        "127.0.0.1",
        "Address of the http listener with TLS.",
        |s, _, value| {
            s.https_address = Some(values::ip(value)?);
            Ok(())
        },
    ),
    sets(
        "proxy_protocol",
        TRUTH,
        "false",
        "Connections of messages begin with the header of a proxy; needs `--proxy-from` with the proxies' addresses.",
        |s, _, value| {
            s.is_proxied = values::truth(value)?;
            Ok(())
        },
    ),
];
