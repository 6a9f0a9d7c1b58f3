//! Settings of a node: defaults, then what the configuration file says. The command line comes on top.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use ternmq_access::Secret;
use ternmq_broker::Limits;
use ternmq_configuration::{
    DefaultUser, FreeDiskLimit, Listeners, Loaded, LogLevel, MAX_PROBLEMS, MAX_TEXT_BYTES, Problem,
    TcpOptions, Timeout, activemq_service,
};
use ternmq_mqtt::codec::{Qos, Reason};
use ternmq_net::{DriverLimits, SocketOptions};

use crate::activemq_xml;
use crate::administrator::{FirstNamespace, GivenLogin, Grants};
use crate::definitions::{self, DefinitionFile};
use crate::error::StartError;
use crate::logging::LogFormat;
use crate::memory::MemoryLimit;
use crate::options::{Bounds, BrokerOptions, EngineType};
use crate::tls_source::{self, TlsSource};

/// Descriptors kept for files and everything that is no client.
const OWN_DESCRIPTORS: u64 = 256;

/// Where memory is bounded, so much of it may be bodies: the whole divided by this.
const BODIES_PART: u64 = 4;
/// Where room is bounded, so little of it is left when publishers are held back: the whole divided by this.
const ALARM_PART: u64 = 10;

/// Everything that can be set.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) memory: MemoryLimit,
    pub(crate) disk_alarm_bytes: Option<u64>,
    pub(crate) limits: Limits,
    pub(crate) driver: DriverLimits,
    pub(crate) amqp: ternmq_amqp091::Settings,
    /// Clients of AMQP 1.0 may log in by SCRAM-SHA-256.
    pub(crate) is_scram_login: bool,
    /// User that clients of AMQP 1.0 without a login stand for, with the password.
    pub(crate) anonymous: Option<(Arc<str>, Secret)>,
    pub(crate) mqtt: ternmq_mqtt::Settings,
    pub(crate) stomp: ternmq_stomp::Settings,
    pub(crate) openwire: ternmq_openwire::Settings,
    /// What the file says of listeners of messages, by name. The command line comes before it.
    pub(crate) listeners: BTreeMap<&'static str, Listeners>,
    pub(crate) tls: Option<TlsSource>,
    pub(crate) http_tls: Option<TlsSource>,
    pub(crate) https_ip: Option<IpAddr>,
    pub(crate) https_port: Option<u16>,
    pub(crate) is_proxied: bool,
    /// Ways to log in that the file names; empty: it names none.
    pub(crate) mechanisms: Vec<String>,
    /// Whether the file lets MQTT clients in by certificate; absent: as `mechanisms` has EXTERNAL.
    pub(crate) is_mqtt_certificate_login: Option<bool>,
    /// The same of STOMP clients.
    pub(crate) is_stomp_certificate_login: Option<bool>,
    /// What the file says of a NACK that does not say itself whether its message goes back; absent: as the engine has it.
    pub(crate) is_nack_requeued: Option<bool>,
    pub(crate) sockets: SocketOptions,
    pub(crate) http_ip: Option<IpAddr>,
    pub(crate) http_port: Option<u16>,
    pub(crate) login: Option<GivenLogin>,
    pub(crate) namespace: FirstNamespace,
    /// In the order in which they are applied.
    pub(crate) definitions: Vec<DefinitionFile>,
    pub(crate) cluster_name: Option<String>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) log_level: Option<LogLevel>,
    /// What ActiveMQ's file says, of an engine that has one.
    pub(crate) activemq: Option<activemq_service::Settings>,
    /// What the file's writer should know; logged once logging makes sense.
    pub(crate) warnings: Vec<String>,
}

impl Settings {
    /// Reads the configuration file of an engine, if one was named.
    pub(crate) fn load(
        path: Option<&Path>,
        engine: EngineType,
        version: Option<&str>,
    ) -> Result<Self, StartError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let cannot = |source| StartError::ConfigFile { path: path.into(), source };
        let refuse = |problem: String| StartError::Config { path: path.into(), problem };
        let size = fs::metadata(path).map_err(cannot)?.len();
        if size > MAX_TEXT_BYTES as u64 {
            return Err(refuse(format!("the file has {size} bytes; at most {MAX_TEXT_BYTES} are read")));
        }
        let text = fs::read_to_string(path).map_err(cannot)?;
        if activemq_xml::is_xml(&text) {
            if engine != EngineType::ActiveMq {
                let problem =
                    "this is XML, ActiveMQ's configuration; say --engine activemq, or give a rabbitmq.conf";
                return Err(refuse(problem.to_owned()));
            }
            let read = activemq_xml::read(path, &text, version);
            let (activemq, warnings) = read.map_err(|unusable| refuse(unusable.to_string()))?;
            return Ok(Self { activemq: Some(activemq), warnings, ..Self::default() });
        }
        let loaded = ternmq_configuration::parse(&text).map_err(|problems| refuse(summary(&problems)))?;
        let mut settings = Self { warnings: warnings(path, &loaded), ..Self::default() };
        let file = loaded.settings;
        for named in [&file.load_definitions, &file.local_definitions].into_iter().flatten() {
            settings.definitions.extend(definitions::read(Path::new(named))?);
        }
        settings.namespace.keeps_default =
            file.load_definitions.is_some() || file.local_definitions.is_some();
        settings.apply(file);
        Ok(settings)
    }

    /// The settings of a node with these options.
    pub(crate) fn of(options: &BrokerOptions) -> Result<Self, StartError> {
        Self::load(options.config.as_deref(), options.engine, options.engine_version.as_deref())
    }

    fn apply(&mut self, file: ternmq_configuration::Settings) {
        self.log_level = file.log_level;
        self.cluster_name = file.cluster_name.clone();
        self.log_format =
            file.is_log_json.map(|is_json| if is_json { LogFormat::Json } else { LogFormat::Text });
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
        self.apply_limits(&file);
        self.apply_mqtt(&file.mqtt);
        if let (Some(user), Some(password)) = (&file.anonymous.name, &file.anonymous.password) {
            self.anonymous = Some((user.as_str().into(), Secret::new(password.expose().as_bytes().to_vec())));
        }
        self.sockets = socket_options(&file.tcp);
        self.is_stomp_certificate_login = file.stomp.is_certificate_login;
        self.is_nack_requeued = file.stomp.is_nack_requeued;
        let login_from = tls_source::login_from(&file);
        self.tls = TlsSource::of_file(&file.tls, login_from);
        self.http_tls = TlsSource::of_file(&file.http_tls, login_from);
        (self.https_ip, self.https_port) = (file.https_address, file.https_port);
        self.is_proxied = file.is_proxied;
        self.mechanisms = file.mechanisms;
        self.listeners = file.listeners;
        self.http_ip = file.http_address;
        self.http_port = file.http_port;
        self.namespace.name = file.default_vhost;
        self.login = first_user(file.default_user);
    }

    fn apply_mqtt(&mut self, file: &ternmq_configuration::MqttSettings) {
        fn set<T: Copy>(to: &mut T, from: Option<T>) {
            *to = from.unwrap_or(*to);
        }
        let mqtt = &mut self.mqtt;
        self.is_mqtt_certificate_login = file.is_certificate_login;
        if let (true, Some(user), Some(password)) =
            (file.is_anonymous, &file.default_user, &file.default_password)
        {
            mqtt.anonymous = Some((user.as_str().into(), Secret::new(password.expose().as_bytes().to_vec())));
        }
        if let Some(vhost) = &file.vhost {
            mqtt.namespace = vhost.as_str().into();
        }
        set(&mut mqtt.outbound_max, file.prefetch);
        set(&mut mqtt.receive_max, file.receive_max);
        set(&mut mqtt.alias_max, file.alias_max);
        set(&mut mqtt.takes_empty_ids, file.takes_empty_ids);
        set(&mut mqtt.is_retain_available, file.is_retain_available);
        if file.is_refused_as_unauthorized {
            mqtt.login_refusal = Reason::NOT_AUTHORIZED;
        }
        mqtt.qos_max = match file.qos_max {
            Some(0) => Qos::AtMostOnce,
            Some(1) => Qos::AtLeastOnce,
            _ => Qos::ExactlyOnce,
        };
        set(&mut mqtt.keep_alive_max_s, file.keep_alive_max_s);
        set(&mut mqtt.packet_max_bytes, file.packet_max_bytes);
        set(&mut mqtt.handshake_packet_max_bytes, file.handshake_packet_max_bytes);
        if let Some(seconds) = file.max_session_expiry_s {
            self.limits.max_client_keep_ms = match seconds {
                u32::MAX => u64::MAX,
                _ => u64::from(seconds) * 1_000,
            };
        }
    }

    fn apply_limits(&mut self, file: &ternmq_configuration::Settings) {
        fn set<T: Copy>(to: &mut T, from: Option<T>) {
            *to = from.unwrap_or(*to);
        }
        set(&mut self.limits.max_message_bytes, file.max_message_bytes);
        set(&mut self.limits.max_queues, file.max_queues);
        set(&mut self.limits.max_consumers_per_session, file.channel_max_consumers);
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
        set(&mut self.driver.stall_ms, file.stall_ms);
        set(&mut self.driver.opening_ms, file.tls_handshake_timeout_ms);
        set(&mut self.amqp.login_timeout_ms, file.handshake_timeout_ms);
        set(&mut self.mqtt.login_timeout_ms, file.handshake_timeout_ms);
        set(&mut self.stomp.login_timeout_ms, file.handshake_timeout_ms);
        set(&mut self.openwire.login_timeout_ms, file.handshake_timeout_ms);
        set(&mut self.amqp.heartbeat_s, file.heartbeat_s);
        set(&mut self.amqp.frame_max, file.frame_max_bytes);
        set(&mut self.amqp.channel_max, file.channel_max);
    }

    /// What the command line says comes before the file.
    pub(crate) fn apply_bounds(&mut self, bounds: &Bounds) {
        if let Some(bytes) = bounds.memory_bytes {
            self.memory = MemoryLimit::Bytes(bytes);
            // Bodies alone must not reach the mark at which publishers are held back.
            self.limits.resident_bytes = self.limits.resident_bytes.min(bytes / BODIES_PART);
        }
        if let (Some(bytes), None) = (bounds.storage_bytes, self.disk_alarm_bytes) {
            let usual = ternmq_journal::Options::default().alarm_free_bytes;
            self.disk_alarm_bytes = Some(usual.min(bytes / ALARM_PART));
        }
        if let Some(most) = bounds.connections {
            self.limits.max_connections = most;
            self.driver.max_connections = most as usize;
        }
    }

    /// Lowers the number of connections to what the system lets this process have open; answers whether it had to.
    pub(crate) fn fit_to_descriptors(&mut self, descriptors: u64) -> bool {
        let most = usize::try_from(descriptors.saturating_sub(OWN_DESCRIPTORS)).unwrap_or(usize::MAX).max(16);
        let is_lowered = most < self.driver.max_connections;
        self.driver.max_connections = most.min(self.driver.max_connections);
        is_lowered
    }
}

/// All problems in one line: the first one, and how many there are besides.
fn summary(problems: &[Problem]) -> String {
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    match problems.len() {
        0 | 1 => first,
        // The reading ended there.
        count if count >= MAX_PROBLEMS => format!("{first} (and at least {} more)", count - 1),
        count => format!("{first} (and {} more)", count - 1),
    }
}

fn warnings(path: &Path, loaded: &Loaded) -> Vec<String> {
    let path = path.display();
    let mut warnings: Vec<String> =
        loaded.warnings.iter().map(|warning| format!("{path}: {warning}")).collect();
    if loaded.more_warnings > 0 {
        warnings.push(format!("{path}: and {} more warnings", loaded.more_warnings));
    }
    let is_administrator = |tags: &Vec<String>| tags.iter().any(|tag| tag == "administrator");
    let user = &loaded.settings.default_user;
    if user.name.is_some() && !user.tags.as_ref().is_none_or(is_administrator) {
        warnings.push(format!("{path}: default_user is no administrator: nobody administers a new broker"));
    }
    warnings
}

fn socket_options(file: &TcpOptions) -> SocketOptions {
    let default = SocketOptions::default();
    SocketOptions {
        backlog: file.backlog.unwrap_or(default.backlog),
        is_nodelay: file.is_nodelay.unwrap_or(default.is_nodelay),
        is_keepalive: file.is_keepalive.unwrap_or(default.is_keepalive),
        send_buffer_bytes: file.send_buffer_bytes,
        receive_buffer_bytes: file.receive_buffer_bytes,
    }
}

fn first_user(file: DefaultUser) -> Option<GivenLogin> {
    let DefaultUser { name, password, tags, permissions } = file;
    let grants = Grants {
        tags: tags.unwrap_or(Grants::default().tags),
        configure: permissions.configure,
        write: permissions.write,
        read: permissions.read,
    };
    Some(GivenLogin::new(name?, password?.expose().as_bytes(), grants))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let answer = match Settings::load(Some(file.path()), EngineType::All, None) {
            Ok(it) => {
                let named = it.listeners.get("amqp").into_iter().flat_map(|said| &said.named);
                let addresses: Vec<_> = named.map(|listener| listener.address).collect();
                let (timeout, heartbeat) = (it.limits.consumer_timeout_ms, it.amqp.heartbeat_s);
                format!("{:?} {timeout:?} {heartbeat} {addresses:?}", it.memory)
            }
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

    fn load(text: &str) -> Result<Settings, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        let name = file.path().display().to_string();
        let mut loaded = Settings::load(Some(file.path()), EngineType::All, None).map_err(|error| {
            assert_eq!(error.exit_code(), 2);
            error.to_string().replace(&name, "FILE")
        })?;
        for warning in &mut loaded.warnings {
            *warning = warning.replace(&name, "FILE");
        }
        Ok(loaded)
    }

    fn check_refused(text: &str, expect: &str) {
        assert_eq!(load(text).err().as_deref(), Some(expect), "{text:?}");
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        check_refused(
            "ssl_options.verify = verify_peer\n",
            "FILE: line 1: ssl_options.verify = verify_peer needs ssl_options.cacertfile",
        );
        check_refused(
            "heartbeat = soon\nheartbeat = later\n",
            "FILE: line 1: heartbeat: 'soon' is not a whole number from 0 to 65535 (and 1 more)",
        );
        check_refused(
            &"x\n".repeat(200),
            "FILE: line 1: 'x' is not of the form `key = value` (and at least 99 more)",
        );
        check_refused(
            &"#".repeat(MAX_TEXT_BYTES + 1),
            "FILE: the file has 1048577 bytes; at most 1048576 are read",
        );
        check_refused(
            "load_definitions = /nonexistent.json\n",
            "definitions '/nonexistent.json': cannot be read: No such file or directory (os error 2); check the path in \
             the configuration file",
        );
    }

    #[test]
    fn the_file_of_another_engine_is_refused_and_that_of_its_own_is_read() {
        let text = format!("<broker xmlns=\"{}\"/>", activemq_service::NAMESPACE);
        check_refused(
            &text,
            "FILE: this is XML, ActiveMQ's configuration; say --engine activemq, or give a rabbitmq.conf",
        );
        let of_activemq = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), text).unwrap();
            let loaded = Settings::load(Some(file.path()), EngineType::ActiveMq, Some("5.18.4"));
            loaded.map_err(|error| error.to_string().replace(&file.path().display().to_string(), "FILE"))
        };
        assert!(of_activemq(&text).unwrap().activemq.is_some());
        assert!(of_activemq("heartbeat = 5\n").unwrap().activemq.is_none());
        let refused = |text: &str| of_activemq(text).err().unwrap();
        assert_eq!(
            refused("<!DOCTYPE broker><broker/>"),
            "FILE: line 1, column 1: document type declarations are not taken"
        );
        assert_eq!(
            refused("<beans/>"),
            format!("FILE: the root element is 'beans', not broker of {}", activemq_service::NAMESPACE)
        );
        assert!(refused("<broker").starts_with("FILE: line 1, column 8: the XML is broken: "));
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let told = |text: &str| load(text).unwrap().warnings;
        assert_eq!(
            told("hipe_compile = true\n"),
            ["FILE: line 1: hipe_compile has no effect: this broker does not run on the Erlang VM"]
        );
        let many: String = (0..150).map(|number| format!("k{number} = 1\n")).collect();
        assert_eq!(told(&many).len(), 101);
        assert_eq!(told(&many).last().unwrap(), "FILE: and 50 more warnings");
        let user = "default_user = u\ndefault_pass = p\n";
        assert_eq!(told(user), Vec::<String>::new());
        assert_eq!(
            told(&format!("{user}default_user_tags.management = true\n")),
            ["FILE: default_user is no administrator: nobody administers a new broker"]
        );
    }

    #[test]
    fn the_log_and_sockets_are_set() {
        let settings = load(
            "log.console.level = error\nlog.console.formatter = json\ntcp_listen_options.backlog = 9\n\
             tcp_listen_options.nodelay = false\ntcp_listen_options.keepalive = true\n\
             tcp_listen_options.sndbuf = 8192\ntcp_listen_options.send_timeout = 5000\n",
        )
        .unwrap();
        assert_eq!((settings.log_level, settings.log_format), (Some(LogLevel::Error), Some(LogFormat::Json)));
        let expect = SocketOptions {
            backlog: 9,
            is_nodelay: false,
            is_keepalive: true,
            send_buffer_bytes: Some(8_192),
            receive_buffer_bytes: None,
        };
        assert_eq!(settings.sockets, expect);
        assert_eq!(settings.driver.stall_ms, 5_000);
    }

    #[test]
    fn the_first_user_is_what_the_file_says() {
        let user = |text: &str| load(text).unwrap().login;
        let base = "default_user = u\ndefault_pass = p\n";
        assert_eq!(user(""), None);
        assert_eq!(user(base), Some(GivenLogin::new("u".into(), b"p", Grants::default())));
        let more = format!("{base}default_user_tags.monitoring = true\ndefault_permissions.write = ^a\n");
        let grants = Grants { tags: vec!["monitoring".into()], write: "^a".into(), ..Grants::default() };
        assert_eq!(user(&more), Some(GivenLogin::new("u".into(), b"p", grants)));
    }

    /// The defaults of the documented table are those of the code.
    #[test]
    fn documented_defaults_are_true() {
        let settings = Settings::default();
        let (limits, amqp, driver) = (&settings.limits, &settings.amqp, &settings.driver);
        for (name, value) in [
            ("heartbeat", u64::from(amqp.heartbeat_s)),
            ("frame_max", u64::from(amqp.frame_max)),
            ("channel_max", u64::from(amqp.channel_max)),
            ("handshake_timeout", amqp.login_timeout_ms),
            ("ssl_handshake_timeout", driver.opening_ms),
            ("max_message_size", limits.max_message_bytes),
            ("connection_max", u64::from(limits.max_connections)),
            ("cluster_queue_limit", u64::from(limits.max_queues)),
            ("consumer_max_per_channel", u64::from(limits.max_consumers_per_session)),
            ("consumer_timeout", limits.consumer_timeout_ms.unwrap()),
            ("tcp_listen_options.backlog", u64::from(settings.sockets.backlog)),
            ("tcp_listen_options.send_timeout", driver.stall_ms),
        ] {
            let key = ternmq_configuration::keys().find(|key| key.name == name).unwrap();
            assert_eq!(key.default, value.to_string(), "{name}");
        }
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
