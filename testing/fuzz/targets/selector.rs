//! The text of a selector: an error points into the text and is short, what is read answers the same when read again, and
//! an answer about a message comes without a panic.

#![no_main]

use std::cell::Cell;

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;
use ternmq_selector::{Facts, Field, Operand, Rules, Selector};

/// Gives values of all types in turn, the input's own bytes among them.
struct Turns<'a> {
    next: Cell<u8>,
    text: &'a str,
}

impl Facts for Turns<'_> {
    fn fact(&self, _: &Field) -> Operand<'_> {
        let turn = self.next.get();
        self.next.set(turn.wrapping_add(1));
        match turn % 7 {
            0 => Operand::text(self.text),
            1 => Operand::Int(i32::from(turn) - 100),
            2 => Operand::Bool(turn < 128),
            3 => Operand::Long(i64::MAX - i64::from(turn)),
            4 => Operand::Double(f64::from(turn) / 3.0),
            5 => Operand::text("x1%_"),
            _ => Operand::Null,
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(input) else { return };
    let rules = Rules { converts_text: first & 1 == 1, has_hyphens: first & 2 == 2 };
    match Selector::parse_by(text, rules) {
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column));
            assert!(error.to_string().len() < 400);
        }
        Ok(selector) => {
            let again = Selector::parse_by(text, rules).expect("it was read");
            let facts = |turn| Turns { next: Cell::new(turn), text };
            for turn in [*first, 0] {
                assert_eq!(selector.evaluate(&facts(turn)), again.evaluate(&facts(turn)));
            }
            // Parentheses around all of it change nothing, but where that is one too many.
            if text.starts_with(['a', 'b'])
                && let Ok(inner) = Selector::parse_by(&format!("({text})"), rules)
            {
                assert!(selector.is_same(&inner));
            }
        }
    }
});
