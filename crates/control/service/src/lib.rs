//! The service: what the operations of its APIs mean.
//!
//! Owns: what is wanted of brokers and configurations ([`Store`]), the workflows that make it so ([`Reconciler`]), who
//! callers are, the audit log ([`verify_audit`]), the front door through which all calls go ([`Service::answer`]).
//! Must not know: how a broker serves its clients, sockets, HTTP. It reaches nodes through a
//! [`Provisioner`](ternmq_fleet::Provisioner).
//!
//! Invariants: a change, its audit record and the answer for a repetition are one transaction; nothing takes effect
//! before it is durable; each step of a workflow can be taken again after a crash at any moment; no secret is in an
//! audit record.
//!
//! Reading order: `front_door.rs` (one call's way), `call.rs`, `mq/`, `records/`, `reconciler.rs`, `grants/`, `store/`,
//! `audit/`.

#![forbid(unsafe_code)]

mod arn;
mod caller;
mod catalogue;
mod endpoints;
mod failure;
mod ids;
mod members;
mod network;
mod node_spec;
mod page;
mod password;
mod records;
mod strangers;
mod throttle;
mod time;
mod window;

mod audit;
mod store;

mod call;
mod first;
mod forgetting;
mod front_door;
mod grants;
mod principals;
mod reconciler;
mod service;

mod cloudtrail;
mod ec2;
mod iam;
mod logs;
mod mq;
mod sts;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use audit::{Retention as AuditRetention, Verified as VerifiedAudit, verify as verify_audit};
pub use first::{BrokerNotice, NoFirstBroker};
pub use ids::is_region;
pub use reconciler::{ReconcileError, Reconciler};
pub use service::{AdministratorKey, Parts, Peer, Service, ServiceSettings};
pub use store::{Store, StoreError, StoreKeys};
pub use throttle::Quota;
