//! The methods of every class, declared once.
//!
//! Field names are the specification's with `-` as `_`; classes, ids and order of fields: AMQP 0-9-1 1.1 to 1.9 with
//! RabbitMQ's additions (`connection.blocked`, `unblocked`, `update-secret`, `exchange.bind`, `unbind`, `basic.nack`,
//! `confirm`).

use super::{
    declare::declare_methods,
    frame::{FrameKind, begin_frame, end_frame},
    table::Table,
    wire::{Field, Malformed, Reader, SkippedLong, SkippedShort, Writer},
};

/// A method frame's payload could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MethodError {
    /// It is too short for a class and method id: 502 (syntax-error).
    #[error("a method frame is too short for a class and method id")]
    NoIds,
    /// There is no such class: 503 (command-invalid) or 540 (not-implemented).
    #[error("class {class_id} (method {method_id}) is unknown")]
    UnknownClass {
        /// The class id.
        class_id: u16,
        /// The method id.
        method_id: u16,
    },
    /// The class has no such method: 503 (command-invalid) or 540 (not-implemented).
    #[error("method {method_id} of class {class_id} is unknown")]
    UnknownMethod {
        /// The class id.
        class_id: u16,
        /// The method id.
        method_id: u16,
    },
    /// The method's fields are broken: 502 (syntax-error).
    #[error("the fields of method {method_id} of class {class_id} can't be read")]
    Malformed {
        /// The class id.
        class_id: u16,
        /// The method id.
        method_id: u16,
        /// What is wrong with them.
        #[source]
        malformed: Malformed,
    },
}

impl MethodError {
    /// Class and method id for the close that answers; zeros when they could not be read.
    #[must_use]
    pub fn ids(&self) -> (u16, u16) {
        match *self {
            Self::NoIds => (0, 0),
            Self::UnknownClass { class_id, method_id }
            | Self::UnknownMethod { class_id, method_id }
            | Self::Malformed { class_id, method_id, .. } => (class_id, method_id),
        }
    }
}

/// What each method's struct can do.
pub trait MethodFrame {
    /// Id of its class.
    const CLASS_ID: u16;
    /// Its id within the class.
    const METHOD_ID: u16;

    /// Appends the fields, without the ids.
    fn encode_fields(&self, out: &mut Vec<u8>);

    /// Appends the method as one frame.
    fn write_frame(&self, out: &mut Vec<u8>, channel: u16) {
        let start = begin_frame(out, FrameKind::Method, channel);
        let [class_high, class_low] = Self::CLASS_ID.to_be_bytes();
        let [method_high, method_low] = Self::METHOD_ID.to_be_bytes();
        out.extend_from_slice(&[class_high, class_low, method_high, method_low]);
        self.encode_fields(out);
        end_frame(out, start);
    }
}

declare_methods! {
    /// Opening, closing and steering a connection; always on channel 0.
    mod connection = 10 {
        /// Server: greets, and lists the ways to log in.
        ConnectionStart: Start<'a> = 10 "connection.start" {
            version_major: u8, version_minor: u8, server_properties: Table<'a>, mechanisms: &'a [u8],
            locales: &'a [u8],
        }
        /// Client: chooses a way to log in.
        ConnectionStartOk: StartOk<'a> = 11 "connection.start-ok" {
            client_properties: Table<'a>, mechanism: &'a str, response: &'a [u8], locale: &'a str,
        }
        /// Server: asks for one more step of the login.
        ConnectionSecure: Secure<'a> = 20 "connection.secure" { challenge: &'a [u8], }
        /// Client: answers that step.
        ConnectionSecureOk: SecureOk<'a> = 21 "connection.secure-ok" { response: &'a [u8], }
        /// Server: proposes limits; 0 means none.
        ConnectionTune: Tune = 30 "connection.tune" { channel_max: u16, frame_max: u32, heartbeat: u16, }
        /// Client: settles the limits.
        ConnectionTuneOk: TuneOk = 31 "connection.tune-ok" {
            channel_max: u16, frame_max: u32, heartbeat: u16,
        }
        /// Client: enters a virtual host.
        ConnectionOpen: Open<'a> = 40 "connection.open" { virtual_host: &'a str, ~SkippedShort; ~bool; }
        /// Server: the virtual host is entered.
        ConnectionOpenOk: OpenOk = 41 "connection.open-ok" { ~SkippedShort; }
        /// Either side: ends the connection, with the method that caused it if one did.
        ConnectionClose: Close<'a> = 50 "connection.close" {
            reply_code: u16, reply_text: &'a str, class_id: u16, method_id: u16,
        }
        /// Either side: agrees to the end.
        ConnectionCloseOk: CloseOk = 51 "connection.close-ok" {}
        /// Server: publishing is paused.
        ConnectionBlocked: Blocked<'a> = 60 "connection.blocked" { reason: &'a str, }
        /// Server: publishing goes on.
        ConnectionUnblocked: Unblocked = 61 "connection.unblocked" {}
        /// Client: brings a new secret before the old one expires.
        ConnectionUpdateSecret: UpdateSecret<'a> = 70 "connection.update-secret" {
            new_secret: &'a [u8], reason: &'a str,
        }
        /// Server: the new secret is accepted.
        ConnectionUpdateSecretOk: UpdateSecretOk = 71 "connection.update-secret-ok" {}
    }
    /// Opening, closing and pausing a channel.
    mod channel = 20 {
        /// Client: opens the channel.
        ChannelOpen: Open = 10 "channel.open" { ~SkippedShort; }
        /// Server: the channel is open.
        ChannelOpenOk: OpenOk = 11 "channel.open-ok" { ~SkippedLong; }
        /// Either side: pauses or resumes content on the channel.
        ChannelFlow: Flow = 20 "channel.flow" { active: bool, }
        /// Either side: has done so.
        ChannelFlowOk: FlowOk = 21 "channel.flow-ok" { active: bool, }
        /// Either side: ends the channel, with the method that caused it if one did.
        ChannelClose: Close<'a> = 40 "channel.close" {
            reply_code: u16, reply_text: &'a str, class_id: u16, method_id: u16,
        }
        /// Either side: agrees to the end.
        ChannelCloseOk: CloseOk = 41 "channel.close-ok" {}
    }
    /// Access tickets of older versions, kept because old clients still ask.
    mod access = 30 {
        /// Client: asks for an access ticket.
        AccessRequest: Request<'a> = 10 "access.request" {
            realm: &'a str, exclusive: bool, passive: bool, active: bool, write: bool, read: bool,
        }
        /// Server: gives a ticket, which means nothing.
        AccessRequestOk: RequestOk = 11 "access.request-ok" { ticket: u16, }
    }
    /// Exchanges and their bindings to each other.
    mod exchange = 40 {
        /// Client: makes an exchange or checks for it. `kind` is the specification's `type`.
        ExchangeDeclare: Declare<'a> = 10 "exchange.declare" {
            @u16; exchange: &'a str, kind: &'a str, passive: bool, durable: bool, auto_delete: bool,
            internal: bool, no_wait: bool, arguments: Table<'a>,
        }
        /// Server: the exchange is there.
        ExchangeDeclareOk: DeclareOk = 11 "exchange.declare-ok" {}
        /// Client: deletes an exchange.
        ExchangeDelete: Delete<'a> = 20 "exchange.delete" {
            @u16; exchange: &'a str, if_unused: bool, no_wait: bool,
        }
        /// Server: the exchange is gone.
        ExchangeDeleteOk: DeleteOk = 21 "exchange.delete-ok" {}
        /// Client: binds an exchange to another.
        ExchangeBind: Bind<'a> = 30 "exchange.bind" {
            @u16; destination: &'a str, source: &'a str, routing_key: &'a str, no_wait: bool,
            arguments: Table<'a>,
        }
        /// Server: the binding is there.
        ExchangeBindOk: BindOk = 31 "exchange.bind-ok" {}
        /// Client: removes a binding between exchanges.
        ExchangeUnbind: Unbind<'a> = 40 "exchange.unbind" {
            @u16; destination: &'a str, source: &'a str, routing_key: &'a str, no_wait: bool,
            arguments: Table<'a>,
        }
        /// Server: the binding is gone.
        ExchangeUnbindOk: UnbindOk = 51 "exchange.unbind-ok" {}
    }
    /// Queues and their bindings.
    mod queue = 50 {
        /// Client: makes a queue or checks for it.
        QueueDeclare: Declare<'a> = 10 "queue.declare" {
            @u16; queue: &'a str, passive: bool, durable: bool, exclusive: bool, auto_delete: bool,
            no_wait: bool, arguments: Table<'a>,
        }
        /// Server: the queue is there.
        QueueDeclareOk: DeclareOk<'a> = 11 "queue.declare-ok" {
            queue: &'a str, message_count: u32, consumer_count: u32,
        }
        /// Client: binds a queue to an exchange.
        QueueBind: Bind<'a> = 20 "queue.bind" {
            @u16; queue: &'a str, exchange: &'a str, routing_key: &'a str, no_wait: bool,
            arguments: Table<'a>,
        }
        /// Server: the binding is there.
        QueueBindOk: BindOk = 21 "queue.bind-ok" {}
        /// Client: drops all ready messages of a queue.
        QueuePurge: Purge<'a> = 30 "queue.purge" { @u16; queue: &'a str, no_wait: bool, }
        /// Server: tells how many were dropped.
        QueuePurgeOk: PurgeOk = 31 "queue.purge-ok" { message_count: u32, }
        /// Client: deletes a queue.
        QueueDelete: Delete<'a> = 40 "queue.delete" {
            @u16; queue: &'a str, if_unused: bool, if_empty: bool, no_wait: bool,
        }
        /// Server: tells how many messages went with it.
        QueueDeleteOk: DeleteOk = 41 "queue.delete-ok" { message_count: u32, }
        /// Client: removes a binding of a queue.
        QueueUnbind: Unbind<'a> = 50 "queue.unbind" {
            @u16; queue: &'a str, exchange: &'a str, routing_key: &'a str, arguments: Table<'a>,
        }
        /// Server: the binding is gone.
        QueueUnbindOk: UnbindOk = 51 "queue.unbind-ok" {}
    }
    /// Publishing, consuming and settling messages.
    mod basic = 60 {
        /// Client: limits the deliveries in flight.
        BasicQos: Qos = 10 "basic.qos" { prefetch_size: u32, prefetch_count: u16, global: bool, }
        /// Server: the limit holds.
        BasicQosOk: QosOk = 11 "basic.qos-ok" {}
        /// Client: starts a consumer.
        BasicConsume: Consume<'a> = 20 "basic.consume" {
            @u16; queue: &'a str, consumer_tag: &'a str, no_local: bool, no_ack: bool, exclusive: bool,
            no_wait: bool, arguments: Table<'a>,
        }
        /// Server: the consumer runs.
        BasicConsumeOk: ConsumeOk<'a> = 21 "basic.consume-ok" { consumer_tag: &'a str, }
        /// Either side: ends a consumer.
        BasicCancel: Cancel<'a> = 30 "basic.cancel" { consumer_tag: &'a str, no_wait: bool, }
        /// Either side: the consumer has ended.
        BasicCancelOk: CancelOk<'a> = 31 "basic.cancel-ok" { consumer_tag: &'a str, }
        /// Client: sends a message; content follows.
        BasicPublish: Publish<'a> = 40 "basic.publish" {
            @u16; exchange: &'a str, routing_key: &'a str, mandatory: bool, immediate: bool,
        }
        /// Server: gives back a message that found no queue; content follows.
        BasicReturn: Return<'a> = 50 "basic.return" {
            reply_code: u16, reply_text: &'a str, exchange: &'a str, routing_key: &'a str,
        }
        /// Server: hands a message to a consumer; content follows.
        BasicDeliver: Deliver<'a> = 60 "basic.deliver" {
            consumer_tag: &'a str, delivery_tag: u64, redelivered: bool, exchange: &'a str,
            routing_key: &'a str,
        }
        /// Client: asks for one message.
        BasicGet: Get<'a> = 70 "basic.get" { @u16; queue: &'a str, no_ack: bool, }
        /// Server: hands it over; content follows.
        BasicGetOk: GetOk<'a> = 71 "basic.get-ok" {
            delivery_tag: u64, redelivered: bool, exchange: &'a str, routing_key: &'a str,
            message_count: u32,
        }
        /// Server: there is none.
        BasicGetEmpty: GetEmpty = 72 "basic.get-empty" { ~SkippedShort; }
        /// Client: settles deliveries as done. Server: confirms publishes.
        BasicAck: Ack = 80 "basic.ack" { delivery_tag: u64, multiple: bool, }
        /// Client: refuses one delivery.
        BasicReject: Reject = 90 "basic.reject" { delivery_tag: u64, requeue: bool, }
        /// Client: asks for its deliveries again, without an answer.
        BasicRecoverAsync: RecoverAsync = 100 "basic.recover-async" { requeue: bool, }
        /// Client: asks for its deliveries again.
        BasicRecover: Recover = 110 "basic.recover" { requeue: bool, }
        /// Server: they come again.
        BasicRecoverOk: RecoverOk = 111 "basic.recover-ok" {}
        /// Client: refuses deliveries. Server: could not take publishes.
        BasicNack: Nack = 120 "basic.nack" { delivery_tag: u64, multiple: bool, requeue: bool, }
    }
    /// Publisher confirms.
    mod confirm = 85 {
        /// Client: asks for publisher confirms on the channel.
        ConfirmSelect: Select = 10 "confirm.select" { no_wait: bool, }
        /// Server: confirms are on.
        ConfirmSelectOk: SelectOk = 11 "confirm.select-ok" {}
    }
    /// Transactions.
    mod tx = 90 {
        /// Client: makes the channel transactional.
        TxSelect: Select = 10 "tx.select" {}
        /// Server: it is.
        TxSelectOk: SelectOk = 11 "tx.select-ok" {}
        /// Client: commits.
        TxCommit: Commit = 20 "tx.commit" {}
        /// Server: committed.
        TxCommitOk: CommitOk = 21 "tx.commit-ok" {}
        /// Client: drops what was not committed.
        TxRollback: Rollback = 30 "tx.rollback" {}
        /// Server: dropped.
        TxRollbackOk: RollbackOk = 31 "tx.rollback-ok" {}
    }
}
