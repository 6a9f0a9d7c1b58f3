//! Texts of a policy: letters, wildcards and variables.

use std::borrow::Cow;

use super::context::Context;
use super::fault::Reason;

/// What `*` and `?` mean in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wildcards {
    /// Themselves.
    None,
    /// Any letters, one letter.
    Free,
    /// As in `Resource`: they stay within one of the first five parts of the ARN; but a `*` at the end of a part may match
    /// beyond it. The sixth takes all that follows.
    Resource,
    /// As in `ArnLike`: they stay within one of the first five parts; the sixth takes all that follows.
    Arn,
}

/// Whether `${...}` is a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variables {
    /// It is text: policies of 2008, operators that take none.
    Off,
    /// It is one.
    On,
}

/// Whether case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Counts,
    Ignored,
}

/// What a pattern matches next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// This letter.
    Letter(char),
    /// One letter; a colon only if it may.
    One { is_colon_too: bool },
    /// Any number of letters; colons only if it may.
    Any { is_colon_too: bool },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Tokens(Vec<Token>),
    Variable { key: String, default: Option<String> },
}

/// A text with its variables still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

impl Template {
    /// Reads a text.
    pub(super) fn parse(text: &str, wildcards: Wildcards, variables: Variables) -> Result<Self, Reason> {
        let mut pieces = Vec::new();
        let mut tokens = Vec::new();
        let mut colons = 0_usize;
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if variables == Variables::On && rest.starts_with("${") {
                let (inner, after) = variable(rest)?;
                rest = after;
                match inner {
                    "*" | "?" | "$" => tokens.extend(inner.chars().map(Token::Letter)),
                    _ => {
                        pieces.push(Piece::Tokens(std::mem::take(&mut tokens)));
                        pieces.push(named_variable(inner)?);
                    }
                }
                continue;
            }
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            colons += usize::from(letter == ':');
            let is_wildcard = wildcards != Wildcards::None && matches!(letter, '*' | '?');
            if !is_wildcard {
                tokens.push(Token::Letter(letter));
                continue;
            }
            let is_colon_too = match wildcards {
                Wildcards::None | Wildcards::Free => true,
                Wildcards::Resource => {
                    colons >= 5 || (letter == '*' && (rest.is_empty() || rest.starts_with(':')))
                }
                Wildcards::Arn => colons >= 5,
            };
            tokens.push(if letter == '*' {
                Token::Any { is_colon_too }
            } else {
                Token::One { is_colon_too }
            });
        }
        pieces.push(Piece::Tokens(tokens));
        Ok(Self { pieces })
    }

    /// Whether it has a variable.
    pub(super) fn is_open(&self) -> bool {
        self.pieces.len() > 1
    }

    /// Keys of its variables, in lower case.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Tokens(_) => None,
            Piece::Variable { key, .. } => Some(key.as_str()),
        })
    }

    /// Puts values in for variables, as letters (S8). `None` when one of them has none.
    pub(super) fn fill(&self, context: &Context) -> Option<Cow<'_, [Token]>> {
        if let [Piece::Tokens(tokens)] = self.pieces.as_slice() {
            return Some(Cow::Borrowed(tokens));
        }
        let mut filled = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Tokens(tokens) => filled.extend_from_slice(tokens),
                Piece::Variable { key, default } => {
                    let value = context.single(key).or(default.as_deref())?;
                    filled.extend(value.chars().map(Token::Letter));
                }
            }
        }
        Some(Cow::Owned(filled))
    }
}

/// What stands in `${...}`, and what follows it.
fn variable(text: &str) -> Result<(&str, &str), Reason> {
    text.strip_prefix("${").and_then(|text| text.split_once('}')).ok_or(Reason::Variable)
}

/// `key` or `key, 'default'`.
fn named_variable(inner: &str) -> Result<Piece, Reason> {
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (key, Some(default.ok_or(Reason::Variable)?.to_owned()))
        }
    };
    let key = key.trim();
    if !key.contains(':') || key.contains(['$', '{', '*', '?']) {
        return Err(Reason::Variable);
    }
    Ok(Piece::Variable { key: key.to_lowercase(), default })
}

/// Whether a text is what the pattern says. Follows all ways through the pattern at once, so the cost is at most the
/// length of one times that of the other.
pub(super) fn is_match(pattern: &[Token], text: &str, case: Case) -> bool {
    follow(pattern, text, case).contains(&pattern.len())
}

/// Places in a pattern at which a match can be that has taken this text, in no order; its end is one of them if the text
/// is all that it matches.
pub(super) fn places_after(pattern: &[Token], text: &str) -> Vec<usize> {
    follow(pattern, text, Case::Counts)
}

fn follow(pattern: &[Token], text: &str, case: Case) -> Vec<usize> {
    let mut live = Live::new(pattern);
    live.add(0);
    let mut now = Vec::new();
    for letter in text.chars() {
        std::mem::swap(&mut now, &mut live.places);
        live.next_turn();
        if now.is_empty() {
            break;
        }
        for place in &now {
            match pattern.get(*place) {
                Some(Token::Letter(wanted)) if is_same(*wanted, letter, case) => live.add(place + 1),
                Some(Token::One { is_colon_too }) if *is_colon_too || letter != ':' => live.add(place + 1),
                Some(Token::Any { is_colon_too }) if *is_colon_too || letter != ':' => live.add(*place),
                _ => {}
            }
        }
    }
    live.places
}

/// Places in a pattern up to which the text so far matches.
struct Live<'a> {
    pattern: &'a [Token],
    places: Vec<usize>,
    /// For each place, the turn in which it was added last.
    added: Vec<usize>,
    turn: usize,
}

impl<'a> Live<'a> {
    fn new(pattern: &'a [Token]) -> Self {
        Self { pattern, places: Vec::new(), added: vec![0; pattern.len() + 1], turn: 1 }
    }

    fn next_turn(&mut self) {
        self.places.clear();
        self.turn += 1;
    }

    /// Adds a place, and those behind each `*` there, which may match nothing.
    fn add(&mut self, place: usize) {
        let mut place = place;
        while let Some(added) = self.added.get_mut(place) {
            if *added == self.turn {
                return;
            }
            *added = self.turn;
            self.places.push(place);
            if !matches!(self.pattern.get(place), Some(Token::Any { .. })) {
                return;
            }
            place += 1;
        }
    }
}

fn is_same(one: char, other: char, case: Case) -> bool {
    one == other || (case == Case::Ignored && one.to_lowercase().eq(other.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wildcards: Wildcards, pattern: &str, good: &[&str], bad: &[&str]) {
        let template = Template::parse(pattern, wildcards, Variables::On).unwrap();
        let tokens = template.fill(&Context::new()).unwrap();
        for text in good {
            assert!(is_match(&tokens, text, Case::Counts), "{pattern} {text}");
        }
        for text in bad {
            assert!(!is_match(&tokens, text, Case::Counts), "{pattern} {text}");
        }
    }

    #[test]
    fn wildcards_that_are_free() {
        let free = Wildcards::Free;
        check(free, "", &[""], &["a"]);
        check(free, "*", &["", "a", "a:b/c\n"], &[]);
        check(free, "?", &["a", ":", "ä"], &["", "ab"]);
        check(free, "a*b", &["ab", "aab", "a:b", "abab"], &["a", "b", "abc", "ba"]);
        check(free, "**a**", &["a", "bab"], &["", "b"]);
        check(free, "?*", &["a", "ab"], &[""]);
        check(free, "${*}${?}${$}*", &["*?$", "*?$x"], &["a?$", "*a$"]);
        check(Wildcards::None, "a*?", &["a*?"], &["ab", "a*b"]);
    }

    #[test]
    fn wildcards_of_resources() {
        let resource = Wildcards::Resource;
        check(resource, "a:*", &["a:b", "a:b:c", "a:"], &["a", "b:a"]);
        check(resource, "a:*:c", &["a:b:c", "a:b:b:c", "a::c"], &["a:c", "a:b:d"]);
        check(resource, "a:b*d:c", &["a:bd:c", "a:bxd:c"], &["a:b:d:c", "a:b:xd:c"]);
        check(resource, "a:b?:c", &["a:bb:c"], &["a:b::c", "a:b:c"]);
        // A first way that fails is given up for a later one.
        check(resource, "*:a*b", &["x:aq:ab", "x:ab"], &["x:aq:b"]);
        // The resource itself is one part, colons and all.
        check(resource, "a:b:c:d:e:f*g?h", &["a:b:c:d:e:f:g:h", "a:b:c:d:e:fxgxh"], &["a:b:c:d:e:fgh"]);
    }

    #[test]
    fn wildcards_of_arns() {
        let arn = Wildcards::Arn;
        check(arn, "arn:aws:mq:*:1:broker:*", &["arn:aws:mq:r:1:broker:a:b"], &["arn:aws:mq:r:2:1:broker:a"]);
        check(arn, "arn:*:b", &["arn:a:b"], &["arn:a:a:b"]);
    }

    #[test]
    fn values_are_letters() {
        let template = Template::parse("u/${aws:username}/*", Wildcards::Free, Variables::On).unwrap();
        assert!(template.is_open());
        let context = Context::new().with("AWS:UserName", "a*?");
        let tokens = template.fill(&context).unwrap();
        assert!(is_match(&tokens, "u/a*?/x", Case::Counts));
        assert!(!is_match(&tokens, "u/abc/x", Case::Counts));
        assert_eq!(template.fill(&Context::new()), None);
        let mut many = Context::new();
        many.set("aws:username", vec!["a".into(), "b".into()]);
        assert_eq!(template.fill(&many), None);
    }

    #[test]
    fn hostile_patterns_cost_no_more_than_their_length() {
        let pattern = "*a".repeat(3_000);
        let template = Template::parse(&pattern, Wildcards::Free, Variables::Off).unwrap();
        let tokens = template.fill(&Context::new()).unwrap();
        assert!(!is_match(&tokens, &"a".repeat(2_000), Case::Counts));
        assert!(is_match(&tokens, &"a".repeat(3_000), Case::Counts));
    }

    #[test]
    fn variables_that_are_none() {
        for text in ["${", "${}", "${a", "${a}", "${a:b", "${a:b,c}", "${a:b,'c}", "${a:${b}}", "${a:*}"] {
            let template = Template::parse(text, Wildcards::Free, Variables::On);
            assert_eq!(template, Err(Reason::Variable), "{text}");
            assert!(Template::parse(text, Wildcards::Free, Variables::Off).is_ok());
        }
        // A tag's key may hold blanks, and a default may be empty.
        let template =
            Template::parse("${aws:PrincipalTag/a b, ''}", Wildcards::Free, Variables::On).unwrap();
        assert_eq!(template.fill(&Context::new()).unwrap().len(), 0);
    }
}
