//! Sources and targets (AMQP 1.0 3.5.3, 3.5.4) and the coordinator (4.5.1).

use super::{
    descriptor::code,
    error::DecodeError,
    fields::Fields,
    value::{Map, Value},
    write::{ListWriter, put_bool, put_map, put_string, put_symbol, put_symbols, put_uint, put_value},
};

/// What the coordinator can do (AMQP 1.0 4.5.2): several transactions at once in each session, and each over all sessions of
/// its connection.
const TRANSACTIONS: [&str; 3] =
    ["amqp:local-transactions", "amqp:multi-txns-per-ssn", "amqp:multi-ssns-per-txn"];

/// What of a terminus outlives its link (AMQP 1.0 3.5.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing.
    #[default]
    None,
    /// That it is there.
    Configuration,
    /// Its unsettled deliveries too.
    UnsettledState,
}

impl Durability {
    fn decode(number: Option<u32>) -> Result<Self, DecodeError> {
        match number {
            None | Some(0) => Ok(Self::None),
            Some(1) => Ok(Self::Configuration),
            Some(2) => Ok(Self::UnsettledState),
            Some(_) => Err(DecodeError::NotAllowed { what: "durable" }),
        }
    }

    fn number(self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::Configuration => Some(1),
            Self::UnsettledState => Some(2),
        }
    }
}

/// Where a link takes messages from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Source<'a> {
    /// The node.
    pub address: Option<&'a str>,
    /// What outlives the link.
    pub durable: Durability,
    /// When its time begins to run out.
    pub expiry_policy: Option<&'a str>,
    /// Time in s.
    pub timeout: u32,
    /// The node is to be made.
    pub dynamic: bool,
    /// How such a node is to be.
    pub dynamic_node_properties: Option<Map<'a>>,
    /// `move` or `copy`.
    pub distribution_mode: Option<&'a str>,
    /// Filters by name.
    pub filter: Option<Map<'a>>,
    /// What becomes of deliveries without an outcome.
    pub default_outcome: Option<Value<'a>>,
    /// Outcomes that the link can have.
    pub outcomes: Option<Value<'a>>,
    /// Extensions.
    pub capabilities: Option<Value<'a>>,
}

/// Where a link brings messages to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target<'a> {
    /// The node.
    pub address: Option<&'a str>,
    /// What outlives the link.
    pub durable: Durability,
    /// When its time begins to run out.
    pub expiry_policy: Option<&'a str>,
    /// Time in s.
    pub timeout: u32,
    /// The node is to be made.
    pub dynamic: bool,
    /// How such a node is to be.
    pub dynamic_node_properties: Option<Map<'a>>,
    /// Extensions.
    pub capabilities: Option<Value<'a>>,
}

/// What a link brings messages to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AnyTarget<'a> {
    /// A node.
    Target(Target<'a>),
    /// The place where transactions are begun and ended.
    Coordinator,
}

fn address<'a>(fields: &mut Fields<'a>) -> Result<Option<&'a str>, DecodeError> {
    fields.string("address")
}

impl<'a> Source<'a> {
    pub(super) fn decode(value: Option<Value<'a>>) -> Result<Option<Self>, DecodeError> {
        const WHAT: &str = "source";
        let described = match value {
            None => return Ok(None),
            Some(Value::Described(described)) if described.code() == Some(code::SOURCE) => described,
            Some(_) => return Err(DecodeError::WrongType { what: WHAT }),
        };
        let mut fields = Fields::of(described.value(), WHAT)?;
        Ok(Some(Self {
            address: address(&mut fields)?,
            durable: Durability::decode(fields.uint("durable")?)?,
            expiry_policy: fields.symbol("expiry-policy")?,
            timeout: fields.uint("timeout")?.unwrap_or_default(),
            dynamic: fields.bool("dynamic")?.unwrap_or_default(),
            dynamic_node_properties: fields.map("dynamic-node-properties")?,
            distribution_mode: fields.symbol("distribution-mode")?,
            filter: fields.map("filter")?,
            default_outcome: fields.any()?,
            outcomes: fields.symbols("outcomes")?,
            capabilities: fields.symbols("capabilities")?,
        }))
    }

    /// Appends it.
    pub fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::SOURCE)
            .field(self.address, put_string)
            .field(self.durable.number(), put_uint)
            .field(self.expiry_policy, put_symbol)
            .field(Some(self.timeout).filter(|seconds| *seconds > 0), put_uint)
            .field(Some(self.dynamic).filter(|truth| *truth), put_bool)
            .field(self.dynamic_node_properties.as_ref(), put_map)
            .field(self.distribution_mode, put_symbol)
            .field(self.filter.as_ref(), put_map)
            .field(self.default_outcome.as_ref(), put_value)
            .field(self.outcomes.as_ref(), put_value)
            .field(self.capabilities.as_ref(), put_value)
            .end();
    }
}

impl<'a> Target<'a> {
    fn decode(value: Option<Value<'a>>) -> Result<Self, DecodeError> {
        let mut fields = Fields::of(value, "target")?;
        Ok(Self {
            address: address(&mut fields)?,
            durable: Durability::decode(fields.uint("durable")?)?,
            expiry_policy: fields.symbol("expiry-policy")?,
            timeout: fields.uint("timeout")?.unwrap_or_default(),
            dynamic: fields.bool("dynamic")?.unwrap_or_default(),
            dynamic_node_properties: fields.map("dynamic-node-properties")?,
            capabilities: fields.symbols("capabilities")?,
        })
    }

    /// Appends it.
    pub fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::TARGET)
            .field(self.address, put_string)
            .field(self.durable.number(), put_uint)
            .field(self.expiry_policy, put_symbol)
            .field(Some(self.timeout).filter(|seconds| *seconds > 0), put_uint)
            .field(Some(self.dynamic).filter(|truth| *truth), put_bool)
            .field(self.dynamic_node_properties.as_ref(), put_map)
            .field(self.capabilities.as_ref(), put_value)
            .end();
    }
}

impl<'a> AnyTarget<'a> {
    pub(super) fn decode(value: Option<Value<'a>>) -> Result<Option<Self>, DecodeError> {
        match value {
            None => Ok(None),
            Some(Value::Described(described)) => match described.code() {
                Some(code::TARGET) => {
                    Target::decode(described.value()).map(|target| Some(Self::Target(target)))
                }
                Some(code::COORDINATOR) => {
                    Fields::of(described.value(), "coordinator")?.symbols("capabilities")?;
                    Ok(Some(Self::Coordinator))
                }
                _ => Err(DecodeError::WrongType { what: "target" }),
            },
            Some(_) => Err(DecodeError::WrongType { what: "target" }),
        }
    }

    /// Appends it.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Target(target) => target.put(out),
            Self::Coordinator => ListWriter::described(out, code::COORDINATOR)
                .field(Some(&TRANSACTIONS[..]), put_symbols)
                .end(),
        }
    }
}
