//! Properties of the language: what is written is read back, and an answer is the one that the tree of the expression has.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::{collections::HashMap, fmt};

use proptest::prelude::*;
use ternmq_selector::{Facts, Field, MAX_BYTES, MAX_DEPTH, MAX_TOKENS, Operand, Problem, Selector, Truth};

/// An expression as a tree, made without the parser.
#[derive(Clone, Debug)]
enum Tree {
    Number(i64),
    Half(i32),
    Text(String),
    Name(String),
    Sum(Box<Tree>, char, Box<Tree>),
    Minus(Box<Tree>),
    Compare(Box<Tree>, &'static str, Box<Tree>),
    Between(Box<Tree>, bool, Box<Tree>, Box<Tree>),
    In(String, bool, Vec<String>),
    Like(Box<Tree>, bool, String),
    IsNull(Box<Tree>, bool),
    Not(Box<Tree>),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
}

/// Writes a text with its quotes.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn not(is_inverted: bool) -> &'static str {
    if is_inverted { " NOT" } else { "" }
}

/// With the parentheses that order needs, and no others.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = |tree: &Tree, least: u8| {
            if tree.strength() < least { format!("({tree})") } else { tree.to_string() }
        };
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Half(number) => write!(f, "{:?}", f64::from(*number) / 2.0),
            Self::Text(text) => f.write_str(&quote(text)),
            Self::Name(name) => f.write_str(name),
            Self::Sum(a, sign, b) => {
                let least = self.strength();
                write!(f, "{} {sign} {}", inner(a, least), inner(b, least + 1))
            }
            Self::Minus(a) => write!(f, "- {}", if a.strength() == 9 { inner(a, 10) } else { inner(a, 8) }),
            Self::Compare(a, sign, b) => {
                let least = self.strength();
                write!(f, "{} {sign} {}", inner(a, least), inner(b, least + 1))
            }
            Self::Between(a, is_not, low, high) => {
                write!(f, "{}{} BETWEEN {} AND {}", inner(a, 6), not(*is_not), inner(low, 6), inner(high, 6))
            }
            Self::In(name, is_not, texts) => {
                let texts: Vec<_> = texts.iter().map(|text| quote(text)).collect();
                write!(f, "{name}{} IN ({})", not(*is_not), texts.join(","))
            }
            Self::Like(a, is_not, pattern) => {
                write!(f, "{}{} LIKE {}", inner(a, 6), not(*is_not), quote(pattern))
            }
            Self::IsNull(a, is_not) => write!(f, "{} IS{} NULL", inner(a, 5), not(*is_not)),
            Self::Not(a) => write!(f, "NOT {}", inner(a, 3)),
            Self::And(a, b) => write!(f, "{} AND {}", inner(a, 2), inner(b, 3)),
            Self::Or(a, b) => write!(f, "{} OR {}", inner(a, 1), inner(b, 2)),
        }
    }
}

impl Tree {
    /// How strongly its operator binds. Numbers that may have a sign are 9, so that a minus before them is not theirs.
    fn strength(&self) -> u8 {
        match self {
            Self::Or(..) => 1,
            Self::And(..) => 2,
            Self::Not(_) => 3,
            Self::Compare(_, "=" | "<>", _) | Self::IsNull(..) => 4,
            Self::Compare(..) | Self::Between(..) | Self::In(..) | Self::Like(..) => 5,
            Self::Sum(_, '+' | '-', _) => 6,
            Self::Sum(..) => 7,
            Self::Minus(_) => 8,
            Self::Number(_) | Self::Half(_) => 9,
            Self::Text(_) | Self::Name(_) => 10,
        }
    }

    /// With parentheses around everything and a blank or comment wherever one may be.
    fn spelled_out(&self) -> String {
        let pair =
            |a: &Tree, sign: &str, b: &Tree| format!("({} {sign}\n{})", a.spelled_out(), b.spelled_out());
        match self {
            Self::Number(_) | Self::Half(_) | Self::Text(_) | Self::Name(_) => self.to_string(),
            Self::Sum(a, sign, b) => pair(a, &sign.to_string(), b),
            Self::Minus(a) => format!("( -({}))", a.spelled_out()),
            Self::Compare(a, sign, b) => pair(a, sign, b),
            Self::Between(a, is_not, low, high) => {
                let (low, high) = (low.spelled_out(), high.spelled_out());
                format!("({} {} between\t{low} and {high})", a.spelled_out(), not(*is_not))
            }
            Self::In(name, is_not, texts) => {
                let texts: Vec<_> = texts.iter().map(|text| quote(text)).collect();
                format!("({name}{} in\n( {} ))", not(*is_not), texts.join(" , "))
            }
            Self::Like(a, is_not, pattern) => {
                format!("({}{} like {} escape '\u{1}')", a.spelled_out(), not(*is_not), quote(pattern))
            }
            Self::IsNull(a, is_not) => format!("({} is{} null)", a.spelled_out(), not(*is_not)),
            Self::Not(a) => format!("(not {})", a.spelled_out()),
            Self::And(a, b) => pair(a, "/* both */ and", b),
            Self::Or(a, b) => pair(a, "or", b),
        }
    }

    /// The answer of a condition, from its tree.
    fn truth(&self, facts: &Values) -> Option<bool> {
        let both = |a: &Tree, b: &Tree, wins: bool| match (a.truth(facts), b.truth(facts)) {
            (Some(a), _) | (_, Some(a)) if a == wins => Some(wins),
            (Some(_), Some(_)) => Some(!wins),
            _ => None,
        };
        match self {
            Self::And(a, b) => both(a, b, false),
            Self::Or(a, b) => both(a, b, true),
            Self::Not(a) => a.truth(facts).map(|truth| !truth),
            Self::IsNull(a, is_not) => Some(a.value(facts).is_none() != *is_not),
            Self::Compare(a, sign, b) => Some(compare(&a.value(facts)?, sign, &b.value(facts)?)),
            Self::Between(a, is_not, low, high) => {
                let (low, high) = (low.value(facts), high.value(facts));
                let value = a.value(facts);
                let above = value.as_ref().zip(low).map(|(value, low)| compare(value, ">=", &low));
                let below = value.zip(high).map(|(value, high)| compare(&value, "<=", &high));
                let inside = match (above, below) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                inside.map(|inside| inside != *is_not)
            }
            Self::In(name, is_not, texts) => match Self::Name(name.clone()).value(facts)? {
                Plain::Text(text) => Some(texts.contains(&text) != *is_not),
                Plain::Number(_) => None,
            },
            Self::Like(a, is_not, pattern) => match a.value(facts)? {
                Plain::Text(text) => Some(like(&pattern.chars().collect::<Vec<_>>(), &text) != *is_not),
                Plain::Number(_) => Some(*is_not),
            },
            _ => unreachable!("a value"),
        }
    }

    fn value(&self, facts: &Values) -> Option<Plain> {
        match self {
            Self::Number(number) => Some(Plain::Number(*number as f64)),
            Self::Half(number) => Some(Plain::Number(f64::from(*number) / 2.0)),
            Self::Text(text) => Some(Plain::Text(text.clone())),
            Self::Name(name) => facts.0.get(name).cloned(),
            Self::Minus(a) => match a.value(facts)? {
                Plain::Number(number) => Some(Plain::Number(-number)),
                Plain::Text(_) => None,
            },
            Self::Sum(a, sign, b) => match (a.value(facts)?, b.value(facts)?) {
                (Plain::Number(a), Plain::Number(b)) => Some(Plain::Number(match sign {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    _ => a / b,
                })),
                _ => None,
            },
            _ => unreachable!("a condition"),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Plain {
    Number(f64),
    Text(String),
}

fn compare(a: &Plain, sign: &str, b: &Plain) -> bool {
    let order = match (a, b) {
        (Plain::Number(a), Plain::Number(b)) => a.partial_cmp(b),
        (Plain::Text(a), Plain::Text(b)) => Some(a.cmp(b)),
        _ => None,
    };
    match (order, sign) {
        (None, sign) => sign == "<>",
        (Some(order), "=") => order.is_eq(),
        (Some(order), "<>") => order.is_ne(),
        (Some(order), "<") => order.is_lt(),
        (Some(order), "<=") => order.is_le(),
        (Some(order), ">") => order.is_gt(),
        (Some(order), _) => order.is_ge(),
    }
}

/// LIKE as its definition reads, however long it takes.
fn like(pattern: &[char], text: &str) -> bool {
    let rest = |text: &str| text.chars().next().map(|first| text[first.len_utf8()..].to_owned());
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', more)) => like(more, text) || rest(text).is_some_and(|rest| like(pattern, &rest)),
        Some(('_', more)) => rest(text).is_some_and(|rest| like(more, &rest)),
        Some((letter, more)) => text.starts_with(*letter) && like(more, &rest(text).unwrap_or_default()),
    }
}

/// Values of a message.
#[derive(Debug)]
struct Values(HashMap<String, Plain>);

impl Facts for Values {
    fn fact(&self, field: &Field) -> Operand<'_> {
        match self.0.get(field.name()) {
            None => Operand::Null,
            Some(Plain::Number(number)) => Operand::Double(*number),
            Some(Plain::Text(text)) => Operand::text(text),
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    "[ab_%'é]{0,5}"
}

/// A name of a number, or of nothing.
fn number_name() -> impl Strategy<Value = String> {
    "[abd]"
}

/// A name of a text, a number, or nothing.
fn name() -> impl Strategy<Value = String> {
    "[acd]"
}

fn scalar() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (-1000_i64..1000).prop_map(Tree::Number),
        (-9_i32..9).prop_map(Tree::Half),
        number_name().prop_map(Tree::Name),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!['+', '-', '*']), inner.clone())
                .prop_map(|(a, sign, b)| Tree::Sum(Box::new(a), sign, Box::new(b))),
            // By what is never zero: whole numbers have no negative one, as the doubles of this model do.
            inner.clone().prop_map(|a| Tree::Sum(Box::new(a), '/', Box::new(Tree::Number(4)))),
            inner.prop_map(|a| Tree::Minus(Box::new(a))),
        ]
    })
}

fn condition() -> impl Strategy<Value = Tree> {
    let ordered = prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let equality = prop::sample::select(vec!["=", "<>"]);
    let leaf = prop_oneof![
        (scalar(), ordered, scalar()).prop_map(|(a, sign, b)| Tree::Compare(Box::new(a), sign, Box::new(b))),
        (name(), equality, text()).prop_map(|(a, sign, b)| {
            Tree::Compare(Box::new(Tree::Name(a)), sign, Box::new(Tree::Text(b)))
        }),
        (scalar(), any::<bool>(), scalar(), scalar()).prop_map(|(a, is_not, b, c)| Tree::Between(
            Box::new(a),
            is_not,
            Box::new(b),
            Box::new(c)
        )),
        (name(), any::<bool>(), prop::collection::vec(text(), 1..4))
            .prop_map(|(a, is_not, texts)| Tree::In(a, is_not, texts)),
        (name(), any::<bool>(), text()).prop_map(|(a, is_not, pattern)| Tree::Like(
            Box::new(Tree::Name(a)),
            is_not,
            pattern
        )),
        (scalar(), any::<bool>()).prop_map(|(a, is_not)| Tree::IsNull(Box::new(a), is_not)),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| Tree::Not(Box::new(a))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Tree::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner).prop_map(|(a, b)| Tree::Or(Box::new(a), Box::new(b))),
        ]
    })
}

/// `a` and `b` are numbers or missing, `c` is a text or missing, `d` is missing.
fn values() -> impl Strategy<Value = Values> {
    let number = || prop::option::of((-9_i32..9).prop_map(|number| Plain::Number(f64::from(number) / 2.0)));
    let text = prop::option::of(text().prop_map(Plain::Text));
    (number(), number(), text).prop_map(|(a, b, c)| {
        let all = [("a", a), ("b", b), ("c", c)];
        Values(all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_expression_is_read_back_and_has_the_answer_of_its_tree(tree in condition(), facts in values()) {
        let printed = Selector::parse(&tree.to_string()).expect("it was printed");
        let spelled_out = Selector::parse(&tree.spelled_out());
        let wanted = match tree.truth(&facts) {
            Some(true) => Truth::True,
            Some(false) => Truth::False,
            None => Truth::Unknown,
        };
        prop_assert_eq!(printed.evaluate(&facts), wanted, "{}", tree);
        match spelled_out {
            Ok(spelled_out) => prop_assert!(printed.is_same(&spelled_out), "{}", tree),
            Err(error) => prop_assert!(matches!(error.problem, Problem::TooManyTokens | Problem::TooLong)),
        }
    }

    #[test]
    fn any_text_is_read_or_refused_at_a_place_of_it(text in "[ab19'()=<>,.+*/%_ -]{0,40}|(NOT |a |AND |= |\\( |\\)|'x' |IN ){0,12}") {
        if let Err(error) = Selector::parse(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
        }
    }
}

fn problem(text: &str) -> Problem {
    Selector::parse(text).unwrap_err().problem
}

#[test]
fn limits_hold_at_the_limit_and_past_it() {
    let long = |bytes: usize| format!("a = '{}'", "x".repeat(bytes - 6));
    assert!(Selector::parse(&long(MAX_BYTES)).is_ok());
    assert_eq!(problem(&long(MAX_BYTES + 1)), Problem::TooLong);
    let nested = |depth: usize| format!("{}TRUE{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Selector::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(problem(&nested(MAX_DEPTH + 1)), Problem::TooDeep);
    assert!(Selector::parse(&format!("{}TRUE", "NOT ".repeat(MAX_DEPTH))).is_ok());
    assert_eq!(problem(&format!("{}TRUE", "NOT ".repeat(MAX_DEPTH + 1))), Problem::TooDeep);
    assert_eq!(problem(&format!("{}a = 1", "- ".repeat(MAX_DEPTH + 1))), Problem::TooDeep);
    // Conditions in a row do not count as nested.
    let row = |tokens: usize| format!("a{}", " OR a".repeat(tokens / 2));
    assert!(Selector::parse(&row(MAX_TOKENS - 1)).is_ok());
    assert_eq!(problem(&row(MAX_TOKENS)), Problem::TooManyTokens);
}

#[test]
fn errors_are_short_whatever_the_text() {
    for text in
        ["a = '".to_owned() + &"x".repeat(4_000), format!("a {} b", "y".repeat(4_000)), "9".repeat(4_000)]
    {
        let error = Selector::parse(&text).unwrap_err().to_string();
        assert!(error.len() < 200, "{error}");
    }
}

#[test]
fn a_pattern_made_to_take_long_does_not() {
    // At every place of the text the run nearly fits. Its steps are bounded, so this ends at once or not in hours.
    let values = Values([("a".to_owned(), Plain::Text("x".repeat(1 << 20)))].into());
    for pattern in [
        format!("%{}y%", "x_".repeat(2_000)),
        "%x_".repeat(1_300) + "y",
        format!("%{}y%", "x".repeat(4_000)),
        "%x".repeat(2_000) + "y",
    ] {
        let selector = Selector::parse(&format!("a LIKE '{pattern}'")).unwrap();
        assert_eq!(selector.evaluate(&values), Truth::False);
    }
}

#[test]
fn joined_texts_stay_bounded() {
    let values = Values([("a".to_owned(), Plain::Text("x".repeat(40_000)))].into());
    assert_eq!(Selector::parse("a + a IS NULL").unwrap().evaluate(&values), Truth::True);
    assert_eq!(Selector::parse("a + 'y' IS NULL").unwrap().evaluate(&values), Truth::False);
}
