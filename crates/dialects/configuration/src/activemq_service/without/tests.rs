use super::*;
use crate::activemq_service::{Element, Strategy, broker, default_text, sanitise};

/// Attributes that have an effect.
const SERVED: &[(&str, &[&str])] = &[
    ("authorizationEntry", &["admin", "read", "write", "queue", "topic"]),
    ("tempDestinationAuthorizationEntry", &["admin", "read", "write"]),
    (
        "cachedLDAPAuthorizationMap",
        &["queueSearchBase", "topicSearchBase", "tempSearchBase", "refreshInterval", "legacyGroupMapping"],
    ),
    (
        "broker",
        &[
            "offlineDurableSubscriberTimeout",
            "populateJMSXUserID",
            "rejectDurableConsumers",
            "schedulePeriodForDestinationPurge",
            "useMirroredQueues",
            "useVirtualTopics",
        ],
    ),
    ("compositeQueue", &["forwardOnly", "name", "sendWhenNotMatched"]),
    ("compositeTopic", &["forwardOnly", "name", "sendWhenNotMatched"]),
    ("constantPendingMessageLimitStrategy", &["limit"]),
    ("discardingDLQBrokerPlugin", &["dropAll", "dropOnly", "dropTemporaryQueues", "dropTemporaryTopics"]),
    ("fixedCountSubscriptionRecoveryPolicy", &["maximumSize"]),
    ("fixedSizedSubscriptionRecoveryPolicy", &["maximumSize"]),
    ("timedSubscriptionRecoveryPolicy", &["recoverDuration"]),
    ("filteredDestination", &["queue", "selector", "topic"]),
    ("forcePersistencyModeBrokerPlugin", &["persistenceFlag"]),
    (
        "individualDeadLetterStrategy",
        &[
            "destinationPerDurableSubscriber",
            "expiration",
            "processExpired",
            "processNonPersistent",
            "queuePrefix",
            "queueSuffix",
            "topicPrefix",
            "topicSuffix",
            "useQueueForQueueMessages",
            "useQueueForTopicMessages",
        ],
    ),
    ("mirroredQueue", &["postfix", "prefix"]),
    (
        "policyEntry",
        &[
            "advisoryForDiscardingMessages",
            "advisoryForSlowConsumers",
            "allConsumersExclusiveByDefault",
            "alwaysRetroactive",
            "durableTopicPrefetch",
            "gcInactiveDestinations",
            "inactiveTimeoutBeforeGC",
            "inactiveTimoutBeforeGC",
            "queue",
            "queuePrefetch",
            "tempQueue",
            "tempTopic",
            "topic",
            "topicPrefetch",
        ],
    ),
    (
        "abortSlowAckConsumerStrategy",
        &[
            "abortConnection",
            "checkPeriod",
            "ignoreIdleConsumers",
            "maxSlowCount",
            "maxSlowDuration",
            "maxTimeSinceLastAck",
        ],
    ),
    ("abortSlowConsumerStrategy", &["abortConnection", "checkPeriod", "maxSlowCount", "maxSlowDuration"]),
    ("prefetchRatePendingMessageLimitStrategy", &["multiplier"]),
    ("queue", &["physicalName"]),
    ("redeliveryPlugin", &["fallbackToDeadLetter", "sendToDlqIfMaxRetriesExceeded"]),
    (
        "redeliveryPolicy",
        &[
            "backOffMultiplier",
            "initialRedeliveryDelay",
            "maximumRedeliveries",
            "maximumRedeliveryDelay",
            "queue",
            "redeliveryDelay",
            "tempQueue",
            "tempTopic",
            "topic",
            "useExponentialBackOff",
        ],
    ),
    (
        "sharedDeadLetterStrategy",
        &["deadLetterQueue", "expiration", "processExpired", "processNonPersistent"],
    ),
    ("timeStampingBrokerPlugin", &["futureOnly", "ttlCeiling", "zeroExpirationOverride"]),
    ("topic", &["physicalName"]),
    ("virtualTopic", &["name", "postfix", "prefix", "selectorAware"]),
];

fn notices(content: &str) -> Vec<String> {
    let text = format!("<broker xmlns=\"{}\" {content}</broker>", crate::activemq_service::NAMESPACE);
    let version = "5.19".parse().unwrap();
    let read = sanitise(text.as_bytes(), version, Strategy::Ldap).unwrap();
    assert!(read.removals.is_empty(), "{content}: {:?}", read.removals);
    without_effect(&read.settings).iter().map(ToString::to_string).collect()
}

#[test]
fn every_attribute_has_an_effect_or_a_reason() {
    fn check(element: &'static Element, seen: &mut BTreeSet<&'static str>) {
        if !seen.insert(element.name) || find(element.name, None).is_some() {
            return;
        }
        for attribute in element.attributes {
            let name = attribute.name;
            let of = SERVED.iter().filter(|(served, _)| *served == element.name);
            let is_served = of.into_iter().any(|(_, names)| names.contains(&name));
            let has_reason = find(element.name, Some(name)).is_some();
            assert!(is_served != has_reason, "{} {name}: {is_served} {has_reason}", element.name);
        }
        for inner in element.properties.iter().flat_map(|property| property.elements) {
            check(inner, seen);
        }
    }
    check(broker(), &mut BTreeSet::new());
}

#[test]
fn every_row_is_of_an_element_that_there_is() {
    fn names(element: &'static Element, all: &mut BTreeSet<(&'static str, &'static str)>) {
        if !all.insert((element.name, "")) {
            return;
        }
        all.extend(element.attributes.iter().map(|attribute| (element.name, attribute.name)));
        for inner in element.properties.iter().flat_map(|property| property.elements) {
            names(inner, all);
        }
    }
    let mut all = BTreeSet::new();
    names(broker(), &mut all);
    for row in ROWS {
        assert!(all.contains(&(row.element, "")), "{}", row.element);
        for attribute in row.attributes {
            assert!(all.contains(&(row.element, attribute)), "{} {attribute}", row.element);
        }
    }
}

#[test]
fn what_has_no_effect_is_told_once_and_what_is_so_anyway_is_not() {
    assert_eq!(
        notices(r#"persistent="false" advisorySupport="true" taskRunnerPriority="3">"#),
        [
            "persistent of broker has no effect: persistent messages are kept; see forcePersistencyModeBrokerPlugin to \
             have none",
            "taskRunnerPriority of broker has no effect: this broker has threads of its own",
        ]
    );
    let entry =
        r#"<policyEntry queue="a"><pendingQueuePolicy><vmQueueCursor/></pendingQueuePolicy></policyEntry>"#;
    let text = format!(
        "><destinationPolicy><policyMap><policyEntries>{entry}{entry}</policyEntries></policyMap></destinationPolicy>"
    );
    assert_eq!(notices(&text), [format!("vmQueueCursor has no effect: {OWN_CURSORS}")]);
    let strategy =
        r#"<abortSlowConsumerStrategy name="n" ignoreNetworkConsumers="true" abortConnection="true"/>"#;
    let text = text.replace(
        "<pendingQueuePolicy><vmQueueCursor/></pendingQueuePolicy>",
        &format!("<slowConsumerStrategy>{strategy}</slowConsumerStrategy>"),
    );
    assert_eq!(notices(&text), [format!("name of abortSlowConsumerStrategy has no effect: {NO_NAME}")]);
}

#[test]
fn a_limit_of_memory_counts_where_a_queue_refuses_what_is_more() {
    let told = |entry: &str, cursor: &str| {
        notices(&format!(
            "><destinationPolicy><policyMap><policyEntries><policyEntry {entry}><pendingQueuePolicy><{cursor}/>\
             </pendingQueuePolicy></policyEntry></policyEntries></policyMap></destinationPolicy>"
        ))
        .len()
    };
    let entry = r#"queue="a" memoryLimit="1mb" sendFailIfNoSpace="true""#;
    assert_eq!(told(entry, "vmQueueCursor"), 0);
    assert_eq!(told(entry, "storeCursor"), 3);
    assert_eq!(told(&format!(r#"{entry} producerFlowControl="false""#), "vmQueueCursor"), 4);
    assert_eq!(told(r#"queue="a" memoryLimit="1mb""#, "vmQueueCursor"), 2);
    assert_eq!(told(&entry.replace("queue", "topic"), "vmQueueCursor"), 3);
}

#[test]
fn the_default_configuration_is_read() {
    let read = sanitise(default_text().as_bytes(), "5.19".parse().unwrap(), Strategy::Simple).unwrap();
    assert!(read.removals.is_empty());
    assert_eq!(without_effect(&read.settings), []);
}
