//! Filters with places for values: `(&(uid={0})(enabled=TRUE))` (RFC 4515).
//!
//! The text comes from an administrator and is read once. Values of clients are put into what was read, never into text, so
//! there is nothing that they could escape from (S9): a `*` or a `)` in a user's name is a letter of that name.

use thiserror::Error;

use crate::ber;

/// Longest text of a filter in bytes.
pub const MAX_FILTER_BYTES: usize = 4_096;
/// Deepest nesting (B4).
const MAX_DEPTH: usize = 16;
/// Places for values: `{0}` and `{1}`.
const PLACES: usize = 2;

/// A filter that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Node);

/// Why a text is no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FilterError {
    /// Longer than [`MAX_FILTER_BYTES`].
    #[error("the filter has more than {MAX_FILTER_BYTES} bytes")]
    TooLong,
    /// Nested too deep.
    #[error("the filter is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// Something is wrong.
    #[error("the filter is not one of RFC 4515: byte {offset} is not what has to be there")]
    Invalid {
        /// Where, from 0.
        offset: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// Tag of the comparison, attribute, value.
    Compare(u8, String, Text),
    Present(String),
    /// Start, parts between, end.
    Substrings(String, Option<Text>, Vec<Text>, Option<Text>),
}

/// Bytes with places for values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Text(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Bytes(Vec<u8>),
    Place(usize),
}

const EQUAL: u8 = 0xa3;
const AT_LEAST: u8 = 0xa5;
const AT_MOST: u8 = 0xa6;
const LIKE: u8 = 0xa8;

impl Filter {
    /// Reads a filter; the outermost brackets may be missing.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_FILTER_BYTES {
            return Err(FilterError::TooLong);
        }
        let mut parser = Parser { bytes: text.trim().as_bytes(), at: 0 };
        let node = if parser.peek() == Some(b'(') { parser.node(0)? } else { parser.item()? };
        if parser.at < parser.bytes.len() { Err(parser.invalid()) } else { Ok(Self(node)) }
    }

    /// Either of several values of an attribute.
    pub(crate) fn one_of(attribute: &str, values: &[&str]) -> Self {
        let one = |value: &&str| {
            Node::Compare(EQUAL, attribute.to_owned(), Text(vec![Piece::Bytes(value.as_bytes().to_vec())]))
        };
        Self(Node::Or(values.iter().map(one).collect()))
    }

    /// Everything.
    pub(crate) fn all() -> Self {
        Self(Node::Present("objectClass".to_owned()))
    }

    /// The filter with these values in its places, in BER (RFC 4511 4.5.1.7).
    #[must_use]
    pub fn encode(&self, values: [&str; PLACES]) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.put(values, &mut out);
        out
    }
}

impl Node {
    fn put(&self, values: [&str; PLACES], out: &mut Vec<u8>) {
        let all = |nodes: &[Self], out: &mut Vec<u8>| nodes.iter().for_each(|node| node.put(values, out));
        match self {
            Self::And(nodes) => ber::put_inner(out, 0xa0, |out| all(nodes, out)),
            Self::Or(nodes) => ber::put_inner(out, 0xa1, |out| all(nodes, out)),
            Self::Not(node) => ber::put_inner(out, 0xa2, |out| node.put(values, out)),
            Self::Compare(tag, attribute, value) => ber::put_inner(out, *tag, |out| {
                ber::put(out, ber::OCTET_STRING, attribute.as_bytes());
                ber::put(out, ber::OCTET_STRING, &value.bytes(values));
            }),
            Self::Present(attribute) => ber::put(out, 0x87, attribute.as_bytes()),
            Self::Substrings(attribute, first, middle, last) => ber::put_inner(out, 0xa4, |out| {
                ber::put(out, ber::OCTET_STRING, attribute.as_bytes());
                ber::put_inner(out, ber::SEQUENCE, |out| {
                    first.iter().for_each(|part| ber::put(out, 0x80, &part.bytes(values)));
                    middle.iter().for_each(|part| ber::put(out, 0x81, &part.bytes(values)));
                    last.iter().for_each(|part| ber::put(out, 0x82, &part.bytes(values)));
                });
            }),
        }
    }
}

impl Text {
    fn bytes(&self, values: [&str; PLACES]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Bytes(piece) => bytes.extend_from_slice(piece),
                Piece::Place(place) => bytes.extend_from_slice(values.get(*place).unwrap_or(&"").as_bytes()),
            }
        }
        bytes
    }

    fn push(&mut self, byte: u8) {
        match self.0.last_mut() {
            Some(Piece::Bytes(bytes)) => bytes.push(byte),
            _ => self.0.push(Piece::Bytes(vec![byte])),
        }
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn invalid(&self) -> FilterError {
        FilterError::Invalid { offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), FilterError> {
        if self.peek() != Some(byte) {
            return Err(self.invalid());
        }
        self.at += 1;
        Ok(())
    }

    /// What is in brackets.
    fn node(&mut self, depth: usize) -> Result<Node, FilterError> {
        if depth >= MAX_DEPTH {
            return Err(FilterError::TooDeep);
        }
        self.expect(b'(')?;
        let node = match self.peek() {
            Some(b'&') => Node::And(self.nodes(depth)?),
            Some(b'|') => Node::Or(self.nodes(depth)?),
            Some(b'!') => {
                self.at += 1;
                Node::Not(Box::new(self.node(depth + 1)?))
            }
            _ => self.item()?,
        };
        self.expect(b')')?;
        Ok(node)
    }

    fn nodes(&mut self, depth: usize) -> Result<Vec<Node>, FilterError> {
        self.at += 1;
        let mut nodes = Vec::new();
        while self.peek() == Some(b'(') {
            nodes.push(self.node(depth + 1)?);
        }
        if nodes.is_empty() { Err(self.invalid()) } else { Ok(nodes) }
    }

    /// A comparison.
    fn item(&mut self) -> Result<Node, FilterError> {
        let start = self.at;
        // Letters, digits, dots of an object identifier, dashes, options behind a semicolon (RFC 4512 1.4, 2.5).
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-.;".contains(&byte)) {
            self.at += 1;
        }
        let attribute = self.bytes.get(start..self.at).unwrap_or_default();
        let attribute = String::from_utf8_lossy(attribute).into_owned();
        if attribute.is_empty() {
            return Err(self.invalid());
        }
        let tag = match self.peek() {
            Some(b'>') => AT_LEAST,
            Some(b'<') => AT_MOST,
            Some(b'~') => LIKE,
            _ => EQUAL,
        };
        if tag != EQUAL {
            self.at += 1;
        }
        self.expect(b'=')?;
        let mut parts = vec![self.text()?];
        while self.peek() == Some(b'*') && tag == EQUAL {
            self.at += 1;
            parts.push(self.text()?);
        }
        Ok(match (parts.len(), parts.pop()) {
            (1, Some(value)) => Node::Compare(tag, attribute, value),
            (2, Some(last)) if last.0.is_empty() && parts.iter().all(|part| part.0.is_empty()) => {
                Node::Present(attribute)
            }
            (_, last) => {
                let is_said = |part: &Text| !part.0.is_empty();
                let mut parts = parts.into_iter();
                let first = parts.next().filter(is_said);
                let middle = parts.filter(is_said).collect();
                Node::Substrings(attribute, first, middle, last.filter(is_said))
            }
        })
    }

    fn text(&mut self) -> Result<Text, FilterError> {
        let mut text = Text::default();
        while let Some(byte) = self.peek() {
            match byte {
                b')' | b'*' => break,
                b'(' | 0 => return Err(self.invalid()),
                b'\\' => {
                    let digits = self.bytes.get(self.at + 1..self.at + 3);
                    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
                    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
                    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    text.push(byte.ok_or(FilterError::Invalid { offset: self.at })?);
                    self.at += 3;
                }
                _ => match self.bytes.get(self.at..self.at + 3) {
                    Some([b'{', place @ b'0'..=b'1', b'}']) => {
                        text.0.push(Piece::Place(usize::from(*place - b'0')));
                        self.at += 3;
                    }
                    _ => {
                        text.push(byte);
                        self.at += 1;
                    }
                },
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The filter with its values as text again, each byte that is no plain letter escaped.
    fn told(bytes: &[u8]) -> String {
        let text = |bytes: &[u8]| -> String {
            let letter = |byte: &u8| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'=' | b',' | b' ' => char::from(*byte).to_string(),
                byte => format!("\\{byte:02x}"),
            };
            bytes.iter().map(letter).collect()
        };
        let (tag, content) = ber::Reader::new(bytes).any().unwrap();
        let mut inner = ber::Reader::new(content);
        let mut all = String::new();
        match tag {
            0xa0..=0xa2 => {
                while !inner.is_empty() {
                    let (tag, content) = inner.any().unwrap();
                    let mut one = Vec::new();
                    ber::put(&mut one, tag, content);
                    all += &told(&one);
                }
                format!("({}{all})", ["&", "|", "!"][usize::from(tag - 0xa0)])
            }
            0x87 => format!("({}=*)", text(content)),
            0xa4 => {
                let attribute = text(inner.expect(ber::OCTET_STRING).unwrap());
                let mut parts = inner.inner(ber::SEQUENCE).unwrap();
                while !parts.is_empty() {
                    let (tag, part) = parts.any().unwrap();
                    all += &format!("[{}:{}]", tag & 0xf, text(part));
                }
                format!("({attribute}={all})")
            }
            _ => {
                let attribute = text(inner.expect(ber::OCTET_STRING).unwrap());
                let value = text(inner.expect(ber::OCTET_STRING).unwrap());
                let sign = match tag {
                    AT_LEAST => ">=",
                    AT_MOST => "<=",
                    LIKE => "~=",
                    _ => "=",
                };
                format!("({attribute}{sign}{value})")
            }
        }
    }

    fn check(text: &str, values: [&str; 2], expect: &str) {
        let got = Filter::parse(text).map(|filter| told(&filter.encode(values)));
        assert_eq!(got.as_deref(), Ok(expect), "{text}");
    }

    #[test]
    fn filters_are_read() {
        check("(uid={0})", ["ann", ""], "(uid=ann)");
        check("uid={0}", ["ann", ""], "(uid=ann)");
        check(" (&(objectClass=*)(|(uid={0})(mail={0})))", ["a", ""], "(&(objectClass=*)(|(uid=a)(mail=a)))");
        check("(!(a>=1))", ["", ""], "(!(a\u{3e}=1))");
        check("(a<=1)", ["", ""], "(a<=1)");
        check("(a~=1)", ["", ""], "(a~=1)");
        check("(member={0})", ["uid=ann,ou=x", ""], "(member=uid=ann,ou=x)");
        check("(cn=x{1}y{0})", ["0", "1"], "(cn=x1y0)");
        check("(cn=a*b*c)", ["", ""], "(cn=[0:a][1:b][2:c])");
        check("(cn=*{0}*)", ["b", ""], "(cn=[1:b])");
        check("(cn=\\2a\\28)", ["", ""], "(cn=\\2a\\28)");
        check("(cn={2}{})", ["", ""], "(cn=\\7b2\\7d\\7b\\7d)");
        check("(cn;lang-de=ü)", ["", ""], "(cn\\3blang\\2dde=\\c3\\bc)");
    }

    #[test]
    fn s9_a_value_is_nothing_but_a_value() {
        let evil = "*)(uid=*))(|(uid=*";
        check(
            "(&(uid={0})(a=b))",
            [evil, ""],
            "(&(uid=\\2a\\29\\28uid=\\2a\\29\\29\\28\\7c\\28uid=\\2a)(a=b))",
        );
        check("(uid={0})", ["*", ""], "(uid=\\2a)");
        check("(uid={0})", ["{1}", "x"], "(uid=\\7b1\\7d)");
        check("(uid={0})", ["a\0b\\2a", ""], "(uid=a\\00b\\5c2a)");
        check("(cn={0}*)", ["a*", ""], "(cn=[0:a\\2a])");
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let check = |text: &str, expect: FilterError| assert_eq!(Filter::parse(text), Err(expect), "{text}");
        let at = |offset| FilterError::Invalid { offset };
        check("", at(0));
        check("(uid={0}", at(8));
        check("(uid={0}))", at(9));
        check("(=a)", at(1));
        check("(a)", at(2));
        check("(&)", at(2));
        check("(a=b\\zz)", at(4));
        check("(a=b\\2", at(4));
        check("(a=(b))", at(3));
        check("((a=b))", at(1));
        check("(a b=c)", at(2));
        check(&format!("{}(a=b){}", "(!".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH)), FilterError::TooDeep);
        check(&"a".repeat(MAX_FILTER_BYTES + 1), FilterError::TooLong);
        assert!(Filter::parse(&"(!".repeat(MAX_DEPTH * 10)).is_err());
    }
}
