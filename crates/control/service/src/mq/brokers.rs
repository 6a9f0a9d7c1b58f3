//! Brokers found, listed, deleted; and what is not there yet.

use ternmq_api::Refusal;
use ternmq_api::mq::{
    BrokerSummary, DeleteBrokerResponse, DescribeSharedResourcesRequest, DescribeSharedResourcesResponse,
    ListBrokersRequest, ListBrokersResponse,
};
use ternmq_stdx::shown;

use crate::arn::Arn;
use crate::call::{Call, Output, output};
use crate::failure::Failure;
use crate::page::Page;
use crate::records::{Broker, BrokerState};
use crate::store::{Change, Record};
use crate::time::iso_millis;

/// The broker that the path names.
pub(super) fn found(call: &Call<'_>) -> Result<Broker, Failure> {
    let id = id(call);
    let found = call.view()?.get(&Broker::key_of(call.region, id))?;
    found.ok_or_else(|| missing(id).into())
}

/// The same, inside a change.
pub(super) fn found_in(call: &Call<'_>, change: &Change) -> Result<Broker, Failure> {
    let id = id(call);
    change.get(&Broker::key_of(call.region, id))?.ok_or_else(|| missing(id).into())
}

/// The same, if it runs: what a workflow is busy with is not changed under it.
pub(super) fn running_in(call: &Call<'_>, change: &Change) -> Result<Broker, Failure> {
    let broker = found_in(call, change)?;
    if broker.state == BrokerState::Running {
        return Ok(broker);
    }
    let text = format!(
        "Broker [{}] is in state [{}]. Wait until it is in state [RUNNING], then try again.",
        broker.id,
        broker.state.name()
    );
    Err(Refusal::bad_request("broker-id", text).into())
}

fn id<'a>(call: &'a Call<'_>) -> &'a str {
    call.input.get("broker-id").and_then(serde_json::Value::as_str).unwrap_or_default()
}

pub(super) fn missing(id: &str) -> Refusal {
    let text = format!("Can't find requested broker [{}]. Make sure your broker exists.", shown(id));
    Refusal::not_found("broker-id", text)
}

pub(super) fn list(call: &Call<'_>) -> Result<Output, Failure> {
    let input: ListBrokersRequest = call.input()?;
    let page = Page::of(input.max_results, input.next_token.as_deref())?;
    let mut brokers: Vec<Broker> =
        call.view()?.scan(&Broker::prefix(call.region), &page.after, page.size + 1)?;
    let next_token = page.cut(&mut brokers, Record::key);
    let account = &call.service.settings.account;
    let summary = |broker: &Broker| BrokerSummary {
        broker_arn: Some(Arn::broker(account, &broker.region, &broker.name, &broker.id)),
        broker_id: Some(broker.id.clone()),
        broker_name: Some(broker.name.clone()),
        broker_state: Some(broker.state.name().into()),
        created: Some(iso_millis(broker.created_ms)),
        deployment_mode: "SINGLE_INSTANCE".into(),
        engine_type: broker.engine.mixed().into(),
        host_instance_type: Some(broker.settings.instance_type.clone()),
    };
    output(&ListBrokersResponse { broker_summaries: Some(brokers.iter().map(summary).collect()), next_token })
}

/// A broker can be deleted in any state; one that is being deleted already is left to it.
pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    call.change(|change| {
        let mut broker = found_in(call, change)?;
        broker.state = BrokerState::Deleting;
        change.put(&broker)?;
        call.touch(&broker.id);
        output(&DeleteBrokerResponse { broker_id: Some(broker.id) })
    })
}

/// There are no replicas, so no broker is one.
pub(super) fn promote(call: &Call<'_>) -> Result<Output, Failure> {
    let broker = found(call)?;
    let text = format!(
        "Broker [{}] is not a replica and cannot be promoted. Data replication mode [CRDR] is not there yet.",
        broker.id
    );
    Err(Refusal::bad_request("broker-id", text).into())
}

/// No resource shares can be attached, so none are.
pub(super) fn shared_resources(call: &Call<'_>) -> Result<Output, Failure> {
    let input: DescribeSharedResourcesRequest = call.input()?;
    Page::of(input.max_results, input.next_token.as_deref())?;
    found(call)?;
    output(&DescribeSharedResourcesResponse { next_token: None, shared_resources: Some(Vec::new()) })
}
