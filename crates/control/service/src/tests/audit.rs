//! One record for each call.

use serde_json::Value;

use super::rig::{KEY, Rig, rabbitmq};
use crate::audit::verify;

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
