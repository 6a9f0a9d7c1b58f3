//! A message's group: messages of one group go to one consumer of a queue while it lives.

use std::num::NonZeroU64;

/// What a message means for its group beside belonging to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupRole {
    /// Nothing more.
    #[default]
    Member,
    /// The group begins anew with it: whoever gets it gets the rest.
    First,
    /// The group ends with it: what comes later may go to another consumer.
    Last,
}

/// A group and a message's role in it, in one word. Groups are known by 61 bits of a hash of their names: two of the same
/// hash share a consumer.
///
/// ```text
/// bit 63 .. 3: hash of the name | bit 2: 1 | bits 1, 0: role (0 member, 1 first, 2 last)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group(NonZeroU64);

const PRESENT: u64 = 4;
const ROLE: u64 = 3;

impl Group {
    /// The group of a name; the same on every machine, as it is kept with the message.
    #[must_use]
    pub fn new(name: &str, role: GroupRole) -> Self {
        let role = match role {
            GroupRole::Member => 0,
            GroupRole::First => 1,
            GroupRole::Last => 2,
        };
        Self::of_bits(hash(name.as_bytes()) & !(PRESENT | ROLE) | role)
    }

    /// As [`Self::new`], with the role that the message's number in the group says: 1 is the first, below 0 the last.
    #[must_use]
    pub fn numbered(name: &str, number: i64) -> Self {
        let role = match number {
            1 => GroupRole::First,
            ..=-1 => GroupRole::Last,
            _ => GroupRole::Member,
        };
        Self::new(name, role)
    }

    /// The group of a word that [`Self::bits`] gave.
    #[must_use]
    pub fn of_bits(bits: u64) -> Self {
        // It is not 0, as a bit is set that is always set.
        Self(NonZeroU64::new(bits | PRESENT).unwrap_or(NonZeroU64::MIN))
    }

    /// Everything in one word.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0.get()
    }

    /// What stands for its name.
    #[must_use]
    pub fn key(self) -> u64 {
        self.0.get() & !(PRESENT | ROLE)
    }

    /// What the message means for the group.
    #[must_use]
    pub fn role(self) -> GroupRole {
        match self.0.get() & ROLE {
            1 => GroupRole::First,
            2 => GroupRole::Last,
            _ => GroupRole::Member,
        }
    }
}

/// FNV-1a, its bits mixed once more so that the high ones depend on all of the name.
fn hash(name: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325, fold);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_and_its_role_come_back_from_their_word() {
        for (number, role) in [
            (0, GroupRole::Member),
            (1, GroupRole::First),
            (2, GroupRole::Member),
            (-1, GroupRole::Last),
            (i64::MIN, GroupRole::Last),
        ] {
            let group = Group::numbered("g", number);
            assert_eq!((group.role(), group.key()), (role, Group::new("g", GroupRole::Member).key()));
            assert_eq!(Group::of_bits(group.bits()), group);
        }
        assert_ne!(Group::numbered("g", 0).key(), Group::numbered("h", 0).key());
        assert_eq!(Group::of_bits(0).key(), 0, "any word is a group");
    }

    /// The hash is on the disk with the messages.
    #[test]
    fn the_hash_of_a_name_never_changes() {
        assert_eq!(Group::numbered("orders", 1).bits(), 14_890_784_073_112_755_997);
    }
}
