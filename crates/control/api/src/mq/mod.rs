//! The tables and types of Amazon MQ.

#[rustfmt::skip]
mod model;
#[rustfmt::skip]
#[allow(missing_docs)] // the members' meaning is the service's documentation
mod shapes;

pub use model::MODEL;
pub use shapes::*;
