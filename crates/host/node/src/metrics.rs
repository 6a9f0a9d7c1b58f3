//! Metrics for Prometheus, under RabbitMQ's names where there is one. The counters are plain numbers of the shard; they
//! are copied when somebody asks, and encoded here, away from the shard.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use ternmq_broker::Alarm;
use ternmq_net::View;

/// Everything that is told, as of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    totals: ternmq_broker::Totals,
    core: ternmq_broker::Counters,
    net: ternmq_net::Counters,
    has_memory_alarm: bool,
    has_disk_alarm: bool,
    resident_bytes: u64,
    memory_limit_bytes: u64,
}

impl Snapshot {
    /// Taken between two turns of the shard: a handful of additions per queue.
    pub(crate) fn take(view: &mut View<'_>, memory_limit_bytes: u64) -> Self {
        Self {
            totals: view.broker.totals(),
            core: *view.broker.counters(),
            net: *view.counters,
            has_memory_alarm: view.broker.is_alarmed(Alarm::Memory),
            has_disk_alarm: view.broker.is_alarmed(Alarm::Disk),
            resident_bytes: crate::memory::resident_bytes(),
            memory_limit_bytes,
        }
    }

    /// In the text form of OpenMetrics.
    pub(crate) fn encode(self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        Ok(text)
    }

    fn gauges(&self) -> [(&'static str, &'static str, u64); 15] {
        let flag = u64::from;
        [
            ("rabbitmq_connections", "Connections open", self.totals.connections),
            ("rabbitmq_channels", "Channels open", self.totals.sessions),
            ("rabbitmq_consumers", "Consumers", self.totals.consumers),
            ("rabbitmq_queues", "Queues", self.totals.queues),
            ("rabbitmq_exchanges", "Exchanges", self.totals.nodes),
            ("rabbitmq_queue_messages_ready", "Messages ready to be delivered", self.totals.ready),
            ("rabbitmq_queue_messages_unacked", "Messages delivered and not settled", self.totals.unsettled),
            (
                "rabbitmq_queue_messages",
                "Messages ready or not settled",
                self.totals.ready + self.totals.unsettled,
            ),
            ("rabbitmq_process_resident_memory_bytes", "Memory held by this process", self.resident_bytes),
            ("rabbitmq_resident_memory_limit_bytes", "Memory this process may use", self.memory_limit_bytes),
            (
                "rabbitmq_alarms_memory_used_watermark",
                "1 while publishers wait for memory",
                flag(self.has_memory_alarm),
            ),
            (
                "rabbitmq_alarms_free_disk_space_watermark",
                "1 while publishers wait for disk",
                flag(self.has_disk_alarm),
            ),
            (
                "ternmq_message_bytes_resident",
                "Bytes of message bodies in memory",
                self.totals.resident_bytes,
            ),
            ("ternmq_sockets", "Client sockets open, those logging in too", self.net.open),
            ("ternmq_handshakes", "Client sockets that have not logged in", self.net.handshaking),
        ]
    }

    fn counters(&self) -> [(&'static str, &'static str, u64); 22] {
        [
            ("rabbitmq_connections_opened", "Connections ever opened", self.core.connections_opened),
            ("rabbitmq_connections_closed", "Connections that ended", self.core.connections_closed),
            ("rabbitmq_channels_opened", "Channels ever opened", self.core.sessions_opened),
            ("rabbitmq_channels_closed", "Channels that ended", self.core.sessions_closed),
            ("rabbitmq_queues_created", "Queues ever created", self.core.queues_created),
            ("rabbitmq_queues_deleted", "Queues that went", self.core.queues_deleted),
            ("rabbitmq_global_messages_received", "Messages taken from publishers", self.core.published),
            ("rabbitmq_global_messages_delivered", "Deliveries made", self.core.delivered),
            (
                "rabbitmq_global_messages_redelivered",
                "Deliveries of messages handed out before",
                self.core.redelivered,
            ),
            ("rabbitmq_global_messages_acknowledged", "Deliveries accepted", self.core.accepted),
            ("rabbitmq_global_messages_unroutable", "Messages that matched no queue", self.core.unroutable),
            ("rabbitmq_global_messages_dead_lettered", "Messages that died", self.core.died),
            ("ternmq_messages_refused", "Messages refused by a full queue", self.core.refused),
            ("ternmq_messages_damaged", "Stored messages that could not be read", self.core.damaged),
            (
                "ternmq_journal_segments_emptied",
                "Segments of the journal whose last messages were copied forward when the disk ran short",
                self.core.segments_emptied,
            ),
            (
                "ternmq_journal_damaged_ranges",
                "Parts of the journal that a scrub found damaged",
                self.net.damaged_ranges,
            ),
            ("ternmq_sockets_accepted", "Client sockets accepted", self.net.accepted),
            ("ternmq_sockets_refused", "Client sockets turned away by a limit", self.net.refused),
            ("ternmq_sockets_stalled", "Clients cut off because they stopped reading", self.net.stalled),
            ("ternmq_sessions_failed", "Sessions that failed inside", self.net.failed_sessions),
            ("ternmq_read_bytes", "Bytes read from clients", self.net.read_bytes),
            ("ternmq_written_bytes", "Bytes written to clients", self.net.written_bytes),
        ]
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, help, value) in self.gauges() {
            // Above 2^63 nothing is counted.
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        for (name, help, value) in self.counters() {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_has_rabbitmq_names_and_ends_properly() {
        let snapshot = Snapshot {
            totals: ternmq_broker::Totals { queues: 3, ready: 4, unsettled: 5, ..Default::default() },
            core: ternmq_broker::Counters { published: 9, ..Default::default() },
            net: ternmq_net::Counters::default(),
            has_memory_alarm: true,
            has_disk_alarm: false,
            resident_bytes: 1,
            memory_limit_bytes: 2,
        };
        let text = snapshot.encode().unwrap();
        for line in [
            "rabbitmq_queues 3",
            "rabbitmq_queue_messages 9",
            "rabbitmq_global_messages_received_total 9",
            "rabbitmq_alarms_memory_used_watermark 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is missing in\n{text}");
        }
    }
}
