//! Tags of security groups, the only things here that have tags.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use ternmq_api::Refusal;
use ternmq_stdx::shown;

use super::faults::{fault, invalid, missing, no_group, unsupported};
use super::filters::{Filters, fact};
use super::{groups, pages};
use crate::call::{Call, Output};
use crate::failure::Failure;
use crate::mq;

type Tags = BTreeMap<String, String>;

/// Tags that a group gets at its creation.
pub(super) fn specified(call: &Call<'_>) -> Result<Tags, Refusal> {
    let mut tags = Tags::new();
    let specified = call.input.get("TagSpecifications").and_then(Value::as_array).into_iter().flatten();
    for one in specified {
        if one.get("ResourceType").and_then(Value::as_str) != Some("security-group") {
            return Err(invalid("The resource type of a tag specification has to be security-group here."));
        }
        add(&mut tags, one.get("Tags"))?;
    }
    check(&Tags::new(), &tags)?;
    Ok(tags)
}

fn add(tags: &mut Tags, given: Option<&Value>) -> Result<(), Refusal> {
    for tag in given.and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| tag.get(name).and_then(Value::as_str);
        let key = part("Key").ok_or_else(|| missing("Tag.Key"))?;
        if tags.insert(key.to_owned(), part("Value").unwrap_or_default().to_owned()).is_some() {
            return Err(invalid(format!("Duplicate tag key '{}' specified.", shown(key))));
        }
    }
    Ok(())
}

fn check(there: &Tags, new: &Tags) -> Result<(), Refusal> {
    mq::check_tags(there, new).map_err(|refusal| invalid(refusal.message))
}

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let mut new = Tags::new();
    add(&mut new, call.input.get("Tags"))?;
    edit(call, |tags| {
        check(tags, &new)?;
        tags.extend(new.clone());
        Ok(())
    })
}

/// With a value only the tag that has it goes; without keys all of them do.
pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    let listed = call.input.get("Tags").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let part = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).map(str::to_owned);
    let keys = listed.iter().map(|tag| Some((part(tag, "Key")?, part(tag, "Value"))));
    let keys: Vec<(String, Option<String>)> =
        keys.collect::<Option<_>>().ok_or_else(|| missing("Tag.Key"))?;
    edit(call, |tags| {
        let is_named = |key: &str, value: &str| {
            keys.iter().any(|(name, wanted)| name == key && wanted.as_deref().is_none_or(|it| it == value))
        };
        tags.retain(|key, value| !keys.is_empty() && !is_named(key, value));
        Ok(())
    })
}

/// Edits the tags of every group that a call names, or of none.
fn edit(call: &Call<'_>, work: impl Fn(&mut Tags) -> Result<(), Refusal>) -> Result<Output, Failure> {
    let (network, ids) = (groups::network(call), call.texts("Resources"));
    if ids.is_empty() {
        return Err(missing("ResourceId").into());
    }
    if let Some(other) = ids.iter().find(|id| !id.starts_with("sg-")) {
        let text = format!("Tags are kept of security groups alone here, not of '{}'.", shown(other));
        return Err(unsupported(text).into());
    }
    call.change(|change| {
        for id in &ids {
            let mut group = network.group(change, id)?.ok_or_else(|| no_group(id))?;
            work(&mut group.tags)?;
            change.put(&group)?;
        }
        Ok(Output::new())
    })
}

pub(super) fn describe(call: &Call<'_>) -> Result<Output, Failure> {
    let filters = Filters::of(call, &["key", "resource-id", "resource-type", "tag-key", "value"])?;
    if call.number("MaxResults").is_some_and(|size| !(5..=1_000).contains(&size)) {
        return Err(fault("InvalidMaxResults", "MaxResults is from 5 to 1000.").into());
    }
    let mut found = Vec::new();
    for group in groups::network(call).groups(&call.view()?)? {
        for (key, value) in &group.tags {
            let facts = vec![
                fact("key", key),
                fact("resource-id", &group.id),
                fact("resource-type", "security-group"),
                fact("tag-key", key),
                fact("value", value),
                (format!("tag:{key}"), value.clone()),
            ];
            if filters.pass(&facts) {
                found.push((group.id.clone(), key.clone(), value.clone()));
            }
        }
    }
    let key = |(id, key, _): &(String, String, String)| format!("{id}/{key}");
    let (found, next) = pages::page(call, "", found, key)?;
    let shape = |(id, key, value): &(String, String, String)| json!({"ResourceId": id, "ResourceType": "security-group", "Key": key, "Value": value});
    Ok(pages::listed("Tags", found.iter().map(shape).collect(), next))
}
