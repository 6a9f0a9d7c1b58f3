//! The `ternmq` command.
#![forbid(unsafe_code)]

mod failure;

mod args;
mod url;

mod bench;
mod broker;
mod serve;

mod client;
mod management;
mod peek;
mod publish;
mod subscribe;

mod completion;
mod definitions;
mod doctor;
mod service_doctor;
mod transactions;

mod mq;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::failure::Failure;

/// Messages are freed on other threads than those that made them; this allocator does that cheaply.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing is left to do when even that cannot be said.
            let _ = writeln!(std::io::stderr(), "ternmq: {}", failure.text());
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Broker(args) => broker::run(*args),
        Command::Pub(args) => publish::run(&args),
        Command::Sub(args) => subscribe::run(&args),
        Command::Peek(args) => peek::run(&args),
        Command::Export(args) => definitions::export(&args),
        Command::Import(args) => definitions::import(&args),
        Command::Transactions(args) => transactions::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Mq(args) => mq::run(&args),
        Command::Completion(args) => completion::run(&args),
    }
}
