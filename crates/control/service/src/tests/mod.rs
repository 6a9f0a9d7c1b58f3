//! The service as its callers see it: signed requests in, answers out, with a simulated fleet and a disk in memory.

mod audit;
mod authorisation;
mod brokers;
mod configurations;
mod crashes;
mod directories;
mod grants;
mod iam;
mod principals;
mod rig;
mod security_groups;
mod signatures;
mod sts;
mod users;
