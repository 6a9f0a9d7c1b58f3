//! One record for each call.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;
use ternmq_api::Refusal;

use super::rig::{KEY, Rig, rabbitmq};
use crate::audit::verify;
use crate::service::Peer;

#[test]
fn a_request_that_was_not_read_whole_leaves_its_record() {
    let rig = Rig::new();
    let head = rig.sign("POST", "/v1/configurations", "", "");
    let refusal = Refusal::new("RequestEntityTooLargeException", 413, "Too much.");
    let answer = rig.service.answer_unread(&head, Peer(IpAddr::V4(Ipv4Addr::LOCALHOST)), &refusal);
    let id = answer.headers.iter().find(|(name, _)| *name == "x-amzn-requestid").map(|(_, id)| id.as_str());
    let found = rig.audit();
    assert_eq!((answer.status, found.len()), (413, 1));
    assert_eq!(found[0]["requestID"].as_str(), id);
    assert_eq!(found[0]["eventName"], "CreateConfiguration");
    assert_eq!(found[0]["errorCode"], "RequestEntityTooLargeException");
    assert_eq!(found[0]["userIdentity"]["type"], "Unknown");
}

#[test]
fn every_call_leaves_one_record() {
    let rig = Rig::new();
    let id = rig.broker(&rabbitmq("orders"));
    rig.get(&format!("/v1/brokers/{id}"));
    rig.get("/v1/brokers/b-0");
    rig.get("/v1/nothing");
    let mut unsigned = rig.sign("GET", "/v1/brokers", "", "");
    unsigned.headers.clear();
    rig.send(&unsigned);
    let found = rig.audit();
    let names: Vec<&str> = found.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["CreateBroker", "DescribeBroker", "DescribeBroker", "Unknown", "ListBrokers"]);
    let codes: Vec<&str> = found.iter().map(|record| record["errorCode"].as_str().unwrap_or("-")).collect();
    assert_eq!(
        codes,
        ["-", "-", "NotFoundException", "UnknownOperationException", "MissingAuthenticationTokenException"]
    );
    let created = &found[0];
    assert_eq!(created["eventSource"], "amazonmq.amazonaws.com");
    assert_eq!(created["userIdentity"]["accessKeyId"], KEY);
    assert_eq!(created["requestParameters"]["users"][0]["password"], "***");
    assert_eq!(created["responseElements"]["brokerId"], id);
    assert_eq!(
        (&created["readOnly"], &created["awsRegion"]),
        (&Value::Bool(false), &Value::from("eu-west-1"))
    );
    assert!(found[1]["responseElements"].is_null());
    assert_eq!(found[4]["userIdentity"]["type"], "Unknown");
    assert_eq!(verify(&rig.service.store).unwrap().entries, 5);
}

/// Strangers have a record each while they are few; of a flood one record tells how many there were.
#[test]
fn a_flood_of_strangers_does_not_fill_the_log() {
    let rig = Rig::new();
    let mut unsigned = rig.sign("GET", "/v1/brokers", "", "");
    unsigned.headers.clear();
    for _ in 0..1_000 {
        assert_eq!(rig.send(&unsigned).status, 403);
    }
    assert_eq!(rig.audit().len(), 200);
    rig.get("/v1/brokers");
    rig.service.record_strangers().unwrap();
    rig.service.record_strangers().unwrap();
    let found = rig.audit();
    assert_eq!(found.len(), 202, "one of the known caller, one summary");
    assert_eq!(found[200]["eventName"], "ListBrokers");
    assert_eq!(found[201]["additionalEventData"]["refusedCalls"], 800);
    assert_eq!(found[201]["sourceIPAddress"], "127.0.0.1");
    assert_eq!(verify(&rig.service.store).unwrap().entries, 202);
}

/// A caller without a signature is answered in the form of the service that it means.
#[test]
fn an_unsigned_form_is_answered_by_its_service() {
    let rig = Rig::new();
    let check = |body: &str, source: &str, answer: &str| {
        let mut request = rig.sign("POST", "/", "", "");
        request.headers =
            vec![("content-type".into(), "application/x-www-form-urlencoded; charset=utf-8".into())];
        request.body = body.as_bytes().to_vec();
        let response = rig.service.answer(&request, Peer(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let text = String::from_utf8(response.body).unwrap();
        assert!(text.contains(answer), "{text}");
        assert_eq!(rig.audit().last().unwrap()["eventSource"], source);
    };
    check("Action=ListUsers&Version=2010-05-08", "iam.amazonaws.com", "<ErrorResponse");
    check("Action=GetCallerIdentity&Version=2011-06-15", "sts.amazonaws.com", "<ErrorResponse");
    check("Action=DescribeVpcs&Version=2016-11-15", "ec2.amazonaws.com", "<Response><Errors>");
    check("Action=DescribeVpcs&Version=1", "amazonmq.amazonaws.com", "{");
    check("Version", "amazonmq.amazonaws.com", "{");
}
