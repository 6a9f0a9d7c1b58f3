//! Amazon MQ: a file for each operation, or for operations on the same thing.

mod brokers;
mod catalogue;
mod configurations;
mod create_broker;
mod describe_broker;
mod directory;
mod reboot;
mod rules;
mod tags;
mod texts;
mod update_broker;
mod users;

use serde_json::{Map, Value};
use ternmq_api::Refusal;

use crate::arn::Arn;
use crate::call::{Call, Output};
use crate::failure::Failure;
use crate::principals::Target;
use crate::records::{Broker, Configuration};
use crate::service::Service;
use crate::store::StoreError;

pub(crate) use reboot::begin as begin_reboot;
pub(crate) use rules::tags as check_tags;
pub(crate) use texts::effective;

/// Does what a call asks for.
pub(crate) fn run(call: &Call<'_>) -> Result<Output, Failure> {
    match call.routed.operation.name {
        "CreateBroker" => create_broker::create(call),
        "ListBrokers" => brokers::list(call),
        "DescribeBroker" => describe_broker::describe(call),
        "UpdateBroker" => update_broker::update(call),
        "DeleteBroker" => brokers::delete(call),
        "RebootBroker" => reboot::reboot(call),
        "Promote" => brokers::promote(call),
        "DescribeSharedResources" => brokers::shared_resources(call),
        "CreateUser" => users::create(call),
        "UpdateUser" => users::update(call),
        "DeleteUser" => users::delete(call),
        "DescribeUser" => users::describe(call),
        "ListUsers" => users::list(call),
        "CreateConfiguration" => configurations::create(call),
        "ListConfigurations" => configurations::list(call),
        "DescribeConfiguration" => configurations::describe(call),
        "UpdateConfiguration" => configurations::update(call),
        "DeleteConfiguration" => configurations::delete(call),
        "ListConfigurationRevisions" => configurations::list_revisions(call),
        "DescribeConfigurationRevision" => configurations::describe_revision(call),
        "CreateTags" => tags::create(call),
        "DeleteTags" => tags::delete(call),
        "ListTags" => tags::list(call),
        "DescribeBrokerEngineTypes" => catalogue::engine_types(call),
        "DescribeBrokerInstanceOptions" => catalogue::instance_options(call),
        other => {
            let text = format!("{other} is not there yet.");
            Err(Refusal::new("UnknownOperationException", 404, text).into())
        }
    }
}

/// Whether an operation changes nothing.
pub(crate) fn is_read(operation: &str) -> bool {
    operation.starts_with("List") || operation.starts_with("Describe")
}

/// The resource of a call (facts, section 5.4). What does not exist has no name and no tags.
pub(crate) fn target(
    service: &Service,
    region: &str,
    operation: &str,
    input: &Map<String, Value>,
) -> Result<Target, StoreError> {
    let mut target = resource(service, region, input)?;
    let is_creation = matches!(operation, "CreateBroker" | "CreateConfiguration");
    if is_creation && input.get("tags").and_then(Value::as_object).is_some_and(|tags| !tags.is_empty()) {
        target.also.push(("mq:CreateTags", target.arn.clone()));
    }
    Ok(target)
}

fn resource(service: &Service, region: &str, input: &Map<String, Value>) -> Result<Target, StoreError> {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let arn = text("resource-arn").and_then(|arn| Arn::parse(arn, &service.settings.account, region));
    let (broker, configuration) = match &arn {
        Some(Arn::Broker { id, .. }) => (Some(id.as_str()), None),
        Some(Arn::Configuration { id }) => (None, Some(id.as_str())),
        None => (text("broker-id"), text("configuration-id")),
    };
    let pairs = |tags: std::collections::BTreeMap<String, String>| tags.into_iter().collect();
    if let Some(id) = broker {
        let found = service.store.view()?.get::<Broker>(&Broker::key_of(region, id))?;
        let name = found.as_ref().map_or("*", |broker| broker.name.as_str());
        let arn = Arn::broker(&service.settings.account, region, name, id);
        return Ok(Target::of(arn, found.map(|broker| pairs(broker.tags)).unwrap_or_default()));
    }
    if let Some(id) = configuration {
        let found = service.store.view()?.get::<Configuration>(&Configuration::key_of(region, id))?;
        let arn = Arn::configuration(&service.settings.account, region, id);
        return Ok(Target::of(arn, found.map(|it| pairs(it.tags)).unwrap_or_default()));
    }
    Ok(Target::of(text("resource-arn").unwrap_or("*"), Vec::new()))
}
