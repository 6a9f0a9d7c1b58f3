//! The whole API in process, over a real broker of the RabbitMQ dialect with a log in memory.

mod audit;
mod bad_input;
mod browsing;
mod definitions;
mod grants;
mod lifecycle;
mod messages;
mod people;
mod rig;
mod roles;
mod scheduled;
mod service;
mod views;
