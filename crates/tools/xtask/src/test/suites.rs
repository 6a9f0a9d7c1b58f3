//! Suites that nobody of this project wrote, unmodified and pinned, each in a fresh namespace with a fresh broker.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::broker::{Broker, Setting};
use super::namespace::Namespace;
use super::tally::Case;
use super::workshop::Workshop;
use super::{expected, java, outcome, packages};
use crate::process::{Ending, run_logged, tail};

const LAPIN_VERSION: &str = "4.12.3";
const AMQPRS_VERSION: &str = "2.1.5";
const PY_AMQP_VERSION: &str = "5.4.2";
const KOMBU_VERSION: &str = "5.7.0";
const ASYNC_STOMP_VERSION: &str = "0.7.0";
const GMQTT_VERSION: &str = "0.8.0";
const MOSQUITTO_VERSION: &str = "2.0.11";
/// Where Debian puts Go sources.
const GO_PATH: &str = "/usr/share/gocode";
const BUILD_LIMIT: Duration = Duration::from_secs(1200);

/// One foreign suite.
pub(crate) struct Suite {
    /// Name on the command line and of its expected list.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// The reference speaks its protocol, in the version that the suite wants.
    pub has_reference: bool,
    /// The broker that it meets.
    setting: Setting,
    /// Longest time that a run may take.
    limit: Duration,
    /// Downloads and builds all of it; runs outside the namespace. Gives what `run` needs.
    prepare: fn(&Workshop) -> Result<PathBuf>,
    /// The command to run inside, given the broker and the prepared folder.
    command: fn(&Workshop, &Broker<'_>, &Namespace, &Path) -> Result<Command>,
    /// Reads its output.
    read: fn(&str) -> Vec<Case>,
}

/// All of them, in the order in which they run.
pub(crate) const SUITES: &[Suite] = &[
    Suite {
        name: "lapin",
        what: "the lapin client's own tests (Rust)",
        has_reference: true,
        setting: Setting::USUAL,
        limit: Duration::from_secs(300),
        prepare: |shop| prepare_crate(shop, "lapin", LAPIN_VERSION),
        command: |shop, _, namespace, folder| {
            let mut command = cargo_test(shop, namespace, folder);
            command.env("AMQP_ADDR", "amqp://guest:guest@127.0.0.1:5672/%2f");
            Ok(command)
        },
        read: outcome::read_libtest,
    },
    Suite {
        name: "amqprs",
        what: "the amqprs client's own tests (Rust)",
        has_reference: true,
        setting: Setting::USUAL,
        limit: Duration::from_secs(400),
        prepare: |shop| prepare_crate(shop, "amqprs", AMQPRS_VERSION),
        command: |shop, broker, namespace, folder| {
            // The account that this suite logs in with.
            broker.control(&["add_user", "user", "bitnami"])?;
            broker.control(&["set_user_tags", "user", "administrator"])?;
            broker.control(&["set_permissions", "-p", "/", "user", ".*", ".*", ".*"])?;
            Ok(cargo_test(shop, namespace, folder))
        },
        read: outcome::read_libtest,
    },
    Suite {
        name: "py-amqp",
        what: "the py-amqp client's integration tests (Python)",
        has_reference: true,
        setting: Setting::USUAL,
        limit: Duration::from_secs(300),
        prepare: |shop| packages::python_source(shop, "amqp", PY_AMQP_VERSION),
        command: |shop, broker, namespace, folder| {
            copy_certificates(&broker.certificates(), &folder.join("t/certs"))?;
            let mut command = pytest(shop, namespace, folder, "t/integration")?;
            // Two of its tests call a public host, one insists on broken certificates that its archive lacks.
            command.args(["-k", "not tls_connect_fails and not default_certs"]);
            Ok(command)
        },
        read: outcome::read_pytest,
    },
    Suite {
        name: "kombu",
        what: "kombu's integration tests over py-amqp (Python)",
        has_reference: true,
        setting: Setting::USUAL,
        limit: Duration::from_secs(300),
        prepare: |shop| packages::python_source(shop, "kombu", KOMBU_VERSION),
        command: |shop, _, namespace, folder| {
            pytest(shop, namespace, folder, "t/integration/test_py_amqp.py")
        },
        read: outcome::read_pytest,
    },
    Suite {
        name: "gmqtt",
        what: "the gmqtt client's own tests (Python, MQTT 3.1.1 and 5)",
        has_reference: false,
        setting: Setting::USUAL,
        limit: Duration::from_secs(300),
        prepare: |shop| packages::python_source(shop, "gmqtt", GMQTT_VERSION),
        command: |shop, _, namespace, folder| {
            let mut command = pytest(shop, namespace, folder, "tests")?;
            command.env("HOST", "127.0.0.1").env("PORT", "1883").env("USERNAME", "").env_remove("TOKEN");
            Ok(command)
        },
        read: outcome::read_pytest,
    },
    Suite {
        name: "paho-golang",
        what: "the Go MQTT client's own tests (MQTT 3.1 and 3.1.1)",
        has_reference: false,
        setting: Setting::USUAL,
        limit: Duration::from_secs(300),
        prepare: |shop| prepare_go_module(shop, "paho-golang", &PAHO_GOLANG),
        command: |shop, broker, namespace, folder| {
            let mut command = go_test(shop, namespace.command("go"), folder);
            command.args(["-json", "-count=1", "-p=1"]).args(PAHO_GOLANG);
            // The default is a server of the client's authors. Its stores of files belong to the run, not to the machine.
            command.env("TEST_FVT_ADDR", "127.0.0.1").env("GOPROXY", "off").env("TMPDIR", broker.scratch()?);
            Ok(command)
        },
        read: outcome::read_go,
    },
    Suite {
        name: "go-amqp",
        what: "the Go AMQP 1.0 client's own tests, those of them that meet a broker",
        has_reference: false,
        setting: Setting::ANONYMOUS,
        limit: Duration::from_secs(300),
        prepare: |shop| prepare_go_module(shop, "go-amqp", &GO_AMQP),
        command: |shop, _, namespace, folder| {
            let mut command = go_test(shop, namespace.command("go"), folder);
            command.args(["-json", "-count=1", "-p=1", "-run", GO_AMQP_TESTS]).args(GO_AMQP);
            command.env("AMQP_BROKER_ADDR", "amqp://guest:guest@127.0.0.1:5672").env("GOPROXY", "off");
            Ok(command)
        },
        // Some tests have a part for each of a hundred rounds.
        read: |text| outcome::read_go(text).into_iter().filter(|case| !case.name.contains('/')).collect(),
    },
    Suite {
        name: "mosquitto",
        what: "the scripts of mosquitto's own tests that any MQTT broker can be held to (Python)",
        has_reference: false,
        setting: Setting::USUAL,
        limit: Duration::from_secs(300),
        prepare: prepare_mosquitto,
        command: |shop, broker, namespace, folder| {
            let mut command = namespace.command(packages::python(shop)?);
            command
                .arg("-B")
                .arg(shop.conformance().join("suites/mosquitto/run.py"))
                // The scripts start brokers of their own.
                .env("TERNMQ_BROKER", shop.binary()?)
                .env("TERNMQ_DATA", broker.scratch()?)
                .current_dir(folder.join("test/broker"));
            Ok(command)
        },
        read: |text| text.lines().filter_map(outcome::read_scenario_line).collect(),
    },
    Suite {
        name: "async-stomp",
        what: "the async-stomp client's tests against a broker (Rust)",
        has_reference: true,
        setting: Setting::USUAL,
        limit: Duration::from_secs(300),
        prepare: |shop| prepare_crate(shop, "async-stomp", ASYNC_STOMP_VERSION),
        command: |shop, broker, namespace, folder| async_stomp(shop, broker, namespace, folder, "/"),
        read: outcome::read_libtest,
    },
    Suite {
        name: "async-stomp-activemq",
        what: "the same against a broker with ActiveMQ's ways, for which they are written",
        has_reference: false,
        setting: Setting::ACTIVEMQ,
        limit: Duration::from_secs(300),
        prepare: |shop| prepare_crate(shop, "async-stomp", ASYNC_STOMP_VERSION),
        command: |shop, broker, namespace, folder| async_stomp(shop, broker, namespace, folder, "localhost"),
        read: outcome::read_libtest,
    },
    Suite {
        name: "jtests-openwire",
        what: "Joram's conformance tests of JMS over ActiveMQ's client (Java)",
        has_reference: false,
        setting: Setting::ACTIVEMQ,
        limit: Duration::from_secs(300),
        prepare: |shop| java::jtests(shop, "jtests-openwire"),
        command: |shop, _, namespace, folder| {
            let mut command = java::run(shop, namespace, folder, "Run")?;
            command
                // Messages hold objects of classes that the client does not read unless told to.
                .env("JDK_JAVA_OPTIONS", "-Dorg.apache.activemq.SERIALIZABLE_PACKAGES=*")
                .args(["org.apache.activemq.ActiveMQConnectionFactory", "tcp://127.0.0.1:61616"]);
            Ok(command)
        },
        read: |text| text.lines().filter_map(outcome::read_scenario_line).collect(),
    },
    Suite {
        name: "jtests-amqp10",
        what: "Joram's conformance tests of JMS over Qpid JMS (Java)",
        has_reference: false,
        setting: Setting::ACTIVEMQ,
        limit: Duration::from_secs(300),
        prepare: |shop| java::jtests(shop, "jtests-amqp10"),
        command: |shop, _, namespace, folder| {
            let mut command = java::run(shop, namespace, folder, "Run")?;
            command.args(["org.apache.qpid.jms.JmsConnectionFactory", "amqp://127.0.0.1:5672"]);
            Ok(command)
        },
        read: |text| text.lines().filter_map(outcome::read_scenario_line).collect(),
    },
    Suite {
        name: "amqp091-go",
        what: "the Go client's unit and integration tests",
        has_reference: true,
        setting: Setting::USUAL,
        limit: Duration::from_secs(300),
        prepare: prepare_go,
        command: |_, broker, namespace, program| {
            let mut command = namespace.command("go");
            // The package name makes test2json name what it read.
            command.args(["tool", "test2json", "-p", "amqp091"]).arg(program).args(["-test.v=test2json"]);
            command
                .env("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
                .env("RABBITMQ_RABBITMQCTL_PATH", broker.control_program())
                .current_dir(Path::new(GO_PATH).join("src/github.com/rabbitmq/amqp091-go"));
            Ok(command)
        },
        read: outcome::read_go,
    },
];

/// Runs one suite and judges it by its list. With `write_expected` the list is written from the run instead.
pub(crate) fn run(shop: &Workshop, suite: &Suite, write_expected: bool) -> Result<Vec<Case>> {
    let prepared = (suite.prepare)(shop)?;
    let kind = shop.kind()?;
    let namespace = Namespace::create(suite.name)?;
    let folder = shop.run_folder(suite.name);
    let broker = Broker::start(suite.setting, &kind, &namespace, &folder, &shop.conformance().join("shims"))?;
    let mut command = (suite.command)(shop, &broker, &namespace, &prepared)?;
    let log = shop.log(suite.name);
    let ending = run_logged(&mut command, &log, suite.limit)?;
    let text = std::fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
    let cases = (suite.read)(&String::from_utf8_lossy(&text));
    if cases.is_empty() {
        bail!("no test of it ran ({}):\n{}", log.display(), tail(&log, 10));
    }
    let list = shop.conformance().join("expected").join(format!("{}.txt", suite.name));
    let known = match std::fs::read_to_string(&list) {
        Ok(text) => expected::parse(&text).with_context(|| format!("{}", list.display()))?,
        Err(_) => expected::Expected::new(),
    };
    if write_expected {
        std::fs::write(&list, expected::render(suite.name, &cases, &known))
            .context("cannot write the list")?;
        return Ok(cases);
    }
    let mut judged = expected::judge(&cases, &known);
    if ending == Ending::TimedOut {
        judged.push(Case::failed("whole run", format!("was stopped after {} s", suite.limit.as_secs())));
    }
    match broker.stop() {
        Ok(true) => {}
        Ok(false) => judged.push(Case::failed("broker afterwards", "it did not end cleanly when asked to")),
        Err(error) => judged.push(Case::failed("broker afterwards", format!("{error:#}"))),
    }
    Ok(judged)
}

/// The tests of async-stomp that need a broker. `space` is where its accounts have permissions.
fn async_stomp(
    shop: &Workshop,
    broker: &Broker<'_>,
    namespace: &Namespace,
    folder: &Path,
    space: &str,
) -> Result<Command> {
    // One password shows that CONNECT has no escapes.
    for (user, password) in [("admin", "admin"), ("tricky", r"pa:ss\word")] {
        broker.control(&["add_user", user, password])?;
        broker.control(&["set_permissions", "-p", space, user, ".*", ".*", ".*"])?;
    }
    let mut command = cargo_test(shop, namespace, folder);
    command.args(["--test", "activemq", "--test", "heartbeat", "--"]);
    command.args(["--include-ignored", "--test-threads=1"]);
    Ok(command)
}

fn prepare_crate(shop: &Workshop, name: &str, version: &str) -> Result<PathBuf> {
    let folder = packages::crate_source(shop, name, version)?;
    shop.say(&format!("building {name} {version}"));
    let mut command = Command::new("cargo");
    command.args(["test", "--locked", "--no-run"]).current_dir(&folder);
    set_cargo_environment(shop, &mut command);
    build(shop, name, &mut command)?;
    Ok(folder)
}

fn cargo_test(shop: &Workshop, namespace: &Namespace, folder: &Path) -> Command {
    let mut command = namespace.command("cargo");
    command.args(["test", "--locked", "--offline", "--no-fail-fast"]).current_dir(folder);
    set_cargo_environment(shop, &mut command);
    command
}

/// Foreign crates share one folder for what they build, without debug information, which nobody will read.
pub(crate) fn set_cargo_environment(shop: &Workshop, command: &mut Command) {
    command
        .env("CARGO_TARGET_DIR", shop.work().join("cargo"))
        // Their folders lie outside of where our toolchain file counts, and another toolchain may not be there.
        .env("RUSTUP_TOOLCHAIN", &shop.toolchain)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_TERM_COLOR", "never");
}

fn pytest(shop: &Workshop, namespace: &Namespace, folder: &Path, tests: &str) -> Result<Command> {
    let mut command = namespace.command(packages::python(shop)?);
    command
        .args(["-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider", tests])
        .env("RABBITMQ_HOST", "localhost")
        .env("RABBITMQ_5672_TCP", "5672")
        .env("RABBITMQ_5671_TCP", "5671")
        .env("COLUMNS", "200")
        .current_dir(folder);
    Ok(command)
}

/// The archive of the suite has none; its tests look for them there.
fn copy_certificates(from: &Path, to: &Path) -> Result<()> {
    let Ok(names) = std::fs::read_dir(from) else { return Ok(()) };
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for name in names {
        let name = name?;
        std::fs::copy(name.path(), to.join(name.file_name()))?;
    }
    Ok(())
}

fn prepare_go(shop: &Workshop) -> Result<PathBuf> {
    packages::go(shop)?;
    packages::debian_packages(shop, &["golang-github-rabbitmq-amqp091-go-dev", "golang-uber-goleak-dev"])?;
    shop.say("building amqp091-go");
    let program = shop.work().join("amqp091-go.test");
    let mut command = Command::new("go");
    command
        .args(["test", "-tags", "integration", "-c", "-o"])
        .arg(&program)
        .arg("github.com/rabbitmq/amqp091-go")
        .env("GO111MODULE", "off")
        .env("GOPATH", GO_PATH)
        .env("GOFLAGS", "")
        .env("GOCACHE", shop.work().join("go-cache"));
    build(shop, "amqp091-go", &mut command)?;
    Ok(program)
}

/// Puts our look-alike where the scripts look for their broker.
fn prepare_mosquitto(shop: &Workshop) -> Result<PathBuf> {
    let folder = packages::debian_source(shop, "mosquitto", MOSQUITTO_VERSION)?;
    let shim = shop.conformance().join("suites/mosquitto/mosquitto");
    std::fs::copy(shim, folder.join("src/mosquitto")).context("cannot put the look-alike in its place")?;
    renew_certificates(shop, &folder.join("test/ssl"))?;
    Ok(folder)
}

/// Those of the archive have run out; beside them is the script that made them.
fn renew_certificates(shop: &Workshop, folder: &Path) -> Result<()> {
    packages::debian_packages(shop, &["openssl"])?;
    let mut check = Command::new("openssl");
    check.args(["x509", "-noout", "-checkend", "86400", "-in", "server.crt"]).current_dir(folder);
    let log = shop.log("mosquitto-certificates");
    if run_logged(&mut check, &log, BUILD_LIMIT)? == Ending::Succeeded {
        return Ok(());
    }
    shop.say("making mosquitto's certificates anew");
    let mut make = Command::new("sh");
    make.arg("gen.sh").current_dir(folder);
    build(shop, "mosquitto-certificates", &mut make)
}

/// The packages of the MQTT client in Go that have tests. Their version is in the go.mod of the suite.
const PAHO_GOLANG: [&str; 2] =
    ["github.com/eclipse/paho.mqtt.golang", "github.com/eclipse/paho.mqtt.golang/packets"];

/// The AMQP 1.0 client in Go. Its version is in the go.mod of the suite.
const GO_AMQP: [&str; 1] = ["github.com/Azure/go-amqp"];
/// Its tests that need a broker; the others pass without one. One is left out: it opens a hundred sessions at once, and a
/// client that was told of fewer (guarantees 6) then waits for itself for ever.
const GO_AMQP_TESTS: &str = "^(TestIntegration.*|TestMultipleSessionsOpenClose|TestDialWithCancelledContext\
    |TestNewSessionWithCancelledContext|TestReceiverModeFirst|TestSenderExactlyOnce\
    |TestReceivingLotsOfSettledMessages|TestNewReceiverWithCancelledContext|TestMultipleSendersSharedSession\
    |TestDrainingLink|TestSenderNullValue)$";

/// Downloads the modules that the suite's lock file names, and builds the tests in them.
fn prepare_go_module(shop: &Workshop, name: &str, modules: &[&str]) -> Result<PathBuf> {
    packages::go(shop)?;
    let folder = shop.conformance().join("suites").join(name);
    shop.say(&format!("building {name}"));
    let mut command = go_test(shop, Command::new("go"), &folder);
    command.args(["-run", "^$"]).args(modules);
    build(shop, name, &mut command)?;
    Ok(folder)
}

/// `go test` for packages that the go.mod of `folder` names. Vetting them is not ours.
fn go_test(shop: &Workshop, mut go: Command, folder: &Path) -> Command {
    go.args(["test", "-vet=off", "-mod=readonly"])
        .current_dir(folder)
        .env("GOFLAGS", "")
        .env("GOCACHE", shop.work().join("go-cache"));
    go
}

/// Builds something, with its output in a log of its own.
pub(crate) fn build(shop: &Workshop, name: &str, command: &mut Command) -> Result<()> {
    let log = shop.log(&format!("build-{name}"));
    match run_logged(command, &log, BUILD_LIMIT)? {
        Ending::Succeeded => Ok(()),
        Ending::Failed => bail!("building {name} failed:\n{}", tail(&log, 15)),
        Ending::TimedOut => bail!("building {name} took more than {} s", BUILD_LIMIT.as_secs()),
    }
}
