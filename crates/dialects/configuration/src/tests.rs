use std::net::SocketAddr;

use super::*;

fn settings(text: &str) -> Settings {
    match parse(text) {
        Ok(loaded) => loaded.settings,
        Err(problems) => panic!("{text:?}: {problems:?}"),
    }
}

fn check_problem(text: &str, expect: &str) {
    let problems = parse(text).expect_err(text);
    assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [expect], "{text:?}");
}

fn check_warnings(text: &str, expect: &[&str]) {
    let loaded = parse(text).expect(text);
    assert_eq!(loaded.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), expect, "{text:?}");
}

#[test]
fn a_usual_file_sets_what_it_says() {
    let text = "\
# listeners
listeners.tcp.default = 5673   # not the usual one
listeners.tcp.local = 127.0.0.1:5674
listeners.tcp.six = [::1]:5675
management.tcp.port = 15673
default_user = ops
default_pass = 'it''s # secret $(x)'
default_user_tags.administrator = true
default_permissions.write = ^a$
vm_memory_high_watermark.relative = 0.4
disk_free_limit.absolute = 2GB
heartbeat = 30
consumer_timeout = undefined
log.console.level = warning
";
    let settings = settings(text);
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    let listeners: Vec<_> =
        settings.listeners["amqp"].named.iter().map(|l| (l.name.as_str(), l.address)).collect();
    assert_eq!(
        listeners,
        [
            ("default", address("0.0.0.0:5673")),
            ("local", address("127.0.0.1:5674")),
            ("six", address("[::1]:5675")),
        ]
    );
    assert_eq!(settings.http_port, Some(15_673));
    assert_eq!(settings.default_user.name.as_deref(), Some("ops"));
    assert_eq!(settings.default_user.password.as_ref().map(Password::expose), Some("it''s # secret $(x)"));
    assert_eq!(settings.default_user.tags, Some(vec!["administrator".to_owned()]));
    assert_eq!(settings.default_user.permissions.write, "^a$");
    assert_eq!(settings.default_user.permissions.read, ".*");
    assert_eq!(settings.memory_limit, Some(MemoryLimit::Permille(400)));
    assert_eq!(settings.disk_free_limit, Some(FreeDiskLimit::Bytes(2_000_000_000)));
    assert_eq!(settings.heartbeat_s, Some(30));
    assert_eq!(settings.consumer_timeout, Some(Timeout::Never));
    assert_eq!(settings.log_level, Some(LogLevel::Warning));
}

#[test]
fn values_at_and_past_their_limits() {
    for (text, is_fine) in [
        ("frame_max = 4096", true),
        ("frame_max = 4095", false),
        ("frame_max = 1048576", true),
        ("frame_max = 1048577", false),
        ("channel_max = 0", false),
        ("channel_max = 65535", true),
        ("max_message_size = 536870912", true),
        ("max_message_size = 536870913", false),
        ("heartbeat = 65536", false),
        ("heartbeat = -1", false),
        ("vm_memory_high_watermark.relative = 0", false),
        ("vm_memory_high_watermark.relative = 1.0", true),
        ("vm_memory_high_watermark.relative = 1.1", false),
        ("vm_memory_high_watermark.relative = NaN", false),
        ("vm_memory_high_watermark.absolute = 0", false),
        ("vm_memory_high_watermark.absolute = 18446744073709551615", true),
        ("vm_memory_high_watermark.absolute = 18446744073709551615k", false),
        ("vm_memory_high_watermark.relative = 40%", false),
        ("vm_memory_high_watermark.relative = 4e-1", false),
        ("vm_memory_high_watermark.relative = .5", true),
        ("disk_free_limit.relative = 100.0", true),
        ("disk_free_limit.relative = 100.1", false),
        ("consumer_timeout = 0", false),
        ("connection_max = 0", false),
        ("connection_max = infinity", true),
        ("consumer_max_per_channel = 1", true),
        ("cluster_queue_limit = 4294967296", false),
        ("handshake_timeout = 600000", true),
        ("handshake_timeout = 600001", false),
        ("handshake_timeout = infinity", false),
        ("tcp_listen_options.backlog = 0", false),
        ("tcp_listen_options.backlog = 65535", true),
        ("tcp_listen_options.backlog = 65536", false),
        ("tcp_listen_options.sndbuf = 4095", false),
        ("tcp_listen_options.recbuf = 67108864", true),
        ("tcp_listen_options.recbuf = 67108865", false),
        ("tcp_listen_options.send_timeout = 999", false),
        ("tcp_listen_options.send_timeout = 3600000", true),
        ("max_message_size = 0", false),
        ("max_message_size = 16MB", false),
        ("frame_max = 128KB", true),
        ("frame_max = 1MB", true),
        ("frame_max = 2MB", false),
        ("frame_max = 128Kb", false),
        ("frame_max = 18446744073709551615KB", false),
        ("listeners.tcp.a = 65536", false),
        ("listeners.tcp.a = localhost:1", false),
        ("listeners.tcp = none", true),
    ] {
        assert_eq!(parse(text).is_ok(), is_fine, "{text:?}");
    }
}

#[test]
fn sizes_have_units() {
    for (text, expect) in [
        ("1024", 1_024),
        ("2k", 2_000),
        ("2KB", 2_000),
        ("2Ki", 2_048),
        ("2kib", 2_048),
        ("3MiB", 3 << 20),
        ("3MB", 3_000_000),
        ("1G", 1_000_000_000),
        ("1Gi", 1 << 30),
        ("1T", 1_000_000_000_000),
        ("1PiB", 1 << 50),
    ] {
        let settings = settings(&format!("disk_free_limit.absolute = {text}"));
        assert_eq!(settings.disk_free_limit, Some(FreeDiskLimit::Bytes(expect)), "{text}");
    }
    for text in ["1 GB", "1GBit", "G", "-1", "1.5GB", "40%", "1b"] {
        check_problem(
            &format!("disk_free_limit.absolute = {text}"),
            &format!(
                "line 1: disk_free_limit.absolute: '{text}' is not a size such as 1073741824, 512MiB or 2GB"
            ),
        );
    }
    assert_eq!(settings("frame_max = 64KB").frame_max_bytes, Some(65_536));
}

#[test]
fn problems_name_the_line_and_the_mend() {
    check_problem(
        "\nheartbeat = often\n",
        "line 2: heartbeat: 'often' is not a whole number from 0 to 65535",
    );
    check_problem("heartbeat", "line 1: 'heartbeat' is not of the form `key = value`");
    check_problem("heartbeat =", "line 1: heartbeat: there is no value after `=`");
    check_problem("default_pass = 'x", "line 1: default_pass: the quote that opens the value is not closed");
    check_problem(
        "default_pass = ''",
        "line 1: default_pass: the password is empty; nobody can log in without one",
    );
    check_problem("heartbeat = # 60", "line 1: heartbeat: there is no value after `=`");
    check_problem(
        "default_pass = abc#def",
        "line 1: default_pass: a # within a value: put the value in single quotes, or a space before a comment",
    );
    check_problem(
        "default_pass = $(</run/secrets/pass)",
        "line 1: default_pass: references $(...) are not followed; write the value itself, or in single quotes",
    );
    check_problem(
        "vm_memory_high_watermark.relative = 40%",
        "line 1: vm_memory_high_watermark.relative: '40%' is not a share above 0 up to 1.0, written as 0.4 and not in \
         per cent",
    );
    check_problem(
        "max_message_size = 16MB",
        "line 1: max_message_size: '16MB' is not a number of bytes from 1 to 536870912, written without a unit",
    );
    check_problem(
        "listeners.tcp.local = here",
        "line 1: listeners.tcp.*: 'here' is neither a port nor ADDRESS:PORT",
    );
    check_problem(
        "b?d = 1",
        "line 1: 'b?d' is not a key: keys are words of letters and digits joined by dots",
    );
    check_problem(
        "heartbeat = 1\ndefault_user = ops",
        "line 2: default_user needs default_pass: there is no default password (S1)",
    );
}

#[test]
fn s11_a_password_is_in_no_message() {
    for text in [
        "default_pass = hunter2\n",
        "default_pass hunter2",
        "default_pass = 'hunter2",
        "default_user = u\ndefault_pass = \u{1}hunter2",
    ] {
        let problems = parse(text).expect_err(text);
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
    let settings = settings("default_user = u\ndefault_pass = hunter2");
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn what_has_no_effect_is_told() {
    check_warnings(
        "num_acceptors.tcp = 9",
        &["line 1: num_acceptors.tcp has no effect: this broker sizes its own I/O"],
    );
    check_warnings(
        "mqtt.sparkplug = true\nmqtt.durable_queue_type = quorum\nstomp.default_user = x",
        &[
            "line 1: mqtt.sparkplug has no effect: MQTT has no such setting in this version \
             (said once for all keys like it)",
            "line 3: stomp.default_user has no effect: STOMP has no such setting in this version \
             (said once for all keys like it)",
        ],
    );
    check_warnings(
        "log.console = false",
        &[
            "line 1: log.console has no effect: the log goes to standard error and nowhere else; to have none, set \
           log.console.level = none",
        ],
    );
    check_warnings(
        "vm_memory_high_watermark.absolute = 1GB\nvm_memory_high_watermark.relative = 0.4",
        &[
            "line 2: vm_memory_high_watermark.relative has no effect: vm_memory_high_watermark.absolute is set",
        ],
    );
    check_warnings(
        "hartbeat = 3",
        &["line 1: 'hartbeat' is not a key of this broker and has no effect; did you mean heartbeat?"],
    );
    check_warnings(
        "something.else.entirely = 3",
        &["line 1: 'something.else.entirely' is not a key of this broker and has no effect"],
    );
    check_warnings(
        "heartbeat = 3\nheartbeat = 4",
        &["line 2: heartbeat was set on line 1 already; the later value counts"],
    );
    check_warnings("# nothing\n\n   # at all\n", &[]);
}

#[test]
fn what_this_broker_does_anyway_is_taken_silently() {
    for text in [
        "loopback_users = none",
        "loopback_users.guest = false",
        "log.console = true",
        "log.file = false",
        "proxy_protocol = false",
        "auth_backends.1 = internal",
        "auth_mechanisms.1 = PLAIN",
        "anonymous_login_user = none",
        "definitions.import_backend = local_filesystem",
        "default_queue_type = classic",
        "listeners.ssl = none",
        "ssl_options = none",
        "management.listener.ssl = false",
    ] {
        check_warnings(text, &[]);
    }
}

#[test]
fn what_would_be_missed_is_refused() {
    for text in [
        "ssl_options.password = p",
        "ssl_options.crl_check = peer",
        "management.listener.ssl = true",
        "management.listener.ssl_opts.keyfile = /k.pem",
        "auth_backends.1 = ldap",
        "auth_backends.1.authn = rabbit_auth_backend_http",
        "auth_ldap.servers.1 = ldap.example",
        "loopback_users.guest = true",
        "credential_validator.min_length = 8",
        "definitions.import_backend = https",
        "definitions.https.url = https://example/d.json",
        "default_queue_type = quorum",
        "default_policies.operator.a.max_length = 1",
        "management.restrictions.operator_policy_changes.disabled = true",
    ] {
        let problems = parse(text).expect_err(text);
        let key = text.split(' ').next().unwrap();
        let text = problems[0].to_string();
        assert!(text.starts_with(&format!("line 1: {key} can't be served: ")), "{text}");
        assert!(text.contains("; take the line out"), "{text}");
    }
    let one = parse("auth_ldap.servers.1 = a\nauth_ldap.servers.2 = b").expect_err("no LDAP");
    assert_eq!(one.len(), 1, "said once");
}

#[test]
fn tls_is_set_and_its_rules_hold() {
    let file = "\
listeners.tcp = none
listeners.ssl.default = 5671
ssl_options.cacertfile = /ca.pem
ssl_options.certfile = /c.pem
ssl_options.keyfile = /k.pem
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
ssl_cert_login_from = common_name
auth_mechanisms.1 = EXTERNAL
auth_mechanisms.2 = PLAIN
";
    let it = settings(file);
    let expect = TlsSettings {
        ca_file: Some("/ca.pem".into()),
        certificate_file: Some("/c.pem".into()),
        key_file: Some("/k.pem".into()),
        is_peer_verified: Some(true),
        is_certificate_required: Some(true),
        least: Some(TlsVersion::V1_2),
        most: Some(TlsVersion::V1_3),
        max_intermediates: None,
    };
    assert_eq!(it.tls, expect);
    assert_eq!(it.certificate_login, Some(CertificateLogin::CommonName));
    assert_eq!(it.mechanisms, ["EXTERNAL", "PLAIN"]);
    check_problem(
        "heartbeat = 1\nssl_options.fail_if_no_peer_cert = true",
        "line 2: ssl_options.fail_if_no_peer_cert needs ssl_options.verify = verify_peer",
    );
    check_problem(
        "heartbeat = 1\nssl_options.verify = verify_peer",
        "line 2: ssl_options.verify = verify_peer needs ssl_options.cacertfile",
    );
    check_problem("ssl_options.certfile = /c", "line 1: ssl_options.certfile needs ssl_options.keyfile");
    check_problem(
        "management.ssl.keyfile = /c",
        "line 1: management.ssl.keyfile needs management.ssl.certfile",
    );
    check_problem(
        "heartbeat = 1\nlisteners.ssl.x = 1",
        "line 2: listeners.ssl needs ssl_options.certfile and ssl_options.keyfile",
    );
    check_problem(
        "stomp.listeners.ssl.x = 1",
        "line 1: stomp.listeners.ssl needs ssl_options.certfile and ssl_options.keyfile",
    );
    check_problem(
        "ssl_options.versions.1 = tlsv1.1",
        "line 1: ssl_options.versions.*: tlsv1.1 is never spoken (S3); take the line out",
    );
    check_problem(
        "anonymous_login_user = u",
        "line 1: anonymous_login_user needs anonymous_login_pass: there is no default account (S1)",
    );
    check_problem(
        "auth_mechanisms.1 = ANONYMOUS",
        "line 1: auth_mechanisms.*: 'ANONYMOUS' is not one of PLAIN, AMQPLAIN, EXTERNAL, SCRAM-SHA-256",
    );
}

#[test]
fn the_most_exact_declaration_of_a_key_counts() {
    for (name, expect) in [
        ("log.console", "log.console"),
        ("log.console.use_colors", "log.console.**"),
        ("log.connection.level", "log.**"),
        ("management.tcp.port", "management.tcp.port"),
        ("management.tcp.compress", "management.tcp.**"),
        ("management.cors.max_age", "management.**"),
        ("tcp_listen_options.linger.on", "tcp_listen_options.**"),
        ("listeners.tcp.x", "listeners.tcp.*"),
        ("auth_backends.1.authz", "auth_backends.**"),
    ] {
        assert_eq!(keys::find(name).map(|(key, _)| key.name), Some(expect), "{name}");
    }
    for name in ["listeners.tcp.", "listeners.tcp.a.b", "mqtt", "mqtt."] {
        assert!(keys::find(name).is_none(), "{name}");
    }
}

#[test]
fn older_and_lesser_keys_count_where_the_better_ones_say_nothing() {
    let address = |text: &str| Some(text.parse::<std::net::IpAddr>().unwrap());
    let old = settings("management.listener.port = 1\nmanagement.listener.ip = 127.0.0.2");
    assert_eq!((old.http_port, old.http_address), (Some(1), address("127.0.0.2")));
    let both =
        settings("management.tcp.port = 2\nmanagement.listener.port = 1\nmanagement.listener.ip = 127.0.0.2");
    assert_eq!((both.http_port, both.http_address), (Some(2), None));
    for (text, level, is_json) in [
        ("log.file.level = error\nlog.file.formatter = json", Some(LogLevel::Error), Some(true)),
        ("log.console.level = debug\nlog.file.level = error", Some(LogLevel::Debug), None),
        ("log.console.level = debug\nlog.default.level = warning", Some(LogLevel::Warning), None),
        ("log.console.level = error\nlog.default.level = debug", Some(LogLevel::Error), None),
        ("log.console.formatter = plaintext\nlog.file.formatter = json", None, Some(false)),
    ] {
        let settings = settings(text);
        assert_eq!((settings.log_level, settings.is_log_json), (level, is_json), "{text:?}");
    }
    let memory = settings("vm_memory_high_watermark.absolute = 5\nvm_memory_high_watermark.relative = 0.4");
    assert_eq!(memory.memory_limit, Some(MemoryLimit::Bytes(5)));
}

#[test]
fn b7_messages_show_little_of_the_file() {
    let long = "x".repeat(255);
    for text in [
        format!("{long} = 1"),
        format!("{long} = 1\n{long} = 2"),
        format!("loopback_users.{long} = 3"),
        format!("loopback_users.{} = true", "x".repeat(240)),
        format!("listeners.tcp.{} = {long}", "x".repeat(240)),
        format!("num_acceptors.{} = 1", "x".repeat(240)),
        format!("mqtt.{} = 1", "x".repeat(240)),
        format!("ssl_options.{} = 1", "x".repeat(240)),
        format!("default_user_tags.{} = {long}", "x".repeat(230)),
        format!("heartbeat = {long}"),
        format!("{long} ="),
        format!("x{long} = 1"),
        long.clone(),
        format!("heartbeat = {}", "\u{10ffff}".repeat(100)),
    ] {
        let messages: Vec<String> = match parse(&text) {
            Ok(loaded) => loaded.warnings.into_iter().map(|warning| warning.text).collect(),
            Err(problems) => problems.into_iter().map(|problem| problem.text).collect(),
        };
        for message in &messages {
            let shown = message.matches('x').count().max(message.matches("10ffff").count() * 10);
            assert!(shown <= 64 + 2, "{shown}: {message}");
        }
        assert!(!messages.is_empty(), "{text}");
    }
    for key in keys() {
        let name = key.name.replace('*', &"Z".repeat(100));
        let text = format!("{name} = {}", "Z".repeat(5_000));
        let messages = match parse(&text) {
            Ok(loaded) => loaded.warnings.into_iter().map(|warning| warning.text).collect(),
            Err(problems) => problems.into_iter().map(|problem| problem.text).collect::<Vec<_>>(),
        };
        for message in messages {
            assert!(message.matches('Z').count() <= 64, "{message}");
        }
    }
    for text in ["\u{10ffff}".repeat(40), "'".repeat(100), "\n".repeat(33), "x".repeat(65)] {
        assert!(ternmq_stdx::shown(&text).to_string().len() <= 64 + "...".len(), "{text:?}");
    }
    assert_eq!(ternmq_stdx::shown(&"x".repeat(64)).to_string(), "x".repeat(64));
}

#[test]
fn a_text_past_its_limits_is_refused_whole() {
    let at = "#".repeat(MAX_TEXT_BYTES);
    assert!(parse(&at).is_ok());
    check_problem(&format!("{at}#"), "line 1: the file has 1048577 bytes; at most 1048576 are read");
    let at = "# x\n".repeat(MAX_LINES);
    assert!(parse(&at).is_ok());
    check_problem(&format!("{at}#"), "line 10001: the file has more than 10000 lines; no more are read");
    let many = "x\n".repeat(MAX_PROBLEMS + 10);
    assert_eq!(parse(&many).expect_err("each line is wrong").len(), MAX_PROBLEMS);
}

#[test]
fn warnings_past_their_limit_are_counted() {
    let unknown = |count: usize| (0..count).map(|number| format!("k{number} = 1\n")).collect::<String>();
    for (count, told, more) in [
        (MAX_WARNINGS, MAX_WARNINGS, 0),
        (MAX_WARNINGS + 1, MAX_WARNINGS, 1),
        (MAX_LINES, MAX_WARNINGS, 9_900),
    ] {
        let loaded = parse(&unknown(count)).unwrap();
        assert_eq!((loaded.warnings.len(), loaded.more_warnings), (told, more), "{count}");
    }
}

#[test]
fn listeners_and_tags_have_a_limit() {
    for (key, value, most) in [
        ("listeners.tcp.", "1", listeners::MAX_LISTENERS),
        ("stomp.listeners.tcp.", "1", listeners::MAX_LISTENERS),
        ("default_user_tags.", "true", served::MAX_TAGS),
    ] {
        let lines =
            |count: usize| (0..count).map(|number| format!("{key}{number} = {value}\n")).collect::<String>();
        assert!(parse(&lines(most)).is_ok());
        let problems = parse(&lines(most + 1)).expect_err("one too many");
        assert!(problems[0].text.contains("there are more than 64 "), "{problems:?}");
    }
}

/// A line for each key that sets something, with a value that is not the default.
const EXAMPLES: &[&str] = &[
    "listeners.tcp.a = 1",
    "listeners.tcp = none",
    "management.tcp.port = 1",
    "management.tcp.ip = ::1",
    "management.listener.port = 1",
    "management.listener.ip = [::1]",
    "tcp_listen_options.backlog = 1",
    "tcp_listen_options.nodelay = false",
    "tcp_listen_options.keepalive = true",
    "tcp_listen_options.sndbuf = 8192",
    "tcp_listen_options.recbuf = 8192",
    "tcp_listen_options.send_timeout = 1000",
    "listeners.ssl = none",
    "listeners.ssl.default = 5671\nssl_options.certfile = /c.pem\nssl_options.keyfile = /k.pem",
    "ssl_handshake_timeout = 1",
    "ssl_cert_login_from = common_name",
    "ssl_cert_login_san_type = dns",
    "ssl_cert_login_san_index = 1",
    "auth_mechanisms.1 = EXTERNAL",
    "proxy_protocol = true",
    "management.ssl.port = 1",
    "management.ssl.ip = ::1",
    "ssl_options.cacertfile = /ca.pem",
    "ssl_options.certfile = /c.pem\nssl_options.keyfile = /k.pem",
    "ssl_options.keyfile = /k.pem\nssl_options.certfile = /c.pem",
    "ssl_options.verify = verify_none",
    "ssl_options.fail_if_no_peer_cert = true\nssl_options.verify = verify_peer\nssl_options.cacertfile = /ca.pem",
    "ssl_options.versions.1 = tlsv1.3",
    "ssl_options.depth = 1",
    "management.ssl.cacertfile = /ca.pem",
    "management.ssl.certfile = /c.pem\nmanagement.ssl.keyfile = /k.pem",
    "management.ssl.keyfile = /k.pem\nmanagement.ssl.certfile = /c.pem",
    "management.ssl.verify = verify_none",
    "management.ssl.fail_if_no_peer_cert = false",
    "management.ssl.versions.1 = tlsv1.3",
    "management.ssl.depth = 1",
    "cluster_name = c",
    "default_vhost = v",
    "default_user = u\ndefault_pass = p",
    "default_pass = p\ndefault_user = u",
    "default_user_tags.monitoring = true",
    "default_permissions.configure = ''",
    "default_permissions.write = ^a",
    "default_permissions.read = ^a",
    "load_definitions = /d.json",
    "management.load_definitions = /d.json",
    "definitions.local.path = /d.json",
    "vm_memory_high_watermark.relative = 0.5",
    "vm_memory_high_watermark.absolute = 1GiB",
    "disk_free_limit.absolute = 1GiB",
    "disk_free_limit.relative = 1.5",
    "heartbeat = 0",
    "frame_max = 4096",
    "channel_max = 1",
    "consumer_max_per_channel = 1",
    "connection_max = 1",
    "cluster_queue_limit = 1",
    "max_message_size = 1",
    "consumer_timeout = undefined",
    "handshake_timeout = 1",
    "mqtt.listeners.tcp.default = 1883",
    "mqtt.listeners.tcp = none",
    "mqtt.listeners.ssl.default = 8883\nssl_options.certfile = c\nssl_options.keyfile = k",
    "mqtt.listeners.ssl = none",
    "mqtt.allow_anonymous = true\nmqtt.default_user = u\nmqtt.default_pass = p",
    "mqtt.default_user = u",
    "anonymous_login_user = u\nanonymous_login_pass = p",
    "anonymous_login_pass = p",
    "mqtt.default_pass = p",
    "mqtt.ssl_cert_login = true",
    "mqtt.login_refusal = not_authorized",
    "mqtt.allow_empty_client_id = false",
    "mqtt.vhost = v",
    "mqtt.max_session_expiry_interval_seconds = 60",
    "mqtt.prefetch = 10",
    "mqtt.receive_maximum = 10",
    "mqtt.maximum_qos = 1",
    "mqtt.retain_available = false",
    "mqtt.topic_alias_maximum = 0",
    "mqtt.max_keep_alive_seconds = 60",
    "mqtt.max_packet_size_authenticated = 1024",
    "mqtt.max_packet_size_unauthenticated = 1024",
    "stomp.listeners.tcp.default = 61613",
    "stomp.listeners.tcp = none",
    "stomp.listeners.ssl.default = 61614\nssl_options.certfile = c\nssl_options.keyfile = k",
    "stomp.listeners.ssl = none",
    "stomp.default_nack_requeue = false",
    "stomp.ssl_cert_login = true",
    "log.console.level = none",
    "log.file.level = none",
    "log.default.level = none",
    "log.console.formatter = json",
    "log.file.formatter = json",
];

#[test]
fn every_key_that_sets_something_does() {
    let mut seen = std::collections::BTreeSet::new();
    for line in EXAMPLES {
        let name = line.split(' ').next().unwrap();
        let (key, _) = keys::find(name).expect(line);
        assert!(matches!(key.effect, Effect::Sets(_)), "{line}");
        assert_ne!(settings(line), Settings::default(), "{line}");
        check_warnings(line, &[]);
        seen.insert(key.name);
    }
    for key in keys().filter(|key| matches!(key.effect, Effect::Sets(_))) {
        assert!(seen.contains(key.name), "{} has no example", key.name);
    }
}

#[test]
fn every_key_is_declared_once_and_documented() {
    let names: Vec<&str> = keys().map(|key| key.name).collect();
    for (index, key) in keys().enumerate() {
        assert!(names.iter().skip(index + 1).all(|other| *other != key.name), "{} twice", key.name);
        assert!(![key.doc, key.value, key.default].contains(&""), "{}", key.name);
        assert!(!key.doc.contains('|'), "{}", key.name);
    }
}

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/operations/configuration.md");
const BEGIN: &str = "<!-- keys: begin -->\n";
const END: &str = "<!-- keys: end -->\n";

/// The table of keys as the document has it.
fn table() -> String {
    let mut table = String::new();
    let served = keys().filter(|key| matches!(key.effect, Effect::Sets(_) | Effect::Depends(_)));
    let ignored = keys().filter(|key| matches!(key.effect, Effect::Ignored(_)));
    let refused = keys().filter(|key| matches!(key.effect, Effect::Refused(_)));
    table.push_str(
        "\n## Keys that count\n| key | value | without it | meaning |\n| --- | --- | --- | --- |\n",
    );
    for key in served {
        table.push_str(&format!("| `{}` | {} | {} | {} |\n", key.name, key.value, key.default, key.doc));
    }
    table.push_str(
        "\n## Keys without effect\nEach is named in the log at the start.\n\n| key | why |\n| --- | --- |\n",
    );
    for key in ignored {
        table.push_str(&format!("| `{}` | {} |\n", key.name, key.doc));
    }
    table.push_str("\n## Keys that are refused\nThe broker does not start, with exit code 2.\n\n| key | why |\n| --- | --- |\n");
    for key in refused {
        table.push_str(&format!("| `{}` | {} |\n", key.name, key.doc));
    }
    table.push('\n');
    table
}

/// Run with `UPDATE_DOCUMENTS=1` to write the table into the document.
#[test]
fn the_document_has_every_key() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (head, rest) = document.split_once(BEGIN).expect(BEGIN);
    let (found, tail) = rest.split_once(END).expect(END);
    let table = table();
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(DOCUMENT, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
        return;
    }
    for (found, expect) in found.lines().zip(table.lines()) {
        assert_eq!(found, expect, "run the tests with UPDATE_DOCUMENTS=1 and look at what changed");
    }
    assert_eq!(found.len(), table.len());
}
