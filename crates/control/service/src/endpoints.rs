//! Where clients find a broker (facts, section 1.6).

use crate::catalogue::EngineType;
use crate::records::Broker;

/// Listeners of clients with the scheme that endpoints have, in the order in which they are listed.
const RABBITMQ: [(&str, &str); 1] = [("amqps", "amqps")];
const ACTIVEMQ: [(&str, &str); 5] = [
    ("openwires", "ssl"),
    ("amqps", "amqp+ssl"),
    ("stomps", "stomp+ssl"),
    ("mqtts", "mqtt+ssl"),
    ("wss", "wss"),
];

/// The name of a broker's node: below the domain, or of this machine.
pub(crate) fn host(broker: &Broker, domain: Option<&str>) -> String {
    let Some(domain) = domain else { return "localhost".into() };
    match broker.engine {
        EngineType::ActiveMq => format!("{}-1.mq.{}.{domain}", broker.id, broker.region),
        EngineType::RabbitMq => format!("{}.mq.{}.{domain}", broker.id, broker.region),
    }
}

/// Endpoints of clients. A listener that the node does not have is not listed.
pub(crate) fn of_clients(broker: &Broker, domain: Option<&str>) -> Vec<String> {
    let host = host(broker, domain);
    let clients = match broker.engine {
        EngineType::RabbitMq => RABBITMQ.as_slice(),
        EngineType::ActiveMq => ACTIVEMQ.as_slice(),
    };
    let urls = clients.iter().filter_map(|(listener, scheme)| {
        port(broker, listener).map(|port| format!("{scheme}://{host}:{port}"))
    });
    urls.collect()
}

/// The console's address.
pub(crate) fn console(broker: &Broker, domain: Option<&str>) -> Option<String> {
    port(broker, "https").map(|port| format!("https://{}:{port}", host(broker, domain)))
}

fn port(broker: &Broker, listener: &str) -> Option<u16> {
    broker.endpoints.iter().find(|endpoint| endpoint.listener == listener).map(|endpoint| endpoint.port)
}
