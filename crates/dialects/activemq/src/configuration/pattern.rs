//! Names and patterns of destinations: words joined by dots, `*` for a word, `>` for any number of them at the end.

use std::cmp::Ordering;

use ternmq_routing::Wildcards;

const LANGUAGE: Wildcards = Wildcards::DOT_STAR_ANGLE;

/// Whether it is the name of one destination.
pub(super) fn is_plain(text: &str) -> bool {
    LANGUAGE.is_plain(text)
}

/// Whether a pattern covers a name, or every name that another pattern covers.
pub(super) fn covers(pattern: &str, name: &str) -> bool {
    // A word that stands for others is covered by one that stands for as many.
    LANGUAGE.is_match(pattern, name) && (pattern.contains('>') || !name.split('.').any(|word| word == ">"))
}

/// Which of two patterns that cover a name counts: less is more. One that the other covers is the closer one, of two that do
/// not cover each other the first by name.
pub(super) fn closer(one: &str, other: &str) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    match (covers(one, other), covers(other, one)) {
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => one.cmp(other),
    }
}

/// The rest of a name behind a start in which each `*` stands for at least one letter of a word.
pub(super) fn strip_start<'a>(start: &str, name: &'a str) -> Option<&'a str> {
    let mut parts = start.split('*');
    let mut rest = name.strip_prefix(parts.next().unwrap_or_default())?;
    for part in parts {
        let end = rest.find('.').unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(end)?;
        if word.is_empty() {
            return None;
        }
        rest = behind.strip_prefix(part)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_names_and_closer_patterns() {
        for (pattern, name, expect) in [
            (">", "a.b", true),
            (">", "a.>", true),
            ("a.*", "a.b", true),
            ("a.*", "a.*", true),
            ("a.*", "a.>", false),
            ("a.>", "a.b.c", true),
            ("a.>", "b", false),
            ("a.b", "a.*", false),
        ] {
            assert_eq!(covers(pattern, name), expect, "{pattern} {name}");
        }
        let mut all = [">", "a.>", "a.*", "a.b", "*.b"];
        all.sort_by(|one, other| closer(one, other));
        assert_eq!(all[0], "a.b");
        assert_eq!(all[4], ">");
        assert_eq!(closer("*.b", "a.*"), Ordering::Less, "by name");
    }

    #[test]
    fn a_start_holds_words_of_any_name() {
        for (start, name, expect) in [
            ("Consumer.*.", "Consumer.A.VirtualTopic.T", Some("VirtualTopic.T")),
            ("Consumer.*.", "Consumer..T", None),
            ("Consumer.*.", "Consumer.A", None),
            ("*.*.", "a.b.c.d", Some("c.d")),
            ("VTC-", "VTC-a", Some("a")),
            ("VTC-*-", "VTC-a-b", None),
            ("", "a", Some("a")),
        ] {
            assert_eq!(strip_start(start, name), expect, "{start} {name}");
        }
    }
}
