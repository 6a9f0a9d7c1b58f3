//! Running other programs: output to a log file, a deadline, and no child left behind.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Exit code 0.
    Succeeded,
    /// Another exit code, or a signal.
    Failed,
    /// Its time was over and its process group was killed.
    TimedOut,
}

/// Runs a program with both output streams in `log`, no standard input, for at most `limit`.
///
/// The program gets a process group of its own, so that at the deadline its children go too.
pub(crate) fn run_logged(command: &mut Command, log: &Path, limit: Duration) -> Result<Ending> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let twin = file.try_clone().context("cannot share the log file")?;
    command.stdin(Stdio::null()).stdout(file).stderr(twin).process_group(0);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", described(command)))?;
    wait(&mut child, limit)
}

/// Waits for a child in its own process group; kills the group when `limit` is over.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Result<Ending> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for a child")? {
            return Ok(ending(status));
        }
        if Instant::now() >= deadline {
            kill_group(child);
            let _ = child.wait();
            return Ok(Ending::TimedOut);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ending(status: ExitStatus) -> Ending {
    if status.success() { Ending::Succeeded } else { Ending::Failed }
}

/// SIGKILL to a child that was started with `process_group(0)`, and to all that it started.
pub(crate) fn kill_group(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // Gone already is the only way this fails, and then there is nothing to do.
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// Runs a short program and gives its standard output; its error output becomes the error.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", described(command)))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    anyhow::ensure!(
        output.status.success(),
        "{} failed: {}{}",
        described(command),
        stdout.trim(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(stdout)
}

/// The command as typed, for messages.
pub(crate) fn described(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

/// The last lines of a log, to show why something failed without opening it.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}
