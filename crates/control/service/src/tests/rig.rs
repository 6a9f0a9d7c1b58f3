//! A service on a fake disk with a simulated fleet, and a caller that signs.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::{Value, json};
use ternmq_api::{Request, Response, Sensitive};
use ternmq_fakes::{FakeClock, FakeDisk, SeededRng};
use ternmq_fleet::SimulatedFleet;
use ternmq_identity::sigv4::{self, Moment};
use ternmq_identity::{Credentials, Secret};

use crate::audit::Retention;
use crate::records::Broker;
use crate::service::{AdministratorKey, Parts, Peer, Service, ServiceSettings};
use crate::testing::store_on;
use crate::throttle::Quota;

pub(super) const REGION: &str = "eu-west-1";
pub(super) const KEY: &str = "AKIAADMINISTRATOR000";
const SECRET: &str = "an administrator's secret, 40 characters";
/// The 30th of November 2026, a Monday, at 12:00.
pub(super) const NOW_MS: u64 = 1_796_040_000_000;

pub(super) struct Rig {
    pub service: Arc<Service>,
    pub fleet: Arc<SimulatedFleet>,
    pub clock: Arc<FakeClock>,
    pub disk: FakeDisk,
}

const JSON: (&str, &str) = ("content-type", "application/json");

/// Who signs, and from where.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub credentials: Credentials,
    pub address: IpAddr,
}

/// The administrator's key.
pub(super) fn root() -> Key {
    Key::new(KEY, SECRET, None)
}

/// An answer with its JSON.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub error: String,
    pub body: Value,
}

impl Key {
    pub(super) fn new(id: &str, secret: &str, token: Option<&str>) -> Self {
        let credentials = Credentials {
            access_key_id: id.into(),
            secret: Secret::from(secret),
            session_token: token.map(Secret::from),
        };
        Self { credentials, address: IpAddr::V4(Ipv4Addr::LOCALHOST) }
    }

    pub(super) fn from(&self, address: &str) -> Self {
        Self { address: address.parse().unwrap(), ..self.clone() }
    }
}

impl Rig {
    pub(super) fn new() -> Self {
        let clock = Arc::new(FakeClock::new());
        clock.set_wall_ms(NOW_MS);
        Self::on(FakeDisk::new(), Arc::new(SimulatedFleet::new()), clock)
    }

    /// The same, on what another one left.
    pub(super) fn on(disk: FakeDisk, fleet: Arc<SimulatedFleet>, clock: Arc<FakeClock>) -> Self {
        let settings = ServiceSettings {
            directory_ca: Some("/ca.pem".into()),
            account: "123456789012".into(),
            region: REGION.into(),
            domain: None,
            quota: Quota { burst: 10_000, per_second: 1 },
            retention: Retention::default(),
            administrator: AdministratorKey {
                access_key_id: KEY.into(),
                secret_access_key: Sensitive::from(SECRET.to_owned()),
            },
        };
        let parts = Parts {
            store: store_on(Arc::new(disk.clone())),
            fleet: fleet.clone(),
            clock: clock.clone(),
            rng: Box::new(SeededRng::new(clock_seed(&*clock))),
        };
        Self { service: Service::new(settings, parts).unwrap(), fleet, clock, disk }
    }

    pub(super) fn sign(&self, method: &str, path: &str, query: &str, body: &str) -> Request {
        self.sign_for(&root(), "mq", &[JSON], (method, path, query, body))
    }

    /// Signs a request of anybody to any service: method, path, query and body of it, and headers that go with a body.
    pub(super) fn sign_for(
        &self,
        key: &Key,
        service: &str,
        more: &[(&str, &str)],
        (method, path, query, body): (&str, &str, &str, &str),
    ) -> Request {
        use ternmq_env::Clock;
        let mut headers = vec![("host", "127.0.0.1:4580")];
        if !body.is_empty() {
            headers.extend(more);
        }
        let parts = sigv4::Request { method, path, query, headers: &headers, body: body.as_bytes() };
        let at = Moment::from_unix_s((self.clock.wall_ms() / 1_000).try_into().unwrap());
        let added = sigv4::sign(&parts, &key.credentials, REGION, service, at).unwrap();
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let added = added.into_iter().map(|(name, value)| (name.to_owned(), value));
        Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: headers.chain(added).collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    pub(super) fn send(&self, request: &Request) -> Answer {
        answer(&self.service.answer(request, Peer(IpAddr::V4(Ipv4Addr::LOCALHOST))))
    }

    /// A call of the administrator, a second after the one before: signatures differ.
    pub(super) fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call_as(&root(), method, path, body)
    }

    /// The same of anybody.
    pub(super) fn call_as(&self, key: &Key, method: &str, path: &str, body: &Value) -> Answer {
        self.clock.advance_ms(1_000);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = self.sign_for(key, "mq", &[JSON], (method, path, query, &body));
        answer(&self.service.answer(&request, Peer(key.address)))
    }

    /// A call of a service that takes forms, signed, not yet sent.
    pub(super) fn sign_query(
        &self,
        key: &Key,
        service: &str,
        action: &str,
        members: &[(&str, &str)],
    ) -> Request {
        self.clock.advance_ms(1_000);
        let version = match service {
            "sts" => "2011-06-15",
            "ec2" => "2016-11-15",
            _ => "2010-05-08",
        };
        let all = [("Action", action), ("Version", version)].into_iter().chain(members.iter().copied());
        let body: Vec<String> = all.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let kind = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        self.sign_for(key, service, &[kind], ("POST", "/", "", &body.join("&")))
    }

    /// The same, sent.
    pub(super) fn query(&self, key: &Key, service: &str, action: &str, members: &[(&str, &str)]) -> Xml {
        self.send_query(&self.sign_query(key, service, action, members), key)
    }

    pub(super) fn send_query(&self, request: &Request, key: &Key) -> Xml {
        let response = self.service.answer(request, Peer(key.address));
        Xml { status: response.status, text: String::from_utf8(response.body).unwrap() }
    }

    /// A call of the administrator to IAM.
    pub(super) fn iam(&self, action: &str, members: &[(&str, &str)]) -> Xml {
        self.query(&root(), "iam", action, members)
    }

    /// The same, which has to succeed.
    pub(super) fn done(&self, action: &str, members: &[(&str, &str)]) -> Xml {
        let answer = self.iam(action, members);
        assert_eq!(answer.status, 200, "{action} {members:?}: {}", answer.text);
        answer
    }

    /// A call of the administrator to EC2.
    pub(super) fn ec2(&self, action: &str, members: &[(&str, &str)]) -> Xml {
        self.query(&root(), "ec2", action, members)
    }

    /// The same, which has to succeed.
    pub(super) fn ec2_done(&self, action: &str, members: &[(&str, &str)]) -> Xml {
        let answer = self.ec2(action, members);
        assert_eq!(answer.status, 200, "{action} {members:?}: {}", answer.text);
        answer
    }

    /// A new key of a user that is there.
    pub(super) fn key_of(&self, user: &str) -> Key {
        self.done("CreateAccessKey", &[("UserName", user)]).key()
    }

    /// All audit records, the oldest first.
    pub(super) fn audit(&self) -> Vec<Value> {
        let view = self.service.store.view().unwrap();
        let entries = view.audit_forwards().unwrap().map(Result::unwrap);
        entries
            .map(|(_, bytes)| serde_json::from_slice(crate::audit::json(&bytes).unwrap()).unwrap())
            .collect()
    }

    pub(super) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &Value::Null)
    }

    /// Creates a broker and lets its workflow end; gives its id.
    pub(super) fn broker(&self, input: &Value) -> String {
        let created = self.call("POST", "/v1/brokers", input);
        assert_eq!(created.status, 200, "{created:?}");
        let id = created.body["brokerId"].as_str().unwrap().to_owned();
        self.reconcile(&id);
        id
    }

    pub(super) fn reconcile(&self, id: &str) {
        self.service.reconcile(REGION, id).unwrap();
    }

    /// Ids of the brokers that the service wants to look at.
    pub(super) fn drain_work(&self) -> Vec<String> {
        self.service.work.drain()
    }

    pub(super) fn record(&self, id: &str) -> Option<Broker> {
        self.service.store.view().unwrap().get(&Broker::key_of(REGION, id)).unwrap()
    }

    pub(super) fn state(&self, id: &str) -> String {
        let described = self.get(&format!("/v1/brokers/{id}"));
        described.body["brokerState"].as_str().unwrap_or(&described.error).to_owned()
    }
}

/// An answer in XML.
#[derive(Debug)]
pub(super) struct Xml {
    pub status: u16,
    pub text: String,
}

impl Xml {
    /// Texts of all elements of a name.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let open = format!("<{name}>");
        let rest = self.text.split(&open).skip(1);
        rest.map(|rest| rest.split_once(&format!("</{name}>")).unwrap().0).collect()
    }

    /// Text of the first element of a name; empty if there is none.
    pub(super) fn first(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    /// Code of an error.
    pub(super) fn code(&self) -> &str {
        self.first("Code")
    }

    /// The key that it gives.
    pub(super) fn key(&self) -> Key {
        let token = Some(self.first("SessionToken")).filter(|token| !token.is_empty());
        Key::new(self.first("AccessKeyId"), self.first("SecretAccessKey"), token)
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Another one after each start, the same in each run.
fn clock_seed(clock: &dyn ternmq_env::Clock) -> u64 {
    clock.wall_ms()
}

pub(super) fn answer(response: &Response) -> Answer {
    let error = response.headers.iter().find(|(name, _)| *name == "x-amzn-errortype");
    Answer {
        status: response.status,
        error: error.map(|(_, code)| code.clone()).unwrap_or_default(),
        body: serde_json::from_slice(&response.body).unwrap_or(Value::Null),
    }
}

pub(super) fn rabbitmq(name: &str) -> Value {
    json!({
        "brokerName": name,
        "deploymentMode": "SINGLE_INSTANCE",
        "engineType": "RabbitMQ",
        "hostInstanceType": "mq.m7g.medium",
        "publiclyAccessible": false,
        "users": [{"username": "ann", "password": "correct horse battery"}],
    })
}

pub(super) fn activemq(name: &str) -> Value {
    json!({
        "brokerName": name,
        "deploymentMode": "SINGLE_INSTANCE",
        "engineType": "ACTIVEMQ",
        "hostInstanceType": "mq.t3.micro",
        "publiclyAccessible": false,
        "users": [{"username": "ann", "password": "correct horse battery", "groups": ["ops"], "consoleAccess": true}],
    })
}
