//! Settings of a node: defaults, then what the configuration file says. The command line comes on top.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use ternmq_broker::Limits;
use ternmq_configuration::{FreeDiskLimit, Timeout};
use ternmq_net::DriverLimits;

use crate::administrator::GivenLogin;
use crate::error::StartError;
use crate::memory::MemoryLimit;

/// Descriptors kept for files and everything that is no client.
const OWN_DESCRIPTORS: u64 = 256;

/// Everything that can be set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) memory: MemoryLimit,
    pub(crate) disk_alarm_bytes: Option<u64>,
    pub(crate) limits: Limits,
    pub(crate) driver: DriverLimits,
    pub(crate) amqp: ternmq_amqp091::Settings,
    /// Addresses from the file; empty: the default. The command line comes before them.
    pub(crate) amqp_addresses: Vec<SocketAddr>,
    pub(crate) http_ip: Option<IpAddr>,
    pub(crate) http_port: Option<u16>,
    pub(crate) login: Option<GivenLogin>,
    /// What the file's writer should know; logged once logging makes sense.
    pub(crate) warnings: Vec<String>,
}

impl Settings {
    /// Reads the configuration file, if one was named.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, StartError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = fs::read_to_string(path)
            .map_err(|source| StartError::ConfigFile { path: path.into(), source })?;
        let refuse = |problem: String| StartError::Config { path: path.into(), problem };
        let loaded = ternmq_configuration::parse(&text).map_err(|problems| {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            match problems.len() {
                0 | 1 => refuse(first),
                count => refuse(format!("{first} (and {} more)", count - 1)),
            }
        })?;
        let warnings =
            loaded.warnings.iter().map(|warning| format!("{}: {warning}", path.display())).collect();
        let mut settings = Self { warnings, ..Self::default() };
        settings.apply(loaded.settings).map_err(refuse)?;
        Ok(settings)
    }

    fn apply(&mut self, file: ternmq_configuration::Settings) -> Result<(), String> {
        refuse_what_is_missing(&file)?;
        let idle = [
            (
                file.log_level.is_some(),
                "log levels of the file have no effect; set TERNMQ_LOG=error, warn, info or debug",
            ),
            (
                file.is_log_json == Some(true),
                "log formatters of the file have no effect; start with --log-format json",
            ),
        ];
        self.warnings.extend(idle.iter().filter(|(is_set, _)| *is_set).map(|(_, text)| (*text).to_owned()));
        if let Some(limit) = file.memory_limit {
            self.memory = match limit {
                ternmq_configuration::MemoryLimit::Bytes(bytes) => MemoryLimit::Bytes(bytes),
                ternmq_configuration::MemoryLimit::Permille(permille) => {
                    MemoryLimit::Share(f64::from(permille) / 1e3)
                }
            };
        }
        self.disk_alarm_bytes = file.disk_free_limit.map(|limit| match limit {
            FreeDiskLimit::Bytes(bytes) => bytes,
            FreeDiskLimit::PermilleOfMemory(permille) => {
                MemoryLimit::Share(f64::from(permille) / 1e3).bytes()
            }
        });
        let set = |to: &mut u64, from: Option<u64>| *to = from.unwrap_or(*to);
        set(&mut self.limits.max_message_bytes, file.max_message_bytes);
        set(&mut self.amqp.login_timeout_ms, file.handshake_timeout_ms);
        if let Some(timeout) = file.consumer_timeout {
            self.limits.consumer_timeout_ms = match timeout {
                Timeout::Never => None,
                Timeout::AfterMs(ms) => Some(ms),
            };
        }
        if let Some(most) = file.connection_max {
            self.limits.max_connections = most;
            self.driver.max_connections = most as usize;
        }
        self.amqp.heartbeat_s = file.heartbeat_s.unwrap_or(self.amqp.heartbeat_s);
        self.amqp.frame_max = file.frame_max_bytes.unwrap_or(self.amqp.frame_max);
        self.amqp.channel_max = file.channel_max.unwrap_or(self.amqp.channel_max);
        self.amqp_addresses = file.amqp_listeners.into_iter().map(|listener| listener.address).collect();
        self.http_ip = file.http_address;
        self.http_port = file.http_port;
        if let (Some(name), Some(password)) = (file.default_user.name, file.default_user.password) {
            self.login = Some(GivenLogin::new(name, password.expose().as_bytes()));
        }
        Ok(())
    }

    /// Lowers the number of connections to what the system lets this process have open; answers whether it had to.
    pub(crate) fn fit_to_descriptors(&mut self, descriptors: u64) -> bool {
        let most = usize::try_from(descriptors.saturating_sub(OWN_DESCRIPTORS)).unwrap_or(usize::MAX).max(16);
        let is_lowered = most < self.driver.max_connections;
        self.driver.max_connections = most.min(self.driver.max_connections);
        is_lowered
    }
}

/// Keys whose effect this version lacks: refused, not taken silently.
fn refuse_what_is_missing(file: &ternmq_configuration::Settings) -> Result<(), String> {
    let missing = [
        ("listeners.tcp = none", file.is_amqp_off),
        ("default_vhost", file.default_vhost.as_ref().is_some_and(|name| name != "/")),
        ("default_user_tags", !file.default_user.tags.is_empty()),
        (
            "default_permissions",
            file.default_user.permissions != ternmq_configuration::Permissions::default(),
        ),
        ("log.file", file.log_file.is_some()),
        ("load_definitions", file.load_definitions.is_some()),
        ("tcp_listen_options.backlog", file.tcp_backlog.is_some()),
        ("tcp_listen_options.nodelay = false", file.is_tcp_nodelay == Some(false)),
        ("tcp_listen_options.keepalive", file.is_tcp_keepalive == Some(true)),
        ("tcp_listen_options.sndbuf", file.tcp_send_buffer_bytes.is_some()),
        ("tcp_listen_options.recbuf", file.tcp_receive_buffer_bytes.is_some()),
    ];
    match missing.iter().find(|(_, is_used)| *is_used) {
        Some((name, _)) => Err(format!("{name} can't be served by this version; take the line out")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let answer = match Settings::load(Some(file.path())) {
            Ok(it) => format!(
                "{:?} {:?} {} {:?}",
                it.memory, it.limits.consumer_timeout_ms, it.amqp.heartbeat_s, it.amqp_addresses
            ),
            Err(error) => error.to_string().replace(&file.path().display().to_string(), "FILE"),
        };
        assert_eq!(answer, expect, "{text}");
    }

    #[test]
    fn a_file_sets_what_it_says() {
        check("", "Share(0.4) Some(1800000) 60 []");
        check(
            "vm_memory_high_watermark.relative = 0.5\nheartbeat = 30\nconsumer_timeout = 1000\nlisteners.tcp.default = 127.0.0.1:1\n",
            "Share(0.5) Some(1000) 30 [127.0.0.1:1]",
        );
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        check(
            "load_definitions = /x.json\n",
            "FILE: load_definitions can't be served by this version; take the line out",
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "heartbeat = soon\n").unwrap();
        let error = Settings::load(Some(file.path())).unwrap_err();
        assert!(error.to_string().contains(": line 1: heartbeat: "), "{error}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "log.console.level = error\nlog.console.formatter = json\n").unwrap();
        let warnings = Settings::load(Some(file.path())).unwrap().warnings;
        assert!(warnings.iter().any(|text| text.contains("TERNMQ_LOG")), "{warnings:?}");
        assert!(warnings.iter().any(|text| text.contains("--log-format json")), "{warnings:?}");
    }

    #[test]
    fn connections_fit_into_the_descriptors() {
        for (descriptors, expect) in [(1_024, 768), (10, 16), (u64::MAX, 100_000)] {
            let mut settings = Settings::default();
            settings.fit_to_descriptors(descriptors);
            assert_eq!(settings.driver.max_connections, expect);
        }
    }
}
