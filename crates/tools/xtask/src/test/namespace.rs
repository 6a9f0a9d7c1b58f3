//! A network namespace that holds nothing but `lo`: standard ports are free in it, and nothing leaves it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::process::output_of;

/// One namespace, removed when dropped.
#[derive(Debug)]
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one. Needs root and the `ip` program.
    pub(crate) fn create(purpose: &str) -> Result<Self> {
        ensure!(
            rustix::process::geteuid().is_root(),
            "the suites use fixed ports, so each needs a network namespace of its own, which only root can make: \
             run this as root, or leave them out with --only"
        );
        let name = format!("ternmq-{purpose}-{}", std::process::id());
        output_of(Command::new("ip").args(["netns", "add", &name]))
            .context("cannot make a network namespace")?;
        let namespace = Self { name };
        output_of(Command::new("ip").args(["-n", &namespace.name, "link", "set", "lo", "up"]))?;
        Ok(namespace)
    }

    /// The file that stands for it, to enter it with.
    pub(crate) fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// A command that runs inside. It becomes `program` itself: its pid is the program's.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Whatever a suite left running in here would keep the namespace alive without a name.
        let pids = Command::new("ip").args(["netns", "pids", &self.name]).output();
        let pids =
            pids.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        for pid in pids.split_whitespace().filter_map(|pid| pid.parse().ok()).filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).output();
    }
}
