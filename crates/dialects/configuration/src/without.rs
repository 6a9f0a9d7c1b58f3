//! Keys that are known and not served: passed over with a warning where nothing is lost by it, refused where the owner
//! of the file would believe in something that is not there.

use crate::keys::{Key, ignored, refused};

const ONE_NODE: &str = "this broker is a single node";
const OWN_IO: &str = "this broker sizes its own I/O";
const OWN_STORE: &str = "this broker keeps one journal of its own";
const OWN_RUNTIME: &str = "this broker does not run on the Erlang VM";
const ONE_LOG: &str = "there is one log, on standard error";
const ONLY_SWITCHES: &str = "the log has a level and a form, nothing else";
const NO_MQTT: &str = "MQTT has no such setting in this version";
const NO_STOMP: &str = "STOMP has no such setting in this version";
const OWN_WEB: &str =
    "a WebSocket is served for all protocols by the listeners ws and wss; say --listen ws=ADDR:PORT";
const NO_STREAMS: &str = "streams are not there in this version";
const ONE_MEMBER: &str = "this broker is a single node: a queue has no members to tend";
const NO_PLUGIN: &str = "shovels and federation are not there in this version";
const OWN_HTTP: &str = "the http listener has limits of its own";

pub(crate) static IGNORED: &[Key] = &[
    ignored("num_acceptors.*", OWN_IO),
    ignored("socket_writer.**", OWN_IO),
    ignored("tcp_listen_options.send_timeout_close", "a client that takes nothing is always cut off (F16)"),
    ignored("tcp_listen_options.**", OWN_IO),
    ignored("reverse_dns_lookups", "addresses are shown as they are"),
    ignored("initial_frame_max", "frames before the login have 8,192 bytes at most"),
    ignored("ranch_connection_max", "connection_max limits connections"),
    ignored("channel_max_per_node", "channel_max and connection_max limit channels"),
    ignored("vhost_max", "the number of virtual hosts has no limit of its own"),
    ignored("cluster_exchange_limit", "the number of exchanges has no limit of its own"),
    ignored("session_max_per_connection", "a connection of AMQP 1.0 has 64 sessions at most"),
    ignored("link_max_per_session", "a session of AMQP 1.0 has 256 links at most"),
    ignored("amqp1_0.**", "these were settings of a plugin; AMQP 1.0 has those of AMQP 0-9-1"),
    ignored("password_hashing_module", "passwords are hashed with Argon2id"),
    ignored("ssl_allow_poodle_attack", "TLS below 1.2 is never spoken (S3)"),
    ignored("amqp_client.**", "this broker opens no connections to others"),
    ignored("definitions.skip_if_unchanged", "definitions are imported at every start"),
    ignored("definitions.hashing.algorithm", "definitions are imported at every start"),
    ignored("definitions.tls.**", "definitions are read from files only"),
    ignored("vm_memory_high_watermark_paging_ratio", "messages that wait are on disk from the start"),
    ignored("vm_memory_calculation_strategy", "memory is always measured by the system"),
    ignored("memory_monitor_interval", "memory is watched all the time"),
    ignored(
        "total_memory_available_override_value",
        "memory is always measured by the system; set vm_memory_high_watermark.absolute",
    ),
    ignored("disk_monitor.**", "the disk is watched all the time"),
    ignored("disk_free_limits.**", "there is one data directory; set disk_free_limit.absolute"),
    ignored("queue_index_embed_msgs_below", OWN_STORE),
    ignored("msg_store_file_size_limit", OWN_STORE),
    ignored("message_store_shutdown_timeout", OWN_STORE),
    ignored("classic_queue.**", OWN_STORE),
    ignored("mnesia_table_loading_retry_timeout", OWN_STORE),
    ignored("mnesia_table_loading_retry_limit", OWN_STORE),
    ignored("khepri.**", OWN_STORE),
    ignored("raft.**", OWN_STORE),
    ignored("vhost_restart_strategy", "virtual hosts do not fail one by one"),
    ignored("queue_master_locator", ONE_NODE),
    ignored("queue_leader_locator", ONE_NODE),
    ignored("cluster_tags.*", ONE_NODE),
    ignored("node_tags.*", ONE_NODE),
    ignored("cluster_partition_handling", ONE_NODE),
    ignored("cluster_partition_handling.**", ONE_NODE),
    ignored("cluster_keepalive_interval", ONE_NODE),
    ignored("cluster_formation.**", ONE_NODE),
    ignored("mirroring_sync_batch_size", ONE_NODE),
    ignored("mirroring_sync_max_throughput", ONE_NODE),
    ignored("net_ticktime", ONE_NODE),
    ignored("distribution.**", ONE_NODE),
    ignored("delegate_count", OWN_RUNTIME),
    ignored("default_worker_pool_size", OWN_RUNTIME),
    ignored("background_gc_enabled", OWN_RUNTIME),
    ignored("background_gc_target_interval", OWN_RUNTIME),
    ignored("hipe_compile", OWN_RUNTIME),
    ignored("erlang.**", OWN_RUNTIME),
    ignored("sysmon_handler.**", OWN_RUNTIME),
    ignored("collect_statistics", "statistics are always collected"),
    ignored("collect_statistics_interval", "statistics are always current"),
    ignored("product.*", "this broker says what it is"),
    ignored("motd_file", "the log begins without a banner"),
    ignored("deprecated_features.**", "features are not switched by this file"),
    ignored("runtime_parameters.**", NO_PLUGIN),
    ignored("message_interceptors.**", "headers are not added to messages by this version"),
    ignored("exchange_types.**", "kinds of exchanges are not switched off"),
    ignored("queue_types.**", "types of queues are not switched off"),
    ignored("quorum_queue.**", ONE_MEMBER),
    ignored("stream.**", NO_STREAMS),
    ignored("mqtt.**", NO_MQTT),
    ignored("web_mqtt.**", OWN_WEB),
    ignored("stomp.**", NO_STOMP),
    ignored("web_stomp.**", OWN_WEB),
    ignored("shovel.**", NO_PLUGIN),
    ignored("federation.**", NO_PLUGIN),
    ignored("prometheus.**", "metrics are at /metrics of the http listener"),
    ignored("trace.**", "messages are not traced by this version"),
    ignored("management_agent.**", "statistics are always current"),
    ignored("management.tcp.**", OWN_HTTP),
    ignored("management.listener.server.**", OWN_HTTP),
    ignored("management.path_prefix", "the management API is below /api"),
    ignored("management.**", "the management API has no such setting in this version"),
    ignored("log.dir", ONE_LOG),
    ignored("log.exchange", ONE_LOG),
    ignored("log.exchange.**", ONE_LOG),
    ignored("log.syslog", ONE_LOG),
    ignored("log.syslog.**", ONE_LOG),
    ignored("log.journald", ONE_LOG),
    ignored("log.journald.**", ONE_LOG),
    ignored("log.console.**", ONLY_SWITCHES),
    ignored("log.file.**", ONLY_SWITCHES),
    ignored("log.**", "the log has one level for everything; set log.console.level"),
];

const NO_TLS: &str = "TLS of the http listener is set by management.ssl.port, .certfile and .keyfile";
const NO_OTHER_USERS: &str = "users are kept by the broker itself in this version";
const NO_RULE: &str =
    "rules for virtual hosts are not set by this file in this version; put them into definitions";

pub(crate) static REFUSED: &[Key] = &[
    refused("management.listener.ssl_opts.**", NO_TLS),
    refused("auth_ldap.**", NO_OTHER_USERS),
    refused("auth_http.**", NO_OTHER_USERS),
    refused("auth_cache.**", NO_OTHER_USERS),
    refused("auth_oauth2.**", NO_OTHER_USERS),
    refused("auth_amqp.**", NO_OTHER_USERS),
    refused("credential_validator.**", "rules for passwords are not kept in this version"),
    refused("management.restrictions.**", "the management API has no such restrictions in this version"),
    refused(
        "definitions.https.**",
        "definitions are read from files only; fetch them first and name the file in load_definitions",
    ),
    refused("default_users.**", NO_RULE),
    refused("default_policies.**", NO_RULE),
    refused("default_limits.**", NO_RULE),
];
