//! The broker that a new service has.

use std::cell::{Cell, RefCell};

use serde_json::{Value, json};
use ternmq_api::mq::MODEL;
use ternmq_api::{Routed, Sensitive};

use crate::audit::Event;
use crate::call::{Call, Signature};
use crate::caller::{Caller, CallerKind};
use crate::failure::Failure;
use crate::records::Broker;
use crate::service::Service;
use crate::store::StoreError;
use crate::{endpoints, mq};

/// Name of the first broker.
const NAME: &str = "first";
/// Its user.
const USER: &str = "admin";
const INSTANCE_TYPE: &str = "mq.m7g.large";

/// The first broker could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the first broker can't be made: {0}")]
pub struct NoFirstBroker(String);

/// Where a broker is, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerNotice {
    /// Its name.
    pub name: String,
    /// `RabbitMQ 4.3.0`.
    pub engine: String,
    /// Whether clients can connect.
    pub is_running: bool,
    /// Endpoints of clients.
    pub endpoints: Vec<String>,
    /// The console's address.
    pub console: Option<String>,
}

impl Service {
    /// Makes the first broker of a service that has never had one, with a user `admin`. The service does it in its own
    /// name, and the audit log says so.
    ///
    /// # Errors
    /// The store failed.
    pub fn create_first_broker(&self, password: &Sensitive) -> Result<(), NoFirstBroker> {
        let input = json!({
            "brokerName": NAME,
            "deploymentMode": "SINGLE_INSTANCE",
            "engineType": "RABBITMQ",
            "hostInstanceType": INSTANCE_TYPE,
            "publiclyAccessible": false,
            "users": [{"username": USER, "password": password.reveal()}],
        });
        let (Value::Object(input), Some(operation)) = (input, MODEL.operation("CreateBroker")) else {
            return Ok(());
        };
        let caller = Caller {
            kind: CallerKind::Service,
            principal_id: String::new(),
            arn: String::new(),
            account: self.settings.account.clone(),
            access_key_id: String::new(),
            name: String::new(),
            principal: None,
        };
        let event = Event {
            id: self.random.uuid(),
            request_id: self.random.uuid(),
            at_ms: self.now_ms(),
            source: "amazonmq.amazonaws.com",
            name: operation.name.into(),
            region: self.settings.region.clone(),
            address: "mq.amazonaws.com".into(),
            user_agent: "mq.amazonaws.com".into(),
            account: self.settings.account.clone(),
            is_read: false,
            caller: Some(caller.clone()),
            parameters: Some(input.clone()),
        };
        let routed = Routed { model: &MODEL, operation, labels: Vec::new() };
        let call = Call {
            service: self,
            routed: &routed,
            caller: &caller,
            region: &self.settings.region,
            input: &input,
            event: &event,
            signature: &Signature { hash: event.request_id.clone(), until_ms: event.at_ms },
            now_ms: event.at_ms,
            is_recorded: Cell::new(false),
            touched: RefCell::new(Vec::new()),
        };
        mq::run(&call).map(drop).map_err(|failure: Failure| NoFirstBroker(failure.to_string()))
    }

    /// The first broker of the service's own region, if it is there.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn first_broker(&self) -> Result<Option<BrokerNotice>, StoreError> {
        let brokers: Vec<Broker> =
            self.store.view()?.scan(&Broker::prefix(&self.settings.region), "", 1_000)?;
        let domain = self.settings.domain.as_deref();
        Ok(brokers.into_iter().find(|broker| broker.name == NAME).map(|broker| BrokerNotice {
            engine: format!("{} {}", broker.engine.mixed(), broker.settings.engine_version),
            is_running: broker.state == crate::records::BrokerState::Running,
            endpoints: endpoints::of_clients(&broker, domain),
            console: endpoints::console(&broker, domain),
            name: broker.name,
        }))
    }

    /// Whether nothing was ever asked of this service.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn is_new(&self) -> Result<bool, StoreError> {
        Ok(self.store.view()?.audit_forwards()?.next().is_none())
    }
}
