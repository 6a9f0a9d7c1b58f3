//! Descriptors of the types that the specification defines, as numbers and as symbols.

use super::value::{Described, Value};

/// Codes of described types: the low word of their descriptors, whose domain is 0.
pub(crate) mod code {
    pub(crate) const OPEN: u8 = 0x10;
    pub(crate) const BEGIN: u8 = 0x11;
    pub(crate) const ATTACH: u8 = 0x12;
    pub(crate) const FLOW: u8 = 0x13;
    pub(crate) const TRANSFER: u8 = 0x14;
    pub(crate) const DISPOSITION: u8 = 0x15;
    pub(crate) const DETACH: u8 = 0x16;
    pub(crate) const END: u8 = 0x17;
    pub(crate) const CLOSE: u8 = 0x18;
    pub(crate) const ERROR: u8 = 0x1d;
    pub(crate) const RECEIVED: u8 = 0x23;
    pub(crate) const ACCEPTED: u8 = 0x24;
    pub(crate) const REJECTED: u8 = 0x25;
    pub(crate) const RELEASED: u8 = 0x26;
    pub(crate) const MODIFIED: u8 = 0x27;
    pub(crate) const SOURCE: u8 = 0x28;
    pub(crate) const TARGET: u8 = 0x29;
    pub(crate) const DELETE_ON_CLOSE: u8 = 0x2b;
    pub(crate) const DELETE_ON_NO_LINKS: u8 = 0x2c;
    pub(crate) const DELETE_ON_NO_MESSAGES: u8 = 0x2d;
    pub(crate) const DELETE_ON_NO_LINKS_OR_MESSAGES: u8 = 0x2e;
    pub(crate) const COORDINATOR: u8 = 0x30;
    pub(crate) const DECLARE: u8 = 0x31;
    pub(crate) const DISCHARGE: u8 = 0x32;
    pub(crate) const DECLARED: u8 = 0x33;
    pub(crate) const TRANSACTIONAL_STATE: u8 = 0x34;
    pub(crate) const SASL_MECHANISMS: u8 = 0x40;
    pub(crate) const SASL_INIT: u8 = 0x41;
    pub(crate) const SASL_CHALLENGE: u8 = 0x42;
    pub(crate) const SASL_RESPONSE: u8 = 0x43;
    pub(crate) const SASL_OUTCOME: u8 = 0x44;
    pub(crate) const HEADER: u8 = 0x70;
    pub(crate) const DELIVERY_ANNOTATIONS: u8 = 0x71;
    pub(crate) const MESSAGE_ANNOTATIONS: u8 = 0x72;
    pub(crate) const PROPERTIES: u8 = 0x73;
    pub(crate) const APPLICATION_PROPERTIES: u8 = 0x74;
    pub(crate) const DATA: u8 = 0x75;
    pub(crate) const AMQP_SEQUENCE: u8 = 0x76;
    pub(crate) const AMQP_VALUE: u8 = 0x77;
    pub(crate) const FOOTER: u8 = 0x78;
}

/// Every type with a symbolic descriptor.
const NAMES: [(&str, u8); 42] = [
    ("amqp:open:list", code::OPEN),
    ("amqp:begin:list", code::BEGIN),
    ("amqp:attach:list", code::ATTACH),
    ("amqp:flow:list", code::FLOW),
    ("amqp:transfer:list", code::TRANSFER),
    ("amqp:disposition:list", code::DISPOSITION),
    ("amqp:detach:list", code::DETACH),
    ("amqp:end:list", code::END),
    ("amqp:close:list", code::CLOSE),
    ("amqp:error:list", code::ERROR),
    ("amqp:received:list", code::RECEIVED),
    ("amqp:accepted:list", code::ACCEPTED),
    ("amqp:rejected:list", code::REJECTED),
    ("amqp:released:list", code::RELEASED),
    ("amqp:modified:list", code::MODIFIED),
    ("amqp:source:list", code::SOURCE),
    ("amqp:target:list", code::TARGET),
    ("amqp:delete-on-close:list", code::DELETE_ON_CLOSE),
    ("amqp:delete-on-no-links:list", code::DELETE_ON_NO_LINKS),
    ("amqp:delete-on-no-messages:list", code::DELETE_ON_NO_MESSAGES),
    ("amqp:delete-on-no-links-or-messages:list", code::DELETE_ON_NO_LINKS_OR_MESSAGES),
    ("amqp:coordinator:list", code::COORDINATOR),
    ("amqp:declare:list", code::DECLARE),
    ("amqp:discharge:list", code::DISCHARGE),
    ("amqp:declared:list", code::DECLARED),
    ("amqp:transactional-state:list", code::TRANSACTIONAL_STATE),
    ("amqp:sasl-mechanisms:list", code::SASL_MECHANISMS),
    ("amqp:sasl-init:list", code::SASL_INIT),
    ("amqp:sasl-challenge:list", code::SASL_CHALLENGE),
    ("amqp:sasl-response:list", code::SASL_RESPONSE),
    ("amqp:sasl-outcome:list", code::SASL_OUTCOME),
    ("amqp:header:list", code::HEADER),
    ("amqp:delivery-annotations:map", code::DELIVERY_ANNOTATIONS),
    ("amqp:message-annotations:map", code::MESSAGE_ANNOTATIONS),
    ("amqp:properties:list", code::PROPERTIES),
    ("amqp:application-properties:map", code::APPLICATION_PROPERTIES),
    ("amqp:data:binary", code::DATA),
    ("amqp:amqp-sequence:list", code::AMQP_SEQUENCE),
    ("amqp:amqp-value:*", code::AMQP_VALUE),
    ("amqp:footer:map", code::FOOTER),
    // As RabbitMQ and older peers write it.
    ("amqp:data:list", code::DATA),
    ("amqp:value:*", code::AMQP_VALUE),
];

/// The code of a descriptor; `None` when it is none of the specification's.
pub(crate) fn code_of(descriptor: Option<Value<'_>>) -> Option<u8> {
    match descriptor? {
        Value::Ulong(number) => u8::try_from(number).ok(),
        Value::Symbol(name) => NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code),
        _ => None,
    }
}

impl Described<'_> {
    /// The code of its type; `None` when it is none of the specification's.
    #[must_use]
    pub fn code(&self) -> Option<u8> {
        code_of(self.descriptor())
    }
}
