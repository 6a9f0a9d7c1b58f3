//! `cargo xtask kill-loop`: a broker under load, killed with SIGKILL at random moments, again and again on the same data.
//!
//! The clients publish with confirms and in transactions, consume with acks and in transactions, and write down what they
//! see. After the last cycle everything left is drained and the whole history is judged (F1: I1 to I4 and I6 must hold).
//! `amqp`, `stomp` and `openwire` are such clients; over MQTT the scenario `paho-kills` has the clients and judges them itself.

mod amqp;
mod history;
mod load;
mod mqtt;
mod openwire;
mod stomp;

use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::test::broker::{Broker, Setting};
use crate::test::namespace::Namespace;
use crate::test::tally::{Case, Tally};
use crate::test::workshop::{Against, Workshop};
use history::{Life, Verdict, judge};
use load::{Load, Notes, Shared};

/// A kill comes this long after the clients were let loose.
const LOAD_MS: std::ops::Range<u64> = 20..300;
/// Message numbers named in a failure.
const NAMED: usize = 10;

/// What the clients of a run speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// AMQP 0-9-1.
    Amqp,
    /// MQTT 3.1.1.
    Mqtt,
    /// OpenWire 12, in distributed transactions.
    OpenWire,
    /// STOMP 1.2.
    Stomp,
}

impl Protocol {
    /// Reads the value of `--protocol`.
    fn parse(word: &str) -> Result<Self> {
        match word {
            "amqp" => Ok(Self::Amqp),
            "mqtt" => Ok(Self::Mqtt),
            "openwire" => Ok(Self::OpenWire),
            "stomp" => Ok(Self::Stomp),
            _ => bail!("--protocol takes `amqp`, `mqtt`, `openwire` or `stomp`, not `{word}`"),
        }
    }
}

/// How long and how random a run is, and over what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    protocol: Protocol,
    cycles: u32,
    seed: u64,
}

impl Plan {
    /// A run of `cycles` kills whose moments follow from `seed`.
    pub(crate) fn new(protocol: Protocol, cycles: u32, seed: u64) -> Self {
        Self { protocol, cycles, seed }
    }
}

/// A seed from the clock.
pub(crate) fn clock_seed() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |since| since.as_secs() ^ u64::from(since.subsec_nanos()))
}

/// `cargo xtask kill-loop`. False when an invariant was broken.
pub(crate) fn command(args: &[String]) -> Result<bool> {
    let mut shop = Workshop::open()?;
    let mut plan = Plan::new(Protocol::Amqp, 200, clock_seed());
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("{word} needs a value; see `cargo xtask help`"))?;
        match word.as_str() {
            "--cycles" => plan.cycles = value.parse().context("--cycles needs a whole number")?,
            "--seed" => plan.seed = value.parse().context("--seed needs a whole number")?,
            "--protocol" => plan.protocol = Protocol::parse(value)?,
            "--against" => shop.against = Against::parse(value)?,
            "--broker" => {
                let path = std::fs::canonicalize(PathBuf::from(value));
                shop.broker = Some(path.with_context(|| format!("--broker: {value} is not there"))?);
            }
            _ => bail!("`cargo xtask kill-loop` has no option `{word}`; see `cargo xtask help`"),
        }
    }
    let cases = run(&shop, &plan)?;
    let tally = Tally::of(&cases);
    for (name, why) in &tally.failures {
        println!("FAILED {name}: {why}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failures.len());
    Ok(tally.failures.is_empty())
}

/// Runs the loop in a namespace of its own and gives one case per invariant.
pub(crate) fn run(shop: &Workshop, plan: &Plan) -> Result<Vec<Case>> {
    shop.say(&format!("kill-loop: {:?}, {} cycles, seed {}", plan.protocol, plan.cycles, plan.seed));
    match plan.protocol {
        Protocol::Amqp => run_load(shop, plan, &amqp::Amqp),
        Protocol::Mqtt => mqtt::run(shop, plan),
        Protocol::OpenWire => run_load(shop, plan, &openwire::OpenWire),
        Protocol::Stomp => run_load(shop, plan, &stomp::Stomp),
    }
}

fn run_load(shop: &Workshop, plan: &Plan, load: &dyn Load) -> Result<Vec<Case>> {
    let kind = shop.kind()?;
    let namespace = Namespace::create("kill-loop")?;
    let folder = shop.run_folder(load.step());
    let shims = shop.conformance().join("shims");
    let door = File::open(namespace.path()).context("cannot open the network namespace")?;
    // Only this thread, and the threads that it starts, move into the namespace.
    let result = std::thread::scope(|scope| {
        let inside = scope.spawn(|| {
            move_into_link_name_space(door.as_fd(), Some(LinkNameSpaceType::Network))
                .context("cannot enter the network namespace")?;
            let mut broker = Broker::start(Setting::USUAL, &kind, &namespace, &folder, &shims)?;
            let outcome = cycles(shop, plan, load, &mut broker);
            let is_clean = broker.stop()?;
            outcome.map(|record| (record, is_clean))
        });
        inside.join().map_err(|_| anyhow!("the loop itself broke down"))?
    });
    let (record, is_clean) = result?;
    let mut cases = report(shop, plan, &record);
    cases.push(if is_clean {
        Case::passed("clean end")
    } else {
        Case::failed("clean end", "the broker did not end when asked to")
    });
    Ok(cases)
}

/// What a run leaves.
struct Record {
    lives: Vec<Life>,
    restarts: Vec<Duration>,
    took: Duration,
}

fn cycles(shop: &Workshop, plan: &Plan, load: &dyn Load, broker: &mut Broker<'_>) -> Result<Record> {
    let started = Instant::now();
    let shared = Shared::new();
    let mut random = plan.seed | 1;
    let mut record = Record { lives: Vec::new(), restarts: Vec::new(), took: Duration::ZERO };
    load.declare()?;
    for cycle in 0..plan.cycles {
        // xorshift64: the moments need no better randomness than this.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let load_ms = LOAD_MS.start + random % (LOAD_MS.end - LOAD_MS.start);
        let (life, restart) = one_life(load, &shared, broker, Duration::from_millis(load_ms))
            .with_context(|| format!("cycle {cycle}, load for {load_ms} ms"))?;
        record.lives.push(life);
        record.restarts.push(restart);
        if (cycle + 1) % 50 == 0 {
            shop.say(&format!("kill-loop: {} cycles", cycle + 1));
        }
    }
    let mut last = Life::new();
    load.end_run(&shared, &mut last).context("the end of the run")?;
    last.extend(amqp::drain(&shared, &load.queues()).context("the last drain")?);
    record.lives.push(last);
    record.took = started.elapsed();
    Ok(record)
}

/// Lets the clients loose, kills the broker under them, and starts it again.
fn one_life(
    load: &dyn Load,
    shared: &Shared,
    broker: &mut Broker<'_>,
    duration: Duration,
) -> Result<(Life, Duration)> {
    shared.begin_life(amqp::count_waiting(&load.queues())?);
    let mut life = Life::new();
    load.begin_life(shared, &mut life)?;
    std::thread::scope(|scope| {
        let clients: Vec<_> = load
            .clients()
            .iter()
            .map(|work| {
                scope.spawn(move || {
                    let mut notes = Notes::new();
                    let error = work(shared, &mut notes).err();
                    (shared.now(), notes, error)
                })
            })
            .collect();
        std::thread::sleep(duration);
        let killed_at = shared.now();
        let killed = Instant::now();
        let restarted = broker.kill_and_restart();
        for client in clients {
            let (ended_at, notes, error) = client.join().map_err(|_| anyhow!("a client broke down"))?;
            life.extend(notes);
            if let Some(error) = error.filter(|_| ended_at < killed_at) {
                return Err(error.context("a client lost its broker before the kill"));
            }
        }
        restarted?;
        Ok((life, killed.elapsed()))
    })
}

fn report(shop: &Workshop, plan: &Plan, record: &Record) -> Vec<Case> {
    let verdict = judge(&record.lives);
    let mut restarts = record.restarts.clone();
    restarts.sort();
    let at = |index: usize| restarts.get(index).map_or(0.0, Duration::as_secs_f64) * 1000.0;
    shop.say(&format!(
        "kill-loop: {} confirmed messages, {} redeliveries, {} branches in doubt, kill to serving {:.0} ms (half of them), {:.0} ms (worst), {:.1} s in all",
        verdict.confirmed,
        verdict.redelivered,
        verdict.in_doubt,
        at(restarts.len() / 2),
        at(restarts.len().saturating_sub(1)),
        record.took.as_secs_f64()
    ));
    judged(plan, &verdict)
}

fn judged(plan: &Plan, verdict: &Verdict) -> Vec<Case> {
    let findings: [(&str, &[u64]); 8] = [
        ("i1 confirmed messages lost", &verdict.lost),
        ("i2 messages invented or damaged", &verdict.invented),
        ("i3 settled messages resurrected", &verdict.resurrected),
        ("i4 messages doubly held", &verdict.doubly_held),
        ("i4 redeliveries without their flag", &verdict.unflagged),
        ("i6 transactions torn", &verdict.torn),
        ("i6 messages of branches in doubt seen", &verdict.seen_in_doubt),
        ("i6 branches lost, back or invented", &verdict.misremembered),
    ];
    let mut cases: Vec<Case> = findings.iter().map(|(name, found)| invariant(plan, name, found)).collect();
    // A run without load would prove nothing.
    cases.push(if verdict.confirmed >= plan.cycles as usize {
        Case::passed("there was load")
    } else {
        Case::failed("there was load", format!("only {} messages were confirmed", verdict.confirmed))
    });
    if plan.protocol == Protocol::OpenWire {
        cases.push(if verdict.in_doubt > 0 {
            Case::passed("there were branches in doubt")
        } else {
            Case::failed("there were branches in doubt", "no kill found one")
        });
    }
    cases
}

fn invariant(plan: &Plan, name: &str, found: &[u64]) -> Case {
    if found.is_empty() {
        return Case::passed(name);
    }
    let named: Vec<String> = found.iter().take(NAMED).map(u64::to_string).collect();
    Case::failed(name, format!("{} (first: {}), seed {}", found.len(), named.join(" "), plan.seed))
}
