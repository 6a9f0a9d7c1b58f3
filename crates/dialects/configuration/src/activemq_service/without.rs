//! What is permitted in a configuration and changes nothing here, with the reason: a node tells it, so that nobody counts on it.

use std::{collections::BTreeSet, fmt};

use super::{
    settings::{Object, Settings, VM_QUEUE_CURSOR},
    values::Value,
};

/// Something in a configuration that has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// Name of the element.
    pub element: &'static str,
    /// Name of the attribute; absent: the element as a whole.
    pub attribute: Option<&'static str>,
    /// Why nothing comes of it.
    pub reason: &'static str,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.attribute {
            Some(attribute) => write!(f, "{attribute} of {} has no effect: {}", self.element, self.reason),
            None => write!(f, "{} has no effect: {}", self.element, self.reason),
        }
    }
}

/// Which values of an attribute have no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// All of them.
    Any,
    /// All but this one, which says how it is here.
    AllBut(bool),
}

/// Attributes of an element for which the same reason holds.
struct Row {
    element: &'static str,
    /// None: the element as a whole.
    attributes: &'static [&'static str],
    of: Of,
    reason: &'static str,
}

const fn row(element: &'static str, attributes: &'static [&'static str], reason: &'static str) -> Row {
    Row { element, attributes, of: Of::Any, reason }
}

const fn as_is(
    element: &'static str,
    attributes: &'static [&'static str],
    is_so: bool,
    reason: &'static str,
) -> Row {
    Row { element, attributes, of: Of::AllBut(is_so), reason }
}

/// An element as a whole.
const fn whole(element: &'static str, reason: &'static str) -> Row {
    row(element, &[], reason)
}

const OWN_THREADS: &str = "this broker has threads of its own";
const OWN_STORE: &str = "this broker keeps one journal of its own, and syncs it before it confirms";
const OWN_CURSORS: &str =
    "messages that wait are on disk from the start, as many as there is room for in memory too";
const NO_AUDIT: &str = "a message that dies goes to its dead-letter queue once, as one record of the journal";
const NO_NETWORK: &str = "this broker opens no connections to other brokers";
const ONE_DISPATCH: &str = "queues give messages to consumers in turn, topics to all of them in order";
const FLOW: &str =
    "producers are held back when memory or the disk run short, all of them, whatever their destination";
const OWN_GROUPS: &str = "a queue remembers at least the 1,024 groups of messages that were used last";
const COPIES: &str = "copies are of one message, which is kept once, all of them or none";
const TEMPORARY: &str = "a temporary destination can't be named before its connection makes it";
const NO_NAME: &str = "nobody asks for a strategy by its name";
const NOT_YET: &str = "it is not there in this version";
const NO_ADVISORY: &str = "this advisory topic, or the body in it, is not there";

const AUDIT: &[&str] = &["enableAudit", "maxAuditDepth", "maxProducersToAudit"];

const OF_COPIES: &[&str] = &["concurrentSend", "copyMessage"];

static ROWS: &[Row] = &[
    as_is("broker", &["advisorySupport"], true, "clients count on being told of temporary destinations"),
    as_is(
        "broker",
        &["allowTempAutoCreationOnSend"],
        false,
        "a temporary destination is made by its connection alone",
    ),
    row(
        "broker",
        &[
            "consumerSystemUsagePortion",
            "producerSystemUsagePortion",
            "splitSystemUsageForProducersConsumers",
        ],
        FLOW,
    ),
    row("broker", &["dedicatedTaskRunner", "persistenceThreadPriority", "taskRunnerPriority"], OWN_THREADS),
    as_is(
        "broker",
        &["deleteAllMessagesOnStartup"],
        false,
        "a start keeps what is there; purge or delete the queues",
    ),
    row("broker", &["keepDurableSubsActive"], OWN_CURSORS),
    as_is(
        "broker",
        &["enableMessageExpirationOnActiveDurableSubs"],
        true,
        "messages expire wherever they wait",
    ),
    row(
        "broker",
        &["maxPurgedDestinationsPerSweep", "offlineDurableSubscriberTaskSchedule"],
        "each destination and subscription has a time of its own at which it goes",
    ),
    row(
        "broker",
        &["cacheTempDestinations", "timeBeforePurgeTempDestinations"],
        "a temporary destination goes with its connection",
    ),
    row(
        "broker",
        &["maxSchedulerRepeatAllowed"],
        "the number of repetitions has no limit of the broker's own",
    ),
    as_is("broker", &["schedulerSupport"], true, "delays of messages are served, whatever this says"),
    row("broker", &["monitorConnectionSplits", "networkConnectorStartAsync"], NO_NETWORK),
    as_is(
        "broker",
        &["persistent"],
        true,
        "persistent messages are kept; see forcePersistencyModeBrokerPlugin to have none",
    ),
    row(
        "broker",
        &["useAuthenticatedPrincipalForJMSXUserID"],
        "the name by which a user logs in and the one that is told are the same",
    ),
    as_is(
        "broker",
        &["rollbackOnlyOnAsyncException"],
        true,
        "a transaction in which something failed can't be committed",
    ),
    as_is("broker", &["useTempMirroredQueues"], false, "temporary queues are not mirrored"),
    as_is(
        "broker",
        &["useVirtualDestSubs", "useVirtualDestSubsOnCreation"],
        false,
        "these are for brokers that are connected to others",
    ),
    row(
        "policyEntry",
        &[
            "advisoryForConsumed",
            "advisoryForDelivery",
            "advisoryForFastProducers",
            "advisoryWhenFull",
            "includeBodyForAdvisory",
            "sendAdvisoryIfNoConsumers",
        ],
        NO_ADVISORY,
    ),
    row(
        "policyEntry",
        &[
            "blockedProducerWarningInterval",
            "memoryLimit",
            "producerFlowControl",
            "sendFailIfNoSpace",
            "sendFailIfNoSpaceAfterTimeout",
            "storeUsageHighWaterMark",
        ],
        FLOW,
    ),
    row(
        "policyEntry",
        &[
            "cursorMemoryHighWaterMark",
            "doOptimzeMessageStorage",
            "lazyDispatch",
            "maxBrowsePageSize",
            "maxPageSize",
            "optimizedDispatch",
            "optimizeMessageStoreInFlightLimit",
            "reduceMemoryFootprint",
            "useCache",
        ],
        OWN_CURSORS,
    ),
    row(
        "policyEntry",
        &["enableAudit", "maxAuditDepth", "maxProducersToAudit", "maxQueueAuditDepth"],
        NO_AUDIT,
    ),
    row(
        "policyEntry",
        &["expireMessagesPeriod", "maxExpirePageSize"],
        "a message expires when its time has come; nobody has to look for it",
    ),
    row("policyEntry", &["gcWithNetworkConsumers"], NO_NETWORK),
    as_is("abortSlowAckConsumerStrategy", &["ignoreNetworkConsumers"], true, NO_NETWORK),
    as_is("abortSlowConsumerStrategy", &["ignoreNetworkConsumers"], true, NO_NETWORK),
    row("abortSlowAckConsumerStrategy", &["name"], NO_NAME),
    row("abortSlowConsumerStrategy", &["name"], NO_NAME),
    row("policyEntry", &["minimumMessageSize"], "limits count the bytes of bodies as they are"),
    as_is(
        "policyEntry",
        &["persistJMSRedelivered"],
        true,
        "a message that may have been delivered before a crash is always marked",
    ),
    as_is("policyEntry", &["prioritizedMessages"], false, "queues are served in order of arrival"),
    as_is(
        "policyEntry",
        &["useConsumerPriority"],
        true,
        "consumers of a higher priority are served first, on every queue",
    ),
    row(
        "policyEntry",
        &["consumersBeforeDispatchStarts", "timeBeforeDispatchStarts"],
        "the first consumer of a queue is served at once",
    ),
    row("policyEntry", &["strictOrderDispatch"], ONE_DISPATCH),
    row("policyEntry", &["sendDuplicateFromStoreToDLQ"], "the journal gives no message twice"),
    row("policyEntry", &["usePrefetchExtension"], "a prefetch is what its consumer asks for, never more"),
    row(
        "policyEntry",
        &["maxDestinations"],
        "cluster-wide limits of queues hold for all destinations together",
    ),
    row("policyEntry", &["queueBrowserPrefetch"], "a browser gets as much at once as it asks for"),
    whole("clientIdFilterDispatchPolicy", ONE_DISPATCH),
    whole("priorityDispatchPolicy", ONE_DISPATCH),
    whole("priorityNetworkDispatchPolicy", NO_NETWORK),
    whole("oldestMessageWithLowestPriorityEvictionStrategy", "the oldest message leaves first"),
    whole("uniquePropertyMessageEvictionStrategy", "the oldest message leaves first"),
    row(
        "oldestMessageEvictionStrategy",
        &["evictExpiredMessagesHighWatermark"],
        "expired messages leave by themselves",
    ),
    whole("conditionalNetworkBridgeFilterFactory", NO_NETWORK),
    whole("fileDurableSubscriberCursor", OWN_CURSORS),
    whole("storeDurableSubscriberCursor", OWN_CURSORS),
    whole("vmDurableCursor", OWN_CURSORS),
    whole("fileQueueCursor", OWN_CURSORS),
    whole("storeCursor", OWN_CURSORS),
    whole("vmQueueCursor", OWN_CURSORS),
    whole("fileCursor", OWN_CURSORS),
    whole("vmCursor", OWN_CURSORS),
    whole("cachedMessageGroupMapFactory", OWN_GROUPS),
    whole("messageGroupHashBucketFactory", OWN_GROUPS),
    whole("simpleMessageGroupMapFactory", OWN_GROUPS),
    row("policyEntry", &["messageGroupMapFactoryType"], OWN_GROUPS),
    row("sharedDeadLetterStrategy", AUDIT, NO_AUDIT),
    row("individualDeadLetterStrategy", AUDIT, NO_AUDIT),
    row("discarding", AUDIT, NO_AUDIT),
    whole("kahaDB", OWN_STORE),
    whole("systemUsage", FLOW),
    whole("memoryUsage", "the node's limit of memory holds"),
    whole("networkConnector", NO_NETWORK),
    whole(
        "transportConnector",
        "listeners are named on the command line, and there is one broker to tell clients of",
    ),
    row("mirroredQueue", &["copyMessage"], COPIES),
    row("virtualTopic", &["concurrentSend", "transactedSend"], COPIES),
    row("compositeQueue", OF_COPIES, COPIES),
    row("compositeTopic", OF_COPIES, COPIES),
    as_is("virtualTopic", &["local"], true, NO_NETWORK),
    as_is("virtualTopic", &["setOriginalDestination"], true, "a message shows the topic that it was sent to"),
    as_is("virtualTopic", &["dropOnResourceLimit"], false, FLOW),
    row(
        "discarding",
        &["deadLetterQueue", "expiration", "processExpired", "processNonPersistent"],
        "nothing is kept",
    ),
    row("timeStampingBrokerPlugin", &["processNetworkMessages"], NO_NETWORK),
    row("discardingDLQBrokerPlugin", &["reportInterval"], "what is dropped is counted, see the metrics"),
    row("queue", &["DLQ"], "which queues dead messages go to is said by the strategies"),
    row("topic", &["DLQ"], "which topics dead messages go to is said by the strategies"),
    whole("tempQueue", TEMPORARY),
    whole("tempTopic", TEMPORARY),
    row(
        "authorizationEntry",
        &["tempQueue", "tempTopic"],
        "temporary destinations have tempDestinationAuthorizationEntry",
    ),
    row(
        "tempDestinationAuthorizationEntry",
        &["queue", "topic", "tempQueue", "tempTopic"],
        "it is about all temporary destinations",
    ),
    // what comes later
    as_is("redeliveryPolicy", &["preDispatchCheck"], true, "a message is looked at when it was refused"),
    row("redeliveryPolicy", &["collisionAvoidancePercent"], "see useCollisionAvoidance"),
    as_is("redeliveryPolicy", &["useCollisionAvoidance"], false, "delays are exact"),
    whole("queryBasedSubscriptionRecoveryPolicy", NOT_YET),
    row("fixedSizedSubscriptionRecoveryPolicy", &["useSharedBuffer"], "each topic has its own"),
];

/// What a configuration says and nothing comes of, each once, in the order of the names.
#[must_use]
pub fn without_effect(settings: &Settings) -> Vec<Notice> {
    let mut notices = BTreeSet::new();
    look(settings.broker(), &mut notices);
    notices.into_iter().collect()
}

/// Attributes of an entry by which its queues refuse what they have no room for.
const REFUSING: [&str; 3] = ["memoryLimit", "producerFlowControl", "sendFailIfNoSpace"];

/// Nesting is limited, so the walk may follow it.
fn look(object: &Object, notices: &mut BTreeSet<Notice>) {
    let element = object.name();
    if let Some(row) = find(element, None) {
        notices.insert(Notice { element, attribute: None, reason: row.reason });
        return;
    }
    let is_limited = object.refusal_bytes().is_some();
    for (attribute, value) in object.values() {
        if is_limited && REFUSING.contains(attribute) {
            continue;
        }
        let Some(row) = find(element, Some(attribute)) else { continue };
        if let (Of::AllBut(said), Value::Truth(truth)) = (row.of, value)
            && said == *truth
        {
            continue;
        }
        notices.insert(Notice { element, attribute: Some(attribute), reason: row.reason });
    }
    let inner = object.objects().filter(|inner| !is_limited || inner.name() != VM_QUEUE_CURSOR);
    inner.for_each(|inner| look(inner, notices));
}

fn find(element: &str, attribute: Option<&str>) -> Option<&'static Row> {
    ROWS.iter().find(|row| {
        row.element == element
            && attribute.map_or(row.attributes.is_empty(), |attribute| row.attributes.contains(&attribute))
    })
}

#[cfg(test)]
mod tests;
