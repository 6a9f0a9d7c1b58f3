use super::*;

mod document;
mod hostile;
mod samples;
mod tables;

const V5_19: Version = Version::minor(5, 19);

/// Elements in a broker.
fn broker_of(content: &str) -> String {
    format!("<broker xmlns=\"{NAMESPACE}\">{content}</broker>")
}

fn shown(removal: &crate::Removal) -> String {
    let element = removal.element_name.as_deref().unwrap_or_default();
    match &removal.attribute_name {
        None => format!("{} {element}", removal.reason),
        Some(attribute) => format!("{} {element} {attribute}", removal.reason),
    }
}

/// What is left, and what was taken out as `REASON element attribute`.
fn check_for(version: Version, strategy: Strategy, text: &str, kept: &str, removed: &[&str]) {
    let outcome =
        sanitise(text.as_bytes(), version, strategy).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(outcome.text, kept, "{text}");
    let told: Vec<String> = outcome.removals.told.iter().map(shown).collect();
    assert_eq!(told, removed, "{text}");
    let again = sanitise(kept.as_bytes(), version, strategy).expect(kept);
    assert_eq!(again.text, kept);
    assert!(again.removals.is_empty(), "{kept}");
    assert_eq!(again.settings, outcome.settings);
}

fn check(text: &str, kept: &str, removed: &[&str]) {
    check_for(V5_19, Strategy::Simple, text, kept, removed);
}

/// Of elements in a broker.
fn check_in_broker(content: &str, kept: &str, removed: &[&str]) {
    check(&broker_of(content), &broker_of(kept), removed);
}

fn check_unusable(bytes: &[u8], expect: &str) {
    let error = sanitise(bytes, V5_19, Strategy::Simple).expect_err(expect);
    assert_eq!(error.to_string(), expect);
}

fn settings(content: &str) -> Settings {
    let outcome = sanitise(broker_of(content).as_bytes(), V5_19, Strategy::Ldap).expect(content);
    assert!(outcome.removals.is_empty(), "{:?}", outcome.removals);
    outcome.settings
}

#[test]
fn what_is_not_permitted_is_cut_out_and_the_rest_stays_as_it_is() {
    check(
        r#"<?xml version="1.0"?>
<!-- mine -->
<broker xmlns="http://activemq.apache.org/schema/core" brokerName="x"  persistent = 'true'
        dataDirectory="/data">
  <managementContext>
    <managementContext createConnector="true"/>
  </managementContext>

  <plugins> <!-- few -->
    <statisticsBrokerPlugin/>	<jaasAuthenticationPlugin configuration="x"/>
    <simpleAuthenticationPlugin><users/></simpleAuthenticationPlugin>
    <forcePersistencyModeBrokerPlugin persistenceFlag="maybe" />
  </plugins>
  <transportConnectors>
    <transportConnector name="openwire" uri="tcp://0.0.0.0:61616" updateClusterClients="true"/>
  </transportConnectors>
</broker>
"#,
        r#"<?xml version="1.0"?>
<!-- mine -->
<broker xmlns="http://activemq.apache.org/schema/core"  persistent = 'true'>

  <plugins> <!-- few -->
    <statisticsBrokerPlugin/>	
    <forcePersistencyModeBrokerPlugin />
  </plugins>
  <transportConnectors>
    <transportConnector name="openwire" updateClusterClients="true"/>
  </transportConnectors>
</broker>
"#,
        &[
            "DISALLOWED_ATTRIBUTE_REMOVED broker brokerName",
            "DISALLOWED_ATTRIBUTE_REMOVED broker dataDirectory",
            "DISALLOWED_ELEMENT_REMOVED managementContext",
            "DISALLOWED_ELEMENT_REMOVED jaasAuthenticationPlugin",
            "DISALLOWED_ELEMENT_REMOVED simpleAuthenticationPlugin",
            "INVALID_ATTRIBUTE_VALUE_REMOVED forcePersistencyModeBrokerPlugin persistenceFlag",
            "DISALLOWED_ATTRIBUTE_REMOVED transportConnector uri",
        ],
    );
}

#[test]
fn an_element_is_permitted_in_its_place_only() {
    check_in_broker("<queue physicalName=\"a\"/>", "", &["DISALLOWED_ELEMENT_REMOVED queue"]);
    check_in_broker(
        "<plugins><plugins/></plugins><destinations><queue/><kahaDB/></destinations>",
        "<plugins></plugins><destinations><queue/></destinations>",
        &["DISALLOWED_ELEMENT_REMOVED plugins", "DISALLOWED_ELEMENT_REMOVED kahaDB"],
    );
    check_in_broker("<broker/>", "", &["DISALLOWED_ELEMENT_REMOVED broker"]);
    // a property has no attributes
    check_in_broker("<plugins id=\"p\"/>", "<plugins/>", &["DISALLOWED_ATTRIBUTE_REMOVED plugins id"]);
}

#[test]
fn elements_and_attributes_of_others_are_not_the_vendors() {
    check(
        &format!(
            "<a:broker xmlns:a=\"{NAMESPACE}\" xmlns:x=\"x\" x:persistent=\"true\" xml:space=\"preserve\">\
             <a:plugins/><plugins/><x:plugins/><a:destinations xmlns:a=\"y\"/></a:broker>"
        ),
        &format!("<a:broker xmlns:a=\"{NAMESPACE}\" xmlns:x=\"x\"><a:plugins/></a:broker>"),
        &[
            "DISALLOWED_ATTRIBUTE_REMOVED broker persistent",
            "DISALLOWED_ATTRIBUTE_REMOVED broker space",
            "DISALLOWED_ELEMENT_REMOVED plugins",
            "DISALLOWED_ELEMENT_REMOVED plugins",
            "DISALLOWED_ELEMENT_REMOVED destinations",
        ],
    );
}

#[test]
fn text_between_elements_is_cut_out() {
    let text = "DISALLOWED_ELEMENT_REMOVED #text";
    check_in_broker(
        " a <plugins> <![CDATA[</plugins>]]> </plugins>\n&amp;<!-- c -->b<?p i?>&#32;\n",
        "  <plugins>  </plugins>\n<!-- c --><?p i?>\n",
        &[text, text, text, text, text],
    );
    // two removals that touch
    check_in_broker("\n  a\n  <bad/>\n", "\n  \n", &[text, "DISALLOWED_ELEMENT_REMOVED bad"]);
}

#[test]
fn layout_around_cuts() {
    let bad = "DISALLOWED_ELEMENT_REMOVED bad";
    check_in_broker("\r\n\t<bad/> \r\n<plugins/>", "\r\n<plugins/>", &[bad]);
    check_in_broker("\n<bad/><bad/>\n<bad>\n</bad>\n<bad></bad>", "\n\n", &[bad, bad, bad, bad]);
    check_in_broker("\n<bad/>\n<bad/>\n", "\n", &[bad, bad]);
    check(
        &format!("<broker\n  id='1'\n  xmlns='{NAMESPACE}'\n  persistent='false'\n  x='y'/>"),
        &format!("<broker\n  xmlns='{NAMESPACE}'\n  persistent='false'/>"),
        &["DISALLOWED_ATTRIBUTE_REMOVED broker id", "DISALLOWED_ATTRIBUTE_REMOVED broker x"],
    );
}

#[test]
fn versions_and_strategies_differ() {
    let duplicates = "<destinationPolicy><policyMap><defaultEntry><policyEntry sendDuplicateFromStoreToDLQ=\"true\"/>\
                      </defaultEntry></policyMap></destinationPolicy>";
    let filter = "<destinationPolicy><policyMap><defaultEntry><policyEntry><networkBridgeFilterFactory>\
                  <conditionalNetworkBridgeFilterFactory rateLimit=\"1\"/></networkBridgeFilterFactory></policyEntry>\
                  </defaultEntry></policyMap></destinationPolicy>";
    for (content, cut, since, told) in [
        (
            duplicates,
            " sendDuplicateFromStoreToDLQ=\"true\"",
            "5.16.4",
            "DISALLOWED_ATTRIBUTE_REMOVED policyEntry sendDuplicateFromStoreToDLQ",
        ),
        (
            filter,
            "<conditionalNetworkBridgeFilterFactory rateLimit=\"1\"/>",
            "5.16.0",
            "DISALLOWED_ELEMENT_REMOVED conditionalNetworkBridgeFilterFactory",
        ),
    ] {
        let since: Version = since.parse().unwrap();
        for version in ["5.15.16", "5.16.0", "5.16.3", "5.16.4", "5.16", "5.19"] {
            let version: Version = version.parse().unwrap();
            let is_there = version.is_at_least(since.major, since.minor, since.patch.unwrap());
            let kept = if is_there { content.to_owned() } else { content.replace(cut, "") };
            let told = if is_there { vec![] } else { vec![told] };
            check_for(version, Strategy::Simple, &broker_of(content), &broker_of(&kept), &told);
        }
    }
    let map = "<plugins><authorizationPlugin><map><cachedLDAPAuthorizationMap queueSearchBase=\"ou=q\"/></map>\
               </authorizationPlugin></plugins>";
    let without = map.replace("<cachedLDAPAuthorizationMap queueSearchBase=\"ou=q\"/>", "");
    check_for(V5_19, Strategy::Ldap, &broker_of(map), &broker_of(map), &[]);
    check_in_broker(map, &without, &["DISALLOWED_ELEMENT_REMOVED cachedLDAPAuthorizationMap"]);
    let secret = map.replace("queueSearchBase", "connectionPassword");
    let told = "DISALLOWED_ATTRIBUTE_REMOVED cachedLDAPAuthorizationMap connectionPassword";
    let kept = map.replace(" queueSearchBase=\"ou=q\"", "");
    check_for(V5_19, Strategy::Ldap, &broker_of(&secret), &broker_of(&kept), &[told]);
}

fn destinations<'a>(objects: &[&'a Object]) -> Vec<Option<(DestinationKind, &'a str)>> {
    objects.iter().map(|object| object.destination()).collect()
}

#[test]
fn what_passed_is_read_by_its_subject() {
    use DestinationKind::{Queue, Topic};
    let all = samples::uncommented();
    let outcome = sanitise(all.as_bytes(), V5_19, Strategy::Simple).unwrap();
    let settings = outcome.settings;
    assert_eq!(settings.broker().whole("schedulePeriodForDestinationPurge"), Some(10_000));
    assert_eq!(destinations(&settings.policy_entries()), [Some((Topic, ">")), Some((Queue, ">"))]);
    let topics = settings.policy_entries()[0];
    assert_eq!(topics.truth("gcInactiveDestinations"), Some(true));
    assert_eq!(topics.whole("inactiveTimoutBeforeGC"), Some(600_000));
    let limit = topics.property("pendingMessageLimitStrategy").next().unwrap();
    assert_eq!((limit.name(), limit.whole("limit")), ("constantPendingMessageLimitStrategy", Some(1_000)));
    assert_eq!(
        destinations(&settings.destinations()),
        [Some((Queue, "ORDERS.NEW")), Some((Topic, "ORDERS.NEWS"))]
    );
    let of_virtual = settings.virtual_destinations();
    assert_eq!(of_virtual[0].text("prefix"), Some("VirtualTopicConsumers.*."));
    let targets: Vec<&Object> = of_virtual[1].property("forwardTo").collect();
    assert_eq!(
        destinations(&targets),
        [Some((Queue, "ORDERS.STORE")), Some((Queue, "ORDERS.LARGE")), Some((Topic, "ORDERS.NEWS"))]
    );
    assert_eq!(targets[1].text("selector"), Some("amount > 1000"));
    assert_eq!(settings.mirrored_queue().and_then(|queue| queue.text("postfix")), Some(".qmirror"));
    let authorization = settings.authorization().unwrap();
    let entries = authorization.entries();
    assert_eq!(
        destinations(&entries),
        [Some((Queue, ">")), Some((Topic, ">")), Some((Topic, "ActiveMQ.Advisory.>"))]
    );
    assert_eq!(
        entries[0].groups("admin"),
        Some(["admins", "activemq-webconsole"].map(str::to_owned).as_slice())
    );
    assert!(authorization.temp_entry().is_some() && authorization.default_entry().is_none());
    assert!(authorization.directory().is_none());
    assert_eq!(settings.plugins().len(), 6);
    assert_eq!(settings.redelivery().and_then(|plugin| plugin.truth("fallbackToDeadLetter")), Some(true));
    assert_eq!(destinations(&settings.redelivery_policies()), [Some((Queue, "ORDERS.NEW"))]);
    assert_eq!(
        settings.default_redelivery_policy().and_then(|policy| policy.whole("initialRedeliveryDelay")),
        Some(5_000)
    );
    assert_eq!(settings.network_connectors()[0].text("userName"), Some("bridge"));
    assert_eq!(
        settings.store().and_then(|store| store.truth("concurrentStoreAndDispatchQueues")),
        Some(false)
    );
    assert_eq!(settings.transport_connectors(), Vec::<&Object>::new());
    assert_eq!(
        (settings.system_usage(), settings.memory_percent(), settings.default_policy()),
        (None, None, None)
    );
}

#[test]
fn what_passed_has_the_types_of_the_tables() {
    use DestinationKind::{TempQueue, TempTopic, Topic};
    let settings = settings(
        "<systemUsage><systemUsage sendFailIfNoSpace=\"1\"><memoryUsage><memoryUsage percentOfJvmHeap=\"60\"/>\
         </memoryUsage></systemUsage></systemUsage><destinationPolicy><policyMap><policyEntries>\
         <policyEntry tempTopic=\"true\"/><policyEntry tempQueue=\"true\" topic=\"a\"/><policyEntry tempQueue=\"false\"/>\
         <policyEntry><destination><tempQueue physicalName=\"t\"/></destination></policyEntry></policyEntries>\
         <defaultEntry><policyEntry memoryLimit=\"10 Mb\"/></defaultEntry></policyMap></destinationPolicy>\
         <plugins><authorizationPlugin><map><cachedLDAPAuthorizationMap refreshInterval=\"-1\"/></map>\
         </authorizationPlugin></plugins>",
    );
    assert_eq!(settings.memory_percent(), Some(60));
    assert_eq!(settings.system_usage().and_then(|usage| usage.truth("sendFailIfNoSpace")), Some(true));
    assert_eq!(
        destinations(&settings.policy_entries()),
        [Some((TempTopic, ">")), Some((Topic, "a")), None, Some((TempQueue, "t"))]
    );
    assert_eq!(
        settings.default_policy().and_then(|policy| policy.value("memoryLimit")),
        Some(&Value::Bytes(10 << 20))
    );
    let directory = settings.authorization().and_then(Authorization::directory).unwrap();
    assert_eq!(directory.whole("refreshInterval"), Some(-1));
}
