//! What both sides can: each says it once, first of all, in version 1 and loose encoding; then the lesser of each counts.

use std::borrow::Cow;

use super::{
    Encoding, MAX_VERSION,
    cache::MAX_ENTRIES,
    error::DecodeError,
    kind::Kind,
    map::{Primitive, Primitives},
    object::{Object, Value},
    table::Field,
};

/// First bytes of an offer.
const MAGIC: [u8; 8] = *b"ActiveMQ";
/// Longest time in ms without a sign of life that is agreed to, in either direction: a day.
const MAX_INACTIVITY_MS: u64 = 86_400_000;

/// Names of what is offered.
mod name {
    pub(super) const CACHE: &str = "CacheEnabled";
    pub(super) const CACHE_SIZE: &str = "CacheSize";
    pub(super) const FRAME_SIZE: &str = "MaxFrameSize";
    pub(super) const INACTIVITY: &str = "MaxInactivityDuration";
    pub(super) const INITIAL_DELAY: &str = "MaxInactivityDurationInitalDelay";
    pub(super) const NO_DELAY: &str = "TcpNoDelayEnabled";
    pub(super) const NO_PREFIX: &str = "SizePrefixDisabled";
    pub(super) const PROVIDER: &str = "ProviderName";
    pub(super) const PROVIDER_VERSION: &str = "ProviderVersion";
    pub(super) const PLATFORM: &str = "PlatformDetails";
    pub(super) const STACK_TRACES: &str = "StackTraceEnabled";
    pub(super) const TIGHT: &str = "TightEncodingEnabled";
}

/// What one side offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Newest version.
    pub version: u8,
    /// Tight encoding.
    pub is_tight: bool,
    /// Objects are remembered.
    pub has_cache: bool,
    /// So many of them; 0: as many as usual.
    pub cache_size: u16,
    /// Longest time in ms without a sign of life; 0: no matter.
    pub inactivity_ms: u64,
    /// The same before the first.
    pub initial_delay_ms: u64,
    /// Longest frame in bytes that it takes; 0: not said.
    pub max_frame_bytes: u64,
    /// What the side says that it is.
    pub provider: Option<String>,
    /// Version of that.
    pub provider_version: Option<String>,
    /// What it runs on.
    pub platform: Option<String>,
}

/// What both can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// How structures are written from now on.
    pub encoding: Encoding,
    /// Objects that either side remembers.
    pub cache_size: u16,
    /// Longest time in ms without a sign of life, in either direction; 0: no matter.
    pub inactivity_ms: u64,
    /// The same before the first.
    pub initial_delay_ms: u64,
}

/// Why an offer can't be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// It does not begin as one.
    #[error("the peer does not speak OpenWire: its first bytes are not those of the protocol")]
    Magic,
    /// There is no such version.
    #[error("there is no version {0} of OpenWire; versions 1 to 12 are known")]
    Version(i32),
    /// What it says can't be read.
    #[error("the options of the wire format can't be read: {0}")]
    Options(DecodeError),
}

impl Offer {
    /// Reads an offer.
    ///
    /// # Errors
    /// It is none.
    pub fn read(info: &Object<'_>) -> Result<Self, OfferError> {
        if info.kind() != Kind::WireFormatInfo || info.bytes(Field::Magic) != Some(&MAGIC) {
            return Err(OfferError::Magic);
        }
        let said = i32::try_from(info.number(Field::Version)).unwrap_or_default();
        // A newer client has everything that is older.
        let version = u8::try_from(said.min(i32::from(u8::MAX))).ok().filter(|version| *version > 0);
        let version = version.ok_or(OfferError::Version(said))?;
        let bytes = info.bytes(Field::MarshalledProperties);
        let options = bytes.map_or_else(|| Ok(Primitives::default()), Primitives::read);
        let options = options.map_err(OfferError::Options)?;
        let is = |name| matches!(options.get(name), Some(Primitive::Bool(true)));
        let number = |name| match options.get(name) {
            Some(Primitive::Int(number)) => u64::try_from(*number).unwrap_or_default(),
            Some(Primitive::Long(number)) => u64::try_from(*number).unwrap_or_default(),
            _ => 0,
        };
        let text = |name| match options.get(name) {
            Some(Primitive::Text(text)) => Some(text.clone().into_owned()),
            _ => None,
        };
        Ok(Self {
            version,
            is_tight: is(name::TIGHT),
            has_cache: is(name::CACHE),
            cache_size: u16::try_from(number(name::CACHE_SIZE)).unwrap_or(u16::MAX),
            inactivity_ms: number(name::INACTIVITY).min(MAX_INACTIVITY_MS),
            initial_delay_ms: number(name::INITIAL_DELAY).min(MAX_INACTIVITY_MS),
            max_frame_bytes: number(name::FRAME_SIZE),
            provider: text(name::PROVIDER),
            provider_version: text(name::PROVIDER_VERSION),
            platform: text(name::PLATFORM),
        })
    }

    /// The offer as a structure. What it says of stack traces and of frames without a size is "no": then neither side may.
    #[must_use]
    pub fn to_object(&self) -> Object<'static> {
        let long = |number: u64| Primitive::Long(i64::try_from(number).unwrap_or(i64::MAX));
        let mut options = Primitives::default()
            .with(name::TIGHT, Primitive::Bool(self.is_tight))
            .with(name::CACHE, Primitive::Bool(self.has_cache))
            .with(name::CACHE_SIZE, Primitive::Int(self.cache_size.into()))
            .with(name::NO_DELAY, Primitive::Bool(true))
            .with(name::NO_PREFIX, Primitive::Bool(false))
            .with(name::STACK_TRACES, Primitive::Bool(false))
            .with(name::INACTIVITY, long(self.inactivity_ms))
            .with(name::INITIAL_DELAY, long(self.initial_delay_ms))
            .with(name::FRAME_SIZE, long(self.max_frame_bytes));
        let texts = [
            (name::PROVIDER, &self.provider),
            (name::PROVIDER_VERSION, &self.provider_version),
            (name::PLATFORM, &self.platform),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                options = options.with(name, Primitive::Text(Cow::Owned(text.clone())));
            }
        }
        Object::new(Kind::WireFormatInfo)
            .with(Field::Magic, Value::Bytes(Cow::Owned(MAGIC.to_vec())))
            .with(Field::Version, Value::Int(self.version.into()))
            .with(Field::MarshalledProperties, Value::Bytes(Cow::Owned(options.to_bytes())))
    }

    /// What this side and the other can.
    #[must_use]
    pub fn agree(&self, other: &Self) -> Agreement {
        let version = self.version.min(other.version).min(MAX_VERSION);
        let cache_size = match self.cache_size.min(other.cache_size) {
            0 => MAX_ENTRIES,
            size => size.min(MAX_ENTRIES),
        };
        Agreement {
            encoding: Encoding {
                version,
                is_tight: self.is_tight && other.is_tight,
                has_cache: self.has_cache && other.has_cache,
            },
            cache_size,
            inactivity_ms: self.inactivity_ms.min(other.inactivity_ms),
            initial_delay_ms: self.initial_delay_ms.min(other.initial_delay_ms),
        }
    }
}
