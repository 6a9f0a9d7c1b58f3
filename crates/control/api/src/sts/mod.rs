//! The tables of STS: who am I, and temporary credentials.

#[rustfmt::skip]
mod model;

pub use model::MODEL;
