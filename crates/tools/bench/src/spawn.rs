//! Brokers that the tool starts itself: the null broker, and commands given for start and restart workloads.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, anyhow};

use crate::{
    amqp::{Address, Connection},
    clock::{now_ns, wait_until},
    process::ProcessTree,
    report::NULL,
    target::Target,
};

/// A child that ends with its handle.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the null broker as a process of its own, so that its CPU is measured as any other's.
pub(crate) fn null_broker(bench: &[String]) -> Result<(Running, Target)> {
    let (program, first) = bench.split_first().context("the load tool does not know its own command")?;
    let mut child = Command::new(program)
        .args(first)
        .arg("null-broker")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("the null broker cannot be started")?;
    let output = child.stdout.take().ok_or_else(|| anyhow!("the null broker has no output"))?;
    let mut endpoint = String::new();
    BufReader::new(output).read_line(&mut endpoint)?;
    let process = Some(ProcessTree::new(child.id()));
    let address = Address::parse(&format!("amqp://{}", endpoint.trim()), None)?;
    Ok((Running(child), Target { name: NULL.to_owned(), address, process }))
}

/// How long a start took, in s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    /// To the broker's first greeting.
    pub(crate) greeted_s: f64,
    /// To the end of the first login.
    pub(crate) login_s: f64,
}

/// A broker that a shell command starts. The command must not go to the background.
pub(crate) struct Spawned {
    command: String,
    child: Option<Running>,
}

impl Spawned {
    pub(crate) fn new(command: &str) -> Self {
        Self { command: command.to_owned(), child: None }
    }

    /// Starts it and waits until a client can log in. Answers how long that took.
    pub(crate) fn start(&mut self, target: &mut Target) -> Result<Started> {
        let start_ns = now_ns();
        let child = Command::new("sh")
            .args(["-c", &format!("exec {}", self.command)])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("{:?} cannot be started", self.command))?;
        self.child = Some(Running(child));
        let since_start_s = || (now_ns() - start_ns) as f64 / 1e9;
        let mut greeted_s = None;
        loop {
            if greeted_s.is_none() && Connection::greet(&target.address).is_ok() {
                greeted_s = Some(since_start_s());
            }
            if let Some(greeted_s) = greeted_s
                && let Ok(connection) = Connection::open(&target.address)
            {
                let login_s = since_start_s();
                connection.close();
                target.find_process();
                return Ok(Started { greeted_s, login_s });
            }
            if now_ns() - start_ns > 120_000_000_000 {
                return Err(anyhow!("{:?} did not let anybody log in within 120 s", self.command));
            }
            wait_until(now_ns() + 1_000_000);
        }
    }

    /// Kills it as a crash would, with all that it started.
    pub(crate) fn kill(&mut self, target: &mut Target) -> Result<()> {
        target.process = None;
        // The command may be a script whose broker is a child: the group has them all.
        if let Some(child) = &self.child
            && let Some(group) = i32::try_from(child.0.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL)?;
        }
        self.child = None;
        Ok(())
    }
}
