//! Applications of our own over other people's clients. Each is a program that prints one line per case.
//!
//! The talk between harness and program, on its standard streams: the program prints `HARNESS kill` when it is ready for the
//! broker to be killed; the harness kills it, starts it on the same data, and writes `restarted` when it serves again.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::broker::{Broker, Engine, Setting};
use super::namespace::Namespace;
use super::suites::{build, set_cargo_environment};
use super::tally::Case;
use super::workshop::Workshop;
use super::{java, outcome, packages};
use crate::process::{Ending, kill_group, tail, wait};

/// Time that a scenario may take in a test run.
const RUN_LIMIT: Duration = Duration::from_secs(120);
const KILL_REQUEST: &str = "HARNESS kill";

/// One scenario program.
pub(crate) struct Scenario {
    /// Name on the command line, and of its folder below `testing/conformance/scenarios` when it has one of its own.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// The broker that it meets.
    setting: Setting,
    /// Installs and builds it, and gives the command to run inside.
    command: Prepare,
}

impl Scenario {
    /// The reference has the ways that it needs.
    pub(crate) fn has_reference(&self) -> bool {
        self.setting.engine == Engine::Rabbitmq
    }
}

type Prepare = fn(&Workshop, &Namespace, &Path) -> Result<Command>;

/// All of them.
pub(crate) const SCENARIOS: &[Scenario] = &[
    usual("pika", "an application over pika (Python, blocking)", python_program),
    usual("aio-pika", "an application over aio-pika (Python, asyncio)", python_program),
    usual("paho", "an application over paho-mqtt (Python), with pika at the other end", python_program),
    usual(
        "paho-kills",
        "exactly once over paho-mqtt (Python) while the broker is killed again and again",
        python_program,
    ),
    Scenario {
        name: "paho-transports",
        what: "the application over paho-mqtt on TLS and WebSocket, with and without TLS",
        setting: Setting::SELF_SIGNED,
        command: |shop, namespace, folder| {
            let mut command = python_program(shop, namespace, &folder.with_file_name("paho"))?;
            command.args(["tls", "ws", "wss"]);
            Ok(command)
        },
    },
    Scenario {
        name: "mosquitto-clients",
        what: "scripts around mosquitto_pub, mosquitto_sub and mosquitto_rr, with pika at the other end",
        setting: Setting::SELF_SIGNED,
        command: |shop, namespace, folder| {
            packages::debian_packages(shop, &["mosquitto-clients"])?;
            python_program(shop, namespace, folder)
        },
    },
    usual(
        "proton",
        "an application over Qpid Proton, with pika at the other end (Python, AMQP 1.0)",
        proton_program,
    ),
    Scenario {
        name: "proton-oracle",
        what: "the same against RabbitMQ itself, from which it may differ only where that is stated",
        setting: Setting::REFERENCE,
        command: |shop, namespace, folder| {
            let mut command = proton_program(shop, namespace, &folder.with_file_name("proton"))?;
            command.env("AMQP10_ADDRESSES", "1");
            command.args(OTHERWISE_IN_RABBITMQ);
            Ok(command)
        },
    },
    usual("rabbitmq-amqp10", "an application over RabbitMQ's client for AMQP 1.0 (Python)", proton_program),
    usual(
        "rabbitmq-amqp10-java",
        "an application over RabbitMQ's client for AMQP 1.0 (Java), with recovery from a kill",
        java_program,
    ),
    usual("rhea", "an application over rhea, with amqplib at the other end (Node, AMQP 1.0)", node_program),
    usual("stomp-py", "an application over stomp.py, with pika at the other end (Python)", python_program),
    Scenario {
        name: "activemq",
        what: "an application over stomp.py and paho-mqtt that counts on ActiveMQ's ways (Python)",
        setting: Setting::ACTIVEMQ,
        command: python_program,
    },
    Scenario {
        name: "activemq-selectors",
        what: "selectors put to this broker and to ActiveMQ over stomp.py (Python)",
        setting: Setting::ACTIVEMQ,
        command: |shop, namespace, folder| {
            packages::debian_packages(shop, &["activemq"])?;
            python_program(shop, namespace, folder)
        },
    },
    Scenario {
        name: "ldap",
        what: "users and permissions of OpenLDAP over stomp.py and paho-mqtt, with servers that are killed (Python)",
        setting: Setting::ACTIVEMQ,
        command: |shop, namespace, folder| {
            packages::debian_packages(shop, &["slapd", "ldap-utils", "openssl"])?;
            let mut command = python_program(shop, namespace, folder)?;
            command.env("TERNMQ", shop.binary()?);
            Ok(command)
        },
    },
    usual(
        "crossing",
        "one message, every reader: pika, paho-mqtt and stomp.py send to each other (Python)",
        python_program,
    ),
    usual("celery", "tasks over Celery, with a worker (Python)", python_program),
    usual("amqplib", "an application over amqplib (Node)", node_program),
    Scenario {
        name: "mqtt-js",
        what: "an application over MQTT.js (Node): TCP, TLS, WebSocket, with amqplib at the other end",
        setting: Setting::SELF_SIGNED,
        command: node_program,
    },
    Scenario {
        name: "browser",
        what: "MQTT.js and stompjs in one page of Chromium over wss, with amqplib at the other end",
        setting: Setting { origins: &["http://shop.localhost:8080"], ..Setting::SELF_SIGNED },
        command: |shop, namespace, folder| {
            packages::debian_packages(shop, &["chromium", "libnss3-tools"])?;
            node_program(shop, namespace, folder)
        },
    },
    usual("lapin-app", "an application over lapin (Rust)", rust_program),
    Scenario {
        name: "rumqttc-app",
        what: "an application over rumqttc (Rust): TCP, TLS, WebSocket",
        setting: Setting::SELF_SIGNED,
        command: rust_program,
    },
    usual("go-app", "an application over amqp091-go (Go)", go_program),
    Scenario {
        name: "openwire-java",
        what: "an application over ActiveMQ's client (Java), with failover from a broker that is killed",
        setting: Setting::ACTIVEMQ,
        command: |shop, namespace, folder| jms_program(shop, namespace, folder, "activemq"),
    },
    Scenario {
        name: "openwire-xml",
        what: "an application over ActiveMQ's client (Java) that counts on its broker's activemq.xml",
        setting: Setting { config: Some("openwire-xml/activemq.xml"), ..Setting::ACTIVEMQ },
        command: |shop, namespace, folder| jms_program(shop, namespace, folder, "activemq"),
    },
    Scenario {
        name: "openwire-java-all",
        what: "the same beside RabbitMQ's protocols, whose ways count there",
        setting: Setting::USUAL,
        command: |shop, namespace, folder| {
            jms_program(shop, namespace, &folder.with_file_name("openwire-java"), "all")
        },
    },
    Scenario {
        name: "openwire-xa",
        what: "distributed transactions under Atomikos (Java), in doubt while the broker is killed, and what failover repeats",
        setting: Setting::ACTIVEMQ,
        command: |shop, namespace, folder| jms_program(shop, namespace, folder, "activemq"),
    },
    Scenario {
        name: "openwire-java-oracle",
        what: "the same against ActiveMQ itself, from which it may differ only where that is stated",
        setting: Setting::ORACLE,
        command: |shop, namespace, folder| {
            jms_program(shop, namespace, &folder.with_file_name("openwire-java"), "oracle")
        },
    },
    Scenario {
        name: "spring-jms",
        what: "an application over Spring's listener container, templates and ActiveMQ's client (Java)",
        setting: Setting::ACTIVEMQ,
        command: java_program,
    },
    Scenario {
        name: "activemq6-java",
        what: "an application over JMS 3.1 with ActiveMQ's client of today (Java)",
        setting: Setting::ACTIVEMQ,
        command: |shop, namespace, folder| jakarta_program(shop, namespace, folder, "activemq"),
    },
    Scenario {
        name: "qpid-jms",
        what: "the same over Qpid JMS (Java, AMQP 1.0)",
        setting: Setting::ACTIVEMQ,
        command: |shop, namespace, folder| jakarta_program(shop, namespace, folder, "qpid"),
    },
    Scenario {
        name: "qpid-jms-oracle",
        what: "the same against ActiveMQ itself",
        setting: Setting::ORACLE,
        command: |shop, namespace, folder| {
            let folder = folder.with_file_name("qpid-jms");
            let mut command = jakarta_program(shop, namespace, &folder, "qpid")?;
            // It has no shared subscriptions over AMQP 1.0, and as it is set up unless told otherwise its other clients get what
            // comes that way as bytes.
            command.args(["a shared subscription", "a shared durable subscription"]);
            command.arg("messages of every type cross to and from OpenWire");
            Ok(command)
        },
    },
    Scenario {
        name: "scram-java",
        what: "logins by SCRAM-SHA-256 over Qpid JMS (Java, AMQP 1.0)",
        setting: SCRAM,
        command: java_program,
    },
    Scenario {
        name: "scram-proton",
        what: "logins by SCRAM-SHA-256 over Qpid Proton and Cyrus SASL (Python, AMQP 1.0)",
        setting: SCRAM,
        command: |shop, namespace, folder| {
            let python = packages::python_with_sasl(shop, &folder.join("requirements.txt"))?;
            let mut command = namespace.command(python);
            command.arg("-u").arg(folder.join("scenario.py")).env("PYTHONDONTWRITEBYTECODE", "1");
            Ok(command)
        },
    },
    usual("go-stomp", "an application over go-stomp, with amqp091-go at the other end (Go)", go_program),
];

/// A broker where clients of AMQP 1.0 may prove their passwords.
const SCRAM: Setting = Setting { config: Some("scram-proton/broker.conf"), ..Setting::ACTIVEMQ };

/// Cases of `proton` that Debian's RabbitMQ does not pass; COVERAGE.md of AMQP 1.0 says what it does in each.
const OTHERWISE_IN_RABBITMQ: [&str; 17] = [
    "no_anonymous_login",
    "bodies_of_every_kind",
    "outcomes",
    "second_settles_after_the_broker",
    "drain",
    "dynamic_reply_to",
    "anonymous_terminus",
    "exchanges_and_unroutable",
    "full_queue_rejects",
    "link_errors",
    "deleted_queue_detaches",
    "exclusive_queue_is_locked",
    "from_pika",
    "to_pika",
    "selectors",
    "transactions",
    "transactions_over_a_kill",
];

const fn usual(name: &'static str, what: &'static str, command: Prepare) -> Scenario {
    Scenario { name, what, setting: Setting::USUAL, command }
}

fn proton_program(shop: &Workshop, namespace: &Namespace, folder: &Path) -> Result<Command> {
    let mut command = namespace.command(packages::python_with_proton(shop)?);
    command.arg("-u").arg(folder.join("scenario.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

fn python_program(shop: &Workshop, namespace: &Namespace, folder: &Path) -> Result<Command> {
    let mut command = namespace.command(packages::python(shop)?);
    command.arg("-u").arg(folder.join("scenario.py")).env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

fn node_program(shop: &Workshop, namespace: &Namespace, folder: &Path) -> Result<Command> {
    let modules = packages::node_modules(shop, folder)?;
    let mut command = namespace.command("node");
    command.arg(folder.join("scenario.js")).env("NODE_PATH", modules);
    Ok(command)
}

fn rust_program(shop: &Workshop, namespace: &Namespace, folder: &Path) -> Result<Command> {
    let name = name_of(folder)?;
    shop.say(&format!("building {name}"));
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked"]).current_dir(folder);
    set_cargo_environment(shop, &mut cargo);
    build(shop, name, &mut cargo)?;
    Ok(namespace.command(shop.work().join("cargo/debug").join(name)))
}

/// A Java program over a client of JMS, which is told whose ways the broker follows.
fn jms_program(shop: &Workshop, namespace: &Namespace, folder: &Path, engine: &str) -> Result<Command> {
    let mut command = java_program(shop, namespace, folder)?;
    command.env("OPENWIRE_ENGINE", engine);
    Ok(command)
}

/// The application over JMS 3.1, with the client that the `pom.xml` in a folder names.
fn jakarta_program(shop: &Workshop, namespace: &Namespace, folder: &Path, client: &str) -> Result<Command> {
    let mut command = java::run(shop, namespace, &java::jakarta(shop, folder)?, "Scenario")?;
    command.arg(client);
    Ok(command)
}

/// A Java program with the frame of scenarios in Java.
fn java_program(shop: &Workshop, namespace: &Namespace, folder: &Path) -> Result<Command> {
    java::program(shop, namespace, folder, "Scenario")
}

/// A Go program, called as its folder is.
pub(super) fn go_program(shop: &Workshop, namespace: &Namespace, folder: &Path) -> Result<Command> {
    packages::go(shop)?;
    let name = name_of(folder)?;
    shop.say(&format!("building {name}"));
    let program = shop.work().join(name);
    let mut go = Command::new("go");
    go.args(["build", "-o"]).arg(&program).current_dir(folder).env("GOCACHE", shop.work().join("go-cache"));
    build(shop, name, &mut go)?;
    Ok(namespace.command(program))
}

/// A program is called as its folder is.
pub(super) fn name_of(folder: &Path) -> Result<&str> {
    folder.file_name().and_then(OsStr::to_str).context("a scenario has a folder with a name")
}

/// The scenario of that name. An error when there is none.
pub(crate) fn named(name: &str) -> Result<&'static Scenario> {
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    found.with_context(|| format!("there is no scenario `{name}`"))
}

/// Runs one scenario against a fresh broker.
pub(crate) fn run(shop: &Workshop, scenario: &Scenario) -> Result<Vec<Case>> {
    run_with(shop, scenario, &[], RUN_LIMIT)
}

/// As `run`, with variables in its environment, for at most `limit`.
pub(crate) fn run_with(
    shop: &Workshop,
    scenario: &Scenario,
    variables: &[(&str, String)],
    limit: Duration,
) -> Result<Vec<Case>> {
    let source = shop.conformance().join("scenarios").join(scenario.name);
    let kind = shop.kind_of(scenario.setting)?;
    let namespace = Namespace::create(scenario.name)?;
    let mut command = (scenario.command)(shop, &namespace, &source)?;
    let folder = shop.run_folder(scenario.name);
    let mut broker =
        Broker::start(scenario.setting, &kind, &namespace, &folder, &shop.conformance().join("shims"))?;
    let log = shop.log(scenario.name);
    command
        .env("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2f")
        .env("MANAGEMENT_URL", "http://guest:guest@127.0.0.1:15672")
        .env("STOMP_URL", "stomp://guest:guest@127.0.0.1:61613")
        .env("TLS_CA", broker.ca())
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).with_context(|| format!("cannot write {}", log.display()))?)
        .process_group(0);
    let mut child =
        command.spawn().with_context(|| format!("cannot start the scenario {}", scenario.name))?;
    let mut cases = match converse(&mut child, &mut broker, limit) {
        Ok(cases) => cases,
        Err(error) => vec![Case::failed("whole run", format!("{error:#}"))],
    };
    kill_group(&child);
    let _ = child.wait();
    if cases.is_empty() {
        cases.push(Case::failed("whole run", format!("printed no case: {}", tail(&log, 5))));
    }
    if broker.stop().is_ok_and(|is_clean| !is_clean) {
        cases.push(Case::failed("broker afterwards", "it did not end cleanly when asked to"));
    }
    Ok(cases)
}

/// Reads the program's lines until it ends, and kills the broker when it asks for that.
fn converse(child: &mut Child, broker: &mut Broker<'_>, limit: Duration) -> Result<Vec<Case>> {
    let mut input = child.stdin.take().context("the scenario has no standard input")?;
    let lines = read_lines(child)?;
    let deadline = Instant::now() + limit;
    let mut cases = Vec::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line == KILL_REQUEST => restart(broker, &mut input)?,
            Ok(line) => cases.extend(outcome::read_scenario_line(&line)),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                cases.push(Case::failed("whole run", format!("was stopped after {} s", limit.as_secs())));
                return Ok(cases);
            }
        }
    }
    if wait(child, Duration::from_secs(10))? != Ending::Succeeded {
        cases.push(Case::failed("whole run", "ended with an error, see its log"));
    }
    Ok(cases)
}

fn restart(broker: &mut Broker<'_>, input: &mut ChildStdin) -> Result<()> {
    broker.kill_and_restart()?;
    input.write_all(b"restarted\n").context("the scenario no longer listens")?;
    input.flush().context("the scenario no longer listens")
}

/// The lines that a program prints, each shown as it comes.
pub(super) fn read_lines(child: &mut Child) -> Result<Receiver<String>> {
    let output = child.stdout.take().context("the scenario has no standard output")?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            println!("    {line}");
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}
