//! Policies of destinations, and the strategies that they hold.

use super::{
    broker::{QUEUE, TEMP_QUEUE, TEMP_TOPIC, TOPIC},
    declared::{
        Attribute, Element, bare, count, count_or_none, destination, element, long, long_or_never, memory,
        percent, property, real, since, text, truth, whole,
    },
    settings::VM_QUEUE_CURSOR as IN_MEMORY,
};

pub(super) static POLICY_MAP: Element = element(
    "policyMap",
    &[],
    &[property("policyEntries", &[&POLICY_ENTRY]), property("defaultEntry", &[&POLICY_ENTRY])],
);

static POLICY_ENTRY: Element = element(
    "policyEntry",
    OF_POLICY_ENTRY,
    &[
        property(
            "deadLetterStrategy",
            &[&DISCARDING, &INDIVIDUAL_DEAD_LETTER_STRATEGY, &SHARED_DEAD_LETTER_STRATEGY],
        ),
        property("destination", &[&QUEUE, &TOPIC, &TEMP_QUEUE, &TEMP_TOPIC]),
        property(
            "dispatchPolicy",
            &[
                &CLIENT_ID_FILTER_DISPATCH,
                &PRIORITY_DISPATCH,
                &PRIORITY_NETWORK_DISPATCH,
                &ROUND_ROBIN_DISPATCH,
                &SIMPLE_DISPATCH,
                &STRICT_ORDER_DISPATCH,
            ],
        ),
        property("messageEvictionStrategy", &[&OLDEST_EVICTION, &OLDEST_LOWEST_EVICTION, &UNIQUE_EVICTION]),
        property("messageGroupMapFactory", &[&CACHED_GROUPS, &HASHED_GROUPS, &SIMPLE_GROUPS]),
        property("networkBridgeFilterFactory", &[&CONDITIONAL_BRIDGE_FILTER]),
        property(
            "pendingDurableSubscriberPolicy",
            &[&FILE_DURABLE_CURSOR, &STORE_DURABLE_CURSOR, &VM_DURABLE_CURSOR],
        ),
        property("pendingMessageLimitStrategy", &[&CONSTANT_LIMIT, &PREFETCH_RATE_LIMIT]),
        property("pendingQueuePolicy", &[&FILE_QUEUE_CURSOR, &STORE_CURSOR, &VM_QUEUE_CURSOR]),
        property("pendingSubscriberPolicy", &[&FILE_CURSOR, &VM_CURSOR]),
        property("slowConsumerStrategy", &[&ABORT_SLOW_ACK, &ABORT_SLOW]),
        property(
            "subscriptionRecoveryPolicy",
            &[
                &FIXED_COUNT_RECOVERY,
                &FIXED_SIZED_RECOVERY,
                &LAST_IMAGE_RECOVERY,
                &NO_RECOVERY,
                &QUERY_BASED_RECOVERY,
                &RETAINED_RECOVERY,
                &TIMED_RECOVERY,
            ],
        ),
    ],
);

const OF_POLICY_ENTRY: &[Attribute] = &[
    truth("advisoryForConsumed"),
    truth("advisoryForDelivery"),
    truth("advisoryForDiscardingMessages"),
    truth("advisoryForFastProducers"),
    truth("advisoryForSlowConsumers"),
    truth("advisoryWhenFull"),
    truth("allConsumersExclusiveByDefault"),
    truth("alwaysRetroactive"),
    long("blockedProducerWarningInterval"),
    count("consumersBeforeDispatchStarts"),
    percent("cursorMemoryHighWaterMark"),
    truth("doOptimzeMessageStorage"),
    count("durableTopicPrefetch"),
    truth("enableAudit"),
    long("expireMessagesPeriod"),
    truth("gcInactiveDestinations"),
    truth("gcWithNetworkConsumers"),
    long("inactiveTimeoutBeforeGC"),
    long("inactiveTimoutBeforeGC"),
    truth("includeBodyForAdvisory"),
    truth("lazyDispatch"),
    count("maxAuditDepth"),
    count("maxBrowsePageSize"),
    count_or_none("maxDestinations"),
    count("maxExpirePageSize"),
    count("maxPageSize"),
    count("maxProducersToAudit"),
    count("maxQueueAuditDepth"),
    memory("memoryLimit"),
    text("messageGroupMapFactoryType"),
    long("minimumMessageSize"),
    truth("optimizedDispatch"),
    count("optimizeMessageStoreInFlightLimit"),
    truth("persistJMSRedelivered"),
    truth("prioritizedMessages"),
    truth("producerFlowControl"),
    destination("queue"),
    count("queueBrowserPrefetch"),
    count("queuePrefetch"),
    truth("reduceMemoryFootprint"),
    truth("sendAdvisoryIfNoConsumers"),
    truth("sendFailIfNoSpace"),
    long("sendFailIfNoSpaceAfterTimeout"),
    since(truth("sendDuplicateFromStoreToDLQ"), (5, 16, 4)),
    percent("storeUsageHighWaterMark"),
    truth("strictOrderDispatch"),
    truth("tempQueue"),
    truth("tempTopic"),
    count("timeBeforeDispatchStarts"),
    destination("topic"),
    count("topicPrefetch"),
    truth("useCache"),
    truth("useConsumerPriority"),
    truth("usePrefetchExtension"),
];

// what becomes of messages that can't be delivered

const OF_DEAD_LETTERS: &[Attribute] = &[
    destination("deadLetterQueue"),
    truth("enableAudit"),
    long("expiration"),
    count("maxAuditDepth"),
    count("maxProducersToAudit"),
    truth("processExpired"),
    truth("processNonPersistent"),
];

static DISCARDING: Element = element(
    "discarding",
    OF_DEAD_LETTERS,
    &[property("deadLetterQueue", &[&QUEUE, &TOPIC, &TEMP_QUEUE, &TEMP_TOPIC])],
);
static SHARED_DEAD_LETTER_STRATEGY: Element = element(
    "sharedDeadLetterStrategy",
    OF_DEAD_LETTERS,
    &[property("deadLetterQueue", &[&QUEUE, &TOPIC, &TEMP_QUEUE, &TEMP_TOPIC])],
);
static INDIVIDUAL_DEAD_LETTER_STRATEGY: Element = element(
    "individualDeadLetterStrategy",
    &[
        truth("enableAudit"),
        long("expiration"),
        count("maxAuditDepth"),
        count("maxProducersToAudit"),
        truth("processExpired"),
        truth("processNonPersistent"),
        truth("destinationPerDurableSubscriber"),
        text("queuePrefix"),
        text("queueSuffix"),
        text("topicPrefix"),
        text("topicSuffix"),
        truth("useQueueForQueueMessages"),
        truth("useQueueForTopicMessages"),
    ],
    &[],
);

// who gets the next message

static CLIENT_ID_FILTER_DISPATCH: Element = bare("clientIdFilterDispatchPolicy");
static PRIORITY_DISPATCH: Element = bare("priorityDispatchPolicy");
static PRIORITY_NETWORK_DISPATCH: Element = bare("priorityNetworkDispatchPolicy");
static ROUND_ROBIN_DISPATCH: Element = bare("roundRobinDispatchPolicy");
static SIMPLE_DISPATCH: Element = bare("simpleDispatchPolicy");
static STRICT_ORDER_DISPATCH: Element = bare("strictOrderDispatchPolicy");

// which messages leave first

const OF_EVICTION: &[Attribute] = &[count("evictExpiredMessagesHighWatermark")];
static OLDEST_EVICTION: Element = element("oldestMessageEvictionStrategy", OF_EVICTION, &[]);
static OLDEST_LOWEST_EVICTION: Element =
    element("oldestMessageWithLowestPriorityEvictionStrategy", OF_EVICTION, &[]);
static UNIQUE_EVICTION: Element = element(
    "uniquePropertyMessageEvictionStrategy",
    &[count("evictExpiredMessagesHighWatermark"), text("propertyName")],
    &[],
);

// groups of messages

static CACHED_GROUPS: Element = element("cachedMessageGroupMapFactory", &[count("cacheSize")], &[]);
static HASHED_GROUPS: Element =
    element("messageGroupHashBucketFactory", &[count("bucketCount"), count("cacheSize")], &[]);
static SIMPLE_GROUPS: Element = bare("simpleMessageGroupMapFactory");

static CONDITIONAL_BRIDGE_FILTER: Element = Element {
    name: "conditionalNetworkBridgeFilterFactory",
    since: (5, 16, 0),
    is_of_ldap: false,
    attributes: &[
        count("rateDuration"),
        count("rateLimit"),
        count("replayDelay"),
        truth("replayWhenNoConsumers"),
        truth("selectorAware"),
    ],
    properties: &[],
};

// where messages wait

static FILE_CURSOR: Element = bare("fileCursor");
static VM_CURSOR: Element = bare("vmCursor");
static FILE_QUEUE_CURSOR: Element = bare("fileQueueCursor");
static STORE_CURSOR: Element = bare("storeCursor");
static VM_QUEUE_CURSOR: Element = bare(IN_MEMORY);
static FILE_DURABLE_CURSOR: Element = bare("fileDurableSubscriberCursor");
static STORE_DURABLE_CURSOR: Element =
    element("storeDurableSubscriberCursor", &[truth("immediatePriorityDispatch"), truth("useCache")], &[]);
static VM_DURABLE_CURSOR: Element = bare("vmDurableCursor");

// how many messages may wait

static CONSTANT_LIMIT: Element =
    element("constantPendingMessageLimitStrategy", &[count_or_none("limit")], &[]);
static PREFETCH_RATE_LIMIT: Element =
    element("prefetchRatePendingMessageLimitStrategy", &[real("multiplier")], &[]);

// consumers that are too slow

static ABORT_SLOW_ACK: Element = element(
    "abortSlowAckConsumerStrategy",
    &[
        truth("abortConnection"),
        long("checkPeriod"),
        truth("ignoreIdleConsumers"),
        truth("ignoreNetworkConsumers"),
        long_or_never("maxSlowCount"),
        long_or_never("maxSlowDuration"),
        long("maxTimeSinceLastAck"),
        text("name"),
    ],
    &[],
);
static ABORT_SLOW: Element = element(
    "abortSlowConsumerStrategy",
    &[
        truth("abortConnection"),
        long("checkPeriod"),
        truth("ignoreNetworkConsumers"),
        long_or_never("maxSlowCount"),
        long_or_never("maxSlowDuration"),
        text("name"),
    ],
    &[],
);

// what a new subscriber gets of older messages

static FIXED_COUNT_RECOVERY: Element =
    element("fixedCountSubscriptionRecoveryPolicy", &[count("maximumSize")], &[]);
static FIXED_SIZED_RECOVERY: Element =
    element("fixedSizedSubscriptionRecoveryPolicy", &[memory("maximumSize"), truth("useSharedBuffer")], &[]);
static LAST_IMAGE_RECOVERY: Element = bare("lastImageSubscriptionRecoveryPolicy");
static NO_RECOVERY: Element = bare("noSubscriptionRecoveryPolicy");
static QUERY_BASED_RECOVERY: Element = element("queryBasedSubscriptionRecoveryPolicy", &[text("query")], &[]);
static TIMED_RECOVERY: Element =
    element("timedSubscriptionRecoveryPolicy", &[whole("recoverDuration", 0, i64::MAX)], &[]);
static RETAINED_RECOVERY: Element = element(
    "retainedMessageSubscriptionRecoveryPolicy",
    &[],
    &[property(
        "wrapped",
        &[
            &FIXED_COUNT_RECOVERY,
            &FIXED_SIZED_RECOVERY,
            &LAST_IMAGE_RECOVERY,
            &NO_RECOVERY,
            &QUERY_BASED_RECOVERY,
            &TIMED_RECOVERY,
        ],
    )],
);
