//! What each destination and header comes to.

use super::*;

struct Pairs<'a>(&'a [(&'a str, &'a str)]);

impl AddressOptions for Pairs<'_> {
    fn option(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| Cow::Borrowed(*value))
    }

    fn find_name(&self, is_meant: &dyn Fn(&str) -> bool) -> Option<Cow<'_, str>> {
        self.0.iter().find(|(key, _)| is_meant(key)).map(|(key, _)| Cow::Borrowed(*key))
    }
}

fn request<'a>(text: &'a str, options: &'a Pairs<'a>) -> AddressRequest<'a> {
    let client = options.0.iter().find(|(key, _)| *key == "client-id").map(|(_, value)| *value);
    AddressRequest { text, options, subscription: Some("1"), client, owner: "me", random: [0; 16] }
}

fn targets(text: &str) -> Result<Vec<(String, String, Option<AddressQueue>)>, String> {
    let targets = ActiveMq.targets(request(text, &Pairs(&[])), "SEND");
    let plain = |target: Target| (target.node.to_string(), target.key.to_string(), target.queue);
    targets.map(|all| all.into_iter().map(plain).collect()).map_err(|error| error.text)
}

fn sources(text: &str, pairs: &[(&str, &str)]) -> Result<Sources, String> {
    ActiveMq.sources(request(text, &Pairs(pairs)), "SUBSCRIBE").map_err(|error| error.text)
}

fn subscription(text: &str, pairs: &[(&str, &str)]) -> SubscriptionSpec {
    match &sources(text, pairs).unwrap().all[..] {
        [Source { queue: SourceQueue::Subscription(spec), .. }] => spec.clone(),
        other => panic!("not one subscription: {other:?}"),
    }
}

#[test]
fn each_destination_leads_where_activemq_leads_it() {
    let on_use = |name: &str| Some(AddressQueue::OnUse(names::queue(name)));
    for (text, node, key, queue) in [
        ("/queue/a", "", "a", on_use("a")),
        ("queue://a", "", "a", on_use("a")),
        ("a", "", "a", on_use("a")),
        (" /queue/a/b c ", "", "a/b c", on_use("a/b c")),
        ("/queue//foo", "", "/foo", on_use("/foo")),
        ("/topic/a.b", "topic", "a.b", None),
        ("topic://a", "topic", "a", None),
        ("/temp-queue/x", "", "temp-queue://me/x", Some(AddressQueue::Own("temp-queue://me/x".into()))),
        (
            "/remote-temp-queue/you/x",
            "",
            "temp-queue://you/x",
            Some(AddressQueue::Existing("temp-queue://you/x".into())),
        ),
        ("/temp-topic/x", "temp-topic", "me/x", None),
        ("/remote-temp-topic/you/x", "temp-topic", "you/x", None),
    ] {
        assert_eq!(targets(text), Ok(vec![(node.to_owned(), key.to_owned(), queue)]), "{text}");
    }
    let several = targets("/queue/a,/topic/b, c").unwrap();
    let keys: Vec<_> = several.iter().map(|(node, key, _)| format!("{node}:{key}")).collect();
    assert_eq!(keys, [":a", "topic:b", ":c"]);
}

#[test]
fn what_is_no_place_to_send_to_is_refused() {
    for text in ["", "/queue/", "/foo/a", "/queue/a,", "/queue/mqtt://x", "consumer://c/n", "/temp-queue/"] {
        assert!(targets(text).unwrap_err().starts_with("Illegal destination name"), "{text}");
    }
    for text in ["/queue/a.*", "/topic/a.>", "/topic/*.b"] {
        assert!(targets(text).unwrap_err().contains("holds a wildcard"), "{text}");
    }
    assert!(targets("/queue/a?consumer.prefetchSize=1").unwrap_err().contains("options of a destination"));
    assert!(targets(&["/queue/a"; 17].join(",")).unwrap_err().contains("at most 16"));
}

#[test]
fn a_topic_has_a_queue_of_its_subscription() {
    let spec = subscription("/topic/a.>,/topic/b", &[("activemq.noLocal", "true")]);
    assert_eq!(
        spec.places,
        [("topic".into(), "a.>".into()), ("topic".into(), "b".into())] as [(Arc<str>, Arc<str>); 2]
    );
    assert!(!spec.is_durable && spec.skips_own && !spec.wants_retained);
    assert!(spec.queue.starts_with("consumer://"));
    let pairs = [
        ("client-id", "c"),
        ("activemq.subscriptionName", "n"),
        ("activemq.retroactive", "true"),
        ("activemq.maximumPendingMessageLimit", "-1"),
    ];
    let spec = subscription("/topic/a", &pairs);
    assert!(spec.is_durable && spec.wants_retained && spec.arguments.is_empty());
    assert_eq!(&*spec.queue, "consumer://c/n");
    let old = subscription("/topic/a", &[("client-id", "c"), ("activemq.subcriptionName", "n")]);
    assert_eq!(&*old.queue, "consumer://c/n");
    let limited = subscription("/topic/a", &[("activemq.maximumPendingMessageLimit", "5")]);
    assert_eq!(limited.arguments, vec![(PENDING_LIMIT.into(), Value::I64(5))]);
}

#[test]
fn queues_and_topics_can_be_mixed() {
    let sources = sources("/queue/a,/topic/t,/queue/Consumer.A.VirtualTopic.X", &[]).unwrap();
    assert_eq!(sources.all.len(), 3);
    let bindings: Vec<_> = sources.all.iter().map(|source| source.binding.clone()).collect();
    assert_eq!(bindings, [None, Some(("topic".into(), "VirtualTopic.X".into())), None]);
}

#[test]
fn prefetch_and_priority_have_activemqs_defaults() {
    let durable = [("client-id", "c"), ("activemq.subscriptionName", "n")];
    for (text, pairs, expect) in [
        ("/queue/a", &[][..], (Some(1_000), 0, false)),
        ("/topic/a", &[], (Some(32_766), 0, false)),
        ("/topic/a", &durable[..], (Some(100), 0, false)),
        ("/queue/a", &[("activemq.prefetchSize", "7"), ("activemq.priority", "200")], (Some(7), 127, false)),
        (
            "/queue/a",
            &[("activemq.exclusive", "true"), ("activemq.dispatchAsync", "false")],
            (Some(1_000), 0, true),
        ),
    ] {
        let sources = sources(text, pairs).unwrap();
        assert_eq!((sources.window, sources.priority, sources.is_preferred), expect, "{text} {pairs:?}");
    }
}

#[test]
fn what_is_not_there_is_refused() {
    let named = ("activemq.subscriptionName", "n");
    for (text, pairs, expect) in [
        ("/queue/a", &[("selector", "a ==")][..], "Invalid selector: column 4: expected a value, found '='"),
        ("/queue/a", &[("browser", "true")], "queue browsers: not available"),
        ("/queue/a", &[("transformation", "jms-json")], "transformations of messages: not available"),
        (
            "/queue/a.>.>.>",
            &[],
            "'a.>.>.>': the pattern has 3 wildcards that match any number of words; at most 2 are allowed",
        ),
        ("/queue/a", &[("activemq.prefetchSize", "0")], "activemq.prefetchSize has to be at least 1"),
        ("/queue/a", &[("activemq.prefetchSize", "x")], "activemq.prefetchSize has to be a whole number"),
        (
            "/queue/a",
            &[("activemq.noLocal", "true")],
            "activemq.noLocal with queues and durable subscriptions: not available",
        ),
        (
            "/queue/a",
            &[("activemq.maximumPendingMessageLimit", "1")],
            "activemq.maximumPendingMessageLimit with queues and durable subscriptions: not available",
        ),
        ("/queue/a", &[("activemq.noRangeAcks", "true")], "'activemq.noRangeAcks': not available"),
        ("/topic/a", &[named], "a durable subscription needs a client-id in CONNECT"),
        (
            "/queue/a",
            &[named, ("client-id", "c")],
            "Invalid Subscription: cannot durably subscribe to a Queue destination!",
        ),
        ("/remote-temp-topic/you/x", &[], "temp-topic://you/x belongs to another connection"),
    ] {
        assert_eq!(sources(text, pairs).unwrap_err(), expect, "{text} {pairs:?}");
    }
}

#[test]
fn deliveries_and_replies_name_where_they_were_sent() {
    for (node, key, expect) in [
        ("", "a/b", "/queue/a/b"),
        ("topic", "a.b", "/topic/a.b"),
        ("", "temp-queue://me/x", "/temp-queue/x"),
        ("", "temp-queue://you/x", "/remote-temp-queue/you/x"),
        ("temp-topic", "me/x", "/temp-topic/x"),
        ("temp-topic", "you/x", "/remote-temp-topic/you/x"),
    ] {
        assert_eq!(ActiveMq.address_of(node, key, "me"), expect);
    }
    let own =
        ReplyTo::Own { address: "/remote-temp-queue/me/x".into(), queue: Some("temp-queue://me/x".into()) };
    assert_eq!(ActiveMq.reply_to("/temp-queue/x", "me"), Ok(own));
    assert_eq!(ActiveMq.reply_to("/queue/x", "me"), Ok(ReplyTo::Stated));
    assert_eq!(ActiveMq.reply_to("/what/ever", "me"), Ok(ReplyTo::Stated));
    assert_eq!(ActiveMq.reply_address("/remote-temp-queue/me/x", "me"), "/temp-queue/x");
    assert_eq!(ActiveMq.reply_address("/remote-temp-queue/me/x", "you"), "/remote-temp-queue/me/x");
    assert_eq!(ActiveMq.reply_place("/topic/a"), ReplyPlace::Topic("a".into()));
    assert_eq!(ActiveMq.reply_place("/temp-queue/a"), ReplyPlace::Address);
}

#[test]
fn an_unsubscribe_gives_a_durable_subscription_up_by_its_name() {
    let of = |pairs: &[(&str, &str)], client| ActiveMq.given_up(&Pairs(pairs), client);
    let name = ("activemq.subscriptionName", "n");
    assert_eq!(of(&[name], Some("c")), Ok(Some("consumer://c/n".into())));
    assert_eq!(of(&[], Some("c")), Ok(None));
    assert!(of(&[name], None).is_err());
}

#[test]
fn a_selector_goes_to_the_consumer_of_a_queue_and_to_the_queue_of_a_subscription() {
    let given = |text: &str, pairs: &[(&str, &str)]| {
        let sources = sources(text, pairs).unwrap();
        let arguments = sources.all.iter().find_map(|source| match &source.queue {
            SourceQueue::Subscription(spec) => spec.arguments.first().map(|(_, value)| value.clone()),
            SourceQueue::Shared(_) | SourceQueue::Matching(_) | SourceQueue::Several(_) => None,
        });
        (sources.selector.map(|selector| selector.text().to_owned()), arguments)
    };
    let converting = "convert_string_expressions:a = 1";
    let plain = ("activemq.selector", "a = 1");
    assert_eq!(given("/queue/q", &[("selector", "a = 1")]), (Some(converting.to_owned()), None));
    let (_, kept) = given("/topic/t", &[("selector", "a = 1")]);
    assert_eq!(kept, Some(Value::str(converting)));
    let (own, kept) = given("/topic/t", &[("selector", "b = 1"), plain]);
    assert_eq!((own.as_deref(), kept), (Some("a = 1"), Some(Value::str("a = 1"))));
    for blank in ["", "  "] {
        assert_eq!(given("/topic/t", &[("selector", blank)]), (None, None));
    }
}

#[test]
fn a_selector_past_its_limits_is_refused() {
    let refusal = |selector: &str| sources("/queue/q", &[("selector", selector)]).err();
    let long = |bytes: usize| format!("a = '{}'", "x".repeat(bytes - 6));
    assert_eq!(refusal(&long(4_096)), None);
    let wanted = "Invalid selector: column 1: a selector has at most 4096 bytes";
    assert_eq!(refusal(&long(4_097)).as_deref(), Some(wanted));
    let wanted = "Invalid selector: column 65: at most 64 parentheses and signs stand within each other";
    assert_eq!(refusal(&format!("{}a{}", "(".repeat(65), ")".repeat(65))).as_deref(), Some(wanted));
    // The second word of the 128th further condition is the 513th.
    let wanted = "Invalid selector: column 1281: a selector has at most 512 words and signs";
    assert_eq!(refusal(&format!("a = 1{}", " AND b = 1".repeat(200))).as_deref(), Some(wanted));
}
