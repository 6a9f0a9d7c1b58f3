//! The broker itself and what it holds but policies: plugins, virtual destinations, connectors, the store, limits.

use super::{
    declared::{
        ALWAYS, Attribute, Element, bare, brokers, count, count_or_none, destination, element, groups, long,
        long_or_never, one_of, percent, property, real, text, truth, whole,
    },
    policies::POLICY_MAP,
};

pub(super) static BROKER: Element = element(
    "broker",
    &[
        truth("advisorySupport"),
        truth("allowTempAutoCreationOnSend"),
        truth("cacheTempDestinations"),
        percent("consumerSystemUsagePortion"),
        truth("dedicatedTaskRunner"),
        truth("deleteAllMessagesOnStartup"),
        truth("keepDurableSubsActive"),
        truth("enableMessageExpirationOnActiveDurableSubs"),
        count("maxPurgedDestinationsPerSweep"),
        count("maxSchedulerRepeatAllowed"),
        truth("monitorConnectionSplits"),
        truth("networkConnectorStartAsync"),
        long("offlineDurableSubscriberTaskSchedule"),
        long_or_never("offlineDurableSubscriberTimeout"),
        whole("persistenceThreadPriority", 1, 10),
        truth("persistent"),
        truth("populateJMSXUserID"),
        percent("producerSystemUsagePortion"),
        truth("rejectDurableConsumers"),
        truth("rollbackOnlyOnAsyncException"),
        count("schedulePeriodForDestinationPurge"),
        truth("schedulerSupport"),
        truth("splitSystemUsageForProducersConsumers"),
        whole("taskRunnerPriority", 1, 10),
        count("timeBeforePurgeTempDestinations"),
        truth("useAuthenticatedPrincipalForJMSXUserID"),
        truth("useMirroredQueues"),
        truth("useTempMirroredQueues"),
        truth("useVirtualDestSubs"),
        truth("useVirtualDestSubsOnCreation"),
        truth("useVirtualTopics"),
    ],
    &[
        property("destinationInterceptors", &[&MIRRORED_QUEUE, &VIRTUAL_DESTINATION_INTERCEPTOR]),
        property("destinationPolicy", &[&POLICY_MAP]),
        property("destinations", &[&QUEUE, &TOPIC, &TEMP_QUEUE, &TEMP_TOPIC]),
        property("networkConnectors", &[&NETWORK_CONNECTOR]),
        property("persistenceAdapter", &[&KAHA_DB]),
        property(
            "plugins",
            &[
                &AUTHORIZATION_PLUGIN,
                &DISCARDING_DLQ_PLUGIN,
                &FORCE_PERSISTENCY_PLUGIN,
                &REDELIVERY_PLUGIN,
                &STATISTICS_PLUGIN,
                &TIME_STAMPING_PLUGIN,
            ],
        ),
        property("systemUsage", &[&SYSTEM_USAGE]),
        property("transportConnectors", &[&TRANSPORT_CONNECTOR]),
    ],
);

// destinations

const OF_DESTINATION: &[Attribute] = &[truth("DLQ"), destination("physicalName")];

pub(super) static QUEUE: Element = element("queue", OF_DESTINATION, &[]);
pub(super) static TOPIC: Element = element("topic", OF_DESTINATION, &[]);
pub(super) static TEMP_QUEUE: Element = element("tempQueue", OF_DESTINATION, &[]);
pub(super) static TEMP_TOPIC: Element = element("tempTopic", OF_DESTINATION, &[]);

static MIRRORED_QUEUE: Element =
    element("mirroredQueue", &[truth("copyMessage"), text("postfix"), text("prefix")], &[]);

static VIRTUAL_DESTINATION_INTERCEPTOR: Element = element(
    "virtualDestinationInterceptor",
    &[],
    &[property("virtualDestinations", &[&VIRTUAL_TOPIC, &COMPOSITE_QUEUE, &COMPOSITE_TOPIC])],
);

static VIRTUAL_TOPIC: Element = element(
    "virtualTopic",
    &[
        truth("concurrentSend"),
        truth("local"),
        truth("dropOnResourceLimit"),
        destination("name"),
        text("postfix"),
        text("prefix"),
        truth("selectorAware"),
        truth("setOriginalDestination"),
        truth("transactedSend"),
    ],
    &[],
);

const OF_COMPOSITE: &[Attribute] = &[
    truth("concurrentSend"),
    truth("copyMessage"),
    truth("forwardOnly"),
    destination("name"),
    truth("sendWhenNotMatched"),
];

static COMPOSITE_QUEUE: Element = element(
    "compositeQueue",
    OF_COMPOSITE,
    &[property("forwardTo", &[&QUEUE, &TOPIC, &TEMP_QUEUE, &TEMP_TOPIC, &FILTERED_DESTINATION])],
);
static COMPOSITE_TOPIC: Element = element(
    "compositeTopic",
    OF_COMPOSITE,
    &[property("forwardTo", &[&QUEUE, &TOPIC, &TEMP_QUEUE, &TEMP_TOPIC, &FILTERED_DESTINATION])],
);
static FILTERED_DESTINATION: Element =
    element("filteredDestination", &[destination("queue"), text("selector"), destination("topic")], &[]);

// connectors

static NETWORK_CONNECTOR: Element = element(
    "networkConnector",
    &[
        text("name"),
        brokers("uri"),
        text("userName"),
        truth("duplex"),
        truth("conduitSubscriptions"),
        count("networkTTL"),
        truth("decreaseNetworkConsumerPriority"),
        truth("dynamicOnly"),
        count("prefetchSize"),
        truth("suppressDuplicateTopicSubscriptions"),
        truth("bridgeTempDestinations"),
        truth("alwaysSyncSend"),
    ],
    &[],
);

static TRANSPORT_CONNECTOR: Element = element(
    "transportConnector",
    &[
        text("name"),
        truth("updateClusterClients"),
        truth("rebalanceClusterClients"),
        truth("updateClusterClientsOnRemove"),
    ],
    &[],
);

// store and limits

static KAHA_DB: Element = element(
    "kahaDB",
    &[
        truth("concurrentStoreAndDispatchQueues"),
        truth("cleanupOnStop"),
        long("journalDiskSyncInterval"),
        one_of("journalDiskSyncStrategy", &["always", "periodic", "never"]),
        one_of("preallocationStrategy", &["sparse_file", "os_kernel_copy", "zeros", "chunked_zeros"]),
    ],
    &[],
);

static SYSTEM_USAGE: Element = element(
    "systemUsage",
    &[truth("sendFailIfNoSpace"), long("sendFailIfNoSpaceAfterTimeout")],
    &[property("memoryUsage", &[&MEMORY_USAGE])],
);
static MEMORY_USAGE: Element = element("memoryUsage", &[whole("percentOfJvmHeap", 0, 70)], &[]);

// plugins

static AUTHORIZATION_PLUGIN: Element = element(
    "authorizationPlugin",
    &[],
    &[property("map", &[&AUTHORIZATION_MAP, &CACHED_LDAP_AUTHORIZATION_MAP])],
);

static AUTHORIZATION_MAP: Element = element(
    "authorizationMap",
    &[],
    &[
        property("authorizationEntries", &[&AUTHORIZATION_ENTRY, &TEMP_AUTHORIZATION_ENTRY]),
        property("defaultEntry", &[&AUTHORIZATION_ENTRY, &TEMP_AUTHORIZATION_ENTRY]),
        property("tempDestinationAuthorizationEntry", &[&TEMP_AUTHORIZATION_ENTRY]),
    ],
);

const OF_AUTHORIZATION: &[Attribute] = &[
    groups("admin"),
    groups("read"),
    groups("write"),
    destination("queue"),
    destination("topic"),
    truth("tempQueue"),
    truth("tempTopic"),
];

static AUTHORIZATION_ENTRY: Element = element("authorizationEntry", OF_AUTHORIZATION, &[]);
static TEMP_AUTHORIZATION_ENTRY: Element =
    element("tempDestinationAuthorizationEntry", OF_AUTHORIZATION, &[]);

static CACHED_LDAP_AUTHORIZATION_MAP: Element = Element {
    name: "cachedLDAPAuthorizationMap",
    since: ALWAYS,
    is_of_ldap: true,
    attributes: &[
        text("queueSearchBase"),
        text("topicSearchBase"),
        text("tempSearchBase"),
        long_or_never("refreshInterval"),
        truth("legacyGroupMapping"),
    ],
    properties: &[],
};

static DISCARDING_DLQ_PLUGIN: Element = element(
    "discardingDLQBrokerPlugin",
    &[
        truth("dropAll"),
        text("dropOnly"),
        truth("dropTemporaryQueues"),
        truth("dropTemporaryTopics"),
        count("reportInterval"),
    ],
    &[],
);

static FORCE_PERSISTENCY_PLUGIN: Element =
    element("forcePersistencyModeBrokerPlugin", &[truth("persistenceFlag")], &[]);

static STATISTICS_PLUGIN: Element = bare("statisticsBrokerPlugin");

static TIME_STAMPING_PLUGIN: Element = element(
    "timeStampingBrokerPlugin",
    &[
        truth("futureOnly"),
        truth("processNetworkMessages"),
        long("ttlCeiling"),
        long("zeroExpirationOverride"),
    ],
    &[],
);

static REDELIVERY_PLUGIN: Element = element(
    "redeliveryPlugin",
    &[truth("fallbackToDeadLetter"), truth("sendToDlqIfMaxRetriesExceeded")],
    &[property("redeliveryPolicyMap", &[&REDELIVERY_POLICY_MAP])],
);

static REDELIVERY_POLICY_MAP: Element = element(
    "redeliveryPolicyMap",
    &[],
    &[
        property("redeliveryPolicyEntries", &[&REDELIVERY_POLICY]),
        property("defaultEntry", &[&REDELIVERY_POLICY]),
    ],
);

static REDELIVERY_POLICY: Element = element(
    "redeliveryPolicy",
    &[
        real("backOffMultiplier"),
        percent("collisionAvoidancePercent"),
        long("initialRedeliveryDelay"),
        count_or_none("maximumRedeliveries"),
        long_or_never("maximumRedeliveryDelay"),
        truth("preDispatchCheck"),
        destination("queue"),
        long("redeliveryDelay"),
        truth("tempQueue"),
        truth("tempTopic"),
        destination("topic"),
        truth("useCollisionAvoidance"),
        truth("useExponentialBackOff"),
    ],
    &[],
);
