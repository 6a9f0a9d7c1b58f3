//! What an element is: the types behind the tables of permitted elements and attributes.
//!
//! The vendor's XML has two kinds of elements, which take turns: one stands for an object, its attributes are the object's
//! values; the elements in it stand for properties that have objects as values, have no attributes and hold those objects.

/// First version that has something: major, minor, patch.
pub type Since = (u16, u16, u16);

/// Every version has it.
pub(super) const ALWAYS: Since = (0, 0, 0);

/// Type of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `true`, `false`, `1` or `0`.
    Truth,
    /// A whole number from the first to the second.
    Whole(i64, i64),
    /// A number from 0 with digits and at most one point.
    Real,
    /// Bytes, or a number with `b`, `kb`, `mb` or `gb`, which count in 1,024s.
    Memory,
    /// One of these words, in capitals or not.
    OneOf(&'static [&'static str]),
    /// At most 4,096 bytes without control characters.
    Text,
    /// Name of a destination, or a pattern of such names, 1 to 255 bytes.
    Destination,
    /// Names of groups, joined by commas.
    Groups,
    /// Brokers to connect to: `static:(…)` or `masterslave:(…)` around addresses `ssl://HOST:PORT`, without spaces.
    Brokers,
}

/// A permitted attribute.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Type of its value.
    pub kind: Kind,
    /// First version that has it.
    pub since: Since,
}

/// A permitted element that stands for an object.
#[derive(Debug)]
pub struct Element {
    /// Its name.
    pub name: &'static str,
    /// First version that has it.
    pub since: Since,
    /// Brokers whose users are in LDAP have it, others not.
    pub is_of_ldap: bool,
    /// Its attributes.
    pub attributes: &'static [Attribute],
    /// The elements that it may hold, which stand for properties.
    pub properties: &'static [Property],
}

/// A permitted element that stands for a property of an object.
#[derive(Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// The elements that it may hold, which stand for objects.
    pub elements: &'static [&'static Element],
}

pub(super) const fn element(
    name: &'static str,
    attributes: &'static [Attribute],
    properties: &'static [Property],
) -> Element {
    Element { name, since: ALWAYS, is_of_ldap: false, attributes, properties }
}

/// An element without attributes.
pub(super) const fn bare(name: &'static str) -> Element {
    element(name, &[], &[])
}

pub(super) const fn property(name: &'static str, elements: &'static [&'static Element]) -> Property {
    Property { name, elements }
}

const fn attribute(name: &'static str, kind: Kind) -> Attribute {
    Attribute { name, kind, since: ALWAYS }
}

pub(super) const fn since(attribute: Attribute, since: Since) -> Attribute {
    Attribute { since, ..attribute }
}

pub(super) const fn truth(name: &'static str) -> Attribute {
    attribute(name, Kind::Truth)
}

/// A number from 0 that fits 31 bits: a count, or a time in ms.
pub(super) const fn count(name: &'static str) -> Attribute {
    attribute(name, Kind::Whole(0, i32::MAX as i64))
}

/// As [`count`], or -1 for no limit.
pub(super) const fn count_or_none(name: &'static str) -> Attribute {
    attribute(name, Kind::Whole(-1, i32::MAX as i64))
}

/// A number from 0 that fits 63 bits: bytes, or a time in ms.
pub(super) const fn long(name: &'static str) -> Attribute {
    attribute(name, Kind::Whole(0, i64::MAX))
}

/// As [`long`], or -1 for never.
pub(super) const fn long_or_never(name: &'static str) -> Attribute {
    attribute(name, Kind::Whole(-1, i64::MAX))
}

pub(super) const fn whole(name: &'static str, least: i64, most: i64) -> Attribute {
    attribute(name, Kind::Whole(least, most))
}

pub(super) const fn percent(name: &'static str) -> Attribute {
    whole(name, 0, 100)
}

pub(super) const fn real(name: &'static str) -> Attribute {
    attribute(name, Kind::Real)
}

pub(super) const fn memory(name: &'static str) -> Attribute {
    attribute(name, Kind::Memory)
}

pub(super) const fn one_of(name: &'static str, words: &'static [&'static str]) -> Attribute {
    attribute(name, Kind::OneOf(words))
}

pub(super) const fn text(name: &'static str) -> Attribute {
    attribute(name, Kind::Text)
}

pub(super) const fn destination(name: &'static str) -> Attribute {
    attribute(name, Kind::Destination)
}

pub(super) const fn groups(name: &'static str) -> Attribute {
    attribute(name, Kind::Groups)
}

pub(super) const fn brokers(name: &'static str) -> Attribute {
    attribute(name, Kind::Brokers)
}
