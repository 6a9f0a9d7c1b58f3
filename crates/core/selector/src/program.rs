//! The program that a selector becomes: steps for a stack of values, each taken at most once.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::{
    field::Field,
    like::Pattern,
    operand::{Arithmetic, Comparison, Operand, TextIs},
    selector::Truth,
};

/// Where the values of one message come from.
pub trait Facts {
    /// The value of a field, [`Operand::Null`] when the message has none.
    fn fact(&self, field: &Field) -> Operand<'_>;
}

/// One step. Operands are taken from the stack, the last one from its top; the result goes there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Constant(Constant),
    Field(Field),
    /// Makes a condition of a value.
    Condition,
    Not,
    /// Passes over the steps up to this one when the condition on the stack is false already; it stays there.
    UnlessFalse(usize),
    /// The same when it is true.
    UnlessTrue(usize),
    And,
    Or,
    Compare(Comparison),
    /// Value, lowest, highest.
    Between(Sense),
    In(Sense, Box<[Box<str>]>),
    Like(Sense, Pattern),
    IsNull(Sense),
    Calculate(Arithmetic),
    Negate,
    /// A number, or nothing.
    Number,
}

/// A value in the selector.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    Text(Box<str>),
}

/// Whether NOT stands before an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    Plain,
    Inverted,
}

impl Sense {
    fn apply(self, condition: Operand<'_>) -> Operand<'_> {
        if self == Self::Inverted { condition.not() } else { condition }
    }
}

impl Constant {
    fn operand(&self) -> Operand<'_> {
        match self {
            Self::Null => Operand::Null,
            Self::Bool(truth) => Operand::Bool(*truth),
            Self::Int(number) => Operand::Int(*number),
            Self::Long(number) => Operand::Long(*number),
            Self::Double(number) => Operand::Double(*number),
            Self::Text(text) => Operand::Text(Cow::Borrowed(text)),
        }
    }
}

/// Values that later steps take. Few selectors need more than this many at once.
type Stack<'a> = SmallVec<[Operand<'a>; 8]>;

/// Takes the last value. The parser puts one there for each that a step takes.
fn take<'a>(stack: &mut Stack<'a>) -> Operand<'a> {
    stack.pop().unwrap_or(Operand::Null)
}

/// Runs a program.
pub(crate) fn run(steps: &[Step], texts: TextIs, facts: &dyn Facts) -> Truth {
    let mut stack = Stack::new();
    let mut next = 0;
    while let Some(step) = steps.get(next) {
        next += 1;
        match step {
            Step::Constant(constant) => stack.push(constant.operand()),
            Step::Field(field) => stack.push(facts.fact(field)),
            Step::UnlessFalse(to) if stack.last() == Some(&Operand::Bool(false)) => next = *to,
            Step::UnlessTrue(to) if stack.last() == Some(&Operand::Bool(true)) => next = *to,
            Step::UnlessFalse(_) | Step::UnlessTrue(_) => {}
            Step::And | Step::Or | Step::Compare(_) | Step::Calculate(_) => {
                let (right, left) = (take(&mut stack), take(&mut stack));
                stack.push(combine(step, texts, left, right));
            }
            Step::Between(sense) => {
                let (high, low, value) = (take(&mut stack), take(&mut stack), take(&mut stack));
                let above = value.compare(Comparison::GreaterOrEqual, &low, texts);
                let below = value.compare(Comparison::LessOrEqual, &high, texts);
                stack.push(sense.apply(above.and(below)));
            }
            _ => {
                let value = take(&mut stack);
                stack.push(change(step, value));
            }
        }
    }
    match stack.pop() {
        Some(Operand::Bool(true)) => Truth::True,
        Some(Operand::Bool(false)) => Truth::False,
        _ => Truth::Unknown,
    }
}

/// A step that makes one value of two.
fn combine<'a>(step: &Step, texts: TextIs, left: Operand<'a>, right: Operand<'a>) -> Operand<'a> {
    match step {
        Step::And => left.and(right),
        Step::Or => left.or(right),
        Step::Compare(comparison) => left.compare(*comparison, &right, texts),
        Step::Calculate(operator) => left.calculate(*operator, &right),
        _ => Operand::Null,
    }
}

/// A step that makes another value of one.
fn change<'a>(step: &Step, value: Operand<'a>) -> Operand<'a> {
    match step {
        Step::Condition => value.into_condition(),
        Step::Not => value.not(),
        Step::IsNull(sense) => sense.apply(Operand::Bool(value.is_null())),
        Step::Like(_, _) if value.is_null() => Operand::Null,
        Step::Like(sense, pattern) => {
            let fits = matches!(&value, Operand::Text(text) if pattern.fits(text));
            sense.apply(Operand::Bool(fits))
        }
        Step::In(sense, texts) => match value {
            Operand::Text(text) => sense.apply(Operand::Bool(has(texts, &text))),
            _ => Operand::Null,
        },
        Step::Negate => value.negate(),
        Step::Number => match value {
            Operand::Int(_) | Operand::Long(_) | Operand::Double(_) => value,
            Operand::Null | Operand::Bool(_) | Operand::Text(_) => Operand::Null,
        },
        _ => Operand::Null,
    }
}

/// Whether a text is among these, which are in order.
fn has(texts: &[Box<str>], text: &str) -> bool {
    texts.binary_search_by(|known| (**known).cmp(text)).is_ok()
}
