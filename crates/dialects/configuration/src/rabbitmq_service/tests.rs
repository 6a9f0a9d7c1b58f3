use proptest::prelude::*;

use super::*;
use crate::removed::{MAX_TOLD_REMOVALS, Reason};

mod document;
mod examples;

const V3: Version = Version::minor(3, 13);
const V4: Version = Version::minor(4, 2);

fn sanitised(text: &str) -> Sanitised {
    sanitise(text.as_bytes(), V4).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// What is left, and what was taken out as `REASON element attribute`.
fn check(version: Version, text: &str, kept: &str, removed: &[&str]) {
    let outcome = sanitise(text.as_bytes(), version).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(outcome.text, kept, "{text:?}");
    let told: Vec<String> = outcome.removals.told.iter().map(shown).collect();
    assert_eq!(told, removed, "{text:?}");
    let again = sanitise(kept.as_bytes(), version).unwrap();
    assert_eq!((again.text.as_str(), again.removals.is_empty()), (kept, true));
    assert_eq!(again.chosen, outcome.chosen);
}

fn shown(removal: &crate::Removal) -> String {
    let element = removal.element_name.as_deref().unwrap_or_default();
    match &removal.attribute_name {
        None => format!("{} {element}", removal.reason),
        Some(attribute) => format!("{} {element} {attribute}", removal.reason),
    }
}

fn check_unusable(bytes: &[u8], expect: &str) {
    let error = sanitise(bytes, V4).expect_err(expect);
    assert_eq!(error.to_string(), expect);
}

#[test]
fn the_rest_of_the_text_stays_as_it_is() {
    check(
        V4,
        "# a comment\r\n\r\nheartbeat=61  # mine\r\nlisteners.tcp.default = 1\r\n  # the end",
        "# a comment\r\n\r\nheartbeat=61  # mine\r\n  # the end",
        &["DISALLOWED_ELEMENT_REMOVED listeners.tcp.default"],
    );
    check(V4, "", "", &[]);
    check(V4, "heartbeat = 60\nfoo = 1", "heartbeat = 60\n", &["DISALLOWED_ELEMENT_REMOVED foo"]);
}

#[test]
fn what_is_taken_out_is_told_by_kind() {
    for (line, told) in [
        (
            "vm_memory_high_watermark.relative = 0.9",
            "DISALLOWED_ELEMENT_REMOVED vm_memory_high_watermark.relative",
        ),
        ("frame_max = 4096", "DISALLOWED_ELEMENT_REMOVED frame_max"),
        (
            "ssl_options.versions.1 = tlsv1.2",
            "DISALLOWED_ATTRIBUTE_REMOVED ssl_options ssl_options.versions.1",
        ),
        ("management.tcp.port = 1", "DISALLOWED_ATTRIBUTE_REMOVED management management.tcp.port"),
        ("heartbeat = 59", "INVALID_ATTRIBUTE_VALUE_REMOVED heartbeat heartbeat"),
        ("auth_http.user_path = http://a/b", "INVALID_ATTRIBUTE_VALUE_REMOVED auth_http auth_http.user_path"),
    ] {
        check(V4, &format!("{line}\n"), "", &[told]);
    }
}

/// Keys that the vendor has and the service does not take (facts of the service, permitted keys).
#[test]
fn keys_of_files_secrets_and_transport_are_not_permitted() {
    for key in [
        "auth_oauth2.https.cacertfile",
        "auth_oauth2.oauth_providers.a.https.cacertfile",
        "auth_oauth2.signing_keys.id1",
        "auth_oauth2.introspection_endpoint",
        "management.oauth_client_secret",
        "management.oauth_resource_servers.a.oauth_client_secret",
        "auth_ldap.dn_lookup_bind.password",
        "auth_ldap.other_bind.password",
        "auth_ldap.ssl_options.cacertfile",
        "auth_http.ssl_options.keyfile",
        "management.ssl.fail_if_no_peer_cert",
        "aws.arns.ssl_options.certfile",
        "quorum_queue.initial_cluster_size",
        "auth_backends.1.authn.x",
        "auth_backends.",
        "auth_oauth2.scope_aliases..alias",
    ] {
        check_family(key);
    }
    for family in ["ssl_options", "management.ssl", "auth_ldap.ssl_options", "auth_http.ssl_options"] {
        for key in [
            "cert",
            "client_renegotiation",
            "dh",
            "dhfile",
            "honor_cipher_order",
            "honor_ecc_order",
            "key.RSAPrivateKey",
            "log_alert",
            "password",
            "psk_identity",
            "reuse_sessions",
            "secure_renegotiate",
            "versions.1",
            "sni",
            "crl_check",
        ] {
            check_family(&format!("{family}.{key}"));
        }
    }
}

fn check_family(key: &str) {
    let family = key.split('.').next().unwrap_or_default();
    check(V4, &format!("{key} = x\n"), "", &[&format!("DISALLOWED_ATTRIBUTE_REMOVED {family} {key}")]);
}

#[test]
fn a_text_whose_lines_cannot_be_told_is_unusable() {
    check_unusable(b"heartbeat = 60\n\xff\n", "the configuration is not UTF-8 (byte 15)");
    check_unusable(b"heartbeat 60", "line 1: 'heartbeat' is not of the form `key = value`");
    check_unusable(b"\n= 60", "line 2: '' is not a key: keys are words of letters and digits joined by dots");
    check_unusable(b"heartbeat =", "line 1: heartbeat: there is no value after `=`");
    check_unusable(b"heartbeat = '6", "line 1: heartbeat: the quote that opens the value is not closed");
    check_unusable(b"# \0\n", "line 1: it has a control character");
    check_unusable(b"\na = '''\nb\n", "line 2: the quotes that open the value are not closed");
    check_unusable(b"a = '''b''' c", "line 1: there is text after the closing quotes");
    check_unusable(
        b"default_pass = a$(b)",
        "line 1: default_pass: references $(...) are not followed; write the value itself, or in single quotes",
    );
}

#[test]
fn ldap_without_tls_is_unusable() {
    let ldap = "auth_backends.1 = ldap\nauth_ldap.servers.1 = ldap.example.com\n";
    let refusal = "auth_ldap needs auth_ldap.use_ssl = true or auth_ldap.use_starttls = true";
    check_unusable(ldap.as_bytes(), refusal);
    check_unusable(format!("{ldap}auth_ldap.use_ssl = false\n").as_bytes(), refusal);
    check_unusable(format!("{ldap}auth_ldap.use_ssl = yes\n").as_bytes(), refusal);
    for key in ["use_ssl", "use_starttls"] {
        let text = format!("{ldap}auth_ldap.{key} = true\n");
        check(V4, &text, &text, &[]);
    }
}

#[test]
fn a_value_may_have_several_lines_between_three_quotes() {
    let text = "auth_ldap.queries.tags = '''\n[{administrator, {constant, true}},\n # no comment\n]\n''' # end\nheartbeat = 60\n";
    check(V4, text, text, &[]);
    let chosen = sanitised(text).chosen;
    let query = chosen.value("auth_ldap.queries.tags").unwrap();
    assert!(query.starts_with("\n[{admin") && query.ends_with("]\n"), "{query:?}");
    check(
        V4,
        "heartbeat = '''\n60\n'''\nconsumer_timeout = 1\n",
        "consumer_timeout = 1\n",
        &["INVALID_ATTRIBUTE_VALUE_REMOVED heartbeat heartbeat"],
    );
}

#[test]
fn limits_of_a_text_at_and_past_them() {
    let long = "#".repeat(crate::MAX_TEXT_BYTES);
    assert!(sanitise(long.as_bytes(), V4).is_ok());
    check_unusable(
        format!("{long}#").as_bytes(),
        "the configuration has 1048577 bytes; at most 1048576 are taken",
    );
    let lines = "#\n".repeat(crate::MAX_LINES);
    assert!(sanitise(lines.as_bytes(), V4).is_ok());
    check_unusable(format!("{lines}#").as_bytes(), "the configuration has more than 10000 lines");
    check_unusable(format!("a = '''\n{lines}").as_bytes(), "the configuration has more than 10000 lines");
}

#[test]
fn the_first_twenty_removals_are_told_and_the_rest_counted() {
    let text: String = (0..crate::MAX_LINES).map(|number| format!("key{number} = 1\n")).collect();
    let outcome = sanitised(&text);
    assert_eq!((outcome.text.as_str(), outcome.removals.untold), ("", crate::MAX_LINES - MAX_TOLD_REMOVALS));
    assert_eq!(outcome.removals.told.len(), MAX_TOLD_REMOVALS);
    assert_eq!(shown(&outcome.removals.told[19]), "DISALLOWED_ELEMENT_REMOVED key19");
    let long = "k".repeat(255);
    let told = &sanitised(&format!("{long} = 1")).removals.told[0];
    assert_eq!(told.element_name, Some(long));
    assert_eq!(told.reason, Reason::DisallowedElement);
}

#[test]
fn who_knows_the_users() {
    for (text, is_external) in [
        ("heartbeat = 60", false),
        ("auth_backends.1 = internal", false),
        ("auth_backends.1 = oauth2\nauth_backends.2 = internal", true),
        ("auth_backends.1.authn = http\nauth_backends.1.authz = internal", true),
        ("auth_mechanisms.1 = PLAIN", false),
        ("auth_mechanisms.1 = EXTERNAL", true),
        ("auth_oauth2.resource_server_id = rabbitmq", false),
        ("ssl_options.verify = verify_peer", false),
    ] {
        assert_eq!(sanitised(text).chosen.uses_external_auth(), is_external, "{text:?}");
    }
    let role = "arn:aws:iam::123456789012:role/reader";
    let chosen = sanitised(&format!("heartbeat = 60\naws.arns.assume_role_arn = {role}")).chosen;
    assert_eq!(chosen.assume_role_arn(), Some(role));
    assert_eq!(chosen.access().collect::<Vec<_>>(), [("aws.arns.assume_role_arn", role)]);
    assert_eq!(format!("{chosen:?}").matches("123456789012").count(), 0);
}

#[test]
fn the_limit_that_is_exceeded_is_told_in_the_words_of_the_service() {
    let chosen = sanitised("vhost_max = 99\ncluster_queue_limit = 100000000").chosen;
    let error = check_limits(&chosen, Size::M7gMedium, Mode::SingleInstance, 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Configuration Revision 3 for configuration:cluster_queue_limit has limit: of value: 100000000 larger than \
         maximum allowed limit:2500"
    );
    for (limit, size, mode, is_fine) in [
        ("connection_max = 300", Size::M7gMedium, Mode::Cluster, true),
        ("connection_max = 301", Size::M7gMedium, Mode::Cluster, false),
        ("vhost_max = 1500", Size::M7gX16Large, Mode::SingleInstance, true),
        ("vhost_max = 1501", Size::M7gX16Large, Mode::SingleInstance, false),
        ("vhost_max = 1501", Size::M5Large, Mode::SingleInstance, true),
        ("cluster_queue_limit = 10000", Size::M5Large, Mode::Cluster, true),
        ("cluster_queue_limit = 10001", Size::M5Large, Mode::Cluster, false),
        ("cluster_queue_limit = 10001", Size::M5Large, Mode::SingleInstance, true),
        ("runtime_parameters.limits.shovel = 51", Size::M7gMedium, Mode::Cluster, false),
        ("consumer_max_per_channel = 1001", Size::M7gX16Large, Mode::SingleInstance, false),
        ("max_message_size = 134217728", Size::M7gMedium, Mode::SingleInstance, true),
        ("max_message_size = 134217729", Size::M7gX16Large, Mode::Cluster, false),
        ("max_message_size = 18446744073709551615", Size::M7gX16Large, Mode::Cluster, false),
    ] {
        let outcome = check_limits(&sanitised(limit).chosen, size, mode, 1);
        assert_eq!(outcome.is_ok(), is_fine, "{limit} {size}");
    }
    check(
        V4,
        "vhost_max = 18446744073709551616\n",
        "",
        &["INVALID_ATTRIBUTE_VALUE_REMOVED vhost_max vhost_max"],
    );
}

#[test]
fn every_type_has_its_limits() {
    let of_type = [Limit::Connections, Limit::Channels, Limit::Queues, Limit::Shovels];
    for size in Size::ALL {
        assert_eq!(size.as_str().parse(), Ok(size));
        for mode in [Mode::SingleInstance, Mode::Cluster] {
            assert_eq!(mode.as_str().parse(), Ok(mode));
            for limit in of_type {
                let bound = bound_of(limit, size, mode).unwrap();
                assert!(0 < bound.default && bound.default <= bound.most, "{limit:?} {size}");
            }
            let is_m7g = size.as_str().starts_with("mq.m7g.");
            for limit in [Limit::VirtualHosts, Limit::Exchanges] {
                assert_eq!(bound_of(limit, size, mode).is_some(), is_m7g, "{limit:?} {size}");
            }
        }
    }
    for text in ["mq.t3.micro", "m7g.large", "mq.M7G.large", ""] {
        assert_eq!(text.parse::<Size>(), Err(Unknown), "{text:?}");
    }
    assert_eq!("ACTIVE_STANDBY_MULTI_AZ".parse::<Mode>(), Err(Unknown));
}

/// What the node makes of an effective text: it reads all of it without a warning.
fn node(text: &str, version: Version, size: Size, mode: Mode) -> (crate::Settings, Vec<String>) {
    let chosen = sanitise(text.as_bytes(), version).unwrap().chosen;
    let effective = effective(&chosen, size, mode);
    let loaded =
        crate::parse(&effective.text).unwrap_or_else(|error| panic!("{}: {error:?}", effective.text));
    assert_eq!(loaded.warnings, [], "{}", effective.text);
    (loaded.settings, effective.without_effect.into_iter().map(|key| key.key).collect())
}

#[test]
fn a_node_gets_what_was_chosen_and_defaults_for_the_rest() {
    let (settings, ignored) = node(default_text(), V4, Size::M7gLarge, Mode::SingleInstance);
    assert_eq!(ignored, Vec::<String>::new());
    assert_eq!(settings.heartbeat_s, Some(60));
    assert_eq!(settings.consumer_timeout, Some(crate::Timeout::AfterMs(1_800_000)));
    assert_eq!(settings.connection_max, Some(1_500));
    assert_eq!(settings.max_queues, Some(1_000));
    assert_eq!(settings.channel_max_consumers, Some(10));
    assert_eq!(settings.max_message_bytes, Some(524_288));

    let text = "heartbeat = 90\nconsumer_timeout = 0\nconnection_max = 2000\ncluster_queue_limit = 999999\n\
                auth_backends.1 = ldap\nauth_ldap.use_ssl = true\nauth_mechanisms.1 = AMQPLAIN\nvhost_max = 7\n\
                ssl_options.verify = verify_peer\nssl_cert_login_from = common_name\n\
                management.restrictions.operator_policy_changes.disabled = true\n";
    let (settings, ignored) = node(text, V4, Size::M7gLarge, Mode::SingleInstance);
    assert_eq!(
        ignored,
        [
            "auth_backends.1",
            "auth_ldap.use_ssl",
            "management.restrictions.operator_policy_changes.disabled",
            "ssl_options.verify",
            "vhost_max",
        ]
    );
    assert_eq!(settings.heartbeat_s, Some(90));
    assert_eq!(settings.consumer_timeout, Some(crate::Timeout::Never));
    assert_eq!(settings.connection_max, Some(2_000));
    // never above the most of the type
    assert_eq!(settings.max_queues, Some(20_000));
    assert_eq!(settings.mechanisms, ["AMQPLAIN"]);
    assert_eq!(settings.certificate_login, Some(crate::CertificateLogin::CommonName));

    // a key that comes again takes the place of the first, also where the node would have both
    let (settings, _) =
        node("auth_mechanisms.1 = PLAIN\nauth_mechanisms.1 = AMQPLAIN", V4, Size::M7gLarge, Mode::Cluster);
    assert_eq!(settings.mechanisms, ["AMQPLAIN"]);
}

#[test]
fn a_broker_of_version_3_has_the_most_of_its_type() {
    let text = "connection_max = 10\n";
    check(V3, text, "", &["DISALLOWED_ELEMENT_REMOVED connection_max"]);
    let (settings, _) = node("", V3, Size::M7gLarge, Mode::Cluster);
    assert_eq!((settings.connection_max, settings.max_queues), (Some(5_000), Some(10_000)));
    let (settings, _) = node("", V3, Size::M5Large, Mode::SingleInstance);
    assert_eq!((settings.connection_max, settings.max_queues), (Some(5_000), Some(30_000)));
    assert_eq!(settings.channel_max_consumers, Some(1_000));
}

#[test]
fn every_key_together_makes_a_text_that_a_node_reads() {
    for size in Size::ALL {
        for mode in [Mode::SingleInstance, Mode::Cluster] {
            for version in [V3, V4, Version::minor(4, 3)] {
                for example in examples::EXAMPLES {
                    for value in example.good {
                        let text = format!("auth_ldap.use_ssl = true\n{} = {value}\n", example.key);
                        node(&text, version, size, mode);
                    }
                }
            }
        }
    }
}

#[test]
fn truncation_at_each_byte_is_read_or_refused() {
    let text = format!("{}auth_ldap.queries.tags = '''\né\n'''\n", default_text());
    for end in 0..text.len() {
        if let Ok(outcome) = sanitise(&text.as_bytes()[..end], V4) {
            assert!(text.starts_with(&outcome.text) || !outcome.removals.is_empty());
        }
    }
    check(V4, default_text(), default_text(), &[]);
}

proptest! {
    #[test]
    fn what_comes_out_goes_in_again_unchanged(
        lines in prop::collection::vec(
            ("[ \t\u{feff}]{0,1}", prop_oneof![
                Just("heartbeat".to_owned()), Just("auth_backends.1".to_owned()), Just("#".to_owned()),
                Just("auth_ldap.queries.tags".to_owned()), Just("connection_max".to_owned()), "[a-z.*]{1,12}",
            ], "[ =]{1,3}", prop_oneof![
                Just("60".to_owned()), Just("internal".to_owned()), Just("''' x\ny '''".to_owned()),
                "[a-z0-9' #é]{0,12}",
            ], "[\r\n]{1,2}"), 0..12),
        version in prop_oneof![Just(V3), Just(V4)],
    ) {
        let text: String =
            lines.into_iter().map(|(indent, key, is, value, end)| format!("{indent}{key}{is}{value}{end}")).collect();
        if let Ok(first) = sanitise(text.as_bytes(), version) {
            let second = sanitise(first.text.as_bytes(), version).unwrap();
            prop_assert_eq!(&first.text, &second.text);
            prop_assert!(second.removals.is_empty());
            prop_assert_eq!(&first.chosen, &second.chosen);
            let effective = effective(&first.chosen, Size::M7gLarge, Mode::Cluster);
            prop_assert!(crate::parse(&effective.text).is_ok_and(|loaded| loaded.warnings.is_empty()));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = sanitise(&bytes, V4);
    }
}
