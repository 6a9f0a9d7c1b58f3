//! Destinations that answer with figures (`statisticsBrokerPlugin`), and what the figures are called.

use ternmq_broker::{Figures, Place, Question};
use ternmq_message::{Map, Value};

use crate::{configuration::Configuration, names::NAMESPACE};

const BROKER: &str = "ActiveMQ.Statistics.Broker";
const DESTINATION: &str = "ActiveMQ.Statistics.Destination.";

/// What a message to a place asks, where such questions are answered.
pub(crate) fn question(configuration: &Configuration, place: &Place<'_>) -> Option<Question> {
    if !configuration.tells_statistics {
        return None;
    }
    let (Place::Queue(name) | Place::Topic(name)) = place else { return None };
    if **name == *BROKER {
        return Some(Question::Broker);
    }
    let pattern = name.strip_prefix(DESTINATION).filter(|pattern| !pattern.is_empty())?;
    Some(Question::Queues(pattern.to_owned()))
}

/// Figures under the names that the vendor gives them. Those that nobody counts are left out.
pub(crate) fn answer(figures: &Figures) -> Map {
    let long = |number: u64| Value::I64(i64::try_from(number).unwrap_or(i64::MAX));
    let mut map: Map = vec![("brokerName".into(), Value::str(NAMESPACE))];
    if let Some(queue) = &figures.queue {
        map.push(("destinationName".into(), Value::str(&format!("queue://{queue}"))));
    }
    for (name, number) in [
        ("size", figures.ready.saturating_add(figures.unsettled)),
        ("inflightCount", figures.unsettled),
        ("consumerCount", figures.consumers),
        ("memoryUsage", figures.resident_bytes),
    ] {
        map.push((name.into(), long(number)));
    }
    for counters in figures.counters.iter() {
        for (name, number) in [
            ("enqueueCount", counters.published),
            ("dispatchCount", counters.delivered),
            ("dequeueCount", counters.accepted),
        ] {
            map.push((name.into(), long(number)));
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use ternmq_configuration::{
        Version,
        activemq_service::{NAMESPACE, Strategy, sanitise},
    };

    use super::{Configuration, Figures, Place, Question};
    use super::{answer, question};

    #[test]
    fn questions_are_told_by_their_destinations_where_they_are_answered() {
        let text =
            format!("<broker xmlns=\"{NAMESPACE}\"><plugins><statisticsBrokerPlugin/></plugins></broker>");
        let read = sanitise(text.as_bytes(), Version::minor(5, 19), Strategy::Simple).unwrap();
        let (on, _) = Configuration::of(&read.settings);
        let queues = |pattern: &str| Some(Question::Queues(pattern.to_owned()));
        for (name, expect) in [
            ("ActiveMQ.Statistics.Broker", Some(Question::Broker)),
            ("ActiveMQ.Statistics.Destination.a.>", queues("a.>")),
            ("ActiveMQ.Statistics.Destination.", None),
            ("ActiveMQ.Statistics.Subscription", None),
            ("q", None),
        ] {
            assert_eq!(question(&on, &Place::Queue(name.into())), expect, "{name}");
            assert_eq!(question(&Configuration::default(), &Place::Queue(name.into())), None);
        }
    }

    #[test]
    fn figures_have_the_vendors_names() {
        let figures = Figures { queue: Some("q".into()), ready: 2, unsettled: 3, ..Figures::default() };
        let names: Vec<String> =
            answer(&figures).iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        assert!(names.contains(&"size=I64(5)".to_owned()), "{names:?}");
        assert!(!names.iter().any(|name| name.starts_with("enqueueCount")));
    }
}
