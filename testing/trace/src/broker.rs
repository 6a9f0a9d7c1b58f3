//! The real broker under strace, on a data directory of its own.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use ternmq_env::{DiskFiles, SystemRng};
use ternmq_journal::Options;
use ternmq_simulator::KEYS;

use crate::judge::Encryption;
use crate::replay::TRACED_CALLS;

pub(crate) const USER: &str = "guest";
pub(crate) const PASSWORD: &str = "guest";

/// Small, so that the run fills several.
const SEGMENT_BYTES: u64 = 64 << 10;
/// strace prints no more of a buffer; one that was cut is found when it is read.
const BUFFER_BYTES: &str = "1048576";
/// The run does not depend on how much room there is beyond what it takes.
const CONFIGURATION: &str = "disk_free_limit.absolute = 64MiB\n";
const START_LIMIT: Duration = Duration::from_secs(60);
const END_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// A call that fails without being made. Each thread counts its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Injection {
    pub(crate) call: &'static str,
    pub(crate) error: &'static str,
    pub(crate) number: u32,
}

/// Exit code of a broker whose disk failed.
const EXIT_DISK_FAILED: i32 = 74;

/// Where everything of a run is.
pub(crate) struct Place {
    folder: PathBuf,
    binary: PathBuf,
}

impl Place {
    /// An empty folder; what was there goes.
    pub(crate) fn make(folder: &Path, binary: &Path) -> Result<Self> {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let folder = std::fs::canonicalize(folder)?;
        let binary = std::fs::canonicalize(binary).with_context(|| format!("no {}", binary.display()))?;
        std::fs::write(folder.join("password"), PASSWORD)?;
        std::fs::write(folder.join("broker.conf"), CONFIGURATION)?;
        let mut key = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("key"))?;
        key.write_all(&KEYS[0])?;
        Ok(Self { folder, binary })
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What strace wrote of a start.
    pub(crate) fn log(&self, start: usize) -> PathBuf {
        self.folder.join(format!("strace-{start}.log"))
    }

    /// Makes a journal with small segments: one that exists keeps its size, whatever a broker would choose.
    pub(crate) fn make_small_journal(&self) -> Result<()> {
        let files = Arc::new(DiskFiles::new(&self.data())?);
        let options = Options { segment_bytes: SEGMENT_BYTES, reserve_bytes: 0, ..Options::default() };
        let opened = ternmq_journal::open(files, Box::new(SystemRng), options)?.finish()?;
        opened.writer.close()?;
        Ok(())
    }

    /// Starts the broker for the `start`-th time and waits until it serves.
    pub(crate) fn start(
        &self,
        start: usize,
        encryption: Encryption,
        injection: Option<&Injection>,
    ) -> Result<Broker> {
        let ports = self.folder.join(format!("ports-{start}.json"));
        let output = self.folder.join(format!("broker-{start}.log"));
        let log = File::create(&output).context("cannot write the broker's log")?;
        let twin = log.try_clone()?;
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-s", BUFFER_BYTES, "-e"]).arg(format!("trace={TRACED_CALLS}"));
        if let Some(Injection { call, error, number }) = injection {
            command.arg("-e").arg(format!("inject={call}:error={error}:when={number}"));
        }
        command.arg("-o").arg(self.log(start)).arg(&self.binary).arg("broker");
        for listener in ["amqp", "http", "mqtt", "openwire", "stomp", "ws"] {
            command.arg("--listen").arg(format!("{listener}=127.0.0.1:0"));
        }
        command.arg("--config").arg(self.folder.join("broker.conf"));
        command.arg("--data-dir").arg(self.data()).arg("--ports-file").arg(&ports);
        command.args(["--user", USER, "--password-file"]).arg(self.folder.join("password"));
        if encryption == Encryption::FirstKey {
            command.arg("--encryption-key-file").arg(self.folder.join("key"));
        }
        command.stdin(Stdio::null()).stdout(log).stderr(twin);
        let tracer = command.spawn().context("cannot start strace: is it installed?")?;
        let mut broker = Broker { tracer, address: String::new(), log: self.log(start), output };
        broker.address = broker.wait_for_port(&ports)?;
        Ok(broker)
    }
}

/// A broker and its tracer. Dropping it kills both.
pub(crate) struct Broker {
    tracer: Child,
    address: String,
    log: PathBuf,
    output: PathBuf,
}

impl Broker {
    /// Where it speaks AMQP.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What it and strace have written to their standard streams.
    pub(crate) fn said(&self) -> String {
        let text = std::fs::read(&self.output).unwrap_or_default();
        String::from_utf8_lossy(&text).trim().to_owned()
    }

    fn wait_for_port(&mut self, ports: &Path) -> Result<String> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            // It appears whole, when all listeners accept.
            if let Ok(text) = std::fs::read_to_string(ports) {
                let listeners: serde_json::Value = serde_json::from_str(&text)?;
                let address = listeners.get("amqp").and_then(serde_json::Value::as_str);
                return Ok(address.context("no address of amqp in the ports file")?.to_owned());
            }
            if let Some(status) = self.tracer.try_wait()? {
                bail!(
                    "the broker under strace ended at its start ({status}); tracing has to be permitted here \
                     (ptrace, in a container also its seccomp profile): {}",
                    self.said()
                );
            }
            ensure!(Instant::now() < deadline, "the broker under strace does not serve: {}", self.said());
            std::thread::sleep(POLL);
        }
    }

    /// Asks for a clean end and waits for it.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(self.process()?, Signal::TERM).context("cannot signal the broker")?;
        let status = self.wait()?;
        ensure!(status.success(), "the broker ended with {status}");
        Ok(())
    }

    /// Kills it.
    pub(crate) fn kill(mut self) -> Result<()> {
        kill_process(self.process()?, Signal::KILL).context("cannot kill the broker")?;
        let status = self.wait()?;
        ensure!(!status.success(), "the killed broker ended with {status}");
        Ok(())
    }

    /// Waits until it has ended because the disk failed (F3).
    pub(crate) fn await_failure(mut self) -> Result<()> {
        let status = self.wait()?;
        ensure!(status.code() == Some(EXIT_DISK_FAILED), "the broker whose disk failed ended with {status}");
        Ok(())
    }

    /// The broker itself: the first thread that strace saw.
    fn process(&self) -> Result<Pid> {
        let text = std::fs::read(&self.log).context("cannot read strace's output")?;
        let first = text.split(|byte| *byte == b' ').next().unwrap_or_default();
        let number: i32 = std::str::from_utf8(first)?.parse().context("strace's output has no thread")?;
        Pid::from_raw(number).context("a process of the number 0")
    }

    /// strace ends with what it traces, and all is written then.
    fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + END_LIMIT;
        loop {
            if let Some(status) = self.tracer.try_wait()? {
                return Ok(status);
            }
            ensure!(Instant::now() < deadline, "the broker does not end");
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if matches!(self.tracer.try_wait(), Ok(Some(_))) {
            return;
        }
        // A tracer that goes lets what it traces run on. Gone just now is the only way this fails.
        if let Ok(broker) = self.process() {
            let _ = kill_process(broker, Signal::KILL);
        }
        let _ = self.tracer.kill();
        let _ = self.tracer.wait();
    }
}
