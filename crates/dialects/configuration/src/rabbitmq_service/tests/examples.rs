//! Values that each permitted key takes, and values that it does not.

use super::*;
use crate::rabbitmq_service::keys;

pub(super) struct Example {
    pub(super) key: &'static str,
    pub(super) good: &'static [&'static str],
    pub(super) bad: &'static [&'static str],
}

macro_rules! examples {
    ($($key:literal: $good:expr, $bad:expr;)*) => {
        &[$(Example { key: $key, good: &$good, bad: &$bad }),*]
    };
}

const TRUTH: [&str; 2] = ["true", "false"];
const NO_TRUTH: [&str; 3] = ["TRUE", "1", "''"];
const TEXT: [&str; 2] = ["a", "'it''s # é'"];
const NO_TEXT: [&str; 2] = ["''", "'a\tb'"];
const VERIFY: [&str; 2] = ["verify_peer", "verify_none"];
const WRONG: [&str; 2] = ["other", "'1 2'"];
const URL: [&str; 3] = ["https://a.example/b?c", "HTTPS://[::1]:8443", "https://10.0.0.1:1/"];
const NO_URL: [&str; 7] = [
    "http://a.example",
    "https://",
    "https://u:p@a.example",
    "https://a:0/",
    "https://a b/",
    "https://[::1",
    "a",
];
const DEPTH: [&str; 2] = ["0", "255"];
const NO_DEPTH: [&str; 3] = ["256", "-1", "+1"];
const DN: [&str; 3] = ["cn=a", "cn=${username},ou=a\\,b,dc=example", "2.5.4.3=a+cn=b"];
const NO_DN: [&str; 7] = ["a", "cn=", "=a", "cn=a,", "cn=a\\", "c n=a", "cn=<a>"];
const COUNT: [&str; 2] = ["1", "4294967296"];
const NO_COUNT: [&str; 5] = ["0", "-1", "1.0", "infinity", "18446744073709551616"];
const CERTIFICATES: [&str; 2] = [
    "arn:aws:s3:::bucket/ca.pem",
    "arn:aws-us-gov:acm-pca:us-gov-west-1:123456789012:certificate-authority/a",
];
const SECRET: [&str; 1] = ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-b"];
const NO_ARN: [&str; 6] = [
    "/etc/passwd",
    "arn:aws:iam::1:role/a",
    "arn:x:s3:::a",
    "arn:aws:s3::12:a",
    "arn:aws:s3:::",
    "arn:aws:s3",
];
const BACKEND: [&str; 4] = ["internal", "oauth2", "ldap", "rabbit_auth_backend_http"];
const NO_BACKEND: [&str; 3] = ["cache", "Internal", "amqp"];
const LOGON: [&str; 2] = ["sp_initiated", "idp_initiated"];
const QUERY: [&str; 2] = ["{constant, true}", "'''\n[{a, \"b\"}]\n'''"];
const MS: [&str; 3] = ["0", "2147483647", "infinity"];
const NO_MS: [&str; 3] = ["2147483648", "never", "-1"];
const HOST_CHECK: [&str; 2] = ["wildcard", "none"];

#[rustfmt::skip]
pub(super) const EXAMPLES: &[Example] = examples! {
    "consumer_timeout": ["0", "1", "2147483647"], ["2147483648", "-1", "undefined", "infinity"];
    "heartbeat": ["60", "3600"], ["59", "3601", "0"];
    "management.restrictions.operator_policy_changes.disabled": TRUTH, NO_TRUTH;
    "quorum_queue.property_equivalence.relaxed_checks_on_redeclaration": TRUTH, NO_TRUTH;
    "secure.management.http.headers.enabled": TRUTH, NO_TRUTH;
    "amqp_client.ssl_options.verify": VERIFY, WRONG;
    "connection_max": COUNT, NO_COUNT;
    "channel_max_per_node": COUNT, NO_COUNT;
    "cluster_queue_limit": COUNT, NO_COUNT;
    "vhost_max": COUNT, NO_COUNT;
    "runtime_parameters.limits.shovel": COUNT, NO_COUNT;
    "cluster_exchange_limit": COUNT, NO_COUNT;
    "consumer_max_per_channel": COUNT, NO_COUNT;
    "max_message_size": COUNT, ["0", "16MB", "infinity"];
    "auth_backends.1": BACKEND, NO_BACKEND;
    "auth_backends.2.authn": BACKEND, NO_BACKEND;
    "auth_backends.2.authz": BACKEND, NO_BACKEND;
    "auth_mechanisms.1": ["PLAIN", "AMQPLAIN", "EXTERNAL"], ["RABBIT-CR-DEMO", "plain"];
    "auth_oauth2.resource_server_id": TEXT, NO_TEXT;
    "auth_oauth2.resource_server_type": TEXT, NO_TEXT;
    "auth_oauth2.preferred_username_claims.1": TEXT, NO_TEXT;
    "auth_oauth2.additional_scopes_key": TEXT, NO_TEXT;
    "auth_oauth2.scope_prefix": TEXT, NO_TEXT;
    "auth_oauth2.scope_aliases.admin": ["rabbitmq.tag:administrator rabbitmq.read:*/*"], NO_TEXT;
    "auth_oauth2.scope_aliases.1.alias": ["arn:aws:iam::123456789012:role/admin"], NO_TEXT;
    "auth_oauth2.scope_aliases.1.scope": TEXT, NO_TEXT;
    "auth_oauth2.verify_aud": TRUTH, NO_TRUTH;
    "auth_oauth2.default_key": TEXT, NO_TEXT;
    "auth_oauth2.default_oauth_provider": TEXT, NO_TEXT;
    "auth_oauth2.issuer": URL, NO_URL;
    "auth_oauth2.jwks_url": URL, NO_URL;
    "auth_oauth2.jwks_uri": URL, NO_URL;
    "auth_oauth2.token_endpoint": URL, NO_URL;
    "auth_oauth2.authorization_endpoint": URL, NO_URL;
    "auth_oauth2.end_session_endpoint": URL, NO_URL;
    "auth_oauth2.discovery_endpoint_path": TEXT, NO_TEXT;
    "auth_oauth2.discovery_endpoint_params.a": TEXT, NO_TEXT;
    "auth_oauth2.algorithms.1": ["Ed25519", "ES256K", "RS512"], ["none", "rs256"];
    "auth_oauth2.https.peer_verification": VERIFY, WRONG;
    "auth_oauth2.https.depth": DEPTH, NO_DEPTH;
    "auth_oauth2.https.hostname_verification": HOST_CHECK, WRONG;
    "auth_oauth2.https.fail_if_no_peer_cert": TRUTH, NO_TRUTH;
    "auth_oauth2.oauth_providers.a.issuer": URL, NO_URL;
    "auth_oauth2.oauth_providers.a.jwks_uri": URL, NO_URL;
    "auth_oauth2.oauth_providers.a.token_endpoint": URL, NO_URL;
    "auth_oauth2.oauth_providers.a.authorization_endpoint": URL, NO_URL;
    "auth_oauth2.oauth_providers.a.end_session_endpoint": URL, NO_URL;
    "auth_oauth2.oauth_providers.a.discovery_endpoint_path": TEXT, NO_TEXT;
    "auth_oauth2.oauth_providers.a.discovery_endpoint_params.b": TEXT, NO_TEXT;
    "auth_oauth2.oauth_providers.a.default_key": TEXT, NO_TEXT;
    "auth_oauth2.oauth_providers.a.algorithms.1": ["HS256"], WRONG;
    "auth_oauth2.oauth_providers.a.https.verify": VERIFY, WRONG;
    "auth_oauth2.oauth_providers.a.https.peer_verification": VERIFY, WRONG;
    "auth_oauth2.oauth_providers.a.https.depth": DEPTH, NO_DEPTH;
    "auth_oauth2.oauth_providers.a.https.hostname_verification": HOST_CHECK, WRONG;
    "auth_oauth2.oauth_providers.a.https.fail_if_no_peer_cert": TRUTH, NO_TRUTH;
    "auth_oauth2.resource_servers.a.id": TEXT, NO_TEXT;
    "auth_oauth2.resource_servers.a.resource_server_type": TEXT, NO_TEXT;
    "auth_oauth2.resource_servers.a.oauth_provider_id": TEXT, NO_TEXT;
    "auth_oauth2.resource_servers.a.preferred_username_claims.1": TEXT, NO_TEXT;
    "auth_oauth2.resource_servers.a.additional_scopes_key": TEXT, NO_TEXT;
    "auth_oauth2.resource_servers.a.scope_prefix": TEXT, NO_TEXT;
    "auth_oauth2.resource_servers.a.scope_aliases.b": TEXT, NO_TEXT;
    "auth_oauth2.resource_servers.a.scope_aliases.1.alias": TEXT, NO_TEXT;
    "auth_oauth2.resource_servers.a.scope_aliases.1.scope": TEXT, NO_TEXT;
    "management.oauth_enabled": TRUTH, NO_TRUTH;
    "management.oauth_disable_basic_auth": TRUTH, NO_TRUTH;
    "management.oauth_provider_url": URL, NO_URL;
    "management.oauth_metadata_url": URL, NO_URL;
    "management.oauth_client_id": TEXT, NO_TEXT;
    "management.oauth_response_type": TEXT, NO_TEXT;
    "management.oauth_scopes": ["openid profile"], NO_TEXT;
    "management.oauth_initiated_logon_type": LOGON, WRONG;
    "management.oauth_authorization_endpoint_params.a": TEXT, NO_TEXT;
    "management.oauth_token_endpoint_params.a": TEXT, NO_TEXT;
    "management.oauth_resource_servers.a.id": TEXT, NO_TEXT;
    "management.oauth_resource_servers.a.label": TEXT, NO_TEXT;
    "management.oauth_resource_servers.a.disabled": TRUTH, NO_TRUTH;
    "management.oauth_resource_servers.a.oauth_provider_url": URL, NO_URL;
    "management.oauth_resource_servers.a.oauth_metadata_url": URL, NO_URL;
    "management.oauth_resource_servers.a.oauth_client_id": TEXT, NO_TEXT;
    "management.oauth_resource_servers.a.oauth_response_type": TEXT, NO_TEXT;
    "management.oauth_resource_servers.a.oauth_scopes": TEXT, NO_TEXT;
    "management.oauth_resource_servers.a.oauth_initiated_logon_type": LOGON, WRONG;
    "management.oauth_resource_servers.a.oauth_authorization_endpoint_params.b": TEXT, NO_TEXT;
    "management.oauth_resource_servers.a.oauth_token_endpoint_params.b": TEXT, NO_TEXT;
    "auth_ldap.servers.1": ["ldap.example.com", "10.0.0.1", "::1"], ["localhost", "ldaps://a.b", "a_b.c", "a..b", "-a.b"];
    "auth_ldap.port": ["1", "65535"], ["0", "65536"];
    "auth_ldap.connection_pool_size": ["1", "64"], ["0", "x"];
    "auth_ldap.timeout": MS, NO_MS;
    "auth_ldap.idle_timeout": MS, NO_MS;
    "auth_ldap.log": ["false", "true", "network"], ["network_unsafe"];
    "auth_ldap.user_bind_pattern": ["${ad_user}@${ad_domain}.com"], NO_TEXT;
    "auth_ldap.user_dn_pattern": DN, NO_DN;
    "auth_ldap.dn_lookup_attribute": TEXT, NO_TEXT;
    "auth_ldap.dn_lookup_base": ["none", "DC=example,DC=com"], NO_DN;
    "auth_ldap.dn_lookup_bind": ["as_user", "anon"], WRONG;
    "auth_ldap.dn_lookup_bind.user_dn": DN, NO_DN;
    "auth_ldap.other_bind": ["as_user", "anon"], WRONG;
    "auth_ldap.other_bind.user_dn": DN, NO_DN;
    "auth_ldap.group_lookup_base": ["none", "ou=groups,dc=example"], NO_DN;
    "auth_ldap.queries.tags": QUERY, ["''", "''''''"];
    "auth_ldap.queries.vhost_access": QUERY, ["''"];
    "auth_ldap.queries.resource_access": QUERY, ["''"];
    "auth_ldap.queries.topic_access": QUERY, ["''"];
    "auth_ldap.use_ssl": ["true"], NO_TRUTH;
    "auth_ldap.use_starttls": TRUTH, NO_TRUTH;
    "auth_ldap.ssl_options.verify": VERIFY, WRONG;
    "auth_ldap.ssl_options.fail_if_no_peer_cert": TRUTH, NO_TRUTH;
    "auth_ldap.ssl_options.depth": DEPTH, NO_DEPTH;
    "auth_ldap.ssl_options.hostname_verification": HOST_CHECK, WRONG;
    "auth_http.http_method": ["get", "post"], ["put"];
    "auth_http.user_path": URL, NO_URL;
    "auth_http.vhost_path": URL, NO_URL;
    "auth_http.resource_path": URL, NO_URL;
    "auth_http.topic_path": URL, NO_URL;
    "auth_http.request_timeout": ["15000"], ["0", "-1"];
    "auth_http.connection_timeout": ["15000"], ["0", "-1"];
    "auth_http.authorization_failure_disclosure": TRUTH, NO_TRUTH;
    "auth_http.ssl_options.verify": VERIFY, WRONG;
    "auth_http.ssl_options.fail_if_no_peer_cert": TRUTH, NO_TRUTH;
    "auth_http.ssl_options.depth": DEPTH, NO_DEPTH;
    "auth_http.ssl_options.hostname_verification": HOST_CHECK, WRONG;
    "ssl_options.verify": VERIFY, WRONG;
    "ssl_options.fail_if_no_peer_cert": TRUTH, NO_TRUTH;
    "ssl_options.depth": DEPTH, NO_DEPTH;
    "ssl_options.hostname_verification": HOST_CHECK, WRONG;
    "ssl_cert_login_from": ["distinguished_name", "common_name", "subject_alternative_name"], WRONG;
    "ssl_cert_login_san_type": ["dns", "ip", "email", "uri", "other_name"], WRONG;
    "ssl_cert_login_san_index": ["0", "1000"], ["1001", "-1"];
    "management.ssl.verify": VERIFY, WRONG;
    "management.ssl.depth": DEPTH, NO_DEPTH;
    "management.ssl.hostname_verification": HOST_CHECK, WRONG;
    "aws.arns.assume_role_arn": ["arn:aws:iam::123456789012:role/path/name"], [
        "arn:aws:iam::123456789012:user/a", "arn:aws:iam:eu-west-1:123456789012:role/a", "arn:aws:iam::12:role/a",
        "arn:aws:iam:::role/a", "arn:aws:iam::123456789012:role/",
    ];
    "aws.arns.ssl_options.cacertfile": CERTIFICATES, NO_ARN;
    "aws.arns.management.ssl.cacertfile": CERTIFICATES, NO_ARN;
    "aws.arns.auth_oauth2.https.cacertfile": CERTIFICATES, NO_ARN;
    "aws.arns.auth_http.ssl_options.cacertfile": CERTIFICATES, NO_ARN;
    "aws.arns.auth_http.ssl_options.certfile": CERTIFICATES, NO_ARN;
    "aws.arns.auth_http.ssl_options.keyfile": SECRET, CERTIFICATES;
    "aws.arns.auth_ldap.ssl_options.cacertfile": CERTIFICATES, NO_ARN;
    "aws.arns.auth_ldap.ssl_options.certfile": CERTIFICATES, NO_ARN;
    "aws.arns.auth_ldap.ssl_options.keyfile": SECRET, CERTIFICATES;
    "aws.arns.auth_ldap.dn_lookup_bind.password": SECRET, CERTIFICATES;
    "aws.arns.auth_ldap.other_bind.password": SECRET, CERTIFICATES;
};

/// With it, LDAP is encrypted whatever else is said of it.
const TLS: &str = "auth_ldap.use_starttls = true\n";

#[test]
fn each_key_takes_its_values_and_no_others() {
    for Example { key, good, bad } in EXAMPLES {
        let word = keys::first_word(key);
        for value in *good {
            let text = format!("{key} = {value}\n{TLS}");
            check(V4, &text, &text, &[]);
        }
        for value in *bad {
            let text = format!("{TLS}{key} = {value}\n");
            check(V4, &text, TLS, &[&format!("INVALID_ATTRIBUTE_VALUE_REMOVED {word} {key}")]);
        }
    }
}

#[test]
fn each_permitted_key_is_declared_once_and_has_an_example() {
    let names: Vec<&str> = permitted().map(|key| key.name).collect();
    for (index, name) in names.iter().enumerate() {
        assert!(!names[index + 1..].contains(name), "{name} twice");
        assert!(EXAMPLES.iter().any(|e| keys::find(e.key).is_some_and(|key| key.name == *name)), "{name}");
    }
    assert_eq!(EXAMPLES.len(), names.len());
}

#[test]
fn a_key_is_permitted_from_its_version_on() {
    for Example { key, good, .. } in EXAMPLES {
        let since = keys::find(key).unwrap().since;
        for version in [Version::minor(3, 9), Version::minor(3, 12), V3, V4, Version::minor(4, 3)] {
            let outcome = sanitise(format!("{key} = {}\n", good[0]).as_bytes(), version);
            let is_kept = match outcome {
                Ok(outcome) => outcome.chosen.value(key).is_some(),
                // it was kept, and is LDAP without TLS
                Err(error) => error == Unusable::LdapWithoutTls,
            };
            assert_eq!(is_kept, version.is_at_least(since.0, since.1, 0), "{key} {version}");
        }
    }
    for (value, since) in [("ldap", (3, 13)), ("http", (4, 0)), ("oauth2", (0, 0))] {
        for version in [Version::minor(3, 12), V3, V4] {
            let text = format!("auth_ldap.use_ssl = true\nauth_backends.1 = {value}\n");
            let outcome = sanitise(text.as_bytes(), version).unwrap();
            let is_kept = outcome.chosen.value("auth_backends.1").is_some();
            assert_eq!(is_kept, version.is_at_least(since.0, since.1, 0), "{value} {version}");
        }
    }
}
