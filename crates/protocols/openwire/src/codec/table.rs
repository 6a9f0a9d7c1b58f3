//! What structures consist of: one table each, with the versions that have a field. Both encodings go through it.

use super::{kind::Kind, object::Value};

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Truth value.
    Bool,
    /// One byte.
    Byte,
    /// Four bytes.
    Int,
    /// Eight bytes, fewer in tight encoding.
    Long,
    /// Text, or none.
    Text,
    /// Bytes, or none.
    Bytes,
    /// Eight bytes, always there.
    Magic,
    /// A structure, or none.
    Object(Class),
    /// The same; what comes again is sent as a number where the peers agreed on it.
    Cached(Class),
    /// Structures, or none.
    Array(Class),
    /// An exception, or none.
    Throwable,
}

/// Which kinds may stand in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// [`Kind::BrokerId`].
    BrokerId,
    /// [`Kind::BrokerInfo`].
    BrokerInfo,
    /// [`Kind::ConnectionId`].
    ConnectionId,
    /// [`Kind::SessionId`].
    SessionId,
    /// [`Kind::ConsumerId`].
    ConsumerId,
    /// [`Kind::ProducerId`].
    ProducerId,
    /// [`Kind::MessageId`].
    MessageId,
    /// [`Kind::ConsumerInfo`].
    ConsumerInfo,
    /// Ids of what can be removed.
    Removable,
    /// Every destination.
    Destination,
    /// Both ids of transactions.
    TransactionId,
    /// Messages of every type.
    Message,
    /// [`Kind::NetworkBridgeFilter`]; the other predicates never travel.
    Predicate,
    /// Everything but messages.
    Any,
    /// What a message may tell of: messages too.
    Told,
}

impl Class {
    /// Whether a kind belongs to it.
    #[must_use]
    pub fn has(self, kind: Kind) -> bool {
        match self {
            Self::BrokerId => kind == Kind::BrokerId,
            Self::BrokerInfo => kind == Kind::BrokerInfo,
            Self::ConnectionId => kind == Kind::ConnectionId,
            Self::SessionId => kind == Kind::SessionId,
            Self::ConsumerId => kind == Kind::ConsumerId,
            Self::ProducerId => kind == Kind::ProducerId,
            Self::MessageId => kind == Kind::MessageId,
            Self::ConsumerInfo => kind == Kind::ConsumerInfo,
            Self::Removable => {
                matches!(kind, Kind::ConnectionId | Kind::SessionId | Kind::ConsumerId | Kind::ProducerId)
            }
            Self::Destination => kind.is_destination(),
            Self::TransactionId => matches!(kind, Kind::LocalTransactionId | Kind::XaTransactionId),
            Self::Message => kind.is_message(),
            Self::Predicate => kind == Kind::NetworkBridgeFilter,
            Self::Any => !kind.is_message() && kind != Kind::WireFormatInfo,
            Self::Told => kind != Kind::WireFormatInfo,
        }
    }
}

/// One field of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub field: Field,
    /// How it is written.
    pub form: Form,
    /// First version that has it.
    pub since: u8,
    /// Last version that has it.
    pub until: u8,
}

impl Row {
    /// Whether a version has the field.
    #[must_use]
    #[inline]
    pub fn is_in(&self, version: u8) -> bool {
        (self.since..=self.until).contains(&version)
    }

    /// Value where the field is not there.
    #[must_use]
    pub fn default_value<'a>(&self) -> Value<'a> {
        match self.form {
            Form::Bool => Value::Bool(false),
            Form::Byte => Value::Byte(0),
            Form::Int => Value::Int(0),
            Form::Long => Value::Long(0),
            _ => Value::None,
        }
    }
}

const fn row(field: Field, form: Form) -> Row {
    since(1, field, form)
}

const fn since(since: u8, field: Field, form: Form) -> Row {
    Row { field, form, since, until: u8::MAX }
}

/// Declares the names of fields, once.
macro_rules! fields {
    ($($name:ident,)*) => {
        /// Name of a field, as in ActiveMQ's classes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the protocol's and say what they are")]
        pub enum Field {
            $($name,)*
        }

        /// How many there are.
        const FIELD_COUNT: usize = [$(stringify!($name)),*].len();
    };
}

fields! {
    AckType, AdditionalPredicate, Arrival, BranchQualifier, BrokerId, BrokerInTime, BrokerMasterConnector,
    BrokerName, BrokerOutTime, BrokerPath, BrokerSequenceId, BrokerUploadUrl, BrokerUrl, Browser, ClientId,
    ClientIp, ClientMaster, Close, Cluster, Command, CommandId, Compressed, ConnectedBrokers, ConnectionId,
    ConsumerId, ConsumerTtl, Content, CorrelationId, Data, DataStructure, DeletedByBroker, DeliverySequenceId,
    Destination, DispatchAsync, Droppable, DuplexConnection, Exception, Exclusive, Exit, Expiration,
    FailoverReconnect, FaultTolerant, FaultTolerantConfiguration, FirstMessageId, FirstNakNumber, Flush,
    FormatId, GlobalTransactionId, GroupId, GroupSequence, GroupFirstForConsumer, LastDeliveredSequenceId,
    LastMessageId, LastNakNumber, Magic, Manageable, MarshalledProperties, MasterBroker,
    MaximumPendingMessageLimit, Message, MessageCount, MessageId, MessageTtl, MimeType, NetworkBrokerId,
    NetworkConnection, NetworkConsumerPath, NetworkProperties, NetworkSubscription, NetworkTtl, NoLocal,
    NoRangeAcks, ObjectId, OperationType, OptimizedAcknowledge, OriginalDestination, OriginalTransactionId,
    Password, PeerBrokerInfos, Persistent, PhysicalName, PoisonCause, Prefetch, PrefetchSize, Priority,
    ProducerId, ProducerSequenceId, RebalanceConnection, ReceivedByBridge, ReconnectTo, RedeliveryCounter,
    RemoteBlobUrl, ReplyTo, ResponseRequired, Result, Resume, Retroactive, Selector, ServiceName, SessionId,
    Size, SlaveBroker, Start, Stop, SubscribedDestination, SubscriptionInfos, SubscriptionName, Suspend,
    TargetConsumerId, TextView, Timeout, Timestamp, Token, TransactionId, Type, UserId, UserName, Value,
    Version, WindowSize,
}

use Class::{
    Any, BrokerId, BrokerInfo, ConnectionId, ConsumerId, ConsumerInfo, Destination, Message, MessageId,
    Predicate, ProducerId, Removable, SessionId, Told, TransactionId,
};
use Field as F;
use Form::{Array, Bool, Byte, Bytes, Cached, Int, Long, Magic, Object, Text, Throwable};

const NOTHING: &[Row] = &[];
const ID: &[Row] = &[row(F::Value, Text)];
const COMMAND: &[Row] = &[row(F::CommandId, Int), row(F::ResponseRequired, Bool)];
const RESPONSE: &[Row] =
    &[row(F::CommandId, Int), row(F::ResponseRequired, Bool), row(F::CorrelationId, Int)];

const WIRE_FORMAT_INFO: &[Row] =
    &[row(F::Magic, Magic), row(F::Version, Int), row(F::MarshalledProperties, Bytes)];
const BROKER_INFO: &[Row] = &[
    row(F::BrokerId, Cached(BrokerId)),
    row(F::BrokerUrl, Text),
    row(F::PeerBrokerInfos, Array(BrokerInfo)),
    row(F::BrokerName, Text),
    row(F::SlaveBroker, Bool),
    row(F::MasterBroker, Bool),
    row(F::FaultTolerantConfiguration, Bool),
    since(2, F::DuplexConnection, Bool),
    since(2, F::NetworkConnection, Bool),
    since(2, F::ConnectionId, Long),
    since(3, F::BrokerUploadUrl, Text),
    since(3, F::NetworkProperties, Text),
];
const CONNECTION_INFO: &[Row] = &[
    row(F::ConnectionId, Cached(ConnectionId)),
    row(F::ClientId, Text),
    row(F::Password, Text),
    row(F::UserName, Text),
    row(F::BrokerPath, Array(BrokerId)),
    row(F::BrokerMasterConnector, Bool),
    row(F::Manageable, Bool),
    since(2, F::ClientMaster, Bool),
    since(6, F::FaultTolerant, Bool),
    since(6, F::FailoverReconnect, Bool),
    since(8, F::ClientIp, Text),
];
const SESSION_INFO: &[Row] = &[row(F::SessionId, Cached(SessionId))];
const CONSUMER_INFO: &[Row] = &[
    row(F::ConsumerId, Cached(ConsumerId)),
    row(F::Browser, Bool),
    row(F::Destination, Cached(Destination)),
    row(F::PrefetchSize, Int),
    row(F::MaximumPendingMessageLimit, Int),
    row(F::DispatchAsync, Bool),
    row(F::Selector, Text),
    since(10, F::ClientId, Text),
    row(F::SubscriptionName, Text),
    row(F::NoLocal, Bool),
    row(F::Exclusive, Bool),
    row(F::Retroactive, Bool),
    row(F::Priority, Byte),
    row(F::BrokerPath, Array(BrokerId)),
    row(F::AdditionalPredicate, Object(Predicate)),
    row(F::NetworkSubscription, Bool),
    row(F::OptimizedAcknowledge, Bool),
    row(F::NoRangeAcks, Bool),
    since(4, F::NetworkConsumerPath, Array(ConsumerId)),
];
const PRODUCER_INFO: &[Row] = &[
    row(F::ProducerId, Cached(ProducerId)),
    row(F::Destination, Cached(Destination)),
    row(F::BrokerPath, Array(BrokerId)),
    since(2, F::DispatchAsync, Bool),
    since(3, F::WindowSize, Int),
];
const TRANSACTION_INFO: &[Row] = &[
    row(F::ConnectionId, Cached(ConnectionId)),
    row(F::TransactionId, Cached(TransactionId)),
    row(F::Type, Byte),
];
const DESTINATION_INFO: &[Row] = &[
    row(F::ConnectionId, Cached(ConnectionId)),
    row(F::Destination, Cached(Destination)),
    row(F::OperationType, Byte),
    row(F::Timeout, Long),
    row(F::BrokerPath, Array(BrokerId)),
];
const REMOVE_SUBSCRIPTION_INFO: &[Row] =
    &[row(F::ConnectionId, Cached(ConnectionId)), row(F::SubscriptionName, Text), row(F::ClientId, Text)];
const REMOVE_INFO: &[Row] =
    &[row(F::ObjectId, Cached(Removable)), since(5, F::LastDeliveredSequenceId, Long)];
const CONTROL_COMMAND: &[Row] = &[row(F::Command, Text)];
const CONNECTION_ERROR: &[Row] = &[row(F::Exception, Throwable), row(F::ConnectionId, Object(ConnectionId))];
const CONSUMER_CONTROL: &[Row] = &[
    since(6, F::Destination, Object(Destination)),
    row(F::Close, Bool),
    row(F::ConsumerId, Object(ConsumerId)),
    row(F::Prefetch, Int),
    since(2, F::Flush, Bool),
    since(2, F::Start, Bool),
    since(2, F::Stop, Bool),
];
const CONNECTION_CONTROL: &[Row] = &[
    row(F::Close, Bool),
    row(F::Exit, Bool),
    row(F::FaultTolerant, Bool),
    row(F::Resume, Bool),
    row(F::Suspend, Bool),
    since(6, F::ConnectedBrokers, Text),
    since(6, F::ReconnectTo, Text),
    since(6, F::RebalanceConnection, Bool),
    since(8, F::Token, Bytes),
];
const PRODUCER_ACK: &[Row] = &[row(F::ProducerId, Object(ProducerId)), row(F::Size, Int)];
const MESSAGE_PULL: &[Row] = &[
    row(F::ConsumerId, Cached(ConsumerId)),
    row(F::Destination, Cached(Destination)),
    row(F::Timeout, Long),
    since(3, F::CorrelationId, Text),
    since(3, F::MessageId, Object(MessageId)),
];
const MESSAGE_DISPATCH: &[Row] = &[
    row(F::ConsumerId, Cached(ConsumerId)),
    row(F::Destination, Cached(Destination)),
    row(F::Message, Object(Message)),
    row(F::RedeliveryCounter, Int),
];
const MESSAGE_ACK: &[Row] = &[
    row(F::Destination, Cached(Destination)),
    row(F::TransactionId, Cached(TransactionId)),
    row(F::ConsumerId, Cached(ConsumerId)),
    row(F::AckType, Byte),
    row(F::FirstMessageId, Object(MessageId)),
    row(F::LastMessageId, Object(MessageId)),
    row(F::MessageCount, Int),
    since(7, F::PoisonCause, Throwable),
];
const MESSAGE: &[Row] = &[
    row(F::CommandId, Int),
    row(F::ResponseRequired, Bool),
    row(F::ProducerId, Cached(ProducerId)),
    row(F::Destination, Cached(Destination)),
    row(F::TransactionId, Cached(TransactionId)),
    row(F::OriginalDestination, Cached(Destination)),
    row(F::MessageId, Object(MessageId)),
    row(F::OriginalTransactionId, Cached(TransactionId)),
    row(F::GroupId, Text),
    row(F::GroupSequence, Int),
    row(F::CorrelationId, Text),
    row(F::Persistent, Bool),
    row(F::Expiration, Long),
    row(F::Priority, Byte),
    row(F::ReplyTo, Object(Destination)),
    row(F::Timestamp, Long),
    row(F::Type, Text),
    row(F::Content, Bytes),
    row(F::MarshalledProperties, Bytes),
    row(F::DataStructure, Object(Told)),
    row(F::TargetConsumerId, Cached(ConsumerId)),
    row(F::Compressed, Bool),
    row(F::RedeliveryCounter, Int),
    row(F::BrokerPath, Array(BrokerId)),
    row(F::Arrival, Long),
    row(F::UserId, Text),
    row(F::ReceivedByBridge, Bool),
    since(2, F::Droppable, Bool),
    since(3, F::Cluster, Array(BrokerId)),
    since(3, F::BrokerInTime, Long),
    since(3, F::BrokerOutTime, Long),
    since(10, F::GroupFirstForConsumer, Bool),
];
const BLOB: &[Row] = &[row(F::RemoteBlobUrl, Text), row(F::MimeType, Text), row(F::DeletedByBroker, Bool)];
const EXCEPTION_RESPONSE: &[Row] = &[row(F::Exception, Throwable)];
const DATA_RESPONSE: &[Row] = &[row(F::Data, Object(Any))];
const DATA_ARRAY_RESPONSE: &[Row] = &[row(F::Data, Array(Any))];
const INTEGER_RESPONSE: &[Row] = &[row(F::Result, Int)];
const DISCOVERY_EVENT: &[Row] = &[row(F::ServiceName, Text), row(F::BrokerName, Text)];
const SUBSCRIPTION_INFO: &[Row] = &[
    row(F::ClientId, Text),
    row(F::Destination, Cached(Destination)),
    row(F::Selector, Text),
    row(F::SubscriptionName, Text),
    since(3, F::SubscribedDestination, Object(Destination)),
    since(11, F::NoLocal, Bool),
];
const PARTIAL_COMMAND: &[Row] = &[row(F::CommandId, Int), row(F::Data, Bytes)];
const REPLAY_COMMAND: &[Row] = &[row(F::FirstNakNumber, Int), row(F::LastNakNumber, Int)];
const MESSAGE_DISPATCH_NOTIFICATION: &[Row] = &[
    row(F::ConsumerId, Cached(ConsumerId)),
    row(F::Destination, Cached(Destination)),
    row(F::DeliverySequenceId, Long),
    row(F::MessageId, Object(MessageId)),
];
const NETWORK_BRIDGE_FILTER: &[Row] = &[
    Row { field: F::NetworkTtl, form: Int, since: 1, until: 9 },
    row(F::NetworkBrokerId, Cached(BrokerId)),
    since(10, F::MessageTtl, Int),
    since(10, F::ConsumerTtl, Int),
];
const BROKER_SUBSCRIPTION_INFO: &[Row] = &[
    row(F::BrokerId, Object(BrokerId)),
    row(F::BrokerName, Text),
    row(F::SubscriptionInfos, Array(ConsumerInfo)),
];
const DESTINATION: &[Row] = &[row(F::PhysicalName, Text)];
const MESSAGE_ID: &[Row] = &[
    since(10, F::TextView, Text),
    row(F::ProducerId, Cached(ProducerId)),
    row(F::ProducerSequenceId, Long),
    row(F::BrokerSequenceId, Long),
];
const LOCAL_TRANSACTION_ID: &[Row] = &[row(F::Value, Long), row(F::ConnectionId, Cached(ConnectionId))];
const XA_TRANSACTION_ID: &[Row] =
    &[row(F::FormatId, Int), row(F::GlobalTransactionId, Bytes), row(F::BranchQualifier, Bytes)];
const SESSION_ID: &[Row] = &[row(F::ConnectionId, Text), row(F::Value, Long)];
const CONSUMER_ID: &[Row] = &[row(F::ConnectionId, Text), row(F::SessionId, Long), row(F::Value, Long)];
const PRODUCER_ID: &[Row] = &[row(F::ConnectionId, Text), row(F::Value, Long), row(F::SessionId, Long)];

/// The rows of one part behind those of another.
const fn join<const N: usize>(first: &[Row], own: &[Row]) -> [Row; N] {
    let mut all = [row(F::Value, Bool); N];
    let mut at = 0;
    while at < N {
        all[at] = if at < first.len() { first[at] } else { own[at - first.len()] };
        at += 1;
    }
    all
}

/// The rows of what a structure is a kind of, and its own behind them.
macro_rules! behind {
    ($first:ident, $own:ident) => {{
        const ALL: [Row; $first.len() + $own.len()] = join($first, $own);
        &ALL
    }};
}

/// Kinds by their code.
const CODES: usize = 256;
/// The fields of each kind, by its code: every structure that is read or written goes through one.
static ROWS: [&[Row]; CODES] = all_rows();
/// Where a kind has a field, by the kind's code and the field. Messages are looked into for some thirty fields each.
static PLACES: [[u8; FIELD_COUNT]; CODES] = places();
/// The kind has no such field.
const NOWHERE: u8 = u8::MAX;

const fn all_rows() -> [&'static [Row]; CODES] {
    let mut all = [NOTHING; CODES];
    let mut next = 0;
    while next < Kind::ALL.len() {
        all[Kind::ALL[next] as usize] = rows_of(Kind::ALL[next]);
        next += 1;
    }
    all
}

const fn places() -> [[u8; FIELD_COUNT]; CODES] {
    let mut all = [[NOWHERE; FIELD_COUNT]; CODES];
    let mut next = 0;
    while next < Kind::ALL.len() {
        let kind = Kind::ALL[next];
        let rows = rows_of(kind);
        let mut at = 0;
        while at < rows.len() {
            all[kind as usize][rows[at].field as usize] = at as u8;
            at += 1;
        }
        next += 1;
    }
    all
}

/// Where a field is among those of a kind.
#[inline]
pub(super) fn place(kind: Kind, field: Field) -> Option<usize> {
    let place = PLACES.get(kind as usize)?.get(field as usize)?;
    (*place != NOWHERE).then_some(usize::from(*place))
}

/// Bytes behind the text of each kind that has one text, and numbers and truth values behind it, by its code: ids and
/// destinations are walked through by these.
static TAILS: [Option<u8>; CODES] = tails();

const fn tails() -> [Option<u8>; CODES] {
    let mut all = [None; CODES];
    let mut next = 0;
    while next < Kind::ALL.len() {
        all[Kind::ALL[next] as usize] = tail_of(rows_of(Kind::ALL[next]));
        next += 1;
    }
    all
}

const fn tail_of(rows: &[Row]) -> Option<u8> {
    if rows.is_empty() || !matches!(rows[0].form, Text) {
        return None;
    }
    let (mut at, mut bytes) = (1, 0);
    while at < rows.len() {
        bytes += match rows[at].form {
            Bool | Byte => 1,
            Int => 4,
            Long => 8,
            _ => return None,
        };
        at += 1;
    }
    Some(bytes)
}

/// Bytes behind the text of a kind that has one text first, and nothing else of any length; as it is kept.
#[inline]
pub(super) fn tail(kind: Kind) -> Option<usize> {
    TAILS.get(kind as usize).copied().flatten().map(usize::from)
}

/// The fields of a kind, in their order.
#[must_use]
#[inline]
pub fn rows(kind: Kind) -> &'static [Row] {
    ROWS.get(kind as usize).copied().unwrap_or_default()
}

const fn rows_of(kind: Kind) -> &'static [Row] {
    match kind {
        Kind::WireFormatInfo => WIRE_FORMAT_INFO,
        Kind::BrokerInfo => behind!(COMMAND, BROKER_INFO),
        Kind::ConnectionInfo => behind!(COMMAND, CONNECTION_INFO),
        Kind::SessionInfo => behind!(COMMAND, SESSION_INFO),
        Kind::ConsumerInfo => behind!(COMMAND, CONSUMER_INFO),
        Kind::ProducerInfo => behind!(COMMAND, PRODUCER_INFO),
        Kind::TransactionInfo => behind!(COMMAND, TRANSACTION_INFO),
        Kind::DestinationInfo => behind!(COMMAND, DESTINATION_INFO),
        Kind::RemoveSubscriptionInfo => behind!(COMMAND, REMOVE_SUBSCRIPTION_INFO),
        Kind::KeepAliveInfo | Kind::ShutdownInfo | Kind::FlushCommand => COMMAND,
        Kind::RemoveInfo => behind!(COMMAND, REMOVE_INFO),
        Kind::ControlCommand => behind!(COMMAND, CONTROL_COMMAND),
        Kind::ConnectionError => behind!(COMMAND, CONNECTION_ERROR),
        Kind::ConsumerControl => behind!(COMMAND, CONSUMER_CONTROL),
        Kind::ConnectionControl => behind!(COMMAND, CONNECTION_CONTROL),
        Kind::ProducerAck => behind!(COMMAND, PRODUCER_ACK),
        Kind::MessagePull => behind!(COMMAND, MESSAGE_PULL),
        Kind::MessageDispatch => behind!(COMMAND, MESSAGE_DISPATCH),
        Kind::MessageAck => behind!(COMMAND, MESSAGE_ACK),
        Kind::MessageDispatchNotification => behind!(COMMAND, MESSAGE_DISPATCH_NOTIFICATION),
        Kind::BrokerSubscriptionInfo => behind!(COMMAND, BROKER_SUBSCRIPTION_INFO),
        Kind::ReplayCommand => behind!(COMMAND, REPLAY_COMMAND),
        Kind::BlobMessage => behind!(MESSAGE, BLOB),
        Kind::Message
        | Kind::BytesMessage
        | Kind::MapMessage
        | Kind::ObjectMessage
        | Kind::StreamMessage
        | Kind::TextMessage => MESSAGE,
        Kind::Response => RESPONSE,
        Kind::ExceptionResponse => behind!(RESPONSE, EXCEPTION_RESPONSE),
        Kind::DataResponse => behind!(RESPONSE, DATA_RESPONSE),
        Kind::DataArrayResponse => behind!(RESPONSE, DATA_ARRAY_RESPONSE),
        Kind::IntegerResponse => behind!(RESPONSE, INTEGER_RESPONSE),
        other => plain_rows(other),
    }
}

/// The fields of what is no command.
const fn plain_rows(kind: Kind) -> &'static [Row] {
    match kind {
        Kind::DiscoveryEvent => DISCOVERY_EVENT,
        Kind::SubscriptionInfo => SUBSCRIPTION_INFO,
        Kind::PartialCommand | Kind::LastPartialCommand => PARTIAL_COMMAND,
        Kind::NetworkBridgeFilter => NETWORK_BRIDGE_FILTER,
        Kind::Queue | Kind::Topic | Kind::TempQueue | Kind::TempTopic => DESTINATION,
        Kind::MessageId => MESSAGE_ID,
        Kind::LocalTransactionId => LOCAL_TRANSACTION_ID,
        Kind::XaTransactionId => XA_TRANSACTION_ID,
        Kind::ConnectionId | Kind::BrokerId => ID,
        Kind::SessionId => SESSION_ID,
        Kind::ConsumerId => CONSUMER_ID,
        Kind::ProducerId => PRODUCER_ID,
        _ => NOTHING,
    }
}
