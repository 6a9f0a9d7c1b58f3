//! What every step needs to know: where things are, which broker is tested, and how to say what is going on.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};

use super::broker::{Engine, Kind, Setting};
use super::oracle::Oracle;
use crate::project;

/// Bytes that a whole run may add to a fresh checkout, with room for the brokers' disk alarm.
const WHOLE_RUN_BYTES: u64 = 15 << 30;

/// The broker that the suites are run against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// Ours.
    Ternmq,
    /// The reference.
    Rabbitmq,
}

impl Against {
    /// Reads the value of `--against`.
    pub(crate) fn parse(word: &str) -> Result<Self> {
        match word {
            "ternmq" => Ok(Self::Ternmq),
            "rabbitmq" => Ok(Self::Rabbitmq),
            _ => bail!("--against takes `ternmq` or `rabbitmq`, not `{word}`"),
        }
    }
}

/// Where a test run works.
#[derive(Debug)]
pub(crate) struct Workshop {
    /// The checkout.
    pub root: PathBuf,
    /// Build output.
    pub target: PathBuf,
    /// Name of the toolchain in `rust-toolchain.toml`.
    pub toolchain: String,
    /// Which broker.
    pub against: Against,
    /// A binary of ours that is there already.
    pub broker: Option<PathBuf>,
    /// Seconds for each fuzz target.
    pub fuzz_seconds: u64,
    /// Seeds of the simulation.
    pub simulation_seeds: u32,
    /// Cycles of the kill -9 loop.
    pub kill_cycles: u32,
    started: Instant,
}

impl Workshop {
    /// One with the usual settings.
    pub(crate) fn open() -> Result<Self> {
        let root = project::root()?;
        let target = project::target_dir(&root);
        let toolchain = project::toolchain(&root)?;
        Ok(Self {
            root,
            target,
            toolchain,
            against: Against::Ternmq,
            broker: None,
            fuzz_seconds: 15,
            simulation_seeds: 1_000,
            kill_cycles: 200,
            started: Instant::now(),
        })
    }

    /// Folder of the checked-in suites.
    pub(crate) fn conformance(&self) -> PathBuf {
        self.root.join("testing/conformance")
    }

    /// Folder for what the suites download, build and write.
    pub(crate) fn work(&self) -> PathBuf {
        self.target.join("conformance")
    }

    /// Folder for what the brokers of a step write. It goes when the step passed, and stays for those who look for a
    /// failure's reason.
    pub(crate) fn run_folder(&self, step: &str) -> PathBuf {
        self.work().join("runs").join(step)
    }

    /// Says so when the disk has less than a whole run takes: with too little, brokers raise their disk alarm and suites
    /// wait for nothing until their time is over.
    pub(crate) fn note_disk_space(&self) {
        let Ok(disk) = rustix::fs::statvfs(&self.root) else { return };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < WHOLE_RUN_BYTES {
            let (free, needed) = (free >> 30, WHOLE_RUN_BYTES >> 30);
            self.say(&format!(
                "only {free} GiB are free on the disk of {}; a whole run takes up to {needed}: make room if steps fail",
                self.root.display()
            ));
        }
    }

    /// Log file of a step.
    pub(crate) fn log(&self, step: &str) -> PathBuf {
        self.work().join("logs").join(format!("{step}.log"))
    }

    /// The release build of ours, or the binary given by hand.
    pub(crate) fn binary(&self) -> Result<PathBuf> {
        let binary = match &self.broker {
            Some(path) => path.clone(),
            None => self.target.join("release/ternmq"),
        };
        if !Path::new(&binary).is_file() {
            bail!(
                "{} is not there: run the `release` step first, or name a binary with --broker",
                binary.display()
            );
        }
        Ok(binary)
    }

    /// The broker to start, with what is needed to start it.
    pub(crate) fn kind(&self) -> Result<Kind> {
        super::packages::network_tools(self)?;
        match self.against {
            Against::Ternmq => Ok(Kind::Ternmq(self.binary()?)),
            Against::Rabbitmq => {
                super::packages::debian_packages(self, &["rabbitmq-server"])?;
                Ok(Kind::Reference)
            }
        }
    }

    /// The broker that a setting asks for.
    pub(crate) fn kind_of(&self, setting: Setting) -> Result<Kind> {
        match setting.engine {
            Engine::Oracle => Ok(Kind::Oracle(Oracle::prepare(self)?)),
            Engine::Reference => {
                super::packages::network_tools(self)?;
                super::packages::debian_packages(self, &["rabbitmq-server"])?;
                Ok(Kind::Reference)
            }
            Engine::Rabbitmq | Engine::Activemq => self.kind(),
        }
    }

    /// One line of progress, with the time since the start.
    pub(crate) fn say(&self, what: &str) {
        let seconds = self.started.elapsed().as_secs();
        println!("[{:>2}:{:02}] {what}", seconds / 60, seconds % 60);
    }
}
