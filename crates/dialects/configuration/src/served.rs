//! Keys that this broker obeys.

use crate::{
    keys::{Key, Verdict, depends, sets},
    settings::{FreeDiskLimit, MemoryLimit, Password},
    values,
};

/// Most tags of a user.
pub(crate) const MAX_TAGS: usize = 64;

const LEVEL: &str =
    "`debug`, `info`, `notice`, `warning`, `error`, `critical`, `alert`, `emergency` or `none`";
const FORM: &str = "`plaintext` or `json`";
const SIZE: &str = "bytes, or a size such as `512MiB` or `2GB`";
const TRUTH: &str = "`true` or `false`";
const PATTERN: &str = "regular expression";

pub(crate) static SERVED: &[Key] = &[
    // where clients come in
    sets(
        "management.tcp.port",
        "port",
        "15672",
        "Port of the http listener (management API, metrics, health).",
        |s, _, value| {
            s.http_port = Some(values::port(value)?);
            Ok(())
        },
    ),
    sets(
        "management.tcp.ip",
        "IP address",
        "127.0.0.1",
        "Address of the http listener; passwords go over it in clear, so other machines reach it only when this says so.",
        |s, _, value| {
            s.http_address = Some(values::ip(value)?);
            Ok(())
        },
    ),
    sets(
        "management.listener.port",
        "port",
        "15672",
        "As `management.tcp.port`, which comes before it.",
        |s, _, value| {
            s.legacy_http_port = Some(values::port(value)?);
            Ok(())
        },
    ),
    sets(
        "management.listener.ip",
        "IP address",
        "127.0.0.1",
        "As `management.tcp.ip`, which comes before it.",
        |s, _, value| {
            s.legacy_http_address = Some(values::ip(value)?);
            Ok(())
        },
    ),
    sets(
        "tcp_listen_options.backlog",
        "number, 1 to 65535",
        "4096",
        "AMQP connections that may wait in the system to be accepted.",
        |s, _, value| {
            s.tcp.backlog = u32::try_from(values::number(value, 1, 65_535)?).ok();
            Ok(())
        },
    ),
    sets(
        "tcp_listen_options.nodelay",
        TRUTH,
        "true",
        "Small packets of AMQP connections go out at once.",
        |s, _, value| {
            s.tcp.is_nodelay = Some(values::truth(value)?);
            Ok(())
        },
    ),
    sets(
        "tcp_listen_options.keepalive",
        TRUTH,
        "false",
        "The system probes idle AMQP connections.",
        |s, _, value| {
            s.tcp.is_keepalive = Some(values::truth(value)?);
            Ok(())
        },
    ),
    sets(
        "tcp_listen_options.sndbuf",
        "bytes, 4096 to 67108864",
        "the system's",
        "Send buffer of an AMQP connection in the system.",
        |s, _, value| {
            s.tcp.send_buffer_bytes = u32::try_from(values::number(value, 4_096, 64 << 20)?).ok();
            Ok(())
        },
    ),
    sets(
        "tcp_listen_options.recbuf",
        "bytes, 4096 to 67108864",
        "the system's",
        "Receive buffer of an AMQP connection in the system.",
        |s, _, value| {
            s.tcp.receive_buffer_bytes = u32::try_from(values::number(value, 4_096, 64 << 20)?).ok();
            Ok(())
        },
    ),
    sets(
        "tcp_listen_options.send_timeout",
        "milliseconds, 1000 to 3600000",
        "30000",
        "A client that takes nothing of what waits for it for so long is cut off.",
        |s, _, value| {
            s.stall_ms = Some(values::number(value, 1_000, 3_600_000)?);
            Ok(())
        },
    ),
    sets(
        "cluster_name",
        "name",
        "the node's name",
        "Name that clients and the management API are told.",
        |s, _, value| {
            s.cluster_name = Some(values::name(value)?);
            Ok(())
        },
    ),
    // the first user
    sets(
        "default_vhost",
        "name",
        "/",
        "Virtual host that a broker without users gets, and gives `default_user` its permissions in.",
        |s, _, value| {
            s.default_vhost = Some(values::name(value)?);
            Ok(())
        },
    ),
    sets(
        "default_user",
        "name",
        "none",
        "User that a broker without users gets; needs `default_pass`.",
        |s, _, value| {
            s.default_user.name = Some(values::name(value)?);
            Ok(())
        },
    ),
    sets(
        "default_pass",
        "1 to 1024 bytes",
        "none",
        "Password of that user; needs `default_user`.",
        |s, _, value| {
            s.default_user.password = Some(Password::new(values::password(value)?));
            Ok(())
        },
    ),
    sets(
        "default_user_tags.*",
        TRUTH,
        "administrator",
        "A tag of that user, such as `default_user_tags.administrator`; naming one takes the place of the default.",
        |s, tag, value| {
            let is_on = values::truth(value)?;
            let tags = s.default_user.tags.get_or_insert_default();
            tags.retain(|known| known != tag);
            if is_on && tags.len() >= MAX_TAGS {
                return Err(format!("there are more than {MAX_TAGS} tags; take some out"));
            }
            if is_on {
                tags.push(tag.to_owned());
            }
            Ok(())
        },
    ),
    sets(
        "default_permissions.configure",
        PATTERN,
        ".*",
        "Names that this user may configure.",
        |s, _, value| {
            s.default_user.permissions.configure = values::pattern(value)?;
            Ok(())
        },
    ),
    sets("default_permissions.write", PATTERN, ".*", "Names that this user may write to.", |s, _, value| {
        s.default_user.permissions.write = values::pattern(value)?;
        Ok(())
    }),
    sets("default_permissions.read", PATTERN, ".*", "Names that this user may read from.", |s, _, value| {
        s.default_user.permissions.read = values::pattern(value)?;
        Ok(())
    }),
    // definitions
    sets(
        "load_definitions",
        "path of a file, or of a directory of files",
        "none",
        "Definitions in JSON, imported at every start before clients are let in.",
        |s, _, value| {
            s.load_definitions = Some(values::text(value)?);
            Ok(())
        },
    ),
    sets("management.load_definitions", "path", "none", "As `load_definitions`.", |s, _, value| {
        s.load_definitions = Some(values::text(value)?);
        Ok(())
    }),
    sets(
        "definitions.local.path",
        "path",
        "none",
        "As `load_definitions`, and imported after it.",
        |s, _, value| {
            s.local_definitions = Some(values::text(value)?);
            Ok(())
        },
    ),
    depends(
        "definitions.import_backend",
        "`local_filesystem`",
        "local_filesystem",
        "Where definitions come from; anything but files is refused.",
        |value| {
            Ok(match value {
                "local_filesystem"
                | "local"
                | "rabbit_definitions_import_local_filesystem"
                | "rabbitmq_definitions_import_local_filesystem" => Verdict::AsItIs,
                _ => Verdict::Refused(
                    "definitions are read from files only; fetch them first and name the file in load_definitions",
                ),
            })
        },
    ),
    // logins
    depends(
        "auth_backends.**",
        "`internal`",
        "internal",
        "Who knows the users; anything but the broker itself is refused.",
        |value| {
            Ok(match value {
                "internal" | "rabbit_auth_backend_internal" => Verdict::AsItIs,
                _ => Verdict::Refused("users are kept by the broker itself in this version"),
            })
        },
    ),
    depends(
        "loopback_users",
        "`none`",
        "none",
        "Users who may come from this machine only: there is no such bond, and no default account.",
        |value| match value {
            "none" => Ok(Verdict::AsItIs),
            _ => Err("the only value is none".to_owned()),
        },
    ),
    depends(
        "loopback_users.*",
        TRUTH,
        "false",
        "`true` is refused: no user is bound to this machine, and there is no default account.",
        |value| {
            Ok(if values::truth(value)? {
                Verdict::Refused(
                    "users are not bound to this machine; there is no default account to guard, so bind listeners to \
                     127.0.0.1 instead",
                )
            } else {
                Verdict::AsItIs
            })
        },
    ),
    sets(
        "anonymous_login_user",
        "name, or `none`",
        "none",
        "User that clients of AMQP 1.0 without a login (ANONYMOUS) stand for; needs `anonymous_login_pass`.",
        |s, _, value| {
            s.anonymous.name = if value == "none" { None } else { Some(values::name(value)?) };
            Ok(())
        },
    ),
    sets("anonymous_login_pass", "1 to 1024 bytes", "none", "Password of that user.", |s, _, value| {
        s.anonymous.password = Some(Password::new(values::password(value)?));
        Ok(())
    }),
    // limits
    sets(
        "vm_memory_high_watermark.relative",
        "share above 0 up to 1.0",
        "0.4",
        "Limit of memory, as a share of the machine's (or container's).",
        |s, _, value| {
            let share = MemoryLimit::Permille(values::share_permille(value, 1.0)?);
            // An absolute one comes first, wherever it stands.
            if !matches!(s.memory_limit, Some(MemoryLimit::Bytes(_))) {
                s.memory_limit = Some(share);
            }
            Ok(())
        },
    ),
    sets(
        "vm_memory_high_watermark.absolute",
        SIZE,
        "-",
        "Limit of memory; comes before the relative one.",
        |s, _, value| {
            s.memory_limit = Some(MemoryLimit::Bytes(positive_size(value)?));
            Ok(())
        },
    ),
    sets(
        "disk_free_limit.absolute",
        SIZE,
        "2147483648, or four journal segments if that is more",
        "Free disk space at which publishers are held back; comes before the relative one.",
        |s, _, value| {
            s.disk_free_limit = Some(FreeDiskLimit::Bytes(positive_size(value)?));
            Ok(())
        },
    ),
    sets(
        "disk_free_limit.relative",
        "share of the memory, above 0 up to 100.0",
        "-",
        "The same, as a share of the machine's memory.",
        |s, _, value| {
            let share = FreeDiskLimit::PermilleOfMemory(values::share_permille(value, 100.0)?);
            if !matches!(s.disk_free_limit, Some(FreeDiskLimit::Bytes(_))) {
                s.disk_free_limit = Some(share);
            }
            Ok(())
        },
    ),
    sets("heartbeat", "seconds, 0 for none", "60", "Heartbeat proposed to clients.", |s, _, value| {
        s.heartbeat_s = u16::try_from(values::number(value, 0, 65_535)?).ok();
        Ok(())
    }),
    sets(
        "frame_max",
        "bytes, 4096 to 1048576; `128KB` counts in 1,024s",
        "131072",
        "Longest frame that is agreed to.",
        |s, _, value| {
            s.frame_max_bytes = u32::try_from(values::frame_bytes(value)?).ok();
            Ok(())
        },
    ),
    sets("channel_max", "number, 1 to 65535", "2047", "Most channels of a connection.", |s, _, value| {
        s.channel_max = u16::try_from(values::number(value, 1, 65_535)?).ok();
        Ok(())
    }),
    sets(
        "consumer_max_per_channel",
        "number from 1, or `infinity` for the default",
        "1000",
        "Most consumers of a channel.",
        |s, _, value| {
            s.channel_max_consumers = values::number_or_infinity(value)?;
            Ok(())
        },
    ),
    sets(
        "connection_max",
        "number from 1, or `infinity` for the default",
        "100000",
        "Most connections of the node; open files may allow fewer.",
        |s, _, value| {
            s.connection_max = values::number_or_infinity(value)?;
            Ok(())
        },
    ),
    sets(
        "cluster_queue_limit",
        "number from 1, or `infinity` for the default",
        "200000",
        "Most queues of the node.",
        |s, _, value| {
            s.max_queues = values::number_or_infinity(value)?;
            Ok(())
        },
    ),
    sets(
        "max_message_size",
        "bytes, 1 to 536870912, without a unit",
        "16777216",
        "Longest body of a message.",
        |s, _, value| {
            s.max_message_bytes = Some(values::message_bytes(value)?);
            Ok(())
        },
    ),
    sets(
        "consumer_timeout",
        "milliseconds from 1, or `undefined` for never",
        "1800000",
        "Age of an unacknowledged delivery at which its channel is closed.",
        |s, _, value| {
            s.consumer_timeout = Some(values::timeout_ms(value)?);
            Ok(())
        },
    ),
    sets(
        "handshake_timeout",
        "milliseconds, 1 to 600000",
        "10000",
        "Time that a client has for the whole login.",
        |s, _, value| {
            s.handshake_timeout_ms = Some(values::number(value, 1, 600_000)?);
            Ok(())
        },
    ),
    depends(
        "default_queue_type",
        "`classic`",
        "classic",
        "Type of a queue that names none; any other is refused.",
        |value| {
            Ok(match value {
                "classic" | "rabbit_classic_queue" => Verdict::AsItIs,
                _ => Verdict::Refused("queues are classic unless their declaration says otherwise"),
            })
        },
    ),
    // the log
    sets(
        "log.console.level",
        LEVEL,
        "info",
        "Least level of log lines; `TERNMQ_LOG` comes before it.",
        |s, _, value| {
            s.log_level = Some(values::log_level(value)?);
            Ok(())
        },
    ),
    sets(
        "log.file.level",
        LEVEL,
        "info",
        "As `log.console.level`, which comes before it: there is one log.",
        |s, _, value| {
            s.file_log_level = Some(values::log_level(value)?);
            Ok(())
        },
    ),
    sets(
        "log.default.level",
        LEVEL,
        "-",
        "Of this and the level of the log the stricter one counts.",
        |s, _, value| {
            s.default_log_level = Some(values::log_level(value)?);
            Ok(())
        },
    ),
    sets(
        "log.console.formatter",
        FORM,
        "plaintext",
        "Form of the log; `--log-format` comes before it.",
        |s, _, value| {
            s.is_log_json = Some(values::is_json(value)?);
            Ok(())
        },
    ),
    sets(
        "log.file.formatter",
        FORM,
        "plaintext",
        "As `log.console.formatter`, which comes before it: there is one log.",
        |s, _, value| {
            s.is_file_log_json = Some(values::is_json(value)?);
            Ok(())
        },
    ),
    depends(
        "log.console",
        TRUTH,
        "true",
        "The log goes to standard error; `false` has no effect.",
        |value| {
            Ok(if values::truth(value)? {
                Verdict::AsItIs
            } else {
                Verdict::Ignored(
                    "the log goes to standard error and nowhere else; to have none, set log.console.level = none",
                )
            })
        },
    ),
    depends(
        "log.file",
        "path, or `false`",
        "false",
        "The log goes to standard error; a path has no effect.",
        |value| {
            Ok(match value {
                "false" => Verdict::AsItIs,
                _ => Verdict::Ignored("the log goes to standard error; have the system put it into a file"),
            })
        },
    ),
    // listeners with TLS that are switched off
    depends("ssl_options", "`none`", "none", "No settings of TLS.", none_only),
    depends("tcp_listen_options", "`none`", "-", "No settings of sockets.", none_only),
    depends("management.listener.ssl_opts", "`none`", "none", "No settings of TLS.", none_only),
    depends(
        "management.listener.ssl",
        TRUTH,
        "false",
        "`true` is refused: TLS of the http listener is set by `management.ssl`.",
        |value| {
            Ok(if values::truth(value)? {
                Verdict::Refused(
                    "TLS of the http listener is set by management.ssl.port, .certfile and .keyfile",
                )
            } else {
                Verdict::AsItIs
            })
        },
    ),
];

fn none_only(value: &str) -> Result<Verdict, String> {
    match value {
        "none" => Ok(Verdict::AsItIs),
        _ => Err("the only value is none".to_owned()),
    }
}

/// A limit of 0 would hold every publisher back, or none; neither is meant (guarantees: 0 never means unlimited).
fn positive_size(value: &str) -> Result<u64, String> {
    match values::size_bytes(value)? {
        0 => Err("the size must be above 0".to_owned()),
        size => Ok(size),
    }
}
