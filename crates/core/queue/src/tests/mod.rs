//! Tests of the machine through its public calls.

mod groups;
mod model;
mod recovery;
mod rig;
mod rules;
mod scale;
mod selective;
