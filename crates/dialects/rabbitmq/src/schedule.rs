//! What ActiveMQ's scheduler calls its properties, and where its orders go: for clients of its protocol.

use ternmq_broker::ScheduleWords;

use crate::destination::TOPIC_EXCHANGE;

/// Properties of messages to be sent later, and of orders about them.
pub(crate) static SCHEDULE: ScheduleWords = ScheduleWords {
    delay: "AMQ_SCHEDULED_DELAY",
    period: "AMQ_SCHEDULED_PERIOD",
    repeats: "AMQ_SCHEDULED_REPEAT",
    calendar: "AMQ_SCHEDULED_CRON",
    id: "scheduledJobId",
    id_start: "ID:scheduled:",
    action: "AMQ_SCHEDULER_ACTION",
    actions: ["BROWSE", "REMOVE", "REMOVEALL"],
    range: ("ACTION_START_TIME", "ACTION_END_TIME"),
    orders: (TOPIC_EXCHANGE, "ActiveMQ.Scheduler.Management"),
};
