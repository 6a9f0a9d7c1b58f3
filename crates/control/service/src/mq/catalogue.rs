//! DescribeBrokerEngineTypes and DescribeBrokerInstanceOptions.

use ternmq_api::Refusal;
use ternmq_api::mq::{
    AvailabilityZone, BrokerEngineType, BrokerInstanceOption, DescribeBrokerEngineTypesRequest,
    DescribeBrokerEngineTypesResponse, DescribeBrokerInstanceOptionsRequest,
    DescribeBrokerInstanceOptionsResponse, EngineVersion,
};
use ternmq_stdx::shown;

use crate::call::{Call, Output, output};
use crate::catalogue::{EngineType, INSTANCE_TYPES, InstanceType, StorageType, availability_zones};
use crate::failure::Failure;
use crate::page::Page;

pub(super) fn engine_types(call: &Call<'_>) -> Result<Output, Failure> {
    let input: DescribeBrokerEngineTypesRequest = call.input()?;
    let page = Page::of(input.max_results, input.next_token.as_deref())?;
    let asked = engine(input.engine_type.as_deref())?;
    let engines = EngineType::ALL.into_iter().filter(|engine| asked.is_none_or(|asked| asked == *engine));
    let (engines, next_token) = page.of_sorted(engines, |engine| engine.upper().to_owned());
    let described = |engine: EngineType| {
        let name = |version: &crate::catalogue::Version| EngineVersion { name: Some(version.name.into()) };
        BrokerEngineType {
            engine_type: Some(engine.upper().into()),
            engine_versions: Some(engine.versions().iter().map(name).collect()),
        }
    };
    output(&DescribeBrokerEngineTypesResponse {
        broker_engine_types: Some(engines.into_iter().map(described).collect()),
        max_results: Some(page.max_results()),
        next_token,
    })
}

pub(super) fn instance_options(call: &Call<'_>) -> Result<Output, Failure> {
    let input: DescribeBrokerInstanceOptionsRequest = call.input()?;
    let page = Page::of(input.max_results, input.next_token.as_deref())?;
    let asked = engine(input.engine_type.as_deref())?;
    let storage = match input.storage_type.as_deref() {
        None => None,
        Some(name) => Some(StorageType::of(&name.to_uppercase()).ok_or_else(|| {
            let text = format!("Storage type [{}] is invalid. Valid values: [EBS, EFS].", shown(name));
            Refusal::bad_request("storageType", text)
        })?),
    };
    let options =
        INSTANCE_TYPES.iter().flat_map(|it| it.storage_types.iter().map(move |storage| (it, *storage)));
    let mut options: Vec<(&InstanceType, StorageType)> = options
        .filter(|(it, _)| asked.is_none_or(|asked| asked == it.engine))
        .filter(|(_, of)| storage.is_none_or(|storage| storage == *of))
        .filter(|(it, _)| input.host_instance_type.as_ref().is_none_or(|name| name == it.name))
        .collect();
    options.sort_by_key(key);
    let (options, next_token) = page.of_sorted(options.into_iter(), key);
    output(&DescribeBrokerInstanceOptionsResponse {
        broker_instance_options: Some(options.into_iter().map(|option| described(call, option)).collect()),
        max_results: Some(page.max_results()),
        next_token,
    })
}

fn key((it, storage): &(&InstanceType, StorageType)) -> String {
    format!("{}/{}/{}", it.engine.upper(), it.name, storage.lower())
}

/// Deployment modes are those that brokers can be created with in this version.
fn described(call: &Call<'_>, (it, storage): (&InstanceType, StorageType)) -> BrokerInstanceOption {
    let versions =
        it.engine.versions().iter().map(|version| version.name).filter(|name| it.has_version(name));
    let zones = availability_zones(call.region).into_iter().map(|name| AvailabilityZone { name: Some(name) });
    BrokerInstanceOption {
        availability_zones: Some(zones.collect()),
        engine_type: Some(it.engine.upper().into()),
        host_instance_type: Some(it.name.into()),
        storage_type: Some(storage.lower().into()),
        supported_deployment_modes: Some(vec!["SINGLE_INSTANCE".into()]),
        supported_engine_versions: Some(versions.map(str::to_owned).collect()),
    }
}

fn engine(name: Option<&str>) -> Result<Option<EngineType>, Refusal> {
    let Some(name) = name else { return Ok(None) };
    let found = EngineType::of(&name.to_uppercase()).ok_or_else(|| {
        let text =
            format!("Broker engine type [{}] is invalid. Valid values: [ACTIVEMQ, RABBITMQ].", shown(name));
        Refusal::bad_request("engineType", text)
    })?;
    Ok(Some(found))
}
