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
default_pass = 'it''s # secret'
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
    let listeners: Vec<_> = settings.amqp_listeners.iter().map(|l| (l.name.as_str(), l.address)).collect();
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
    assert_eq!(settings.default_user.password.as_ref().map(Password::expose), Some("it''s # secret"));
    assert_eq!(settings.default_user.tags, ["administrator"]);
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
        ("consumer_timeout = 0", false),
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
        ("2k", 2_048),
        ("2KB", 2_000),
        ("3MiB", 3 << 20),
        ("3MB", 3_000_000),
        ("1G", 1 << 30),
        ("1 GB", 1_000_000_000),
    ] {
        let settings = settings(&format!("disk_free_limit.absolute = {text}"));
        assert_eq!(settings.disk_free_limit, Some(FreeDiskLimit::Bytes(expect)), "{text}");
    }
}

#[test]
fn problems_name_the_line_and_the_mend() {
    check_problem(
        "\nheartbeat = often\n",
        "line 2: heartbeat: 'often' is not a whole number from 0 to 65535",
    );
    check_problem("heartbeat", "line 1: 'heartbeat' is not of the form `key = value`");
    check_problem("heartbeat =", "line 1: there is no value after `=`");
    check_problem("default_pass = 'x", "line 1: the quote that opens the value is not closed");
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
        "loopback_users.guest = false",
        &[
            "line 1: loopback_users.guest has no effect: there is no default account, and no user is bound to an \
           address (S1)",
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
fn a_text_past_its_limit_is_refused_whole() {
    let at = "#".repeat(MAX_TEXT_BYTES);
    assert!(parse(&at).is_ok());
    assert!(parse(&format!("{at}#")).is_err());
    let many = "x\n".repeat(MAX_PROBLEMS + 10);
    assert_eq!(parse(&many).expect_err("each line is wrong").len(), MAX_PROBLEMS);
}

#[test]
fn every_key_is_declared_once_and_documented() {
    for (index, key) in KEYS.iter().enumerate() {
        assert!(KEYS.iter().skip(index + 1).all(|other| other.name != key.name), "{} twice", key.name);
        assert!(key.doc.ends_with('.') && !key.value.is_empty(), "{}", key.name);
    }
}
