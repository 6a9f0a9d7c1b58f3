//! Values of attributes: from text to what it means, by the attribute's type.

use super::declared::Kind;

/// Longest free text in bytes.
const MAX_TEXT_BYTES: usize = 4_096;
/// Longest name of a destination or group in bytes.
const MAX_NAME_BYTES: usize = 255;
/// Most groups of an attribute.
const MAX_GROUPS: usize = 1_024;
/// Most addresses of a connector.
const MAX_ADDRESSES: usize = 64;

/// What an attribute says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of [`Kind::Truth`].
    Truth(bool),
    /// Of [`Kind::Whole`].
    Whole(i64),
    /// Of [`Kind::Real`].
    Real(f64),
    /// Bytes, of [`Kind::Memory`].
    Bytes(u64),
    /// Of [`Kind::OneOf`]; as the table has it.
    Word(&'static str),
    /// Of [`Kind::Text`], [`Kind::Destination`] and [`Kind::Brokers`].
    Text(String),
    /// Of [`Kind::Groups`], without white space around them.
    Groups(Vec<String>),
}

/// The value that a text stands for; nothing if it is not one of that type.
///
/// Only static values are: what Spring would replace (`${…}`, `#{…}`) or look up (`#bean`) is none.
pub(super) fn read(kind: Kind, text: &str) -> Option<Value> {
    if text.contains("${") || text.contains("#{") || text.trim_start().starts_with('#') {
        return None;
    }
    let is_plain = |most| text.len() <= most && !text.chars().any(char::is_control);
    match kind {
        Kind::Truth => match text.trim() {
            "true" | "1" => Some(Value::Truth(true)),
            "false" | "0" => Some(Value::Truth(false)),
            _ => None,
        },
        Kind::Whole(least, most) => {
            let number = whole(text.trim())?;
            (least..=most).contains(&number).then_some(Value::Whole(number))
        }
        Kind::Real => real(text.trim()).map(Value::Real),
        Kind::Memory => memory(text.trim()).map(Value::Bytes),
        Kind::OneOf(words) => {
            words.iter().find(|word| word.eq_ignore_ascii_case(text.trim())).map(|word| Value::Word(word))
        }
        Kind::Text => is_plain(MAX_TEXT_BYTES).then(|| Value::Text(text.to_owned())),
        Kind::Destination => {
            (is_plain(MAX_NAME_BYTES) && !text.trim().is_empty()).then(|| Value::Text(text.to_owned()))
        }
        Kind::Groups => groups(text).map(Value::Groups),
        Kind::Brokers => is_brokers(text).then(|| Value::Text(text.to_owned())),
    }
}

/// Digits, perhaps behind a minus.
fn whole(text: &str) -> Option<i64> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

fn real(text: &str) -> Option<f64> {
    // a float's other spellings (`1e9`, `inf`, `NaN`) are not meant for people
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if text.len() > 32 || !text.bytes().all(is_digit) { None } else { text.parse().ok() }
}

fn memory(text: &str) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn groups(text: &str) -> Option<Vec<String>> {
    let is_group =
        |name: &str| (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    if text.trim().is_empty() {
        // nobody
        return Some(Vec::new());
    }
    let names: Vec<&str> = text.split(',').take(MAX_GROUPS + 1).map(str::trim).collect();
    if names.len() > MAX_GROUPS || !names.iter().all(|name| is_group(name)) {
        return None;
    }
    Some(names.into_iter().map(str::to_owned).collect())
}

fn is_brokers(text: &str) -> bool {
    let rest = ["static:", "masterslave:"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let Some((addresses, options)) = rest.and_then(|rest| rest.strip_prefix('(')?.rsplit_once(')')) else {
        return false;
    };
    let is_letter = |byte: u8| byte.is_ascii_graphic() && !b"()<>\"'\\".contains(&byte);
    text.len() <= MAX_TEXT_BYTES
        && addresses.split(',').count() <= MAX_ADDRESSES
        && addresses.split(',').all(is_address)
        && (options.is_empty() || options.strip_prefix('?').is_some_and(|rest| rest.bytes().all(is_letter)))
}

/// `ssl://HOST:PORT`, perhaps with options.
fn is_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("ssl://") else { return false };
    let (authority, options) = rest.split_once('?').unwrap_or((rest, ""));
    let Some((host, port)) = authority.rsplit_once(':') else { return false };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let is_option = |byte: u8| byte.is_ascii_alphanumeric() || b"-._=&;".contains(&byte);
    (1..=253).contains(&host.len())
        && host.bytes().all(is_letter)
        && port.parse::<u16>().is_ok_and(|port| port > 0)
        && options.bytes().all(is_option)
}
