//! The parser: one pass over the tokens, operators by how strongly they bind, steps of the program as it goes.
//!
//! NOT binds weaker than comparisons, as in SQL: `NOT a = 1` is `NOT (a = 1)`. Where a value is expected
//! (`a = NOT b`) it takes the next value only.

use crate::{
    MAX_DEPTH,
    error::{Problem, SelectorError},
    field::Field,
    like::Pattern,
    operand::{Arithmetic, Comparison},
    program::{Constant, Sense, Step},
    token::{Placed, Sign, Token, error_at},
};

/// How strongly operators bind, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Equality,
    Order,
    Sum,
    Product,
    Unary,
}

impl Binding {
    /// The next stronger one: operators of equal strength group from the left.
    fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Equality,
            Self::Equality => Self::Order,
            Self::Order => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product | Self::Unary => Self::Unary,
        }
    }
}

/// An operator behind a value.
#[derive(Clone, Copy, Debug)]
enum Infix {
    Or,
    And,
    Equality(Comparison),
    Order(Comparison),
    Arithmetic(Arithmetic),
    Is,
    Between(Sense),
    In(Sense),
    Like(Sense),
}

/// What stands before a value.
#[derive(Clone, Copy, Debug)]
enum Prefix {
    Not,
    Minus,
    Plus,
    Open,
}

/// What the steps so far leave on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Condition,
    Field,
    Number,
    Text,
    Bool,
    Null,
    /// The result of arithmetic.
    Computed,
}

/// Part of a selector, with its place for errors.
#[derive(Clone, Copy, Debug)]
struct Part {
    at: usize,
    kind: Kind,
}

/// Words that are no identifiers, in any case.
const KEYWORDS: [&str; 11] =
    ["AND", "OR", "NOT", "BETWEEN", "IN", "LIKE", "ESCAPE", "IS", "NULL", "TRUE", "FALSE"];

/// Languages for the bodies of messages, which this broker does not read.
const BODY_LANGUAGES: [&str; 2] = ["XPATH", "XQUERY"];

pub(crate) struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Placed<'a>],
    next: usize,
    depth: usize,
    steps: Vec<Step>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, tokens: &'a [Placed<'a>]) -> Self {
        Self { text, tokens, next: 0, depth: 0, steps: Vec::new() }
    }

    /// The program of the whole text.
    pub(crate) fn selector(mut self) -> Result<Vec<Step>, SelectorError> {
        let part = self.expression(Binding::Or)?;
        if self.peek(0).is_some() {
            return Err(self.no_operator("an operator or the end"));
        }
        self.make_condition(part)?;
        Ok(self.steps)
    }

    fn peek(&self, ahead: usize) -> Option<&'a Placed<'a>> {
        self.tokens.get(self.next + ahead)
    }

    /// Where the next token is.
    fn at(&self) -> usize {
        self.peek(0).map_or(self.text.len(), |placed| placed.at)
    }

    fn problem(&self, at: usize, problem: Problem) -> SelectorError {
        error_at(self.text, at, problem)
    }

    fn expected(&self, wanted: &'static str) -> SelectorError {
        let found = self.peek(0).map(|placed| placed.written.to_owned());
        self.problem(self.at(), Problem::Expected { wanted, found })
    }

    /// The same where an operator could stand, of which NOT is only the beginning.
    fn no_operator(&mut self, wanted: &'static str) -> SelectorError {
        let is_begun = self.take_word("NOT");
        self.expected(if is_begun { "BETWEEN, IN or LIKE" } else { wanted })
    }

    /// Whether a token is this keyword.
    fn is_word(&self, ahead: usize, keyword: &str) -> bool {
        matches!(self.peek(ahead), Some(Placed { token: Token::Word(word), .. }) if word.eq_ignore_ascii_case(keyword))
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let is_there = self.is_word(0, keyword);
        self.next += usize::from(is_there);
        is_there
    }

    fn take_sign(&mut self, wanted: Sign) -> bool {
        let is_there =
            matches!(self.peek(0), Some(Placed { token: Token::Sign(sign), .. }) if *sign == wanted);
        self.next += usize::from(is_there);
        is_there
    }

    fn take_text(&mut self, wanted: &'static str) -> Result<&'a str, SelectorError> {
        match self.peek(0) {
            Some(Placed { token: Token::Text(text), .. }) => {
                self.next += 1;
                Ok(text)
            }
            _ => Err(self.expected(wanted)),
        }
    }

    /// Reads on as long as operators bind at least this strongly.
    fn expression(&mut self, floor: Binding) -> Result<Part, SelectorError> {
        let mut left = self.prefix(floor)?;
        while let Some((infix, binding, len)) = self.infix() {
            if binding < floor {
                break;
            }
            self.next += len;
            left = self.operator(left, infix, binding)?;
        }
        Ok(left)
    }

    /// The operator that comes next, how strongly it binds, and its length in tokens.
    fn infix(&self) -> Option<(Infix, Binding, usize)> {
        let sign = match &self.peek(0)?.token {
            Token::Sign(sign) => *sign,
            Token::Word(_) => return self.infix_word(),
            Token::Text(_) | Token::Whole { .. } | Token::Double(_) => return None,
        };
        let (infix, binding) = match sign {
            Sign::Equal => (Infix::Equality(Comparison::Equal), Binding::Equality),
            Sign::NotEqual => (Infix::Equality(Comparison::NotEqual), Binding::Equality),
            Sign::Less => (Infix::Order(Comparison::Less), Binding::Order),
            Sign::LessOrEqual => (Infix::Order(Comparison::LessOrEqual), Binding::Order),
            Sign::Greater => (Infix::Order(Comparison::Greater), Binding::Order),
            Sign::GreaterOrEqual => (Infix::Order(Comparison::GreaterOrEqual), Binding::Order),
            Sign::Plus => (Infix::Arithmetic(Arithmetic::Plus), Binding::Sum),
            Sign::Minus => (Infix::Arithmetic(Arithmetic::Minus), Binding::Sum),
            Sign::Star => (Infix::Arithmetic(Arithmetic::Times), Binding::Product),
            Sign::Slash => (Infix::Arithmetic(Arithmetic::Divide), Binding::Product),
            Sign::Percent => (Infix::Arithmetic(Arithmetic::Modulo), Binding::Product),
            Sign::Open | Sign::Close | Sign::Comma => return None,
        };
        Some((infix, binding, 1))
    }

    fn infix_word(&self) -> Option<(Infix, Binding, usize)> {
        let (sense, ahead) = if self.is_word(0, "NOT") { (Sense::Inverted, 1) } else { (Sense::Plain, 0) };
        let (infix, binding) = if self.is_word(ahead, "BETWEEN") {
            (Infix::Between(sense), Binding::Order)
        } else if self.is_word(ahead, "IN") {
            (Infix::In(sense), Binding::Order)
        } else if self.is_word(ahead, "LIKE") {
            (Infix::Like(sense), Binding::Order)
        } else if self.is_word(0, "IS") {
            (Infix::Is, Binding::Equality)
        } else if self.is_word(0, "AND") {
            (Infix::And, Binding::And)
        } else if self.is_word(0, "OR") {
            (Infix::Or, Binding::Or)
        } else {
            return None;
        };
        Some((infix, binding, ahead + 1))
    }

    /// An operator with what follows it.
    fn operator(&mut self, left: Part, infix: Infix, binding: Binding) -> Result<Part, SelectorError> {
        match infix {
            Infix::And | Infix::Or => self.logical(left, infix, binding)?,
            Infix::Equality(comparison) => {
                let right = self.expression(binding.tighter())?;
                for part in [left, right] {
                    self.refuse(part, part.kind == Kind::Null, Problem::NullCompared)?;
                }
                self.steps.push(Step::Compare(comparison));
            }
            Infix::Order(comparison) => {
                self.check_ordered(left)?;
                let right = self.expression(binding.tighter())?;
                self.check_ordered(right)?;
                self.steps.push(Step::Compare(comparison));
            }
            Infix::Arithmetic(operator) => {
                self.expression(binding.tighter())?;
                self.steps.push(Step::Calculate(operator));
                return Ok(Part { at: left.at, kind: Kind::Computed });
            }
            Infix::Is => {
                let sense = if self.take_word("NOT") { Sense::Inverted } else { Sense::Plain };
                if !self.take_word("NULL") {
                    let wanted = if sense == Sense::Inverted { "NULL" } else { "NULL or NOT NULL" };
                    return Err(self.expected(wanted));
                }
                self.steps.push(Step::IsNull(sense));
            }
            Infix::Between(sense) => self.between(left, sense)?,
            Infix::In(sense) => self.list(left, sense)?,
            Infix::Like(sense) => self.like(sense)?,
        }
        Ok(Part { at: left.at, kind: Kind::Condition })
    }

    fn logical(&mut self, left: Part, infix: Infix, binding: Binding) -> Result<(), SelectorError> {
        self.make_condition(left)?;
        let branch = self.steps.len();
        self.steps.push(Step::UnlessFalse(0));
        let right = self.expression(binding.tighter())?;
        self.make_condition(right)?;
        let end = self.steps.len() + 1;
        let (skip, step) = match infix {
            Infix::Or => (Step::UnlessTrue(end), Step::Or),
            _ => (Step::UnlessFalse(end), Step::And),
        };
        if let Some(place) = self.steps.get_mut(branch) {
            *place = skip;
        }
        self.steps.push(step);
        Ok(())
    }

    fn between(&mut self, value: Part, sense: Sense) -> Result<(), SelectorError> {
        self.check_ordered(value)?;
        let low = self.expression(Binding::Sum)?;
        self.check_ordered(low)?;
        if !self.take_word("AND") {
            return Err(self.expected("AND and the upper bound"));
        }
        let high = self.expression(Binding::Sum)?;
        self.check_ordered(high)?;
        self.steps.push(Step::Between(sense));
        Ok(())
    }

    fn list(&mut self, value: Part, sense: Sense) -> Result<(), SelectorError> {
        self.refuse(value, value.kind != Kind::Field, Problem::NotAProperty)?;
        if !self.take_sign(Sign::Open) {
            return Err(self.expected("'(' and texts"));
        }
        let mut texts: Vec<Box<str>> = Vec::new();
        loop {
            texts.push(self.take_text("a text in quotes")?.into());
            if self.take_sign(Sign::Close) {
                break;
            }
            if !self.take_sign(Sign::Comma) {
                return Err(self.expected("',' or ')'"));
            }
        }
        texts.sort_unstable();
        texts.dedup();
        self.steps.push(Step::In(sense, texts.into()));
        Ok(())
    }

    fn like(&mut self, sense: Sense) -> Result<(), SelectorError> {
        let pattern = self.take_text("a pattern in quotes")?;
        let mut escape = None;
        if self.take_word("ESCAPE") {
            let at = self.at();
            let mut letters = self.take_text("a character in quotes")?.chars();
            escape = letters.next();
            if escape.is_none() || letters.next().is_some() {
                return Err(self.problem(at, Problem::EscapeLength));
            }
        }
        self.steps.push(Step::Like(sense, Pattern::new(pattern, escape)));
        Ok(())
    }

    fn refuse(&self, part: Part, is_wrong: bool, problem: Problem) -> Result<(), SelectorError> {
        if is_wrong { Err(self.problem(part.at, problem)) } else { Ok(()) }
    }

    fn check_ordered(&self, part: Part) -> Result<(), SelectorError> {
        let is_ordered = matches!(part.kind, Kind::Field | Kind::Number | Kind::Computed);
        self.refuse(part, !is_ordered, Problem::NotOrdered)
    }

    /// The value that was read last has to be a condition.
    fn make_condition(&mut self, part: Part) -> Result<(), SelectorError> {
        match part.kind {
            Kind::Condition | Kind::Bool | Kind::Null => {}
            Kind::Field => self.steps.push(Step::Condition),
            Kind::Number | Kind::Text | Kind::Computed => {
                return Err(self.problem(part.at, Problem::NotACondition));
            }
        }
        Ok(())
    }

    /// A value with what stands before it.
    fn prefix(&mut self, floor: Binding) -> Result<Part, SelectorError> {
        let at = self.at();
        let before = if self.take_word("NOT") {
            Prefix::Not
        } else if self.take_sign(Sign::Minus) {
            Prefix::Minus
        } else if self.take_sign(Sign::Plus) {
            Prefix::Plus
        } else if self.take_sign(Sign::Open) {
            Prefix::Open
        } else {
            return self.value();
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.problem(at, Problem::TooDeep));
        }
        let kind = match before {
            Prefix::Not => {
                let operand = self.expression(floor_of_not(floor))?;
                self.make_condition(operand)?;
                self.steps.push(Step::Not);
                Kind::Condition
            }
            Prefix::Minus => self.negative()?,
            Prefix::Plus => {
                self.expression(Binding::Unary)?;
                self.steps.push(Step::Number);
                Kind::Computed
            }
            Prefix::Open => {
                let inner = self.expression(Binding::Or)?;
                if !self.take_sign(Sign::Close) {
                    return Err(self.no_operator("an operator or ')'"));
                }
                inner.kind
            }
        };
        self.depth -= 1;
        Ok(Part { at, kind })
    }

    /// What follows a minus sign: it belongs to a number that comes at once.
    fn negative(&mut self) -> Result<Kind, SelectorError> {
        let constant = match self.peek(0).map(|placed| &placed.token) {
            Some(Token::Whole { magnitude, is_long }) => {
                let number = 0_i64.checked_sub_unsigned(*magnitude);
                self.whole(number, *is_long)?
            }
            Some(Token::Double(number)) => Constant::Double(-number),
            _ => {
                self.expression(Binding::Unary)?;
                self.steps.push(Step::Negate);
                return Ok(Kind::Computed);
            }
        };
        self.next += 1;
        self.steps.push(Step::Constant(constant));
        Ok(Kind::Number)
    }

    fn value(&mut self) -> Result<Part, SelectorError> {
        let at = self.at();
        let Some(placed) = self.peek(0) else { return Err(self.expected("a value")) };
        let (kind, constant) = match &placed.token {
            Token::Sign(_) => return Err(self.expected("a value")),
            Token::Text(text) => (Kind::Text, Constant::Text((&**text).into())),
            Token::Whole { magnitude, is_long } => {
                (Kind::Number, self.whole(0_i64.checked_add_unsigned(*magnitude), *is_long)?)
            }
            Token::Double(number) => (Kind::Number, Constant::Double(*number)),
            Token::Word(word) => match self.constant_word(word) {
                Some(constant) => constant,
                None => return self.field(word),
            },
        };
        self.next += 1;
        self.steps.push(Step::Constant(constant));
        Ok(Part { at, kind })
    }

    fn constant_word(&self, word: &str) -> Option<(Kind, Constant)> {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        Some(match word {
            _ if is("TRUE") => (Kind::Bool, Constant::Bool(true)),
            _ if is("FALSE") => (Kind::Bool, Constant::Bool(false)),
            _ if is("NULL") => (Kind::Null, Constant::Null),
            _ => return None,
        })
    }

    /// A whole number: of 32 bits when it fits and does not ask for more, as in Java.
    fn whole(&self, number: Option<i64>, is_long: bool) -> Result<Constant, SelectorError> {
        let Some(number) = number else {
            let written = self.peek(0).map(|placed| placed.written.to_owned()).unwrap_or_default();
            return Err(self.problem(self.at(), Problem::NumberRange(written)));
        };
        Ok(match i32::try_from(number) {
            Ok(small) if !is_long => Constant::Int(small),
            _ => Constant::Long(number),
        })
    }

    fn field(&mut self, word: &str) -> Result<Part, SelectorError> {
        let at = self.at();
        if KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) {
            return Err(self.expected("a value"));
        }
        let language = BODY_LANGUAGES.into_iter().find(|language| word.eq_ignore_ascii_case(language));
        if let Some(language) = language
            && matches!(self.peek(1).map(|placed| &placed.token), Some(Token::Text(_)))
        {
            return Err(self.problem(at, Problem::NotSupported(language)));
        }
        self.next += 1;
        self.steps.push(Step::Field(Field::of(word)));
        Ok(Part { at, kind: Kind::Field })
    }
}

/// What NOT takes, by where it stands.
fn floor_of_not(floor: Binding) -> Binding {
    if floor <= Binding::Not { Binding::Not } else { Binding::Unary }
}
