//! The tables against what the service documents, and each attribute with values of its type and others.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Every element with the way to it from the broker, names of properties and elements in turn; the shortest counts.
fn elements() -> BTreeMap<&'static str, (Vec<&'static str>, &'static Element)> {
    let mut found = BTreeMap::new();
    let mut next = vec![(vec!["broker"], broker())];
    while !next.is_empty() {
        let mut deeper = Vec::new();
        for (path, element) in next {
            if found.contains_key(element.name) {
                continue;
            }
            found.insert(element.name, (path.clone(), element));
            for property in element.properties {
                for child in property.elements {
                    deeper.push(([path.clone(), vec![property.name, child.name]].concat(), *child));
                }
            }
        }
        next = deeper;
    }
    found
}

/// Every property by the element that has it.
fn properties() -> Vec<(Vec<&'static str>, &'static Property)> {
    let of_element = |(path, element): &(Vec<&'static str>, &'static Element)| {
        element
            .properties
            .iter()
            .map(|property| ([path.clone(), vec![property.name]].concat(), property))
            .collect()
    };
    elements().values().flat_map(|of| -> Vec<_> { of_element(of) }).collect()
}

/// A text in which the last element of a path has this in its tag, and this content.
fn nested(path: &[&str], tag: &str, content: &str) -> String {
    let (last, outer) = path.split_last().unwrap();
    let namespace =
        |name: &str| if name == "broker" { format!(" xmlns=\"{NAMESPACE}\"") } else { String::new() };
    let mut text = format!("<{last}{}{tag}>{content}</{last}>", namespace(last));
    for name in outer.iter().rev() {
        text = format!("<{name}{}>{text}</{name}>", namespace(name));
    }
    text
}

fn check_ldap(text: &str, kept: &str, removed: &[&str]) {
    check_for(V5_19, Strategy::Ldap, text, kept, removed);
}

/// Elements as the service documents them.
const ELEMENTS: &str = "abortSlowAckConsumerStrategy, abortSlowConsumerStrategy, authorizationEntry, authorizationMap, \
    authorizationPlugin, broker, cachedLDAPAuthorizationMap, cachedMessageGroupMapFactory, \
    clientIdFilterDispatchPolicy, compositeQueue, compositeTopic, conditionalNetworkBridgeFilterFactory, \
    constantPendingMessageLimitStrategy, deadLetterQueue, discarding, discardingDLQBrokerPlugin, fileCursor, \
    fileDurableSubscriberCursor, fileQueueCursor, filteredDestination, fixedCountSubscriptionRecoveryPolicy, \
    fixedSizedSubscriptionRecoveryPolicy, forcePersistencyModeBrokerPlugin, individualDeadLetterStrategy, kahaDB, \
    lastImageSubscriptionRecoveryPolicy, memoryUsage, messageGroupHashBucketFactory, mirroredQueue, \
    networkConnector, noSubscriptionRecoveryPolicy, oldestMessageEvictionStrategy, \
    oldestMessageWithLowestPriorityEvictionStrategy, policyEntry, policyMap, \
    prefetchRatePendingMessageLimitStrategy, priorityDispatchPolicy, priorityNetworkDispatchPolicy, \
    queryBasedSubscriptionRecoveryPolicy, queue, redeliveryPlugin, redeliveryPolicy, redeliveryPolicyMap, \
    retainedMessageSubscriptionRecoveryPolicy, roundRobinDispatchPolicy, sharedDeadLetterStrategy, \
    simpleDispatchPolicy, simpleMessageGroupMapFactory, statisticsBrokerPlugin, storeCursor, \
    storeDurableSubscriberCursor, strictOrderDispatchPolicy, systemUsage, tempDestinationAuthorizationEntry, \
    tempQueue, tempTopic, timedSubscriptionRecoveryPolicy, timeStampingBrokerPlugin, topic, transportConnector, \
    uniquePropertyMessageEvictionStrategy, virtualDestinationInterceptor, virtualTopic, vmCursor, vmDurableCursor, \
    vmQueueCursor";

const OF_DEAD_LETTERS: &str = "deadLetterQueue, enableAudit, expiration, maxAuditDepth, maxProducersToAudit, processExpired, \
    processNonPersistent";
const OF_INDIVIDUAL: &str = "enableAudit, expiration, maxAuditDepth, maxProducersToAudit, processExpired, \
    processNonPersistent, destinationPerDurableSubscriber, queuePrefix, queueSuffix, topicPrefix, topicSuffix, \
    useQueueForQueueMessages, useQueueForTopicMessages";
const OF_COMPOSITE: &str = "concurrentSend, copyMessage, forwardOnly, name, sendWhenNotMatched";
const OF_AUTHORIZATION: &str = "admin, read, write, queue, topic, tempQueue, tempTopic";

/// Attributes as the service documents them; elements that are not here have none.
const ATTRIBUTES: &[(&str, &str)] = &[
    (
        "broker",
        "advisorySupport, allowTempAutoCreationOnSend, cacheTempDestinations, consumerSystemUsagePortion, \
            dedicatedTaskRunner, deleteAllMessagesOnStartup, keepDurableSubsActive, \
            enableMessageExpirationOnActiveDurableSubs, maxPurgedDestinationsPerSweep, maxSchedulerRepeatAllowed, \
            monitorConnectionSplits, networkConnectorStartAsync, offlineDurableSubscriberTaskSchedule, \
            offlineDurableSubscriberTimeout, persistenceThreadPriority, persistent, populateJMSXUserID, \
            producerSystemUsagePortion, rejectDurableConsumers, rollbackOnlyOnAsyncException, \
            schedulePeriodForDestinationPurge, schedulerSupport, splitSystemUsageForProducersConsumers, \
            taskRunnerPriority, timeBeforePurgeTempDestinations, useAuthenticatedPrincipalForJMSXUserID, \
            useMirroredQueues, useTempMirroredQueues, useVirtualDestSubs, useVirtualDestSubsOnCreation, \
            useVirtualTopics",
    ),
    (
        "policyEntry",
        "advisoryForConsumed, advisoryForDelivery, advisoryForDiscardingMessages, \
            advisoryForFastProducers, advisoryForSlowConsumers, advisoryWhenFull, allConsumersExclusiveByDefault, \
            alwaysRetroactive, blockedProducerWarningInterval, consumersBeforeDispatchStarts, \
            cursorMemoryHighWaterMark, doOptimzeMessageStorage, durableTopicPrefetch, enableAudit, \
            expireMessagesPeriod, gcInactiveDestinations, gcWithNetworkConsumers, inactiveTimeoutBeforeGC, \
            inactiveTimoutBeforeGC, includeBodyForAdvisory, lazyDispatch, maxAuditDepth, maxBrowsePageSize, \
            maxDestinations, maxExpirePageSize, maxPageSize, maxProducersToAudit, maxQueueAuditDepth, memoryLimit, \
            messageGroupMapFactoryType, minimumMessageSize, optimizedDispatch, optimizeMessageStoreInFlightLimit, \
            persistJMSRedelivered, prioritizedMessages, producerFlowControl, queue, queueBrowserPrefetch, \
            queuePrefetch, reduceMemoryFootprint, sendAdvisoryIfNoConsumers, sendFailIfNoSpace, \
            sendFailIfNoSpaceAfterTimeout, sendDuplicateFromStoreToDLQ, storeUsageHighWaterMark, \
            strictOrderDispatch, tempQueue, tempTopic, timeBeforeDispatchStarts, topic, topicPrefetch, useCache, \
            useConsumerPriority, usePrefetchExtension",
    ),
    (
        "abortSlowAckConsumerStrategy",
        "abortConnection, checkPeriod, ignoreIdleConsumers, ignoreNetworkConsumers, \
            maxSlowCount, maxSlowDuration, maxTimeSinceLastAck, name",
    ),
    (
        "abortSlowConsumerStrategy",
        "abortConnection, checkPeriod, ignoreNetworkConsumers, maxSlowCount, \
            maxSlowDuration, name",
    ),
    ("authorizationEntry", OF_AUTHORIZATION),
    ("tempDestinationAuthorizationEntry", OF_AUTHORIZATION),
    (
        "cachedLDAPAuthorizationMap",
        "queueSearchBase, topicSearchBase, tempSearchBase, refreshInterval, \
            legacyGroupMapping",
    ),
    ("cachedMessageGroupMapFactory", "cacheSize"),
    ("messageGroupHashBucketFactory", "bucketCount, cacheSize"),
    ("compositeQueue", OF_COMPOSITE),
    ("compositeTopic", OF_COMPOSITE),
    ("filteredDestination", "queue, selector, topic"),
    (
        "conditionalNetworkBridgeFilterFactory",
        "rateDuration, rateLimit, replayDelay, replayWhenNoConsumers, \
            selectorAware",
    ),
    ("constantPendingMessageLimitStrategy", "limit"),
    ("prefetchRatePendingMessageLimitStrategy", "multiplier"),
    ("sharedDeadLetterStrategy", OF_DEAD_LETTERS),
    ("discarding", OF_DEAD_LETTERS),
    ("individualDeadLetterStrategy", OF_INDIVIDUAL),
    (
        "discardingDLQBrokerPlugin",
        "dropAll, dropOnly, dropTemporaryQueues, dropTemporaryTopics, reportInterval",
    ),
    ("forcePersistencyModeBrokerPlugin", "persistenceFlag"),
    ("fixedCountSubscriptionRecoveryPolicy", "maximumSize"),
    ("fixedSizedSubscriptionRecoveryPolicy", "maximumSize, useSharedBuffer"),
    ("timedSubscriptionRecoveryPolicy", "recoverDuration"),
    ("queryBasedSubscriptionRecoveryPolicy", "query"),
    ("mirroredQueue", "copyMessage, postfix, prefix"),
    (
        "virtualTopic",
        "concurrentSend, local, dropOnResourceLimit, name, postfix, prefix, selectorAware, \
            setOriginalDestination, transactedSend",
    ),
    ("oldestMessageEvictionStrategy", "evictExpiredMessagesHighWatermark"),
    ("oldestMessageWithLowestPriorityEvictionStrategy", "evictExpiredMessagesHighWatermark"),
    ("uniquePropertyMessageEvictionStrategy", "evictExpiredMessagesHighWatermark, propertyName"),
    ("queue", "DLQ, physicalName"),
    ("topic", "DLQ, physicalName"),
    ("tempQueue", "DLQ, physicalName"),
    ("tempTopic", "DLQ, physicalName"),
    ("redeliveryPlugin", "fallbackToDeadLetter, sendToDlqIfMaxRetriesExceeded"),
    (
        "redeliveryPolicy",
        "backOffMultiplier, collisionAvoidancePercent, initialRedeliveryDelay, \
            maximumRedeliveries, maximumRedeliveryDelay, preDispatchCheck, queue, redeliveryDelay, tempQueue, \
            tempTopic, topic, useCollisionAvoidance, useExponentialBackOff",
    ),
    ("storeDurableSubscriberCursor", "immediatePriorityDispatch, useCache"),
    ("timeStampingBrokerPlugin", "futureOnly, processNetworkMessages, ttlCeiling, zeroExpirationOverride"),
    (
        "transportConnector",
        "name, updateClusterClients, rebalanceClusterClients, updateClusterClientsOnRemove",
    ),
    (
        "networkConnector",
        "name, uri, userName, duplex, conduitSubscriptions, networkTTL, \
            decreaseNetworkConsumerPriority, dynamicOnly, prefetchSize, suppressDuplicateTopicSubscriptions, \
            bridgeTempDestinations, alwaysSyncSend",
    ),
    (
        "kahaDB",
        "concurrentStoreAndDispatchQueues, cleanupOnStop, journalDiskSyncInterval, \
            journalDiskSyncStrategy, preallocationStrategy",
    ),
    ("systemUsage", "sendFailIfNoSpace, sendFailIfNoSpaceAfterTimeout"),
    ("memoryUsage", "percentOfJvmHeap"),
];

fn words(text: &str) -> BTreeSet<String> {
    text.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_permitted_elements_are_the_documented_ones() {
    let mut found: BTreeSet<String> = elements().keys().map(|name| (*name).to_owned()).collect();
    // the one of them that stands for a property
    found.insert("deadLetterQueue".to_owned());
    assert!(properties().iter().any(|(_, property)| property.name == "deadLetterQueue"));
    assert_eq!(found, words(ELEMENTS));
}

#[test]
fn the_permitted_attributes_are_the_documented_ones() {
    let mut documented: BTreeMap<&str, &str> = ATTRIBUTES.iter().copied().collect();
    for (name, (_, element)) in elements() {
        let found: BTreeSet<String> = element.attributes.iter().map(|of| of.name.to_owned()).collect();
        assert_eq!(found.len(), element.attributes.len(), "{name} has one twice");
        assert_eq!(found, documented.remove(name).map(words).unwrap_or_default(), "{name}");
        assert!(element.attributes.len() * 2 < MAX_ATTRIBUTES);
    }
    assert_eq!(documented.keys().collect::<Vec<_>>(), Vec::<&&str>::new());
}

const DESTINATIONS: &str = "queue, topic, tempQueue, tempTopic";
const FORWARD: &str = "queue, topic, tempQueue, tempTopic, filteredDestination";
const ENTRIES: &str = "authorizationEntry, tempDestinationAuthorizationEntry";
const RECOVERY: &str = "fixedCountSubscriptionRecoveryPolicy, fixedSizedSubscriptionRecoveryPolicy, \
    lastImageSubscriptionRecoveryPolicy, noSubscriptionRecoveryPolicy, queryBasedSubscriptionRecoveryPolicy, \
    timedSubscriptionRecoveryPolicy";
const ALL_RECOVERY: &str = "fixedCountSubscriptionRecoveryPolicy, fixedSizedSubscriptionRecoveryPolicy, \
    lastImageSubscriptionRecoveryPolicy, noSubscriptionRecoveryPolicy, queryBasedSubscriptionRecoveryPolicy, \
    timedSubscriptionRecoveryPolicy, retainedMessageSubscriptionRecoveryPolicy";

/// Nesting as the service documents it: the property behind what has it, and what it may hold.
const NESTING: &[(&str, &str)] = &[
    ("broker/destinationInterceptors", "mirroredQueue, virtualDestinationInterceptor"),
    ("broker/destinationPolicy", "policyMap"),
    ("broker/destinations", DESTINATIONS),
    ("broker/networkConnectors", "networkConnector"),
    ("broker/persistenceAdapter", "kahaDB"),
    (
        "broker/plugins",
        "authorizationPlugin, discardingDLQBrokerPlugin, forcePersistencyModeBrokerPlugin, \
            redeliveryPlugin, statisticsBrokerPlugin, timeStampingBrokerPlugin",
    ),
    ("broker/systemUsage", "systemUsage"),
    ("broker/transportConnectors", "transportConnector"),
    ("systemUsage/memoryUsage", "memoryUsage"),
    ("authorizationPlugin/map", "authorizationMap, cachedLDAPAuthorizationMap"),
    ("authorizationMap/authorizationEntries", ENTRIES),
    ("authorizationMap/defaultEntry", ENTRIES),
    ("authorizationMap/tempDestinationAuthorizationEntry", "tempDestinationAuthorizationEntry"),
    ("policyMap/policyEntries", "policyEntry"),
    ("policyMap/defaultEntry", "policyEntry"),
    ("policyEntry/deadLetterStrategy", "discarding, individualDeadLetterStrategy, sharedDeadLetterStrategy"),
    ("policyEntry/destination", DESTINATIONS),
    (
        "policyEntry/dispatchPolicy",
        "clientIdFilterDispatchPolicy, priorityDispatchPolicy, \
            priorityNetworkDispatchPolicy, roundRobinDispatchPolicy, simpleDispatchPolicy, \
            strictOrderDispatchPolicy",
    ),
    (
        "policyEntry/messageEvictionStrategy",
        "oldestMessageEvictionStrategy, \
            oldestMessageWithLowestPriorityEvictionStrategy, uniquePropertyMessageEvictionStrategy",
    ),
    (
        "policyEntry/messageGroupMapFactory",
        "cachedMessageGroupMapFactory, messageGroupHashBucketFactory, \
            simpleMessageGroupMapFactory",
    ),
    ("policyEntry/networkBridgeFilterFactory", "conditionalNetworkBridgeFilterFactory"),
    (
        "policyEntry/pendingDurableSubscriberPolicy",
        "fileDurableSubscriberCursor, storeDurableSubscriberCursor, \
            vmDurableCursor",
    ),
    (
        "policyEntry/pendingMessageLimitStrategy",
        "constantPendingMessageLimitStrategy, \
            prefetchRatePendingMessageLimitStrategy",
    ),
    ("policyEntry/pendingQueuePolicy", "fileQueueCursor, storeCursor, vmQueueCursor"),
    ("policyEntry/pendingSubscriberPolicy", "fileCursor, vmCursor"),
    ("policyEntry/slowConsumerStrategy", "abortSlowAckConsumerStrategy, abortSlowConsumerStrategy"),
    ("policyEntry/subscriptionRecoveryPolicy", ALL_RECOVERY),
    ("retainedMessageSubscriptionRecoveryPolicy/wrapped", RECOVERY),
    ("discarding/deadLetterQueue", DESTINATIONS),
    ("sharedDeadLetterStrategy/deadLetterQueue", DESTINATIONS),
    ("redeliveryPlugin/redeliveryPolicyMap", "redeliveryPolicyMap"),
    ("redeliveryPolicyMap/redeliveryPolicyEntries", "redeliveryPolicy"),
    ("redeliveryPolicyMap/defaultEntry", "redeliveryPolicy"),
    ("virtualDestinationInterceptor/virtualDestinations", "virtualTopic, compositeQueue, compositeTopic"),
    ("compositeQueue/forwardTo", FORWARD),
    ("compositeTopic/forwardTo", FORWARD),
];

#[test]
fn the_permitted_nesting_is_the_documented_one() {
    let rows: BTreeMap<&str, &str> = NESTING.iter().copied().collect();
    let properties = properties();
    assert_eq!(properties.len(), rows.len());
    for (path, property) in properties {
        let place = path[path.len() - 2..].join("/");
        let found: BTreeSet<String> = property.elements.iter().map(|of| of.name.to_owned()).collect();
        assert_eq!(found, words(rows[place.as_str()]), "{place}");
        // what is permitted elsewhere is not here
        for (name, _) in elements() {
            let text = nested(&path, "", &format!("<{name}/>"));
            if found.contains(name) {
                check_ldap(&text, &text, &[]);
            } else {
                check_ldap(&text, &nested(&path, "", ""), &[&format!("DISALLOWED_ELEMENT_REMOVED {name}")]);
            }
        }
    }
}

#[test]
fn an_object_holds_its_properties_and_nothing_else() {
    let names: BTreeSet<&str> = properties().iter().map(|(_, property)| property.name).collect();
    for (path, element) in elements().values() {
        for name in &names {
            let text = nested(path, "", &format!("<{name}></{name}>"));
            if element.properties.iter().any(|property| property.name == *name) {
                check_ldap(&text, &text, &[]);
            } else {
                check_ldap(&text, &nested(path, "", ""), &[&format!("DISALLOWED_ELEMENT_REMOVED {name}")]);
            }
        }
    }
}

/// Values of a type, and texts that are none.
fn examples(kind: Kind) -> (Vec<(String, Value)>, Vec<String>) {
    let text = |of: &str| (of.to_owned(), Value::Text(of.to_owned()));
    let (good, bad): (Vec<(String, Value)>, Vec<&str>) = match kind {
        Kind::Truth => (
            [("true", true), (" false ", false), ("1", true), ("0", false)]
                .map(|(of, truth)| (of.to_owned(), Value::Truth(truth)))
                .into(),
            vec!["", "yes", "TRUE", "2"],
        ),
        Kind::Whole(least, most) => {
            let mut bad = vec![(i128::from(least) - 1).to_string(), (i128::from(most) + 1).to_string()];
            bad.extend(["", "x", "+1", "1.0", "0x1", "1 000"].map(str::to_owned));
            return ([least, most].map(|n| (n.to_string(), Value::Whole(n))).into(), bad);
        }
        Kind::Real => (
            [("0.5", 0.5), ("5", 5.0), (".5", 0.5)].map(|(of, n)| (of.to_owned(), Value::Real(n))).into(),
            vec!["", "-1", "1e9", "NaN", "inf", "1.2.3", "."],
        ),
        Kind::Memory => (
            [("0", 0), ("64 kb", 64 << 10), ("1MB", 1 << 20), ("2 g", 2 << 30), ("5b", 5)]
                .map(|(of, bytes)| (of.to_owned(), Value::Bytes(bytes)))
                .into(),
            vec!["", "kb", "-1", "1tb", "1.5mb", "18446744073709551615kb"],
        ),
        Kind::OneOf(of) => {
            let good = of.iter().map(|word| (word.to_ascii_uppercase(), Value::Word(word))).collect();
            (good, vec!["", "sometimes"])
        }
        Kind::Text => (vec![text(""), text("a &gt; 1, é")], vec!["&#9;", "a&#10;b"]),
        Kind::Destination => (vec![text("A.*.&gt;"), text("queue://A")], vec!["", "  ", "a&#9;"]),
        Kind::Groups => (
            [("", vec![]), ("a, b-c ,d", vec!["a", "b-c", "d"])]
                .map(|(of, names)| {
                    (of.to_owned(), Value::Groups(names.into_iter().map(str::to_owned).collect()))
                })
                .into(),
            vec!["a,,b", "a,", "a&#10;b,c"],
        ),
        Kind::Brokers => (
            vec![
                text("static:(ssl://b-1.mq.eu-west-1.amazonaws.com:61617)"),
                text("masterslave:(ssl://a:61617,ssl://b:1?verifyHostName=false)?randomize=false"),
            ],
            vec![
                "",
                "static:()",
                "static:(tcp://a:1)",
                "multicast://default",
                "static:(ssl://a:1, ssl://b:1)",
                "static:(ssl://a)",
                "static:(ssl://a:0)",
                "static:(ssl://:1)",
                "static:(ssl://u:p@a:1)",
                "ssl://a:1",
                "static:(ssl://a:1)x",
                "static:(ssl://a:1)? x",
                "static:(failover:(ssl://a:1))",
                "static:ssl://a:1",
            ],
        ),
    };
    (good, bad.into_iter().map(str::to_owned).collect())
}

/// As the reader gives it.
fn unescaped(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(text.replace("&gt;", ">")),
        other => other,
    }
}

#[test]
fn each_attribute_takes_values_of_its_type_and_no_others() {
    let mut count = 0;
    for (name, (path, element)) in elements() {
        for attribute in element.attributes {
            count += 1;
            let (good, mut bad) = examples(attribute.kind);
            for (text, value) in good {
                let text = nested(&path, &format!(" {}=\"{text}\"", attribute.name), "");
                check_ldap(&text, &text, &[]);
                let outcome = sanitise(text.as_bytes(), V5_19, Strategy::Ldap).unwrap();
                let mut object = outcome.settings.broker();
                for step in path[1..].chunks(2) {
                    object = object.property(step[0]).next().unwrap();
                }
                assert_eq!(object.values(), [(attribute.name, unescaped(value))], "{text}");
            }
            // what Spring would put in, or look up
            bad.extend(["${a}", "x${a}", "#{a}", "a#{b}", "#bean", " #bean"].map(str::to_owned));
            bad.push("9".repeat(4_097));
            for text in bad {
                let text = nested(&path, &format!(" {}=\"{text}\"", attribute.name), "");
                let told = format!("INVALID_ATTRIBUTE_VALUE_REMOVED {name} {}", attribute.name);
                check_ldap(&text, &nested(&path, "", ""), &[&told]);
            }
        }
        let text = nested(&path, " id='a'", "");
        check_ldap(&text, &nested(&path, "", ""), &[&format!("DISALLOWED_ATTRIBUTE_REMOVED {name} id")]);
    }
    assert_eq!((elements().len(), count), (65, 248));
}
