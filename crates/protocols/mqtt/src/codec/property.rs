//! Properties of MQTT 5 (2.2.2): read in place, checked once against the packet that they stand in.

use super::{
    error::DecodeError,
    reason::Reason,
    wire::{Cursor, fitting, put_binary, put_text, put_varint, varint_len},
};

/// Most user properties of one packet.
pub const USER_PROPERTIES_MAX: usize = 64;
/// Most bytes of the names and values of user properties of one packet.
pub const USER_PROPERTIES_MAX_BYTES: usize = 32 << 10;

/// Where properties stand. The number is a bit in the table of what may stand where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// CONNECT.
    Connect = 1,
    /// The will in CONNECT.
    Will = 2,
    /// CONNACK.
    ConnAck = 4,
    /// PUBLISH.
    Publish = 8,
    /// PUBACK, PUBREC, PUBREL, PUBCOMP.
    Ack = 16,
    /// SUBSCRIBE.
    Subscribe = 32,
    /// SUBACK, UNSUBACK.
    SubAck = 64,
    /// UNSUBSCRIBE.
    Unsubscribe = 128,
    /// DISCONNECT.
    Disconnect = 256,
    /// AUTH.
    Auth = 512,
}

/// Type of a property's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One byte, 0 or 1.
    Truth,
    Two,
    /// Two bytes, not 0.
    TwoNotZero,
    Four,
    /// Four bytes, not 0.
    FourNotZero,
    /// Variable byte integer, not 0.
    VarintNotZero,
    Text,
    Binary,
    Pair,
}

macro_rules! properties {
    ($($name:ident = $id:literal $shape:ident [$($place:ident)*] $doc:literal,)*) => {
        /// Identifier of a property.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum PropertyId {
            $(#[doc = $doc] $name = $id,)*
        }

        impl PropertyId {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            fn of(id: u32) -> Option<Self> {
                match id {
                    $($id => Some(Self::$name),)*
                    _ => None,
                }
            }

            fn shape(self) -> Shape {
                match self {
                    $(Self::$name => Shape::$shape,)*
                }
            }

            /// Places that it may stand in, one bit each.
            #[must_use]
            pub fn places(self) -> u16 {
                match self {
                    $(Self::$name => 0 $(| Place::$place as u16)*,)*
                }
            }
        }
    };
}

properties! {
    PayloadFormat = 1 Truth [Publish Will] "1: the payload is UTF-8.",
    MessageExpiry = 2 Four [Publish Will] "Seconds that the message lives.",
    ContentType = 3 Text [Publish Will] "Kind of the content.",
    ResponseTopic = 8 Text [Publish Will] "Topic for the answer.",
    CorrelationData = 9 Binary [Publish Will] "Comes back with the answer.",
    SubscriptionIdentifier = 11 VarintNotZero [Publish Subscribe] "Number of a subscription.",
    SessionExpiry = 17 Four [Connect ConnAck Disconnect] "Seconds that the session outlives its connection.",
    AssignedClientIdentifier = 18 Text [ConnAck] "Name that the server gave.",
    ServerKeepAlive = 19 Two [ConnAck] "Keep alive in seconds that the server wants.",
    AuthenticationMethod = 21 Text [Connect ConnAck Auth] "Name of the enhanced authentication.",
    AuthenticationData = 22 Binary [Connect ConnAck Auth] "Its data.",
    RequestProblemInformation = 23 Truth [Connect] "0: no reason strings and user properties, please.",
    WillDelay = 24 Four [Will] "Seconds before the will is published.",
    RequestResponseInformation = 25 Truth [Connect] "1: response information, please.",
    ResponseInformation = 26 Text [ConnAck] "Base of response topics.",
    ServerReference = 28 Text [ConnAck Disconnect] "Another server to use.",
    ReasonString = 31 Text [ConnAck Ack SubAck Disconnect Auth] "Reason, for people.",
    ReceiveMaximum = 33 TwoNotZero [Connect ConnAck] "Most QoS 1 and 2 messages under way.",
    TopicAliasMaximum = 34 Two [Connect ConnAck] "Highest topic alias.",
    TopicAlias = 35 Two [Publish] "Number that stands for the topic.",
    MaximumQos = 36 Truth [ConnAck] "Highest QoS served.",
    RetainAvailable = 37 Truth [ConnAck] "Whether messages can be retained.",
    UserProperty = 38 Pair
        [Connect ConnAck Publish Will Ack Subscribe SubAck Unsubscribe Disconnect Auth] "A name and a value.",
    MaximumPacketSize = 39 FourNotZero [Connect ConnAck] "Largest packet in bytes.",
    WildcardSubscriptionAvailable = 40 Truth [ConnAck] "Whether filters may have wildcards.",
    SubscriptionIdentifierAvailable = 41 Truth [ConnAck] "Whether subscriptions may have numbers.",
    SharedSubscriptionAvailable = 42 Truth [ConnAck] "Whether subscriptions can be shared.",
}

/// Value of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyValue<'a> {
    /// A number of any width.
    Number(u32),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
    /// A name and a value.
    Pair(&'a str, &'a str),
}

/// One property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// Which.
    pub id: PropertyId,
    /// Its value.
    pub value: PropertyValue<'a>,
}

impl<'a> Property<'a> {
    /// A property that is a number; one wider than its field is cut to the field's largest value.
    #[must_use]
    pub fn number(id: PropertyId, number: u32) -> Self {
        Self { id, value: PropertyValue::Number(number) }
    }

    /// A property that is text.
    #[must_use]
    pub fn text(id: PropertyId, text: &'a str) -> Self {
        Self { id, value: PropertyValue::Text(text) }
    }

    /// A property that is bytes.
    #[must_use]
    pub fn binary(id: PropertyId, bytes: &'a [u8]) -> Self {
        Self { id, value: PropertyValue::Binary(bytes) }
    }

    /// A user property.
    #[must_use]
    pub fn pair(name: &'a str, value: &'a str) -> Self {
        Self { id: PropertyId::UserProperty, value: PropertyValue::Pair(name, value) }
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let bytes = |len: usize| 2 + len.min(usize::from(u16::MAX));
        1 + match (self.id.shape(), self.value) {
            (Shape::Truth, _) => 1,
            (Shape::Two | Shape::TwoNotZero, _) => 2,
            (Shape::Four | Shape::FourNotZero, _) => 4,
            (_, PropertyValue::Number(number)) => varint_len(number as usize),
            (_, PropertyValue::Text(text)) => bytes(fitting(text).len()),
            (_, PropertyValue::Binary(data)) => bytes(data.len()),
            (_, PropertyValue::Pair(name, value)) => bytes(fitting(name).len()) + bytes(fitting(value).len()),
        }
    }

    /// Writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.id as u8);
        match (self.id.shape(), self.value) {
            (Shape::Truth, PropertyValue::Number(number)) => {
                out.push(u8::try_from(number).unwrap_or(u8::MAX));
            }
            (Shape::Two | Shape::TwoNotZero, PropertyValue::Number(number)) => {
                out.extend_from_slice(&u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes());
            }
            (Shape::Four | Shape::FourNotZero, PropertyValue::Number(number)) => {
                out.extend_from_slice(&number.to_be_bytes());
            }
            (_, PropertyValue::Number(number)) => put_varint(out, number as usize),
            (_, PropertyValue::Text(text)) => put_text(out, text),
            (_, PropertyValue::Binary(bytes)) => put_binary(out, bytes),
            (_, PropertyValue::Pair(name, value)) => {
                put_text(out, name);
                put_text(out, value);
            }
        }
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        let id = PropertyId::of(cursor.varint()?).ok_or(DecodeError::malformed("a property is unknown"))?;
        let not_zero = |number: u32| match number {
            0 => Err(DecodeError::protocol("a property must not be 0")),
            number => Ok(PropertyValue::Number(number)),
        };
        let value = match id.shape() {
            Shape::Truth => match cursor.u8()? {
                truth @ 0..=1 => PropertyValue::Number(truth.into()),
                _ => return Err(DecodeError::protocol("a property is neither 0 nor 1")),
            },
            Shape::Two => PropertyValue::Number(cursor.u16()?.into()),
            Shape::TwoNotZero => not_zero(cursor.u16()?.into())?,
            Shape::Four => PropertyValue::Number(cursor.u32()?),
            Shape::FourNotZero => not_zero(cursor.u32()?)?,
            Shape::VarintNotZero => not_zero(cursor.varint()?)?,
            Shape::Text => PropertyValue::Text(cursor.text()?),
            Shape::Binary => PropertyValue::Binary(cursor.binary()?),
            Shape::Pair => PropertyValue::Pair(cursor.text()?, cursor.text()?),
        };
        Ok(Self { id, value })
    }
}

/// The properties of one packet, checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties<'a> {
    bytes: &'a [u8],
}

impl<'a> Properties<'a> {
    /// Reads the property section: its length and as many bytes, each property allowed in `place` and, unless it may
    /// repeat, there once.
    ///
    /// # Errors
    /// A property that is unknown, does not belong here, repeats or has a value it can't have; too many user
    /// properties.
    pub fn read(cursor: &mut Cursor<'a>, place: Place) -> Result<Self, DecodeError> {
        let len = cursor.varint()?;
        let bytes = cursor.take(len as usize)?;
        Self::check(bytes, place)?;
        Ok(Self { bytes })
    }

    /// Properties from the bytes of a section without its length, as [`Properties::bytes`] gives them.
    ///
    /// # Errors
    /// As [`Properties::read`].
    pub fn of_bytes(bytes: &'a [u8], place: Place) -> Result<Self, DecodeError> {
        Self::check(bytes, place)?;
        Ok(Self { bytes })
    }

    /// Properties whose bytes were checked before (when the message came in); ones that can't be read end the list.
    #[must_use]
    pub fn trusted(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn check(bytes: &[u8], place: Place) -> Result<(), DecodeError> {
        let mut cursor = Cursor::new(bytes);
        let mut seen = 0u64;
        let (mut pairs, mut pair_bytes) = (0, 0);
        while !cursor.is_empty() {
            let property = Property::read(&mut cursor)?;
            if property.id.places() & place as u16 == 0 {
                // MQTT 5 2.2.2.2 names this one malformed.
                return Err(DecodeError::malformed("a property does not belong into this packet"));
            }
            if let PropertyValue::Pair(name, value) = property.value {
                pairs += 1;
                pair_bytes += name.len() + value.len();
                if pairs > USER_PROPERTIES_MAX || pair_bytes > USER_PROPERTIES_MAX_BYTES {
                    let problem = "there are more user properties than this server takes";
                    return Err(DecodeError { reason: Reason::QUOTA_EXCEEDED, problem });
                }
                continue;
            }
            let bit = 1 << (property.id as u8);
            let may_repeat = property.id == PropertyId::SubscriptionIdentifier && place == Place::Publish;
            if seen & bit != 0 && !may_repeat {
                return Err(DecodeError::protocol("a property is there twice"));
            }
            seen |= bit;
        }
        Ok(())
    }

    /// The section without its length.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Property<'a>> + Clone + use<'a> {
        let mut cursor = Cursor::new(self.bytes);
        std::iter::from_fn(move || if cursor.is_empty() { None } else { Property::read(&mut cursor).ok() })
    }

    /// The number of a property.
    #[must_use]
    pub fn number(&self, id: PropertyId) -> Option<u32> {
        self.iter().find_map(|property| match property.value {
            PropertyValue::Number(number) if property.id == id => Some(number),
            _ => None,
        })
    }

    /// The text of a property.
    #[must_use]
    pub fn text(&self, id: PropertyId) -> Option<&'a str> {
        self.iter().find_map(|property| match property.value {
            PropertyValue::Text(text) if property.id == id => Some(text),
            _ => None,
        })
    }

    /// The bytes of a property.
    #[must_use]
    pub fn binary(&self, id: PropertyId) -> Option<&'a [u8]> {
        self.iter().find_map(|property| match property.value {
            PropertyValue::Binary(bytes) if property.id == id => Some(bytes),
            _ => None,
        })
    }

    /// Names and values of the user properties, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.iter().filter_map(|property| match property.value {
            PropertyValue::Pair(name, value) => Some((name, value)),
            _ => None,
        })
    }

    /// Writes the section with its length.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.bytes.len());
        out.extend_from_slice(self.bytes);
    }
}

/// Properties that are being put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertyBuf {
    bytes: Vec<u8>,
}

impl PropertyBuf {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, property: Property<'_>) -> &mut Self {
        property.write(&mut self.bytes);
        self
    }

    /// Adds a number.
    pub fn number(&mut self, id: PropertyId, number: u32) -> &mut Self {
        self.push(Property::number(id, number))
    }

    /// Adds text.
    pub fn text(&mut self, id: PropertyId, text: &str) -> &mut Self {
        self.push(Property::text(id, text))
    }

    /// As they are written.
    #[must_use]
    pub fn properties(&self) -> Properties<'_> {
        Properties { bytes: &self.bytes }
    }
}
