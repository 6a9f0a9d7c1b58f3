//! What the tests that start brokers share.

/// Every listener that a broker opens by itself, on a free port.
pub(crate) const FREE_PORTS: [&str; 12] = [
    "--listen",
    "http=127.0.0.1:0",
    "--listen",
    "ws=127.0.0.1:0",
    "--listen",
    "stomp=127.0.0.1:0",
    "--listen",
    "openwire=127.0.0.1:0",
    "--listen",
    "mqtt=127.0.0.1:0",
    "--listen",
    "amqp=127.0.0.1:0",
];
