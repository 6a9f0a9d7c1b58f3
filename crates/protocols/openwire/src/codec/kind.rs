//! Kinds of structures, each with its code on the wire.

/// Declares the kinds with their codes, once.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Kind of a structure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $name = $code,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The kind with this code.
            #[must_use]
            pub fn of_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// What a side can and wants.
    WireFormatInfo = 1,
    /// A broker.
    BrokerInfo = 2,
    /// A connection, with its login.
    ConnectionInfo = 3,
    /// A session of a connection.
    SessionInfo = 4,
    /// A consumer of a session.
    ConsumerInfo = 5,
    /// A producer of a session.
    ProducerInfo = 6,
    /// A step of a transaction.
    TransactionInfo = 7,
    /// A destination that is made or removed.
    DestinationInfo = 8,
    /// The end of a durable subscription.
    RemoveSubscriptionInfo = 9,
    /// A sign of life.
    KeepAliveInfo = 10,
    /// The peer goes.
    ShutdownInfo = 11,
    /// The end of a connection, session, consumer or producer.
    RemoveInfo = 12,
    /// A word to the broker.
    ControlCommand = 14,
    /// Asks that what was sent be done.
    FlushCommand = 15,
    /// The connection is lost, and why.
    ConnectionError = 16,
    /// Changes a consumer.
    ConsumerControl = 17,
    /// Changes a connection.
    ConnectionControl = 18,
    /// Room of a producer's window.
    ProducerAck = 19,
    /// Asks for one message.
    MessagePull = 20,
    /// A message for a consumer.
    MessageDispatch = 21,
    /// What became of messages.
    MessageAck = 22,
    /// A message without a body.
    Message = 23,
    /// A message of bytes.
    BytesMessage = 24,
    /// A message of names and values.
    MapMessage = 25,
    /// A message with a serialised object.
    ObjectMessage = 26,
    /// A message of values.
    StreamMessage = 27,
    /// A message of text.
    TextMessage = 28,
    /// A message whose body is elsewhere.
    BlobMessage = 29,
    /// It was done.
    Response = 30,
    /// It was refused.
    ExceptionResponse = 31,
    /// An answer with a structure.
    DataResponse = 32,
    /// An answer with structures.
    DataArrayResponse = 33,
    /// An answer with a number.
    IntegerResponse = 34,
    /// A broker that was found.
    DiscoveryEvent = 40,
    /// A durable subscription.
    SubscriptionInfo = 55,
    /// A part of a command.
    PartialCommand = 60,
    /// The last part of a command.
    LastPartialCommand = 61,
    /// Asks for commands again.
    ReplayCommand = 65,
    /// A message was given to a consumer elsewhere.
    MessageDispatchNotification = 90,
    /// What a bridge between brokers passes on.
    NetworkBridgeFilter = 91,
    /// The subscriptions of a broker.
    BrokerSubscriptionInfo = 92,
    /// A queue.
    Queue = 100,
    /// A topic.
    Topic = 101,
    /// A queue of a connection.
    TempQueue = 102,
    /// A topic of a connection.
    TempTopic = 103,
    /// Id of a message.
    MessageId = 110,
    /// Id of a transaction of this broker alone.
    LocalTransactionId = 111,
    /// Id of a branch of a distributed transaction.
    XaTransactionId = 112,
    /// Id of a connection.
    ConnectionId = 120,
    /// Id of a session.
    SessionId = 121,
    /// Id of a consumer.
    ConsumerId = 122,
    /// Id of a producer.
    ProducerId = 123,
    /// Id of a broker.
    BrokerId = 124,
}

impl Kind {
    /// Code on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether it is a message of any type.
    #[must_use]
    pub fn is_message(self) -> bool {
        (Self::Message.code()..=Self::BlobMessage.code()).contains(&self.code())
    }

    /// Whether it is an answer.
    #[must_use]
    pub fn is_response(self) -> bool {
        (Self::Response.code()..=Self::IntegerResponse.code()).contains(&self.code())
    }

    /// Whether it is a destination.
    #[must_use]
    pub fn is_destination(self) -> bool {
        (Self::Queue.code()..=Self::TempTopic.code()).contains(&self.code())
    }

    /// First version that has it.
    #[must_use]
    pub fn since(self) -> u8 {
        match self {
            Self::MessagePull => 2,
            Self::ProducerAck | Self::BlobMessage => 3,
            Self::BrokerSubscriptionInfo => 12,
            _ => 1,
        }
    }
}
