//! The service as a whole: what its parts share.

use std::net::IpAddr;
use std::sync::Arc;

use ternmq_api::Sensitive;
use ternmq_env::{Clock, Rng};
use ternmq_fleet::Provisioner;

use crate::audit::{Recorder, Retention};
use crate::ids::Randomness;
use crate::principals::Principals;
use crate::reconciler::{ReconcileError, Work};
use crate::store::{SharedStore, Store};
use crate::strangers::Strangers;
use crate::throttle::{Quota, Throttle};

/// What a service is told at its start.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// Twelve digits.
    pub account: String,
    /// Region of the first broker.
    pub region: String,
    /// Below which names of brokers are; none: endpoints are of `localhost`.
    pub domain: Option<String>,
    /// File with authorities that are trusted for directories beside the public ones; a path from the root.
    pub directory_ca: Option<String>,
    /// Quota of calls.
    pub quota: Quota,
    /// What is kept of the audit log.
    pub retention: Retention,
    /// The bootstrap administrator's keys.
    pub administrator: AdministratorKey,
}

/// The bootstrap administrator's access key.
#[derive(Clone, Debug)]
pub struct AdministratorKey {
    /// `AKIA…`.
    pub access_key_id: String,
    /// What signatures are made with.
    pub secret_access_key: Sensitive,
}

/// The service: the API in, nodes out.
pub struct Service {
    pub(crate) settings: ServiceSettings,
    pub(crate) store: SharedStore,
    pub(crate) fleet: Arc<dyn Provisioner>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Randomness,
    pub(crate) recorder: Recorder,
    pub(crate) principals: Principals,
    pub(crate) throttle: Throttle,
    pub(crate) strangers: Strangers,
    /// Brokers that are to be looked at.
    pub(crate) work: Work,
}

/// What a service stands on.
pub struct Parts {
    /// Where it keeps what is wanted.
    pub store: Store,
    /// What runs nodes.
    pub fleet: Arc<dyn Provisioner>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids, salts.
    pub rng: Box<dyn Rng>,
}

impl Service {
    /// Puts a service together. Nothing moves until the reconciler is started.
    ///
    /// # Errors
    /// The principals can't be read, or the system has no thread for the audit log.
    pub fn new(settings: ServiceSettings, parts: Parts) -> Result<Arc<Self>, ReconcileError> {
        let store = Arc::new(parts.store);
        Ok(Arc::new(Self {
            principals: Principals::load(&store, &settings.account)?,
            recorder: Recorder::start(store.clone()).map_err(ReconcileError::Thread)?,
            throttle: Throttle::new(settings.quota, parts.clock.monotonic_ms()),
            strangers: Strangers::new(parts.clock.monotonic_ms()),
            random: Randomness::new(parts.rng),
            work: Work::default(),
            settings,
            store,
            fleet: parts.fleet,
            clock: parts.clock,
        }))
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.wall_ms()
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);
