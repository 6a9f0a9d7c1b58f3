//! The command line, and the rounds in which targets take turns.

use std::{fs::OpenOptions, io::Write, net::TcpListener, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use crate::{
    null_broker,
    report::{NULL, Series, table, to_json},
    spawn::{Spawned, null_broker},
    stream::Trust,
    target::Target,
    workloads::{self, Workload},
};

/// Measures brokers: `list` shows the workloads, `run` runs them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ternmq bench list
  ternmq bench run --workload transient-16,durable-1000 --target ours=amqp://u:p@127.0.0.1:5672 --null
  ternmq bench run --workload transient-16 --rounds 3 --seconds 5 --baseline rabbit --json out.json \\
      --target ours=amqp://u:p@127.0.0.1:5672 --target rabbit=amqp://guest:guest@127.0.0.1:5673
  ternmq bench run --workload transient-1k --ca ca.pem --baseline plain \\
      --target plain=amqp://u:p@localhost:5672 --target tls=amqps://u:p@localhost:5671
  ternmq bench run --workload connect-storm,telemetry,reconnect --count 10000 --rate 10000 --rounds 1 \
      --target ours=mqtt://u:p@127.0.0.1:1883 --target mosquitto=mqtt://u:p@127.0.0.1:1884

Targets take turns within each round. A run in which a message was lost, doubled, damaged or out of order fails with
exit code 1. Ratios above 1 are better than the baseline's, whatever the figure.")]
pub struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Show the workloads.
    List,
    /// Run workloads against targets.
    Run(Box<RunArgs>),
    /// Be the null broker: the least that a broker must do.
    NullBroker {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
        /// Folder of its log.
        #[arg(long)]
        data_dir: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Workloads, separated by commas; see `list`.
    #[arg(long, value_delimiter = ',', required = true)]
    workload: Vec<String>,
    /// A broker: NAME=amqp://user:password@host:port/vhost, or mqtt, stomp, openwire, and for TLS amqps, mqtts, stomps, openwires. May be repeated.
    #[arg(long, value_name = "NAME=URL")]
    target: Vec<String>,
    /// The CAs that certificates of targets over TLS may come from, in PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Command that starts the target of this name, for start and restart workloads; it must stay in the foreground.
    #[arg(long, value_name = "NAME=COMMAND")]
    spawn: Vec<String>,
    /// Measure the null broker too.
    #[arg(long)]
    null: bool,
    /// Target that ratios are to; the null broker if it runs, else the last target.
    #[arg(long)]
    baseline: Option<String>,
    /// Rounds.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measured seconds of each run.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Size of workloads that have one: messages, connections or queues.
    #[arg(long)]
    count: Option<u64>,
    /// Connections of a storm of MQTT devices that are being made at once; 100 when they come for the first time, all when they come
    /// back.
    #[arg(long)]
    in_flight: Option<usize>,
    /// Messages per second of the latency workloads.
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// Write all figures to this file as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// How much a workload does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) seconds: f64,
    pub(crate) count: Option<u64>,
    pub(crate) rate: f64,
    pub(crate) in_flight: Option<usize>,
}

/// Runs the command. `own_command` is how this tool is called, to start its null broker.
///
/// # Errors
/// A bad option, a target that can't be reached, or faults in what was measured.
pub fn run(args: &BenchArgs, own_command: &[String]) -> Result<()> {
    match &args.command {
        BenchCommand::List => {
            for workload in workloads::ALL {
                println!("{:<18} {}", workload.name, workload.about);
            }
            Ok(())
        }
        BenchCommand::Run(run) => run_workloads(run, own_command),
        BenchCommand::NullBroker { listen, data_dir } => {
            let listener = TcpListener::bind(listen)
                .with_context(|| format!("the null broker cannot listen on {listen}"))?;
            let file = match data_dir {
                None => tempfile::tempfile()?,
                Some(folder) => {
                    let path = folder.join("null-broker.log");
                    OpenOptions::new().create(true).truncate(false).write(true).open(path)?
                }
            };
            null_broker::serve(&listener, file)
        }
    }
}

fn run_workloads(args: &RunArgs, own_command: &[String]) -> Result<()> {
    let trust = args.ca.as_deref().map(Trust::read).transpose()?;
    let mut targets: Vec<Target> =
        args.target.iter().map(|text| Target::parse(text, trust.as_ref())).collect::<Result<_>>()?;
    let mut null = None;
    if args.null {
        let (running, target) = null_broker(own_command)?;
        targets.push(target);
        null = Some(running);
    }
    if targets.is_empty() {
        bail!("nothing to measure: give --target NAME=amqp://user:password@host:port or --null");
    }
    let baseline = args.baseline.clone().or_else(|| targets.last().map(|target| target.name.clone()));
    let effort =
        Effort { seconds: args.seconds, count: args.count, rate: args.rate, in_flight: args.in_flight };
    let mut all = Vec::new();
    let mut fault_count = 0;
    for name in &args.workload {
        let workload = workloads::find(name)?;
        let series = rounds(workload, &mut targets, args, effort)?;
        fault_count +=
            series.iter().flat_map(|one| &one.rounds).map(|round| round.faults.total()).sum::<u64>();
        println!("{}", table(workload.name, workload.about, &series, baseline.as_deref()));
        all.push(to_json(workload.name, &series));
    }
    drop(null);
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&all)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if fault_count > 0 {
        bail!("{fault_count} faults: the figures of a broker that loses or mixes up messages mean nothing");
    }
    Ok(())
}

fn rounds(
    workload: &Workload,
    targets: &mut [Target],
    args: &RunArgs,
    effort: Effort,
) -> Result<Vec<Series>> {
    let mut series: Vec<Series> =
        targets.iter().map(|target| Series { target: target.name.clone(), rounds: Vec::new() }).collect();
    for round in 1..=args.rounds {
        for (target, one) in targets.iter_mut().zip(&mut series) {
            if target.name == NULL && !workload.has_null {
                continue;
            }
            // Progress is for people; without a terminal nothing is lost.
            let _ = writeln!(
                std::io::stderr(),
                "{}: round {round} of {}, {}",
                workload.name,
                args.rounds,
                target.name
            );
            let command = args.spawn.iter().find_map(|text| {
                let (name, command) = text.split_once('=')?;
                (name == target.name).then(|| Spawned::new(command))
            });
            let outcome = (workload.run)(target, effort, command)
                .with_context(|| format!("{} against {}", workload.name, target.name))?;
            one.rounds.push(outcome);
        }
    }
    series.retain(|one| !one.rounds.is_empty());
    Ok(series)
}
