//! The tables of EC2: security groups and their rules, and what a region's network has.

#[rustfmt::skip]
mod model;

pub use model::MODEL;
