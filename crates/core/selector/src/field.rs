//! What an identifier stands for.

use std::fmt;

/// One thing of a message that a selector asks about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// A header that every message has a place for.
    Header(Header),
    /// A property of the application's, by its name; letters count as they are written.
    Property(Box<str>),
}

/// Headers that selectors know by name. JMS permits the first six; the others its brokers add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Header {
    /// `PERSISTENT` or `NON_PERSISTENT`.
    DeliveryMode,
    /// 0 to 9, whatever more a protocol has.
    Priority,
    /// Text.
    MessageId,
    /// Ms since 1970.
    Timestamp,
    /// Text.
    CorrelationId,
    /// Text.
    Type,
    /// Text: kind and name of where it was sent to.
    Destination,
    /// Text: kind and name of where answers go to.
    ReplyTo,
    /// Truth value.
    Redelivered,
    /// Ms since 1970 at which it expires, 0 for never.
    Expiration,
    /// Text.
    GroupId,
    /// Whole number.
    GroupSequence,
    /// Text: the user who sent it.
    UserId,
    /// How many times it has been handed out, this time included.
    DeliveryCount,
}

impl Header {
    /// All of them, each with the identifier that stands for it.
    pub const ALL: [(&'static str, Self); 14] = [
        ("JMSDeliveryMode", Self::DeliveryMode),
        ("JMSPriority", Self::Priority),
        ("JMSMessageID", Self::MessageId),
        ("JMSTimestamp", Self::Timestamp),
        ("JMSCorrelationID", Self::CorrelationId),
        ("JMSType", Self::Type),
        ("JMSDestination", Self::Destination),
        ("JMSReplyTo", Self::ReplyTo),
        ("JMSRedelivered", Self::Redelivered),
        ("JMSExpiration", Self::Expiration),
        ("JMSXGroupID", Self::GroupId),
        ("JMSXGroupSeq", Self::GroupSequence),
        ("JMSXUserID", Self::UserId),
        ("JMSXDeliveryCount", Self::DeliveryCount),
    ];
}

impl Field {
    /// What this identifier stands for.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match Header::ALL.into_iter().find(|(known, _)| *known == name) {
            Some((_, header)) => Self::Header(header),
            None => Self::Property(name.into()),
        }
    }

    /// The identifier.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Property(name) => name,
            Self::Header(header) => {
                Header::ALL.iter().find(|(_, known)| known == header).map_or("", |(name, _)| name)
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
