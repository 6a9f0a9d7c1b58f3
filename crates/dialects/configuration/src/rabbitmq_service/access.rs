//! Permitted keys about who may log in: other stores of users, certificates, and where secrets are kept. Of each family
//! those keys are left out that name files or secrets, and those of TLS that the service decides itself.

use super::keys::{ALWAYS, Kind, Permitted, Since, V4, access};

/// Names of the broker's own store of users.
pub(super) const INTERNAL: &[&str] = &["internal", "rabbit_auth_backend_internal"];
/// Names of LDAP as a store of users.
pub(super) const LDAP: &[&str] = &["ldap", "rabbit_auth_backend_ldap"];
/// Login by certificate.
pub(super) const EXTERNAL: &str = "EXTERNAL";

const LDAP_SINCE: Since = (3, 13);

const BACKEND: Kind = Kind::OneOfSince(&[
    ("internal", ALWAYS),
    ("rabbit_auth_backend_internal", ALWAYS),
    ("oauth2", ALWAYS),
    ("rabbit_auth_backend_oauth2", ALWAYS),
    ("ldap", LDAP_SINCE),
    ("rabbit_auth_backend_ldap", LDAP_SINCE),
    ("http", V4),
    ("rabbit_auth_backend_http", V4),
]);

const VERIFY: Kind = Kind::OneOf(&["verify_peer", "verify_none"]);
const HOST_CHECK: Kind = Kind::OneOf(&["wildcard", "none"]);
const DEPTH: Kind = Kind::Whole(0, 255);
const LOGON: Kind = Kind::OneOf(&["sp_initiated", "idp_initiated"]);
const BIND: Kind = Kind::OneOf(&["as_user", "anon"]);
const ALGORITHM: Kind = Kind::OneOf(&[
    "Ed25519",
    "Ed25519ph",
    "Ed448",
    "Ed448ph",
    "EdDSA",
    "ES256K",
    "ES256",
    "ES384",
    "ES512",
    "HS256",
    "HS384",
    "HS512",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
    "RS384",
    "RS512",
]);

const NONE: &str = "-";

pub(super) static LOGIN: &[Permitted] = &[
    access("auth_backends.*", BACKEND, "internal", ALWAYS),
    access("auth_backends.*.authn", BACKEND, NONE, ALWAYS),
    access("auth_backends.*.authz", BACKEND, NONE, ALWAYS),
    access(
        "auth_mechanisms.*",
        Kind::OneOfSince(&[("PLAIN", ALWAYS), ("AMQPLAIN", ALWAYS), (EXTERNAL, V4)]),
        "PLAIN, AMQPLAIN",
        ALWAYS,
    ),
];

pub(super) static OAUTH2: &[Permitted] = &[
    access("auth_oauth2.resource_server_id", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.resource_server_type", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.preferred_username_claims.*", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.additional_scopes_key", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.scope_prefix", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.scope_aliases.*", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.scope_aliases.*.alias", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.scope_aliases.*.scope", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.verify_aud", Kind::Truth, "true", ALWAYS),
    access("auth_oauth2.default_key", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.default_oauth_provider", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.issuer", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.jwks_url", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.jwks_uri", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.token_endpoint", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.authorization_endpoint", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.end_session_endpoint", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.discovery_endpoint_path", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.discovery_endpoint_params.*", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.algorithms.*", ALGORITHM, NONE, ALWAYS),
    access("auth_oauth2.https.peer_verification", VERIFY, NONE, ALWAYS),
    access("auth_oauth2.https.depth", DEPTH, NONE, ALWAYS),
    access("auth_oauth2.https.hostname_verification", HOST_CHECK, NONE, ALWAYS),
    access("auth_oauth2.https.fail_if_no_peer_cert", Kind::Truth, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.issuer", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.jwks_uri", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.token_endpoint", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.authorization_endpoint", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.end_session_endpoint", Kind::HttpsUrl, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.discovery_endpoint_path", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.discovery_endpoint_params.*", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.default_key", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.algorithms.*", ALGORITHM, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.https.verify", VERIFY, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.https.peer_verification", VERIFY, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.https.depth", DEPTH, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.https.hostname_verification", HOST_CHECK, NONE, ALWAYS),
    access("auth_oauth2.oauth_providers.*.https.fail_if_no_peer_cert", Kind::Truth, NONE, ALWAYS),
    access("auth_oauth2.resource_servers.*.id", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.resource_servers.*.resource_server_type", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.resource_servers.*.oauth_provider_id", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.resource_servers.*.preferred_username_claims.*", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.resource_servers.*.additional_scopes_key", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.resource_servers.*.scope_prefix", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.resource_servers.*.scope_aliases.*", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.resource_servers.*.scope_aliases.*.alias", Kind::Text, NONE, ALWAYS),
    access("auth_oauth2.resource_servers.*.scope_aliases.*.scope", Kind::Text, NONE, ALWAYS),
];

pub(super) static OAUTH2_CONSOLE: &[Permitted] = &[
    access("management.oauth_enabled", Kind::Truth, "false", ALWAYS),
    access("management.oauth_disable_basic_auth", Kind::Truth, "true", ALWAYS),
    access("management.oauth_provider_url", Kind::HttpsUrl, NONE, ALWAYS),
    access("management.oauth_metadata_url", Kind::HttpsUrl, NONE, ALWAYS),
    access("management.oauth_client_id", Kind::Text, NONE, ALWAYS),
    access("management.oauth_response_type", Kind::Text, NONE, ALWAYS),
    access("management.oauth_scopes", Kind::Text, NONE, ALWAYS),
    access("management.oauth_initiated_logon_type", LOGON, "sp_initiated", ALWAYS),
    access("management.oauth_authorization_endpoint_params.*", Kind::Text, NONE, ALWAYS),
    access("management.oauth_token_endpoint_params.*", Kind::Text, NONE, ALWAYS),
    access("management.oauth_resource_servers.*.id", Kind::Text, NONE, ALWAYS),
    access("management.oauth_resource_servers.*.label", Kind::Text, NONE, ALWAYS),
    access("management.oauth_resource_servers.*.disabled", Kind::Truth, "false", ALWAYS),
    access("management.oauth_resource_servers.*.oauth_provider_url", Kind::HttpsUrl, NONE, ALWAYS),
    access("management.oauth_resource_servers.*.oauth_metadata_url", Kind::HttpsUrl, NONE, ALWAYS),
    access("management.oauth_resource_servers.*.oauth_client_id", Kind::Text, NONE, ALWAYS),
    access("management.oauth_resource_servers.*.oauth_response_type", Kind::Text, NONE, ALWAYS),
    access("management.oauth_resource_servers.*.oauth_scopes", Kind::Text, NONE, ALWAYS),
    access("management.oauth_resource_servers.*.oauth_initiated_logon_type", LOGON, NONE, ALWAYS),
    access(
        "management.oauth_resource_servers.*.oauth_authorization_endpoint_params.*",
        Kind::Text,
        NONE,
        ALWAYS,
    ),
    access("management.oauth_resource_servers.*.oauth_token_endpoint_params.*", Kind::Text, NONE, ALWAYS),
];

pub(super) static LDAP_KEYS: &[Permitted] = &[
    access("auth_ldap.servers.*", Kind::Host, NONE, LDAP_SINCE),
    access("auth_ldap.port", Kind::Whole(1, 65_535), NONE, LDAP_SINCE),
    access("auth_ldap.connection_pool_size", Kind::Whole(1, 2_147_483_647), NONE, LDAP_SINCE),
    access("auth_ldap.timeout", Kind::MsOrInfinity, NONE, LDAP_SINCE),
    access("auth_ldap.idle_timeout", Kind::MsOrInfinity, NONE, LDAP_SINCE),
    access("auth_ldap.log", Kind::OneOf(&["false", "true", "network"]), "false", LDAP_SINCE),
    access("auth_ldap.user_bind_pattern", Kind::Text, NONE, LDAP_SINCE),
    access("auth_ldap.user_dn_pattern", Kind::Dn, NONE, LDAP_SINCE),
    access("auth_ldap.dn_lookup_attribute", Kind::Text, NONE, LDAP_SINCE),
    access("auth_ldap.dn_lookup_base", Kind::DnOrNone, NONE, LDAP_SINCE),
    access("auth_ldap.dn_lookup_bind", BIND, "as_user", LDAP_SINCE),
    access("auth_ldap.dn_lookup_bind.user_dn", Kind::Dn, NONE, LDAP_SINCE),
    access("auth_ldap.other_bind", BIND, "as_user", LDAP_SINCE),
    access("auth_ldap.other_bind.user_dn", Kind::Dn, NONE, LDAP_SINCE),
    access("auth_ldap.group_lookup_base", Kind::DnOrNone, NONE, LDAP_SINCE),
    access("auth_ldap.queries.tags", Kind::Query, NONE, LDAP_SINCE),
    access("auth_ldap.queries.vhost_access", Kind::Query, NONE, LDAP_SINCE),
    access("auth_ldap.queries.resource_access", Kind::Query, NONE, LDAP_SINCE),
    access("auth_ldap.queries.topic_access", Kind::Query, NONE, LDAP_SINCE),
    access("auth_ldap.use_ssl", Kind::Truth, "false", LDAP_SINCE),
    access("auth_ldap.use_starttls", Kind::Truth, "false", LDAP_SINCE),
    access("auth_ldap.ssl_options.verify", VERIFY, NONE, LDAP_SINCE),
    access("auth_ldap.ssl_options.fail_if_no_peer_cert", Kind::Truth, NONE, LDAP_SINCE),
    access("auth_ldap.ssl_options.depth", DEPTH, NONE, LDAP_SINCE),
    access("auth_ldap.ssl_options.hostname_verification", HOST_CHECK, NONE, LDAP_SINCE),
];

pub(super) static HTTP: &[Permitted] = &[
    access("auth_http.http_method", Kind::OneOf(&["get", "post"]), "get", V4),
    access("auth_http.user_path", Kind::HttpsUrl, NONE, V4),
    access("auth_http.vhost_path", Kind::HttpsUrl, NONE, V4),
    access("auth_http.resource_path", Kind::HttpsUrl, NONE, V4),
    access("auth_http.topic_path", Kind::HttpsUrl, NONE, V4),
    access("auth_http.request_timeout", Kind::Whole(1, 2_147_483_647), NONE, V4),
    access("auth_http.connection_timeout", Kind::Whole(1, 2_147_483_647), NONE, V4),
    access("auth_http.authorization_failure_disclosure", Kind::Truth, "false", V4),
    access("auth_http.ssl_options.verify", VERIFY, NONE, V4),
    access("auth_http.ssl_options.fail_if_no_peer_cert", Kind::Truth, NONE, V4),
    access("auth_http.ssl_options.depth", DEPTH, NONE, V4),
    access("auth_http.ssl_options.hostname_verification", HOST_CHECK, NONE, V4),
];

pub(super) static TLS: &[Permitted] = &[
    access("ssl_options.verify", VERIFY, "verify_none", V4),
    access("ssl_options.fail_if_no_peer_cert", Kind::Truth, "false", V4),
    access("ssl_options.depth", DEPTH, NONE, V4),
    access("ssl_options.hostname_verification", HOST_CHECK, NONE, V4),
    access(
        "ssl_cert_login_from",
        Kind::OneOf(&["distinguished_name", "common_name", "subject_alternative_name"]),
        "distinguished_name",
        V4,
    ),
    access("ssl_cert_login_san_type", Kind::OneOf(&["dns", "ip", "email", "uri", "other_name"]), "dns", V4),
    access("ssl_cert_login_san_index", Kind::Whole(0, 1_000), "0", V4),
    access("management.ssl.verify", VERIFY, "verify_none", V4),
    access("management.ssl.depth", DEPTH, NONE, V4),
    access("management.ssl.hostname_verification", HOST_CHECK, NONE, V4),
];

const CERTIFICATES: Kind = Kind::Arn(&["s3", "acm-pca"]);
const SECRET: Kind = Kind::Arn(&["secretsmanager"]);

pub(super) static AWS: &[Permitted] = &[
    access("aws.arns.assume_role_arn", Kind::Role, NONE, ALWAYS),
    access("aws.arns.ssl_options.cacertfile", CERTIFICATES, NONE, V4),
    access("aws.arns.management.ssl.cacertfile", CERTIFICATES, NONE, V4),
    access("aws.arns.auth_oauth2.https.cacertfile", CERTIFICATES, NONE, ALWAYS),
    access("aws.arns.auth_http.ssl_options.cacertfile", CERTIFICATES, NONE, V4),
    access("aws.arns.auth_http.ssl_options.certfile", CERTIFICATES, NONE, V4),
    access("aws.arns.auth_http.ssl_options.keyfile", SECRET, NONE, V4),
    access("aws.arns.auth_ldap.ssl_options.cacertfile", CERTIFICATES, NONE, LDAP_SINCE),
    access("aws.arns.auth_ldap.ssl_options.certfile", CERTIFICATES, NONE, LDAP_SINCE),
    access("aws.arns.auth_ldap.ssl_options.keyfile", SECRET, NONE, LDAP_SINCE),
    access("aws.arns.auth_ldap.dn_lookup_bind.password", SECRET, NONE, LDAP_SINCE),
    access("aws.arns.auth_ldap.other_bind.password", SECRET, NONE, LDAP_SINCE),
];
