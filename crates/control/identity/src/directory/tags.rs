//! Tags of users, roles and policies.

use super::fault::Fault;
use super::names::{broken, check_length};
use super::quota::TAGS;
use super::record::{Tag, Tags};

/// Adds tags to those that are there; one of the same key takes the other's place.
pub(super) fn add(tags: &Tags, added: &[Tag]) -> Result<Tags, Fault> {
    check_list("tags", added.len())?;
    let mut all = tags.clone();
    let mut seen = Tags::new();
    for tag in added {
        check(tag)?;
        let key = tag.key.to_lowercase();
        if seen.insert(key.clone(), tag.clone()).is_some() {
            return Err(Fault::Input(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        all.insert(key, tag.clone());
    }
    if all.len() > TAGS {
        return Err(Fault::Quota { quota: "TagsPerEntity", max: TAGS });
    }
    Ok(all)
}

/// Takes tags away; one that is not there is passed over.
pub(super) fn remove(tags: &Tags, keys: &[&str]) -> Result<Tags, Fault> {
    check_list("tagKeys", keys.len())?;
    let mut left = tags.clone();
    for key in keys {
        check_key("tagKeys", key)?;
        left.remove(&key.to_lowercase());
    }
    Ok(left)
}

fn check_list(field: &'static str, count: usize) -> Result<(), Fault> {
    if count <= TAGS {
        return Ok(());
    }
    let rule = format!("Member must have length less than or equal to {TAGS}.");
    Err(Fault::Validation { field, value: format!("{count} members"), rule })
}

fn check(tag: &Tag) -> Result<(), Fault> {
    check_key("tags.member.key", &tag.key)?;
    check_length("tags.member.value", &tag.value, 0, 256)?;
    if !tag.value.chars().all(is_letter) {
        let rule = "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*";
        return Err(broken("tags.member.value", &tag.value, rule));
    }
    Ok(())
}

fn check_key(field: &'static str, key: &str) -> Result<(), Fault> {
    check_length(field, key, 1, 128)?;
    if !key.chars().all(is_letter) {
        let rule = "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+";
        return Err(broken(field, key, rule));
    }
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(Fault::Input("Tag keys that begin with 'aws:' are reserved."));
    }
    Ok(())
}

fn is_letter(letter: char) -> bool {
    let is_blank = letter.is_whitespace() && !letter.is_control();
    letter.is_alphanumeric() || is_blank || "_.:/=+-@".contains(letter)
}
