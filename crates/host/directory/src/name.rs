//! Distinguished names as directories give them (RFC 4514), taken apart.

use thiserror::Error;

/// Longest name in bytes.
pub const MAX_NAME_BYTES: usize = 4_096;
/// Most parts of a name.
const MAX_PARTS: usize = 64;

/// A text that is no distinguished name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is no distinguished name of RFC 4514")]
pub struct NameError;

/// A part of a name: `ou=people`. Of one with several values the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Type of its attribute, in small letters.
    pub attribute: String,
    /// Value, without escapes.
    pub value: String,
}

/// Parts of a name, the one of the entry itself first.
///
/// # Errors
/// [`NameError`], also when it is longer than [`MAX_NAME_BYTES`] or a value is no UTF-8.
pub fn parts(name: &str) -> Result<Vec<Part>, NameError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError);
    }
    let mut parts = Vec::new();
    let mut rest = name.trim_start();
    if rest.is_empty() {
        return Ok(parts);
    }
    loop {
        if parts.len() >= MAX_PARTS {
            return Err(NameError);
        }
        let (part, after) = read_part(rest)?;
        parts.push(part);
        let mut after = after;
        // Further values of the same part.
        while let Some(more) = after.strip_prefix('+') {
            after = read_part(more.trim_start())?.1;
        }
        rest = match after.strip_prefix([',', ';']) {
            Some(more) => more.trim_start(),
            None if after.is_empty() => return Ok(parts),
            None => return Err(NameError),
        };
    }
}

fn read_part(text: &str) -> Result<(Part, &str), NameError> {
    let (attribute, rest) = text.split_once('=').ok_or(NameError)?;
    let attribute = attribute.trim_end();
    let is_attribute = !attribute.is_empty()
        && attribute.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    if !is_attribute {
        return Err(NameError);
    }
    let (value, rest) = read_value(rest.trim_start())?;
    Ok((Part { attribute: attribute.to_ascii_lowercase(), value }, rest))
}

fn read_value(text: &str) -> Result<(String, &str), NameError> {
    // BER in hexadecimal digits, for attributes that have no text.
    if text.starts_with('#') {
        return Err(NameError);
    }
    let bytes = text.as_bytes();
    let (mut value, mut at, mut kept) = (Vec::new(), 0, 0);
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b',' | b';' | b'+' => break,
            b'"' | b'<' | b'>' | 0 => return Err(NameError),
            b'\\' => {
                let next = bytes.get(at + 1).copied().ok_or(NameError)?;
                let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
                    Some(digits) => {
                        value.push(u8::from_str_radix(digits, 16).map_err(|_| NameError)?);
                        at += 3;
                    }
                    None if b" \"#+,;<=>\\".contains(&next) => {
                        value.push(next);
                        at += 2;
                    }
                    None => return Err(NameError),
                }
                // An escaped space at the end stays.
                kept = value.len();
            }
            byte => {
                value.push(byte);
                at += 1;
                if byte != b' ' {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    let value = String::from_utf8(value).map_err(|_| NameError)?;
    Ok((value, text.get(at..).ok_or(NameError)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let check = |name: &str, expect: &[(&str, &str)]| {
            let parts = parts(name).unwrap();
            let parts: Vec<_> = parts.iter().map(|part| (&*part.attribute, &*part.value)).collect();
            assert_eq!(parts, expect, "{name}");
        };
        check("", &[]);
        check("cn=read,ou=A.$,dc=x", &[("cn", "read"), ("ou", "A.$"), ("dc", "x")]);
        check("CN = Read , OU= a b ", &[("cn", "Read"), ("ou", "a b")]);
        check("cn=a\\,b\\=c,ou=x\\20", &[("cn", "a,b=c"), ("ou", "x ")]);
        check("cn=a+uid=b,ou=x", &[("cn", "a"), ("ou", "x")]);
        check("cn=\\c3\\bc,ou=ü", &[("cn", "ü"), ("ou", "ü")]);
        check("cn=ORDERS.\\3E,ou=\\2A", &[("cn", "ORDERS.>"), ("ou", "*")]);
        check("2.5.4.3=a;dc=b", &[("2.5.4.3", "a"), ("dc", "b")]);
        check("cn=", &[("cn", "")]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("cn={}", "x".repeat(MAX_NAME_BYTES));
        let many = vec!["a=b"; MAX_PARTS + 1].join(",");
        for name in [
            "cn",
            "=a",
            "cn=a,",
            "cn=a,,dc=b",
            "c n=a",
            "cn=#04",
            "cn=a\\",
            "cn=a\\zz",
            "cn=\\ff",
            "cn=a\0",
            "cn=\"a\"",
            &long,
            &many,
        ] {
            assert_eq!(parts(name), Err(NameError), "{name:?}");
        }
        assert_eq!(parts(&vec!["a=b"; MAX_PARTS].join(",")).map(|parts| parts.len()), Ok(MAX_PARTS));
    }
}
