//! `ternmq completion`: scripts for shells, made from the same declarations as the help.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ternmq completion bash > ~/.local/share/bash-completion/completions/ternmq
  ternmq completion zsh > ~/.zfunc/_ternmq                    with ~/.zfunc in fpath
  ternmq completion fish > ~/.config/fish/completions/ternmq.fish")]
pub(crate) struct CompletionArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ternmq", &mut script);
    std::io::stdout().write_all(&script).map_err(Failure::while_doing("print"))
}
