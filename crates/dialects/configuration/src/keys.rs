//! Every key, declared once: name, type, what it means, what it does. Parser, messages and documentation read this.

use crate::{
    settings::{FreeDiskLimit, MemoryLimit, NamedListener, Password, Settings},
    values,
};

/// Puts a value into the settings; the second argument is the part of the key that `*` stands for.
type Set = fn(&mut Settings, &str, &str) -> Result<(), String>;

/// What a key does.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// It sets something.
    Sets(Set),
    /// It is known and does nothing, for this reason.
    Ignored(&'static str),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name; a last part `*` stands for any one word.
    pub name: &'static str,
    /// How its value is written.
    pub value: &'static str,
    /// What it means, in one sentence.
    pub doc: &'static str,
    /// What it does.
    pub effect: Effect,
}

const fn sets(name: &'static str, value: &'static str, doc: &'static str, set: Set) -> Key {
    Key { name, value, doc, effect: Effect::Sets(set) }
}

const fn ignored(name: &'static str, reason: &'static str) -> Key {
    Key { name, value: "any", doc: "Known and without effect.", effect: Effect::Ignored(reason) }
}

/// A key and what its `*` stands for.
pub(crate) fn find(name: &str) -> Option<(&'static Key, &str)> {
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return Some((key, ""));
    }
    KEYS.iter().find_map(|key| {
        let part = name.strip_prefix(key.name.strip_suffix('*')?)?;
        // a word of its own, not a deeper key
        if part.is_empty() || part.contains('.') { None } else { Some((key, part)) }
    })
}

const NO_CLUSTER: &str = "this broker is a single node";
const NO_TLS_HERE: &str = "TLS listeners are not set by this file";
const OWN_IO: &str = "this broker sizes its own I/O";
const OWN_STORE: &str = "this broker keeps one journal of its own";

/// All keys that are known.
pub static KEYS: &[Key] = &[
    sets("listeners.tcp.*", "PORT or ADDRESS:PORT", "A listener of AMQP.", |s, name, value| {
        let address = values::listener(value)?;
        s.amqp_listeners.retain(|listener| listener.name != name);
        s.amqp_listeners.push(NamedListener { name: name.to_owned(), address });
        Ok(())
    }),
    sets("listeners.tcp", "none", "No plain AMQP listener.", |s, _, value| match value {
        "none" => {
            s.is_amqp_off = true;
            Ok(())
        }
        _ => Err("the only value is none; a listener is set by listeners.tcp.NAME".to_owned()),
    }),
    sets("management.tcp.port", "port", "Port of the management API.", |s, _, value| {
        s.http_port = Some(values::port(value)?);
        Ok(())
    }),
    sets("management.tcp.ip", "IP address", "Address of the management API.", |s, _, value| {
        s.http_address = Some(values::ip(value)?);
        Ok(())
    }),
    sets("default_vhost", "name", "Virtual host of a new, empty broker.", |s, _, value| {
        s.default_vhost = Some(values::text(value)?);
        Ok(())
    }),
    sets("default_user", "name", "User of a new, empty broker; needs default_pass.", |s, _, value| {
        s.default_user.name = Some(values::text(value)?);
        Ok(())
    }),
    sets("default_pass", "text", "Password of that user.", |s, _, value| {
        if value.starts_with("encrypted:") {
            return Err(
                "encrypted values are not read; give the password file on the command line".to_owned()
            );
        }
        s.default_user.password = Some(Password::new(values::text(value)?));
        Ok(())
    }),
    sets("default_user_tags.*", "true or false", "A tag of that user.", |s, tag, value| {
        let is_on = values::truth(value)?;
        s.default_user.tags.retain(|known| known != tag);
        if is_on {
            s.default_user.tags.push(tag.to_owned());
        }
        Ok(())
    }),
    sets("default_permissions.configure", "pattern", "Names it may configure.", |s, _, value| {
        s.default_user.permissions.configure = values::text(value)?;
        Ok(())
    }),
    sets("default_permissions.write", "pattern", "Names it may write to.", |s, _, value| {
        s.default_user.permissions.write = values::text(value)?;
        Ok(())
    }),
    sets("default_permissions.read", "pattern", "Names it may read from.", |s, _, value| {
        s.default_user.permissions.read = values::text(value)?;
        Ok(())
    }),
    sets(
        "vm_memory_high_watermark.relative",
        "share above 0 up to 1.0",
        "Share of the machine's memory at which publishers are held back.",
        |s, _, value| {
            s.memory_limit = Some(MemoryLimit::Permille(values::share_permille(value, 1.0)?));
            Ok(())
        },
    ),
    sets(
        "vm_memory_high_watermark.absolute",
        "size",
        "Memory at which publishers are held back.",
        |s, _, value| {
            s.memory_limit = Some(MemoryLimit::Bytes(positive_size(value)?));
            Ok(())
        },
    ),
    sets(
        "disk_free_limit.absolute",
        "size",
        "Free disk space at which publishers are held back.",
        |s, _, value| {
            s.disk_free_limit = Some(FreeDiskLimit::Bytes(positive_size(value)?));
            Ok(())
        },
    ),
    sets(
        "disk_free_limit.relative",
        "share of memory",
        "The same, as a share of the memory.",
        |s, _, value| {
            s.disk_free_limit = Some(FreeDiskLimit::PermilleOfMemory(values::share_permille(value, 100.0)?));
            Ok(())
        },
    ),
    sets("heartbeat", "seconds, 0 for none", "Heartbeat proposed to clients.", |s, _, value| {
        s.heartbeat_s = u16::try_from(values::number(value, 0, 65_535)?).ok();
        Ok(())
    }),
    sets("frame_max", "bytes, 4096 to 1048576", "Longest frame that is agreed to.", |s, _, value| {
        s.frame_max_bytes = u32::try_from(values::number(value, 4_096, 1 << 20)?).ok();
        Ok(())
    }),
    sets("channel_max", "1 to 65535", "Most channels of a connection.", |s, _, value| {
        s.channel_max = u16::try_from(values::number(value, 1, 65_535)?).ok();
        Ok(())
    }),
    sets("max_message_size", "bytes, up to 536870912", "Longest message.", |s, _, value| {
        s.max_message_bytes = Some(values::number(value, 1, 512 << 20)?);
        Ok(())
    }),
    sets(
        "consumer_timeout",
        "milliseconds, or undefined for never",
        "Age of an unacknowledged delivery at which its channel is closed.",
        |s, _, value| {
            s.consumer_timeout = Some(values::timeout_ms(value)?);
            Ok(())
        },
    ),
    sets("connection_max", "number", "Most connections of the node.", |s, _, value| {
        s.connection_max = match value {
            "infinity" => None,
            _ => u32::try_from(values::number(value, 1, u64::from(u32::MAX))?).ok(),
        };
        Ok(())
    }),
    sets("handshake_timeout", "milliseconds", "Time that a client has to log in.", |s, _, value| {
        s.handshake_timeout_ms = Some(values::number(value, 1, 600_000)?);
        Ok(())
    }),
    sets("log.console.level", "level", "How much the log has.", |s, _, value| {
        s.log_level = Some(values::log_level(value)?);
        Ok(())
    }),
    sets("log.console.formatter", "plaintext or json", "Form of the log.", log_form),
    sets("log.file.formatter", "plaintext or json", "Form of the log.", log_form),
    sets("log.file.level", "level", "How much the log has.", |s, _, value| {
        s.log_level = Some(values::log_level(value)?);
        Ok(())
    }),
    sets("log.file", "path, or false", "File that the log goes to.", |s, _, value| {
        s.log_file = if value == "false" { None } else { Some(values::text(value)?) };
        Ok(())
    }),
    sets("load_definitions", "path", "Definition file to load at the start.", |s, _, value| {
        s.load_definitions = Some(values::text(value)?);
        Ok(())
    }),
    sets("management.load_definitions", "path", "As load_definitions.", |s, _, value| {
        s.load_definitions = Some(values::text(value)?);
        Ok(())
    }),
    sets("tcp_listen_options.backlog", "number", "Length of the accept queue.", |s, _, value| {
        s.tcp_backlog = u32::try_from(values::number(value, 1, 65_535)?).ok();
        Ok(())
    }),
    sets("tcp_listen_options.nodelay", "true or false", "Small packets go out at once.", |s, _, value| {
        s.is_tcp_nodelay = Some(values::truth(value)?);
        Ok(())
    }),
    sets("tcp_listen_options.keepalive", "true or false", "Idle connections are probed.", |s, _, value| {
        s.is_tcp_keepalive = Some(values::truth(value)?);
        Ok(())
    }),
    sets("tcp_listen_options.sndbuf", "bytes", "Send buffer of a socket.", |s, _, value| {
        s.tcp_send_buffer_bytes = u32::try_from(values::number(value, 4_096, 64 << 20)?).ok();
        Ok(())
    }),
    sets("tcp_listen_options.recbuf", "bytes", "Receive buffer of a socket.", |s, _, value| {
        s.tcp_receive_buffer_bytes = u32::try_from(values::number(value, 4_096, 64 << 20)?).ok();
        Ok(())
    }),
    ignored("loopback_users", "there is no default account, and no user is bound to an address (S1)"),
    ignored("loopback_users.*", "there is no default account, and no user is bound to an address (S1)"),
    ignored("log.console", "the log always goes to the console unless log.file is set"),
    ignored("log.dir", "give the whole path in log.file"),
    ignored("num_acceptors.tcp", OWN_IO),
    ignored("num_acceptors.ssl", OWN_IO),
    ignored("tcp_listen_options.linger.on", OWN_IO),
    ignored("tcp_listen_options.linger.timeout", OWN_IO),
    ignored("tcp_listen_options.exit_on_close", OWN_IO),
    ignored("tcp_listen_options.send_timeout", "a client that takes nothing for 30 s is closed (F16)"),
    ignored("vm_memory_high_watermark_paging_ratio", "messages that wait are on disk from the start"),
    ignored("vm_memory_calculation_strategy", "memory is always measured from the system"),
    ignored("memory_monitor_interval", "memory is watched all the time"),
    ignored("queue_index_embed_msgs_below", OWN_STORE),
    ignored("msg_store_file_size_limit", OWN_STORE),
    ignored("queue_master_locator", NO_CLUSTER),
    ignored("queue_leader_locator", NO_CLUSTER),
    ignored("cluster_name", NO_CLUSTER),
    ignored("cluster_partition_handling", NO_CLUSTER),
    ignored("cluster_keepalive_interval", NO_CLUSTER),
    ignored("cluster_formation.peer_discovery_backend", NO_CLUSTER),
    ignored("collect_statistics", "statistics are always collected"),
    ignored("collect_statistics_interval", "statistics are always current"),
    ignored("hipe_compile", "there is nothing to compile"),
    ignored("ssl_options.cacertfile", NO_TLS_HERE),
    ignored("ssl_options.certfile", NO_TLS_HERE),
    ignored("ssl_options.keyfile", NO_TLS_HERE),
    ignored("ssl_options.verify", NO_TLS_HERE),
    ignored("ssl_options.fail_if_no_peer_cert", NO_TLS_HERE),
    ignored("listeners.ssl.*", NO_TLS_HERE),
    ignored("auth_mechanisms.*", "PLAIN and AMQPLAIN are always offered"),
    ignored("auth_backends.*", "users are kept by the broker itself"),
];

fn log_form(settings: &mut Settings, _: &str, value: &str) -> Result<(), String> {
    settings.is_log_json = Some(match value {
        "json" => true,
        "plaintext" => false,
        _ => return Err(format!("{} is neither plaintext nor json", values::quoted(value))),
    });
    Ok(())
}

/// A limit of 0 would hold every publisher back, or none; neither is meant (guarantees: 0 never means unlimited).
fn positive_size(value: &str) -> Result<u64, String> {
    match values::size_bytes(value)? {
        0 => Err("the size must be above 0".to_owned()),
        size => Ok(size),
    }
}
