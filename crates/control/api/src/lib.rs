//! The APIs that the service answers, as AWS's own tools speak them: requests in, operations with checked input out,
//! and answers and errors back in the form of the protocol.
//!
//! Owns: the tables of each service ([`mq`], [`cloudtrail`], [`logs`], [`iam`],
//! [`sts`], [`ec2`]: a folder each, named as AWS names it;
//! made by `cargo xtask models`), the wire protocols ([`codec`]), what makes an input valid ([`check`]), the shape of
//! errors ([`Refusal`]).
//! Must not know: who calls, what an operation does, where bytes come from. No I/O, no clock.
//!
//! Invariants: an input that a handler sees has only members of the model, each of its type and in its range;
//! enumerations are in the model's case whatever the client's was; a stranger's bytes never reach a panic.
//!
//! Reading order: `model.rs`, `http.rs`, `route.rs`, `check.rs`, `codec/`, `refusal.rs`.

#![forbid(unsafe_code)]

mod model;

mod http;
mod refusal;
mod route;
mod sensitive;

pub mod check;
pub mod codec;

pub mod cloudtrail;
pub mod ec2;
pub mod iam;
pub mod logs;
pub mod mq;
pub mod sts;

pub use http::{Request, Response};
pub use model::{Fault, Member, Model, Operation, Place, Protocol, Shape, TimeFormat};
pub use refusal::Refusal;
pub use route::{Routed, service_of_target, service_of_version, services};
pub use sensitive::Sensitive;

/// Largest body of a request in bytes; a larger one is refused with 413 before it is read.
pub const MAX_BODY_BYTES: usize = 2 << 20;
