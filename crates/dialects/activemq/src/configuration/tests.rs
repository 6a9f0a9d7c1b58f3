use ternmq_broker::{Keeps, SlowEnd, SlowSign};
use ternmq_configuration::{
    Version,
    activemq_service::{NAMESPACE, Strategy, sanitise},
};
use ternmq_message::DeathReason;

use super::*;

/// What a file sets, and what its writer is told.
fn read(attributes: &str, content: &str) -> (Configuration, Vec<String>) {
    let text = format!("<broker xmlns=\"{NAMESPACE}\" {attributes}>{content}</broker>");
    let read = sanitise(text.as_bytes(), Version::minor(5, 19), Strategy::Simple).unwrap();
    assert!(read.removals.is_empty(), "{content}: {:?}", read.removals);
    Configuration::of(&read.settings)
}

fn of(content: &str) -> Configuration {
    let (configuration, warnings) = read("schedulePeriodForDestinationPurge=\"1\"", content);
    assert_eq!(warnings, Vec::<String>::new());
    configuration
}

fn policies(entries: &str) -> Configuration {
    of(&format!(
        "<destinationPolicy><policyMap><policyEntries>{entries}</policyEntries></policyMap></destinationPolicy>"
    ))
}

fn grave(configuration: &Configuration, queue: &str, node: &str, key: &str) -> String {
    let dead = DeadMessage { queue, node, key, is_durable: true, reason: DeathReason::Rejected, times: 0 };
    match configuration.grave(&dead) {
        Grave::AsSet => "as set".to_owned(),
        Grave::None => "none".to_owned(),
        Grave::Again { after_ms } => format!("again after {after_ms}"),
        Grave::Place { node, key, .. } => format!("{node}:{key}"),
    }
}

#[test]
fn without_a_file_what_is_kept_goes_to_one_queue_and_not_round_and_round() {
    let none = Configuration::default();
    assert_eq!(grave(&none, "q", "", "q"), ":ActiveMQ.DLQ");
    assert_eq!(grave(&none, "ActiveMQ.DLQ", "", "q"), "none");
    for (is_durable, reason, expect) in [
        (false, DeathReason::Rejected, false),
        (true, DeathReason::Expired, true),
        (true, DeathReason::MaxLength, true),
    ] {
        let dead = DeadMessage { queue: "q", node: "", key: "q", is_durable, reason, times: 0 };
        assert_eq!(none.grave(&dead) != Grave::None, expect, "{reason:?}");
    }
    assert!(none.queue_defaults("ActiveMQ.DLQ").dead_letter_node.is_none());
    assert!(none.queue_defaults("q").dead_letter_node.is_some());
    assert_eq!(none.queue_defaults("q").groups, Some(GROUPS));
    assert_eq!(none.queue_defaults("ActiveMQ.DLQ").groups, Some(GROUPS));
}

#[test]
fn the_closest_entry_counts() {
    let configuration = policies(
        r#"<policyEntry queue=">" queuePrefetch="1"/><policyEntry queue="a.>" queuePrefetch="2"/>
           <policyEntry queue="a.*" queuePrefetch="3"/><policyEntry queue="a.b" queuePrefetch="4"/>
           <policyEntry topic="t" queuePrefetch="5"/><policyEntry queue="a.b" queuePrefetch="6"/>"#,
    );
    for (kind, name, expect) in [
        (DestinationKind::Queue, "x", Some(1)),
        (DestinationKind::Queue, "a.b.c", Some(2)),
        (DestinationKind::Queue, "a.c", Some(3)),
        (DestinationKind::Queue, "a.b", Some(6)),
        (DestinationKind::Topic, "t", Some(5)),
        (DestinationKind::Topic, "u", None),
    ] {
        assert_eq!(configuration.policy(kind, name).queue_prefetch, expect, "{name}");
    }
}

#[test]
fn dead_letter_queues_of_their_own() {
    let configuration = policies(
        r#"<policyEntry queue="plain"><deadLetterStrategy><individualDeadLetterStrategy/></deadLetterStrategy></policyEntry>
           <policyEntry queue="ends"><deadLetterStrategy><individualDeadLetterStrategy queuePrefix="" queueSuffix=".dead"/></deadLetterStrategy></policyEntry>
           <policyEntry queue="same"><deadLetterStrategy><individualDeadLetterStrategy queuePrefix=""/></deadLetterStrategy></policyEntry>
           <policyEntry topic=">"><deadLetterStrategy>
             <individualDeadLetterStrategy destinationPerDurableSubscriber="true" useQueueForTopicMessages="false"/>
           </deadLetterStrategy></policyEntry>
           <policyEntry tempQueue="true"><deadLetterStrategy><discarding/></deadLetterStrategy></policyEntry>
           <policyEntry queue="shared"><deadLetterStrategy><sharedDeadLetterStrategy deadLetterQueue="topic://dead"/></deadLetterStrategy></policyEntry>"#,
    );
    for (queue, node, key, expect) in [
        ("plain", "", "plain", ":ActiveMQ.DLQ.Queue.plain"),
        ("ActiveMQ.DLQ.Queue.plain", "", "plain", "none"),
        ("ends", "", "ends", ":ends.dead"),
        ("ends.dead", "", "ends", "none"),
        ("same", "", "same", "none"),
        ("other", "", "other", ":ActiveMQ.DLQ"),
        ("consumer://c%2F1/n", "topic", "t", "topic:ActiveMQ.DLQ.Topic.t.c/1:n"),
        ("consumer://random", "topic", "t", "topic:ActiveMQ.DLQ.Topic.t"),
        ("temp-queue://x", "", "temp-queue://x", "none"),
        ("shared", "", "shared", "topic:dead"),
    ] {
        assert_eq!(grave(&configuration, queue, node, key), expect, "{queue}");
    }
}

#[test]
fn what_the_plugin_drops() {
    let plugin = |attributes: &str| {
        let content = format!("<plugins><discardingDLQBrokerPlugin {attributes}/></plugins>");
        read("", &content)
    };
    let (all, _) = plugin("");
    assert_eq!(grave(&all, "q", "", "q"), "none");
    let (some, warnings) = plugin(r#"dropAll="false" dropOnly="a\.\d+ (" dropTemporaryQueues="false""#);
    assert_eq!(
        warnings,
        [
            "dropOnly of discardingDLQBrokerPlugin: '(' can't be used as a regular expression, and drops nothing"
        ]
    );
    for (queue, expect) in [("a.1", "none"), ("a.1.b", ":ActiveMQ.DLQ"), ("temp-queue://x", ":ActiveMQ.DLQ")]
    {
        assert_eq!(grave(&some, queue, "", queue), expect, "{queue}");
    }
    // A pattern that would need more than its budget is none (B8).
    let (_, warnings) = plugin(r#"dropAll="false" dropOnly="(((a{50}){50}){50}){50}""#);
    assert_eq!(warnings.len(), 1);
}

#[test]
fn idle_queues_and_subscriptions_go() {
    let gc = |entry: &str| policies(entry).queue_defaults("q").idle_expiry_ms;
    assert_eq!(gc(r#"<policyEntry queue=">" gcInactiveDestinations="true"/>"#), Some(60_000));
    assert_eq!(
        gc(
            r#"<policyEntry queue=">" gcInactiveDestinations="true" inactiveTimeoutBeforeGC="7" inactiveTimoutBeforeGC="8"/>"#
        ),
        Some(8)
    );
    assert_eq!(gc(r#"<policyEntry queue=">" inactiveTimoutBeforeGC="8"/>"#), None);
    let entry = r#"<destinationPolicy><policyMap><defaultEntry><policyEntry gcInactiveDestinations="true"/></defaultEntry></policyMap></destinationPolicy>"#;
    // Nobody looks for idle queues where the broker has no period for that.
    assert_eq!(read("", entry).0.queue_defaults("q").idle_expiry_ms, None);
    assert_eq!(of(entry).queue_defaults("q").is_kept_while_filled, Some(true));
    let (timed, _) = read("offlineDurableSubscriberTimeout=\"9\"", "");
    assert_eq!(timed.queue_defaults("consumer://c/n").idle_expiry_ms, Some(9));
    assert_eq!(timed.queue_defaults("consumer://random").idle_expiry_ms, None);
    assert!(read("rejectDurableConsumers=\"true\"", "").0.check_durable().is_err());
}

#[test]
fn limits_of_what_waits() {
    let limit = |strategy: &str, prefetch, wished| {
        let entry = format!(
            "<policyEntry topic=\"t\"><pendingMessageLimitStrategy>{strategy}</pendingMessageLimitStrategy></policyEntry>"
        );
        policies(&entry).policy(DestinationKind::Topic, "t").pending_limit(prefetch, wished)
    };
    let constant = |limit: i32| format!("<constantPendingMessageLimitStrategy limit=\"{limit}\"/>");
    let rate = "<prefetchRatePendingMessageLimitStrategy multiplier=\"2.5\"/>";
    assert_eq!(limit(&constant(10), 5, None), Some(10));
    assert_eq!(limit(&constant(10), 5, Some(3)), Some(3));
    assert_eq!(limit(&constant(-1), 5, Some(3)), Some(3));
    assert_eq!(limit(&constant(-1), 5, None), None);
    assert_eq!(limit(rate, 5, None), Some(12));
    assert_eq!(limit(rate, u32::MAX, None), Some(u32::MAX));
}

#[test]
fn a_policy_takes_the_place_of_a_clients_default_only() {
    let configuration = policies(r#"<policyEntry queue="q" queuePrefetch="7"/>"#);
    let policy = configuration.policy(DestinationKind::Queue, "q");
    assert_eq!(policy.prefetch(ConsumerKind::Queue, 1_000), 7);
    assert_eq!(policy.prefetch(ConsumerKind::Queue, 5), 5);
    assert_eq!(policy.prefetch(ConsumerKind::Topic, 32_767), 32_767);
}

#[test]
fn virtual_topics_are_as_the_file_has_them() {
    assert_eq!(Configuration::default().virtual_topic("Consumer.A.VirtualTopic.T"), Some("VirtualTopic.T"));
    assert_eq!(Configuration::default().virtual_topic("Consumer.A.B.VirtualTopic.T"), None);
    assert_eq!(read("useVirtualTopics=\"false\"", "").0.virtual_topic("Consumer.A.VirtualTopic.T"), None);
    let own = of(r#"<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations>
             <virtualTopic prefix="All.*."/>
           </virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>"#);
    assert_eq!(own.virtual_topic("All.x.a.b"), Some("a.b"));
    assert_eq!(own.virtual_topic("Consumer.A.VirtualTopic.T"), None);
}

#[test]
fn where_messages_go_on_to() {
    assert!(Configuration::default().forwards("", "q").is_none());
    let mirrored = read("useMirroredQueues=\"true\"", "").0;
    let forwards = mirrored.forwards("", "q").unwrap();
    assert_eq!((forwards.keeps, &*forwards.to[0].key), (Keeps::All, "VirtualTopic.Mirror.q"));
    assert!(mirrored.forwards("", "temp-queue://x").is_none());
    assert!(mirrored.forwards("topic", "q").is_none());
    let (configuration, warnings) = read(
        "",
        r#"<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations>
             <compositeTopic name="a.*" forwardOnly="false"><forwardTo>
               <queue physicalName="q"/><topic physicalName="t.&gt;"/>
               <filteredDestination topic="t" selector="a = "/><filteredDestination topic="u" selector="a = 1"/>
             </forwardTo></compositeTopic>
           </virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>"#,
    );
    assert_eq!(
        warnings,
        [
            "forwardTo of 'a.*': nothing can be sent to 't.>'",
            "selector of filteredDestination 't': column 5: expected a value, found the end; nothing is sent there",
        ]
    );
    assert!(configuration.forwards("", "a.b").is_none());
    let forwards = configuration.forwards("topic", "a.b").unwrap();
    let keys: Vec<&str> = forwards.to.iter().map(|to| &*to.key).collect();
    assert_eq!((forwards.keeps, keys), (Keeps::All, vec!["q", "u"]));
}

#[test]
fn what_was_refused_comes_again_as_the_plugin_says() {
    let plugin = |attributes: &str, content: &str| {
        let content = format!(
            "<plugins><redeliveryPlugin {attributes}><redeliveryPolicyMap><redeliveryPolicyMap>{content}\
             </redeliveryPolicyMap></redeliveryPolicyMap></redeliveryPlugin></plugins>"
        );
        read("", &content).0
    };
    let at = |configuration: &Configuration, queue: &str, times| {
        let reason = DeathReason::Rejected;
        match configuration.grave(&DeadMessage {
            queue,
            node: "",
            key: queue,
            is_durable: false,
            reason,
            times,
        }) {
            Grave::Again { after_ms } => format!("{after_ms}"),
            other => format!("{other:?}"),
        }
    };
    let entries = r#"<redeliveryPolicyEntries>
          <redeliveryPolicy queue="grows" useExponentialBackOff="true" backOffMultiplier="2" maximumRedeliveries="4"
            initialRedeliveryDelay="100" redeliveryDelay="150" maximumRedeliveryDelay="350"/>
          <redeliveryPolicy queue="endless" maximumRedeliveries="-1" initialRedeliveryDelay="0" redeliveryDelay="7"/>
        </redeliveryPolicyEntries>"#;
    let some = plugin("", entries);
    let grown: Vec<String> = (0..5).map(|times| at(&some, "grows", times)).collect();
    assert_eq!(grown, ["100", "200", "350", "350", "None"]);
    assert_eq!([at(&some, "endless", 0), at(&some, "endless", 1_000_000)], ["0", "7"]);
    assert_eq!(at(&some, "other", 0), "None", "a message that need not be kept has no grave");
    let kept = DeadMessage {
        queue: "other",
        node: "",
        key: "other",
        is_durable: true,
        reason: DeathReason::Rejected,
        times: 0,
    };
    assert!(matches!(some.grave(&kept), Grave::Place { .. }));
    assert_eq!(plugin("fallbackToDeadLetter=\"false\"", entries).grave(&kept), Grave::None);
    let default =
        plugin("sendToDlqIfMaxRetriesExceeded=\"false\"", "<defaultEntry><redeliveryPolicy/></defaultEntry>");
    assert_eq!([at(&default, "q", 0), at(&default, "q", 5)], ["1000", "1000"]);
    assert_eq!(default.grave(&DeadMessage { times: 6, ..kept }), Grave::None);
    assert!(matches!(
        default.grave(&DeadMessage { reason: DeathReason::Expired, ..kept }),
        Grave::Place { .. }
    ));
}

#[test]
fn when_consumers_are_slow() {
    let of = |entry: &str, strategy: &str| {
        policies(&format!(
            "<policyEntry {entry}><slowConsumerStrategy><{strategy}/></slowConsumerStrategy></policyEntry>"
        ))
    };
    let topics = [(Arc::from("topic"), Arc::from("t"))];
    let rule = |strategy: &str| of("queue=\"q\"", strategy).slow_rule("q", &[]).unwrap();
    let rule_of =
        |check_ms, sign, max_looks, end| SlowRule { check_ms, sign, max_looks: Some(max_looks), end };
    let consumer = SlowEnd::Consumer;
    for (strategy, expect) in [
        ("abortSlowConsumerStrategy", rule_of(30_000, SlowSign::Stuck, 1, consumer)),
        (
            r#"abortSlowConsumerStrategy checkPeriod="1000" maxSlowDuration="4500" abortConnection="true""#,
            rule_of(1_000, SlowSign::Stuck, 5, SlowEnd::Connection),
        ),
        (
            r#"abortSlowConsumerStrategy checkPeriod="1000" maxSlowDuration="-1" maxSlowCount="3""#,
            rule_of(1_000, SlowSign::Stuck, 3, consumer),
        ),
        (
            r#"abortSlowConsumerStrategy checkPeriod="0" maxSlowCount="2""#,
            rule_of(100, SlowSign::Stuck, 2, consumer),
        ),
        (
            "abortSlowAckConsumerStrategy",
            rule_of(30_000, SlowSign::Silent { max_ms: 30_000, spares_idle: true }, 1, consumer),
        ),
        (
            r#"abortSlowAckConsumerStrategy maxTimeSinceLastAck="5" ignoreIdleConsumers="false" maxSlowDuration="60001""#,
            rule_of(30_000, SlowSign::Silent { max_ms: 5, spares_idle: false }, 3, consumer),
        ),
    ] {
        assert_eq!(rule(strategy), expect, "{strategy}");
    }
    let none = of("queue=\"q\"", r#"abortSlowConsumerStrategy maxSlowDuration="-1""#);
    assert_eq!((none.slow_check_ms(), none.slow_rule("q", &[])), (None, None));
    let topic = of("topic=\"t\"", "abortSlowConsumerStrategy");
    assert_eq!(topic.slow_rule("q", &[]), None);
    for (queue, sign) in [
        ("consumer://random", SlowSign::Behind),
        ("shared://c/s", SlowSign::Behind),
        ("consumer://c/s", SlowSign::Stuck),
        ("mqtt://c", SlowSign::Stuck),
    ] {
        assert_eq!(topic.slow_rule(queue, &topics).map(|rule| rule.sign), Some(sign), "{queue}");
    }
    let entry = |queue: &str, ms: u32| {
        format!(
            "<policyEntry queue=\"{queue}\"><slowConsumerStrategy><abortSlowConsumerStrategy \
             checkPeriod=\"{ms}\"/></slowConsumerStrategy></policyEntry>"
        )
    };
    let check_ms =
        |one: u32, other: u32| policies(&format!("{}{}", entry("q", one), entry("r", other))).slow_check_ms();
    assert_eq!((check_ms(30_000, 20_000), check_ms(500, 501)), (Some(10_000), Some(100)));
}

#[test]
fn which_queues_take_what_is_selected_only() {
    let of = |topic: &str| {
        of(&format!(
            "<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations>{topic}\
             </virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>"
        ))
    };
    let aware = of(r#"<virtualTopic name="a.&gt;" selectorAware="true"/><virtualTopic name="b"/>"#);
    for (queue, expect) in [("Consumer.X.a.b", true), ("Consumer.X.b", false), ("a.b", false)] {
        assert_eq!(aware.takes_wanted_only(queue), expect, "{queue}");
    }
}
