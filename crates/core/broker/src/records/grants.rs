//! Layout of grants.
//!
//! ```text
//! count of layers (4) | layers
//! layer: count of rules (4) | rules
//! rule:  0 allows, 1 denies (1) | acts, a bit each (1) | kinds, a bit each (1) | 0 only, 1 all but (1)
//!        | count of patterns (4) | patterns: text each
//! ```

use ternmq_access::{Acts, Glob, GrantEffect, GrantKinds, GrantNames, GrantRule, Grants};
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

/// Bytes of a rule without patterns.
const RULE_MIN_BYTES: usize = 8;

pub(super) fn write_grants(out: &mut Writer, grants: &Grants) {
    out.count(grants.layers().len());
    for layer in grants.layers() {
        out.count(layer.len());
        for rule in layer {
            out.bool(rule.effect == GrantEffect::Deny).u8(rule.acts.bits()).u8(rule.kinds.bits());
            out.bool(matches!(rule.names, GrantNames::AllBut(_))).count(rule.names.globs().len());
            for glob in rule.names.globs() {
                out.text(glob.text());
            }
        }
    }
}

pub(super) fn read_grants(input: &mut Reader<'_>) -> Result<Grants, BadLayout> {
    let bad = input.bad();
    let layer_count = input.count(4)?;
    let mut layers = Vec::new();
    for _ in 0..layer_count {
        let rule_count = input.count(RULE_MIN_BYTES)?;
        layers.push((0..rule_count).map(|_| read_rule(input)).collect::<Result<Vec<_>, _>>()?);
    }
    Grants::new(layers).map_err(|_| bad)
}

fn read_rule(input: &mut Reader<'_>) -> Result<GrantRule, BadLayout> {
    let bad = input.bad();
    let effect = if input.bool()? { GrantEffect::Deny } else { GrantEffect::Allow };
    let acts = Acts::from_bits(input.u8()?).ok_or(bad)?;
    let kinds = GrantKinds::from_bits(input.u8()?).ok_or(bad)?;
    let is_all_but = input.bool()?;
    let count = input.count(4)?;
    let mut globs = Vec::new();
    for _ in 0..count {
        globs.push(Glob::new(&input.text()?).map_err(|_| bad)?);
    }
    let names = if is_all_but { GrantNames::AllBut(globs) } else { GrantNames::Only(globs) };
    Ok(GrantRule { effect, acts, kinds, names })
}

#[cfg(test)]
mod tests {
    use ternmq_access::{Act, GrantKind};

    use super::super::definition::{read_definition, write_definition};
    use super::*;
    use crate::definition::{Definition, GrantsDefinition, UserDefinition};

    fn rule(effect: GrantEffect, acts: &[Act], kinds: &[GrantKind], names: GrantNames) -> GrantRule {
        let (acts, kinds) = (acts.iter().copied().collect(), kinds.iter().copied().collect());
        GrantRule { effect, acts, kinds, names }
    }

    fn definition() -> Definition {
        let glob = |text: &str| Glob::new(text).unwrap();
        let allow = rule(
            GrantEffect::Allow,
            &[Act::Send, Act::Receive],
            &[GrantKind::Queue, GrantKind::Key],
            GrantNames::Only(vec![glob("%2F/q*"), glob("\\*")]),
        );
        let deny =
            rule(GrantEffect::Deny, &[Act::Manage], &[GrantKind::Broker], GrantNames::AllBut(Vec::new()));
        let grants = Grants::new(vec![vec![allow, deny], Vec::new()]).unwrap();
        Definition::PutGrants(GrantsDefinition { user: "u".into(), grants })
    }

    #[rustfmt::skip]
    const GOLDEN: &[u8] = &[
        23, 1, 0, 0, 0, b'u',
        2, 0, 0, 0,
            2, 0, 0, 0,
                0, 0b0001_1000, 0b0001_0100, 0, 2, 0, 0, 0,
                    6, 0, 0, 0, b'%', b'2', b'F', b'/', b'q', b'*',
                    2, 0, 0, 0, b'\\', b'*',
                1, 0b0010_0000, 0b0000_0001, 1, 0, 0, 0, 0,
            0, 0, 0, 0,
    ];

    #[test]
    fn grants_have_these_bytes() {
        let mut out = Writer::default();
        write_definition(&mut out, &definition());
        assert_eq!(out.bytes(), GOLDEN);
        assert_eq!(read_definition(GOLDEN), Ok(definition()));
        for len in 0..GOLDEN.len() {
            assert!(read_definition(&GOLDEN[..len]).is_err(), "cut at {len}");
        }
        let freed = Definition::DeleteGrants("u".into());
        out.clear();
        write_definition(&mut out, &freed);
        assert_eq!(out.bytes(), [24, 1, 0, 0, 0, b'u']);
        assert_eq!(read_definition(out.bytes()), Ok(freed));
    }

    #[test]
    fn a_user_has_the_bytes_that_it_had_before_there_were_grants() {
        #[rustfmt::skip]
        let bytes = [9, 1, 0, 0, 0, b'u', 0, 1, 0, 0, 0, 1, 0, 0, 0, b't', 0, 1, 3, 0, 0, 0, 0, 0, 0, 0];
        let user = Definition::PutUser(UserDefinition {
            name: "u".into(),
            tags: vec!["t".into()],
            max_sessions: Some(3),
            ..UserDefinition::default()
        });
        let mut out = Writer::default();
        write_definition(&mut out, &user);
        assert_eq!(out.bytes(), bytes);
        assert_eq!(read_definition(&bytes), Ok(user));
    }

    #[test]
    fn what_is_no_grant_is_not_read() {
        let mut bytes = GOLDEN.to_vec();
        for (at, value) in [(15, 0b0100_0000), (16, 0b0010_0000), (14, 2), (17, 2), (6, 5)] {
            let old = std::mem::replace(&mut bytes[at], value);
            assert!(read_definition(&bytes).is_err(), "{value} at {at}");
            bytes[at] = old;
        }
        assert!(read_definition(&bytes).is_ok());
    }
}
