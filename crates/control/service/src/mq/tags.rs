//! Tags of brokers and configurations.

use std::collections::BTreeMap;

use ternmq_api::Refusal;
use ternmq_api::mq::{CreateTagsRequest, DeleteTagsRequest, ListTagsResponse};
use ternmq_stdx::shown;

use super::rules;
use crate::arn::Arn;
use crate::call::{Call, Output, output};
use crate::failure::Failure;
use crate::records::{Broker, Configuration};
use crate::store::Change;

type Tags = BTreeMap<String, String>;

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let input: CreateTagsRequest = call.input()?;
    let new = input.tags.unwrap_or_default();
    edit(call, |tags| {
        rules::tags(tags, &new)?;
        tags.extend(new);
        Ok(())
    })
}

pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    let input: DeleteTagsRequest = call.input()?;
    edit(call, |tags| {
        input.tag_keys.iter().for_each(|key| drop(tags.remove(key)));
        Ok(())
    })
}

pub(super) fn list(call: &Call<'_>) -> Result<Output, Failure> {
    let (arn, view) = (arn(call)?, call.view()?);
    let tags = match &arn {
        Arn::Broker { id, .. } => {
            view.get::<Broker>(&Broker::key_of(call.region, id))?.map(|broker| broker.tags)
        }
        Arn::Configuration { id } => {
            view.get::<Configuration>(&Configuration::key_of(call.region, id))?.map(|it| it.tags)
        }
    };
    output(&ListTagsResponse { tags: Some(tags.ok_or_else(|| missing(call))?) })
}

fn edit(call: &Call<'_>, work: impl FnOnce(&mut Tags) -> Result<(), Refusal>) -> Result<Output, Failure> {
    let arn = arn(call)?;
    let output = call.change(|change| {
        match &arn {
            Arn::Broker { id, .. } => {
                let mut broker: Broker = there(call, change, &Broker::key_of(call.region, id))?;
                work(&mut broker.tags)?;
                change.put(&broker)?;
            }
            Arn::Configuration { id } => {
                let mut it: Configuration = there(call, change, &Configuration::key_of(call.region, id))?;
                work(&mut it.tags)?;
                change.put(&it)?;
            }
        }
        Ok(Output::new())
    })?;
    if let Arn::Broker { id, .. } = &arn {
        // Policies of its bound users may name its tags.
        call.service.work.look_at(call.region, id);
    }
    Ok(output)
}

fn there<R: crate::store::Record>(call: &Call<'_>, change: &Change, key: &str) -> Result<R, Failure> {
    change.get(key)?.ok_or_else(|| missing(call).into())
}

fn text<'a>(call: &'a Call<'_>) -> &'a str {
    call.input.get("resource-arn").and_then(serde_json::Value::as_str).unwrap_or_default()
}

fn arn(call: &Call<'_>) -> Result<Arn, Refusal> {
    let text = text(call);
    Arn::parse(text, &call.service.settings.account, call.region).ok_or_else(|| {
        let message =
            format!("Resource ARN [{}] is invalid: it names no broker or configuration here.", shown(text));
        Refusal::bad_request("resource-arn", message)
    })
}

fn missing(call: &Call<'_>) -> Refusal {
    let text =
        format!("Can't find requested resource [{}]. Make sure your resource exists.", shown(text(call)));
    Refusal::not_found("resource-arn", text)
}
