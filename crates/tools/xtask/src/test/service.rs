//! Tools that nobody of this project wrote, against `ternmq serve`. Each is a program that starts the service itself and
//! prints one line per case, as the scenarios do.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::namespace::Namespace;
use super::tally::Case;
use super::workshop::Workshop;
use super::{java, outcome, packages, scenarios};
use crate::process::{Ending, kill_group, tail, wait};

/// Time that a program may take in a test run.
const RUN_LIMIT: Duration = Duration::from_secs(180);

/// One program.
pub(crate) struct Program {
    /// Name on the command line.
    pub name: &'static str,
    /// Its folder below `testing/conformance/service`.
    folder: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Installs and builds it, and gives the command to run inside.
    command: Prepare,
}

type Prepare = fn(&Workshop, &Namespace, &Path) -> Result<Command>;

/// All of them.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "service-boto3",
        folder: "boto3",
        what: "the Amazon MQ API over boto3, messages over pika, stomp.py and paho-mqtt, kill -9",
        command: python_program,
    },
    Program {
        name: "service-aws-cli",
        folder: "aws-cli",
        what: "the Amazon MQ API over the AWS CLI, against golden outputs",
        command: python_program,
    },
    Program {
        name: "service-contract",
        folder: "contract",
        what: "every answer and every wrong input, body and signature against botocore's model",
        command: python_program,
    },
    Program {
        name: "service-moto",
        folder: "moto",
        what: "moto's server as a second opinion: every difference is listed with a reason",
        command: python_program,
    },
    Program {
        name: "service-go-sdk",
        folder: "go-sdk",
        what: "the calls of Terraform's provider over the AWS SDK for Go",
        command: scenarios::go_program,
    },
    Program {
        name: "service-java-sdk",
        folder: "java-sdk",
        what: "a broker's life over the AWS SDK for Java",
        command: |shop, namespace, folder| java::program(shop, namespace, folder, "Program"),
    },
];

fn python_program(shop: &Workshop, namespace: &Namespace, folder: &Path) -> Result<Command> {
    let list = shop.conformance().join("service/requirements.txt");
    let mut command = namespace.command(packages::python_with(shop, &list, "venv-service")?);
    command.arg("-u").arg(folder.join("program.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// Runs one program against a service of its own.
pub(crate) fn run(shop: &Workshop, program: &Program) -> Result<Vec<Case>> {
    packages::network_tools(shop)?;
    let binary = shop.binary()?;
    let namespace = Namespace::create(program.name)?;
    let source = shop.conformance().join("service").join(program.folder);
    let mut command = (program.command)(shop, &namespace, &source)?;
    let log = shop.log(program.name);
    command
        .env("TERNMQ", binary)
        .current_dir(scratch(shop, program)?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).with_context(|| format!("cannot write {}", log.display()))?)
        .process_group(0);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", program.name))?;
    let mut cases = match listen(&mut child) {
        Ok(cases) => cases,
        Err(error) => vec![Case::failed("whole run", format!("{error:#}"))],
    };
    kill_group(&child);
    let _ = child.wait();
    if cases.is_empty() {
        cases.push(Case::failed("whole run", format!("printed no case: {}", tail(&log, 5))));
    }
    Ok(cases)
}

/// An empty folder: what the program and the service write.
fn scratch(shop: &Workshop, program: &Program) -> Result<PathBuf> {
    let folder = shop.run_folder(program.name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Reads the program's lines until it ends.
fn listen(child: &mut Child) -> Result<Vec<Case>> {
    let lines = scenarios::read_lines(child)?;
    let deadline = Instant::now() + RUN_LIMIT;
    let mut cases = Vec::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => cases.extend(outcome::read_scenario_line(&line)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                cases.push(Case::failed("whole run", format!("was stopped after {} s", RUN_LIMIT.as_secs())));
                return Ok(cases);
            }
        }
    }
    if wait(child, Duration::from_secs(10))? != Ending::Succeeded {
        cases.push(Case::failed("whole run", "ended with an error, see its log"));
    }
    Ok(cases)
}
