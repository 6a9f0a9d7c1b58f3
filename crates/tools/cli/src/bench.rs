//! `ternmq bench`: the load tool.

use ternmq_bench::BenchArgs;

use crate::failure::Failure;

pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(Failure::while_doing("find this program"))?;
    let own_command = [program.display().to_string(), "bench".to_owned()];
    ternmq_bench::run(args, &own_command).map_err(|error| Failure::new(format!("{error:#}")))
}
