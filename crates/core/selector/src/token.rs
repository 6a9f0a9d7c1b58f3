//! Words, values and signs of a selector.

use std::borrow::Cow;

use crate::{
    MAX_TOKENS,
    error::{Problem, SelectorError},
};

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    /// Identifier or keyword.
    Word(&'a str),
    Text(Cow<'a, str>),
    /// Whole number without its sign.
    Whole {
        magnitude: u64,
        is_long: bool,
    },
    Double(f64),
    Sign(Sign),
}

/// Signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Open,
    Close,
    Comma,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer ones before their beginnings.
const SIGNS: [(&str, Sign); 14] = [
    ("<>", Sign::NotEqual),
    ("<=", Sign::LessOrEqual),
    (">=", Sign::GreaterOrEqual),
    ("<", Sign::Less),
    (">", Sign::Greater),
    ("=", Sign::Equal),
    ("(", Sign::Open),
    (")", Sign::Close),
    (",", Sign::Comma),
    ("+", Sign::Plus),
    ("-", Sign::Minus),
    ("*", Sign::Star),
    ("/", Sign::Slash),
    ("%", Sign::Percent),
];

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Placed<'a> {
    /// Offset of its first byte.
    pub(crate) at: usize,
    /// As it is written.
    pub(crate) written: &'a str,
    pub(crate) token: Token<'a>,
}

/// Whether minus signs may be inside of identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hyphens {
    Inside,
    Apart,
}

/// Cuts a text into tokens. `skipped` is where it begins.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    hyphens: Hyphens,
}

/// A problem at an offset of the text, as an error.
pub(crate) fn error_at(text: &str, at: usize, problem: Problem) -> SelectorError {
    let before = text.get(..at).unwrap_or(text);
    SelectorError { column: before.chars().count() + 1, problem }
}

/// The tokens of a text from an offset on.
pub(crate) fn tokens(text: &str, from: usize, hyphens: Hyphens) -> Result<Vec<Placed<'_>>, SelectorError> {
    let mut lexer = Lexer { text, at: from, hyphens };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        if tokens.len() == MAX_TOKENS {
            return Err(error_at(text, token.at, Problem::TooManyTokens));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

fn begins_name(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_' || letter == '$'
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fail<T>(&self, at: usize, problem: Problem) -> Result<T, SelectorError> {
        Err(error_at(self.text, at, problem))
    }

    fn is_in_name(&self, letter: char) -> bool {
        letter.is_alphanumeric()
            || matches!(letter, '_' | '$')
            || (letter == '-' && self.hyphens == Hyphens::Inside)
    }

    /// Passes over blanks and comments.
    fn skip(&mut self) -> Result<(), SelectorError> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']).len();
            if blanks > 0 {
                self.at += blanks;
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return self.fail(self.at, Problem::UnclosedComment);
                };
                self.at += end + 4;
            } else if rest.starts_with("--")
                && let Some(end) = rest.find(['\n', '\r'])
            {
                // Without an end of the line these are two signs: `a --1`.
                self.at += end;
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<Option<Placed<'a>>, SelectorError> {
        self.skip()?;
        let (rest, at) = (self.rest(), self.at);
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let second = rest.chars().nth(1);
        let (token, len) = if first == '\'' {
            self.text_token()?
        } else if first.is_ascii_digit() || (first == '.' && second.is_some_and(|c| c.is_ascii_digit())) {
            self.number()?
        } else if begins_name(first) {
            let len = rest.find(|letter| !self.is_in_name(letter)).unwrap_or(rest.len());
            (Token::Word(rest.get(..len).unwrap_or_default()), len)
        } else {
            match SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
                Some((written, sign)) => (Token::Sign(*sign), written.len()),
                None => return self.fail(at, Problem::Character(first)),
            }
        };
        self.at += len;
        Ok(Some(Placed { at, written: rest.get(..len).unwrap_or_default(), token }))
    }

    /// Text in quotes, a quote inside of it doubled.
    fn text_token(&self) -> Result<(Token<'a>, usize), SelectorError> {
        let inside = self.rest().get(1..).unwrap_or_default();
        let mut from = 0;
        loop {
            let Some(quote) = inside.get(from..).and_then(|rest| rest.find('\'')) else {
                return self.fail(self.at, Problem::UnclosedText);
            };
            let end = from + quote;
            if !inside.get(end + 1..).is_some_and(|rest| rest.starts_with('\'')) {
                let text = inside.get(..end).unwrap_or_default();
                let text = if text.contains('\'') { text.replace("''", "'").into() } else { text.into() };
                return Ok((Token::Text(text), end + 2));
            }
            from = end + 2;
        }
    }

    /// A number as Java writes it: whole ones in decimal, octal (`0` in front) or hexadecimal (`0x`), `L` behind those of
    /// 64 bits; others with a point, an exponent, or `F` or `D` behind.
    fn number(&self) -> Result<(Token<'a>, usize), SelectorError> {
        let rest = self.rest();
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let hexadecimal = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"));
        if let Some(hexadecimal) = hexadecimal {
            let len =
                hexadecimal.len() - hexadecimal.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
            return self.whole(2..2 + len, 16);
        }
        let mut len = digits(rest);
        let whole_len = len;
        let behind = |len: usize| rest.get(len..).unwrap_or_default();
        if behind(len).starts_with('.') {
            len += 1 + digits(behind(len + 1));
        }
        if behind(len).starts_with(['e', 'E']) {
            let sign = usize::from(behind(len + 1).starts_with(['+', '-']));
            let exponent = digits(behind(len + 1 + sign));
            if exponent > 0 {
                len += 1 + sign + exponent;
            }
        }
        let is_double = behind(len).starts_with(['d', 'D', 'f', 'F']) && self.ends_name(len + 1);
        if len == whole_len && !is_double {
            let is_octal = len > 1 && rest.starts_with('0');
            return self.whole(usize::from(is_octal)..len, if is_octal { 8 } else { 10 });
        }
        let written = rest.get(..len).unwrap_or_default();
        match written.parse() {
            Ok(number) => Ok((Token::Double(number), len + usize::from(is_double))),
            Err(_) => self.fail(self.at, Problem::Number(written.to_owned())),
        }
    }

    /// Whether no identifier goes on so many bytes further.
    fn ends_name(&self, len: usize) -> bool {
        let next = self.rest().get(len..).and_then(|rest| rest.chars().next());
        next.is_none_or(|letter| !self.is_in_name(letter))
    }

    fn whole(&self, digits: std::ops::Range<usize>, radix: u32) -> Result<(Token<'a>, usize), SelectorError> {
        let (rest, end) = (self.rest(), digits.end);
        let is_long =
            rest.get(end..).is_some_and(|rest| rest.starts_with(['l', 'L'])) && self.ends_name(end + 1);
        let len = end + usize::from(is_long);
        let written = rest.get(..len).unwrap_or_default().to_owned();
        let digits = rest.get(digits).unwrap_or_default();
        if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
            return self.fail(self.at, Problem::Number(written));
        }
        match u64::from_str_radix(digits, radix) {
            Ok(magnitude) => Ok((Token::Whole { magnitude, is_long }, len)),
            Err(_) => self.fail(self.at, Problem::NumberRange(written)),
        }
    }
}
