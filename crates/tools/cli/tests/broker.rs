//! The binary as people and scripts start it: what it says, what it leaves behind, how it ends.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use support::FREE_PORTS;

const BINARY: &str = env!("CARGO_BIN_EXE_ternmq");

fn ternmq(words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(words).env_remove("TERNMQ_URL").env_remove("TERNMQ_LOG").stdin(Stdio::null());
    command
}

/// A command that ends by itself: its exit code, and its standard error.
fn check(words: &[&str], code: i32, expect: &str) {
    let Output { status, stderr, .. } = ternmq(words).output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{words:?}: {text}");
    assert!(text.contains(expect), "{words:?} said\n{text}\nexpected\n{expect}");
}

/// Exactly one line.
fn check_line(words: &[&str], code: i32, expect: &str) {
    let Output { status, stderr, .. } = ternmq(words).output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(
        (status.code(), text.as_str()),
        (Some(code), format!("ternmq: {expect}\n").as_str()),
        "{words:?}"
    );
}

struct Broker {
    child: Child,
    log: BufReader<ChildStderr>,
    ports: HashMap<String, String>,
    dir: tempfile::TempDir,
    /// What it said until it was ready.
    said: String,
}

impl Broker {
    /// Starts one in its own directory and waits until it says that it is ready.
    fn start(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::start_in(dir, more)
    }

    fn start_in(dir: tempfile::TempDir, more: &[&str]) -> Self {
        Self::start_on(&FREE_PORTS, dir, more)
    }

    /// As [`Broker::start_in`], with these listeners.
    fn start_on(listeners: &[&str], dir: tempfile::TempDir, more: &[&str]) -> Self {
        let (data, ports) = (dir.path().join("data"), dir.path().join("ports.json"));
        let mut command = ternmq(&["broker", "--data-dir", data.to_str().unwrap()]);
        command.args(["--ports-file", ports.to_str().unwrap()]);
        command.args(listeners).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        while !text.contains(" ready\n") && !text.contains("\"ready\"") {
            assert!(log.read_line(&mut text).unwrap() > 0, "it ended with\n{text}");
        }
        let ports = serde_json::from_str(&fs::read_to_string(ports).unwrap()).unwrap();
        Self { child, log, ports, dir, said: text }
    }

    fn data_dir(&self) -> String {
        self.dir.path().join("data").to_str().unwrap().to_owned()
    }

    fn url(&self) -> String {
        let password = fs::read_to_string(self.dir.path().join("data/admin.password")).unwrap();
        format!("amqp://admin:{}@{}", password.trim(), self.ports["amqp"])
    }

    fn http_url(&self) -> String {
        self.url().replace("amqp://", "http://").replace(&self.ports["amqp"], &self.ports["http"])
    }

    fn http(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.ports["http"]).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it by SIGTERM; answers what it said since it was ready, and the directory.
    fn stop(mut self) -> (String, tempfile::TempDir) {
        self.signal("TERM");
        let mut text = String::new();
        self.log.read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{text}");
        (text, self.dir)
    }

    /// Ends it without a chance to tidy up.
    fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.dir
    }
}

#[test]
fn a_broker_serves_health_and_metrics_and_drains() {
    let broker = Broker::start(&[]);
    assert!(broker.http("/healthz").ends_with("\r\n\r\nok\n"));
    assert!(broker.http("/readyz").ends_with("\r\n\r\nready\n"));
    let metrics = broker.http("/metrics");
    assert!(metrics.contains("\nrabbitmq_connections 0\n") && metrics.ends_with("# EOF\n"), "{metrics}");
    let (text, dir) = broker.stop();
    assert!(text.contains("stopping"), "{text}");
    let data = dir.path().join("data");
    let doctor = ternmq(&["doctor", "--data-dir", data.to_str().unwrap()]).output().unwrap();
    let text = String::from_utf8(doctor.stdout).unwrap();
    assert!(text.contains("stopped cleanly") && text.contains("is sound"), "{text}");
}

#[test]
fn the_first_administrator_is_made_once() {
    let broker = Broker::start(&[]);
    let password = fs::read_to_string(broker.dir.path().join("data/admin.password")).unwrap();
    let (_, dir) = broker.stop();
    let broker = Broker::start_in(dir, &[]);
    let again = fs::read_to_string(broker.dir.path().join("data/admin.password")).unwrap();
    assert_eq!(password, again);
    broker.stop();
}

#[test]
fn a_given_administrator_needs_no_password_file_in_the_data_directory() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "secret\n").unwrap();
    let broker = Broker::start(&["--user", "ops", "--password-file", secret.path().to_str().unwrap()]);
    assert!(!broker.dir.path().join("data/admin.password").exists());
    broker.stop();
}

#[test]
fn a_login_given_later_makes_nobody() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "secret\n").unwrap();
    let (_, dir) = Broker::start(&[]).stop();
    let mut broker =
        Broker::start_in(dir, &["--user", "ops", "--password-file", secret.path().to_str().unwrap()]);
    let mut notice = String::new();
    BufReader::new(broker.child.stdout.take().unwrap()).read_line(&mut notice).unwrap();
    assert!(
        notice.starts_with("user 'ops' was given and is not made: the broker has users already"),
        "{notice}"
    );
    broker.stop();
}

#[test]
fn logs_can_be_json() {
    let broker = Broker::start(&["--log-format", "json"]);
    let (text, _) = broker.stop();
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["message"].is_string(), "{line}");
    }
}

#[test]
fn a_data_directory_in_use_is_named() {
    let broker = Broker::start(&[]);
    let dir = broker.data_dir();
    let expect = format!(
        "cannot start from the data directory '{dir}': the data directory is in use by another process; stop that process or choose another directory"
    );
    check_line(&[&["broker", "--data-dir", &dir][..], &FREE_PORTS].concat(), 1, &expect);
    check_line(
        &["doctor", "--data-dir", &dir],
        1,
        &format!("a broker or a service is using '{dir}'; stop it first"),
    );
    broker.stop();
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let expect = format!(
        "cannot listen on {address} for http: the port is in use; stop the process that has it or choose another with --listen http=ADDR:PORT"
    );
    check_line(&["broker", "--ephemeral", "--listen", &format!("http={address}")], 1, &expect);
}

#[test]
fn wrong_options_are_refused_with_code_2() {
    check(&["broker", "--no-such-flag"], 2, "--no-such-flag");
    check(&["broker", "--listen", "amqp"], 2, "expected NAME=ADDR:PORT, for example amqp=127.0.0.1:5672");
    check(&["broker", "--listen", "gopher=127.0.0.1:1"], 2, "there is no listener 'gopher'");
    check(&["broker", "--user", "a"], 2, "--password-file");
    check(&["broker", "--ephemeral", "--data-dir", "x"], 2, "cannot be used with");
    check_line(
        &["broker", "--shards", "2"],
        2,
        "--shards 2: this version runs one shard per node; leave the option out or say --shards 1",
    );
    check(
        &["broker", "--engine", "rabbitmq", "--listen", "openwire=127.0.0.1:0"],
        2,
        "this broker has no such listener",
    );
    let missing = "cannot read the configuration file '/nonexistent.conf': No such file or directory (os error 2); check the path given with --config";
    check_line(&["broker", "--config", "/nonexistent.conf"], 2, missing);
    let missing = "the password file '/nonexistent' cannot be read: No such file or directory (os error 2); check the path given with --password-file";
    check_line(&["broker", "--user", "a", "--password-file", "/nonexistent"], 1, missing);
}

#[test]
fn what_another_engine_wrote_is_refused_and_left_as_it_is() {
    let without = |name: &str| -> Vec<&str> {
        FREE_PORTS.chunks(2).filter(|pair| !pair[1].starts_with(name)).flatten().copied().collect()
    };
    let of_activemq = |dir| Broker::start_on(&FREE_PORTS, dir, &["--engine", "activemq"]);
    let check_other = |data: &str, engine: &str, wrote: &str| {
        let expect = format!(
            "ternmq: cannot start from the data directory '{data}': it was written with --engine {wrote}; start it with that \
             engine, or choose another directory with --data-dir\n"
        );
        let words = ["broker", "--data-dir", data, "--engine", engine];
        // Each engine has the listeners of its own protocols.
        let listeners = without(if engine == "rabbitmq" { "openwire=" } else { "none" });
        check(&[&words[..], &listeners].concat(), 1, &expect);
    };
    let broker = of_activemq(tempfile::tempdir().unwrap());
    let data = broker.data_dir();
    // Killed, from the log; stopped, from the checkpoint; and it starts each time in between.
    let dir = broker.kill();
    check_other(&data, "rabbitmq", "activemq");
    let (_, dir) = of_activemq(dir).stop();
    check_other(&data, "all", "activemq");
    let (_, dir) = of_activemq(dir).stop();
    drop(dir);
    let broker = Broker::start(&[]);
    let data = broker.data_dir();
    let dir = broker.kill();
    check_other(&data, "activemq", "rabbitmq");
    let (_, dir) = Broker::start_on(&without("openwire="), dir, &["--engine", "rabbitmq"]).stop();
    check_other(&data, "activemq", "rabbitmq");
    drop(dir);
}

#[test]
fn a_configuration_file_is_obeyed_or_refused_with_its_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    fs::write(path, "# fine\nheartbeat = soon\n").unwrap();
    check(&["broker", "--ephemeral", "--config", path], 2, &format!("ternmq: {path}: line 2: heartbeat: "));
    fs::write(path, "load_definitions = /x\n").unwrap();
    let expect = "definitions '/x': cannot be read: No such file or directory (os error 2); check the path in the configuration file";
    check_line(&["broker", "--ephemeral", "--config", path], 2, expect);
    fs::write(path, "heartbeat = 7\nno_such_key = 1\n").unwrap();
    let broker = Broker::start(&["--config", path]);
    broker.stop();
}

/// Lets a broker tidy up.
fn end(child: &mut Child) {
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    child.wait().unwrap();
}

/// A directory for a data directory and files beside it.
fn dir_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text.replace("DIR", dir.path().to_str().unwrap())).unwrap();
    }
    dir
}

fn path_in(dir: &tempfile::TempDir, name: &str) -> String {
    dir.path().join(name).to_str().unwrap().to_owned()
}

const DEFINITIONS: &str = r#"{
    "vhosts": [{ "name": "/" }, { "name": "shop" }],
    "users": [{ "name": "seller", "password": "secret", "tags": "administrator" }],
    "permissions": [{ "user": "seller", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }],
    "queues": [{ "name": "orders", "vhost": "shop", "durable": true }],
    "exchanges": [{ "name": "in", "vhost": "shop", "type": "fanout" }],
    "bindings": [{
        "source": "in", "vhost": "shop", "destination": "orders", "destination_type": "queue", "routing_key": ""
    }]
}"#;

#[test]
fn definitions_of_the_configuration_are_there_at_every_start() {
    let dir = dir_with(&[("conf", "load_definitions = DIR/all.json\n"), ("all.json", DEFINITIONS)]);
    let config = path_in(&dir, "conf");
    let mut dir = Some(dir);
    for round in 0..3 {
        let broker = Broker::start_in(dir.take().unwrap(), &["--config", &config]);
        assert!(!broker.dir.path().join("data/admin.password").exists(), "the file has users");
        let url = format!("http://seller:secret@{}", broker.ports["http"]);
        let exported = ternmq(&["export", "--url", &url]).output().unwrap();
        let text = String::from_utf8(exported.stdout).unwrap();
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        let queues = found["queues"].as_array().unwrap();
        assert_eq!(queues.iter().filter(|queue| queue["name"] == "orders").count(), 1, "{text}");
        assert_eq!(found["bindings"].as_array().unwrap().len(), 1, "{text}");
        let amqp = format!("amqp://seller:secret@{}", broker.ports["amqp"]);
        assert!(ternmq(&["pub", "--url", &amqp, "jobs", "x"]).status().unwrap().success());
        // A crash must not cost what was confirmed, nor a clean end.
        dir = Some(if round == 0 { broker.kill() } else { broker.stop().1 });
    }
    fs::write(path_in(dir.as_ref().unwrap(), "all.json"), DEFINITIONS.replace("fanout", "nothing")).unwrap();
    let data = path_in(dir.as_ref().unwrap(), "data");
    let words = [&["broker", "--data-dir", &data, "--config", &config][..], &FREE_PORTS].concat();
    let path = path_in(dir.as_ref().unwrap(), "all.json");
    // The exchange is there, but its type must be one even so.
    let expect = format!("definitions '{path}': there is no exchange type 'nothing'");
    check(&words, 2, &expect);
}

#[test]
fn a_wrong_definitions_file_changes_nothing() {
    let wrong = DEFINITIONS.replace("\"destination\": \"orders\"", "\"destination\": \"none\"");
    let dir = dir_with(&[("conf", "load_definitions = DIR/all.json\n"), ("all.json", &wrong)]);
    let (config, data) = (path_in(&dir, "conf"), path_in(&dir, "data"));
    let path = path_in(&dir, "all.json");
    let start = [&["broker", "--config", &config, "--data-dir", &data][..], &FREE_PORTS].concat();
    check(&start, 2, &format!("ternmq: definitions '{path}': "));
    let broker = Broker::start_in(dir, &[]);
    let url =
        broker.url().replace("amqp://", "http://").replace(&broker.ports["amqp"], &broker.ports["http"]);
    let exported = String::from_utf8(ternmq(&["export", "--url", &url]).output().unwrap().stdout).unwrap();
    let found: serde_json::Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(found["vhosts"].as_array().unwrap().len(), 1, "{exported}");
    assert_eq!(found["users"].as_array().unwrap().len(), 1, "{exported}");
    broker.stop();
}

#[test]
fn the_first_user_of_the_configuration_is_made_once() {
    let text = "default_user = ops\ndefault_pass = first\ndefault_vhost = shop\ndefault_user_tags.administrator = true\n\
                default_user_tags.monitoring = true\ndefault_permissions.write = ^jobs\n";
    let dir = dir_with(&[("conf", text)]);
    let config = path_in(&dir, "conf");
    let broker = Broker::start_in(dir, &["--config", &config]);
    assert!(!broker.dir.path().join("data/admin.password").exists());
    let url = format!("http://ops:first@{}", broker.ports["http"]);
    let exported = String::from_utf8(ternmq(&["export", "--url", &url]).output().unwrap().stdout).unwrap();
    let found: serde_json::Value = serde_json::from_str(&exported).unwrap();
    let vhosts: Vec<_> = found["vhosts"].as_array().unwrap().iter().map(|vhost| &vhost["name"]).collect();
    assert_eq!(vhosts, ["shop"], "{exported}");
    assert_eq!(found["users"].as_array().unwrap().len(), 1, "{exported}");
    assert_eq!(found["users"][0]["tags"], serde_json::json!(["administrator", "monitoring"]));
    assert_eq!(
        found["permissions"],
        serde_json::json!([
            { "user": "ops", "vhost": "shop", "configure": ".*", "write": "^jobs", "read": ".*" }
        ])
    );
    let (_, dir) = broker.stop();
    fs::write(&config, text.replace("first", "second")).unwrap();
    let broker = Broker::start_in(dir, &["--config", &config]);
    let url = format!("http://ops:first@{}", broker.ports["http"]);
    assert!(ternmq(&["export", "--url", &url]).output().unwrap().status.success(), "the password stays");
    broker.stop();
}

#[test]
fn a_first_user_that_cannot_be_made_is_no_start() {
    let text = "default_user = ops\ndefault_pass = p\ndefault_permissions.read = (\n";
    let dir = dir_with(&[("conf", text)]);
    let config = path_in(&dir, "conf");
    let words = ["broker", "--ephemeral", "--config", &config];
    check(&words, 2, "ternmq: the first user cannot be made: ");
    fs::write(&config, "default_user = ops\ndefault_pass = ''\n").unwrap();
    let expect =
        format!("{config}: line 2: default_pass: the password is empty; nobody can log in without one");
    check(&words, 2, &expect);
}

#[test]
fn listeners_are_where_the_configuration_says() {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = free();
    let start = |text: &str, more: &[&str]| {
        let dir = dir_with(&[("conf", text)]);
        let (config, ports) = (path_in(&dir, "conf"), path_in(&dir, "ports.json"));
        let mut command = ternmq(&["broker", "--ephemeral", "--config", &config, "--ports-file", &ports]);
        command.args(more).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        while !text.contains(" ready\n") && log.read_line(&mut text).unwrap() > 0 {}
        let ports: HashMap<String, String> =
            serde_json::from_str(&fs::read_to_string(ports).expect(&text)).unwrap();
        end(&mut child);
        ports
    };
    let ports = start(&format!("listeners.tcp = none\nmanagement.listener.port = {port}\n"), &[]);
    assert!(!ports.contains_key("amqp"), "{ports:?}");
    assert_eq!(ports["http"], format!("127.0.0.1:{port}"));
    let text = format!("listeners.tcp = none\nmanagement.tcp.port = {port}\nmanagement.tcp.ip = 127.0.0.2\n");
    let ports = start(&text, &["--listen", "amqp=127.0.0.3:0"]);
    assert!(ports["amqp"].starts_with("127.0.0.3:"), "{ports:?}");
    assert_eq!(ports["http"], format!("127.0.0.2:{port}"));
    let ports = start(
        &format!("listeners.tcp.one = 127.0.0.2:0\nmanagement.tcp.port = {port}\n"),
        &["--listen", "http=127.0.0.3:0"],
    );
    assert!(ports["amqp"].starts_with("127.0.0.2:"), "{ports:?}");
    assert!(ports["http"].starts_with("127.0.0.3:"), "{ports:?}");
}

#[test]
fn the_log_is_as_the_configuration_says_unless_the_command_line_does() {
    let dir = dir_with(&[("conf", "log.console.formatter = json\nhipe_compile = true\n")]);
    let config = path_in(&dir, "conf");
    let (text, _) = Broker::start(&["--config", &config]).stop();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).expect(&text);
    assert_eq!(line["level"], "INFO");
    let (text, _) = Broker::start(&["--config", &config, "--log-format", "text"]).stop();
    assert!(text.lines().next().unwrap().contains(" INFO "), "{text}");
    // A level that leaves nothing to read: the end of the file says that it was obeyed.
    fs::write(&config, "log.console.level = none\nhipe_compile = true\n").unwrap();
    let mut command = ternmq(&["broker", "--ephemeral", "--config", &config, "--ports-file"]);
    let ports = path_in(&dir, "ports.json");
    let mut child = command.arg(&ports).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut notice = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut notice).unwrap();
    end(&mut child);
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "");
}

#[test]
fn definitions_go_out_and_in_again() {
    let broker = Broker::start(&[]);
    let url = broker.url();
    assert!(ternmq(&["pub", "--url", &url, "made-here", "x"]).status().unwrap().success());
    let http = url.replace("amqp://", "http://").replace(&broker.ports["amqp"], &broker.ports["http"]);
    let exported = ternmq(&["export", "--url", &http]).output().unwrap();
    let text = String::from_utf8(exported.stdout).unwrap();
    let definitions: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(definitions["queues"][0]["name"], "made-here", "{text}");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text.replace("made-here", "made-there")).unwrap();
    let imported = ternmq(&["import", "--url", &http, file.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(
        String::from_utf8(imported.stdout).unwrap(),
        "definitions imported\n",
        "{:?}",
        imported.stderr
    );
    let exported = ternmq(&["export", "--url", &http]).output().unwrap();
    assert!(String::from_utf8(exported.stdout).unwrap().contains("made-there"));
    broker.stop();
}

#[test]
fn a_guest_whom_everybody_can_be_is_warned_of_at_import_and_at_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("definitions.json");
    fs::write(&file, r#"{"users": [{"name": "guest", "password": "guest", "tags": "administrator"}]}"#)
        .unwrap();
    let config = dir.path().join("rabbitmq.conf");
    fs::write(&config, format!("load_definitions = {}\n", file.display())).unwrap();
    let warning = "user 'guest' of the definitions has the password 'guest', which everybody knows";

    let broker = Broker::start(&[]);
    let http =
        broker.url().replace("amqp://", "http://").replace(&broker.ports["amqp"], &broker.ports["http"]);
    let imported = ternmq(&["import", "--url", &http, file.to_str().unwrap()]).output().unwrap();
    assert_eq!(String::from_utf8(imported.stdout).unwrap(), "definitions imported\n");
    let problem = String::from_utf8(imported.stderr).unwrap();
    assert!(problem.starts_with(&format!("ternmq: warning: {warning}")), "{problem}");
    assert_eq!(problem.lines().count(), 1, "{problem}");
    let (said, _) = broker.stop();
    assert!(said.contains(warning), "{said}");

    let broker = Broker::start(&["--config", config.to_str().unwrap()]);
    let lines: Vec<&str> = broker.said.lines().filter(|line| line.contains(warning)).collect();
    assert!(lines.len() == 1 && lines[0].contains("WARN"), "{}", broker.said);
    broker.stop();
}

#[test]
fn a_listener_that_this_version_lacks_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let start = ["broker", "--engine", "rabbitmq", "--data-dir", data.to_str().unwrap()];
    let words = [&start[..], &["--listen", "openwire=127.0.0.1:0"]].concat();
    check(&words, 2, "--listen openwire=127.0.0.1:0: this broker has no such listener; it has ");
    assert!(!data.exists());
}

#[test]
fn a_damaged_data_directory_is_explained_and_not_made_worse() {
    let dir = Broker::start(&[]).kill();
    let journal = dir.path().join("data/journal");
    for entry in fs::read_dir(&journal).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("manifest-") {
            fs::write(&path, b"not a manifest").unwrap();
        }
    }
    let before = listing(&journal);
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let expect =
        format!("cannot start from the data directory '{data}': no manifest of the journal is intact");
    check(&[&["broker", "--data-dir", data][..], &FREE_PORTS].concat(), 1, &expect);
    check(
        &["doctor", "--data-dir", data],
        1,
        &format!("'{data}' is damaged: no manifest of the journal is intact"),
    );
    assert_eq!(listing(&journal), before);
}

/// Changes one byte of a message in the journal, as a bad disk would.
fn rot(journal: &Path, body: &[u8]) {
    for entry in fs::read_dir(journal).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(body.len()).position(|window| window == body) {
            bytes[at] ^= 1;
            return fs::write(&path, bytes).unwrap();
        }
    }
    panic!("the message is not in the journal");
}

#[test]
fn f5_what_a_start_has_to_read_is_damaged_and_nobody_is_told_that_it_is_absent() {
    let broker = Broker::start(&[]);
    let url = broker.url();
    for body in ["first-message", "second-message", "third-message"] {
        assert!(ternmq(&["pub", "--url", &url, "jobs", body]).status().unwrap().success());
    }
    let dir = broker.kill();
    let journal = dir.path().join("data/journal");
    rot(&journal, b"second-message");
    let before = listing(&journal);
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let expect = format!(
        "cannot start from the data directory '{data}': a part of what a start has to read of the journal is damaged"
    );
    let words = [&["broker", "--data-dir", data][..], &FREE_PORTS].concat();
    check(&words, 1, &expect);
    check(&words, 1, "or give --accept-damage to start without what is lost");
    assert_eq!(listing(&journal), before);
    let broker = Broker::start_in(dir, &["--accept-damage"]);
    let url = broker.url();
    let got = ternmq(&["sub", "--url", &url, "jobs", "--count", "2"]).output().unwrap();
    assert_eq!(String::from_utf8(got.stdout).unwrap(), "first-message\nthird-message\n", "{:?}", got.stderr);
    let broker = Broker::start_in(broker.stop().1, &[]);
    broker.stop();
}

/// A key file as people make it.
fn key_file(dir: &Path, name: &str, digit: char) -> String {
    let path = dir.join(name);
    fs::write(&path, format!("{}\n", String::from(digit).repeat(64))).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn journal_holds(dir: &Path, body: &[u8]) -> bool {
    let holds = |path: &Path| fs::read(path).unwrap().windows(body.len()).any(|window| window == body);
    fs::read_dir(dir.join("data/journal")).unwrap().any(|entry| holds(&entry.unwrap().path()))
}

fn publish(broker: &Broker, body: &str) {
    let status = ternmq(&["pub", "--url", &broker.url(), "jobs", body]).status().unwrap();
    assert!(status.success());
}

fn take(broker: &Broker, count: &str) -> String {
    let got = ternmq(&["sub", "--url", &broker.url(), "jobs", "--count", count]).output().unwrap();
    String::from_utf8(got.stdout).unwrap()
}

#[test]
fn s13_an_encrypted_data_directory_is_read_with_its_key_only() {
    let keys = tempfile::tempdir().unwrap();
    let (key, other) = (key_file(keys.path(), "key", 'a'), key_file(keys.path(), "other", 'b'));
    let broker = Broker::start(&["--encryption-key-file", &key]);
    publish(&broker, "a-secret-message");
    let dir = broker.kill();
    assert!(!journal_holds(dir.path(), b"a-secret-message"));
    let data = dir.path().join("data");
    let (before, data) = (listing(&data.join("journal")), data.to_str().unwrap());
    let words = [&["broker", "--data-dir", data][..], &FREE_PORTS].concat();
    let end = "; give the key with --encryption-key-file, and while keys are changed the one before with \
               --encryption-old-key-file";
    check_line(
        &words,
        1,
        &format!("cannot open the data directory '{data}': it is encrypted, and no key was given{end}"),
    );
    let wrong = [&words[..], &["--encryption-key-file", &other]].concat();
    // How many segments there are is a matter of time: the next one is made when there is nothing else to do.
    let refused = ternmq(&wrong).output().unwrap();
    let text = String::from_utf8(refused.stderr).unwrap();
    let expect = format!(
        "ternmq: cannot open the data directory '{data}': it is encrypted with another key than was given ("
    );
    assert!(text.starts_with(&expect) && text.ends_with(&format!("){end}\n")), "{text}");
    assert_eq!((refused.status.code(), text.lines().count()), (Some(1), 1), "{text}");
    let doctor = ["doctor", "--data-dir", data];
    check(&doctor, 1, &format!("cannot look into '{data}': it is encrypted, and no key was given"));
    check(&[&doctor[..], &["--encryption-key-file", &other]].concat(), 1, "another key than was given");
    assert_eq!(listing(&dir.path().join("data/journal")), before);
    let seen = ternmq(&[&doctor[..], &["--encryption-key-file", &key]].concat()).output().unwrap();
    let text = String::from_utf8(seen.stdout).unwrap();
    assert!(text.contains("Encrypted are ") && text.contains("is sound"), "{text}");
    let broker = Broker::start_in(dir, &["--encryption-key-file", &key]);
    assert_eq!(take(&broker, "1"), "a-secret-message\n");
    broker.stop();
}

#[test]
fn s13_encryption_is_turned_on_its_key_changed_and_turned_off_again() {
    let keys = tempfile::tempdir().unwrap();
    let (first, second) = (key_file(keys.path(), "first", '1'), key_file(keys.path(), "second", '2'));
    let broker = Broker::start(&[]);
    publish(&broker, "plain-one");
    let (_, dir) = broker.stop();
    assert!(journal_holds(dir.path(), b"plain-one"));
    let broker = Broker::start_in(dir, &["--encryption-key-file", &first]);
    publish(&broker, "hidden-two");
    let dir = broker.kill();
    assert!(!journal_holds(dir.path(), b"hidden-two"));
    let broker =
        Broker::start_in(dir, &["--encryption-key-file", &second, "--encryption-old-key-file", &first]);
    assert!(broker.said.contains("the encryption key was changed"), "{}", broker.said);
    publish(&broker, "hidden-three");
    let (_, dir) = broker.stop();
    assert!(!journal_holds(dir.path(), b"hidden-three"));
    let off = ["--encryption-key-file", &second, "--decrypt-only"];
    let broker = Broker::start_in(dir, &off);
    assert!(broker.said.contains("the journal holds encrypted segments"), "{}", broker.said);
    publish(&broker, "plain-four");
    let dir = broker.kill();
    assert!(journal_holds(dir.path(), b"plain-four"));
    let broker = Broker::start_in(dir, &off);
    assert_eq!(take(&broker, "4"), "plain-one\nhidden-two\nhidden-three\nplain-four\n");
    broker.stop();
}

#[test]
fn a_key_file_that_cannot_be_used_is_named_with_the_mend() {
    let keys = tempfile::tempdir().unwrap();
    let key = key_file(keys.path(), "key", 'x');
    let broker = |key: &str| ["broker", "--ephemeral", "--encryption-key-file", key].map(str::to_owned);
    let check = |key: &str, expect: &str| {
        let words = broker(key);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        check_line(&words, 1, &format!("the encryption key file '{key}' {expect}"));
    };
    check(&key, "holds no key: 32 bytes or 64 hexadecimal digits are needed, as from openssl rand -hex 32");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    check(&key, "may be used by others than its owner (mode 640): run chmod 600 on it");
    check("/nonexistent", "cannot be read: No such file or directory (os error 2)");
}

fn listing(dir: &Path) -> Vec<(String, u64)> {
    let mut names: Vec<(String, u64)> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
        .collect();
    names.sort();
    names
}

#[test]
fn doctor_says_when_there_is_nothing() {
    check_line(
        &["doctor", "--data-dir", "/nonexistent"],
        1,
        "there is no data directory '/nonexistent'; name it with --data-dir",
    );
}

#[test]
fn commands_name_a_broker_that_is_not_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("amqp://a:b@{free}");
    check(&["pub", "--url", &url, "q", "x"], 1, &format!("cannot reach a broker at {free}: "));
    check(&["pub", "--url", "http://x", "q", "x"], 2, "the address is wrong: it does not start with amqp://");
    check(
        &["export", "--url", &format!("http://a:b@{free}")],
        1,
        &format!("cannot reach a broker at {free}: "),
    );
}

#[test]
fn a_look_at_a_long_backlog_changes_nothing() {
    let broker = Broker::start(&[]);
    let (amqp, http) = (broker.url(), broker.http_url());
    let _ = ternmq(&["pub", "--url", &amqp, "jobs", "hello", "--count", "9000"]).output().unwrap();
    let lines = |arguments: &[&str]| {
        let output = ternmq(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let peeked = lines(&["peek", "--url", &http, "jobs", "--count", "8500"]);
    assert_eq!((peeked.len(), &*peeked[8_499]), (8_500, "hello"), "most of it was read from the log");
    let json = lines(&["peek", "--url", &http, "jobs", "--output", "json"]);
    let taken = lines(&["sub", "--url", &amqp, "jobs", "--count", "9000", "--output", "json"]);
    assert!(taken.iter().all(|line| line.contains(r#""redelivered":false"#)), "{}", taken[0]);
    assert_eq!(json, taken[..1]);
    check(&["peek", "--url", &http, "none"], 1, "the broker refused (404 Not Found): ");
    check(&["peek", "--url", "ftp://x", "jobs"], 2, "the address is wrong: it does not start with http://");
    broker.stop();
}

#[test]
fn messages_survive_a_kill_and_are_printed() {
    let broker = Broker::start(&[]);
    let url = broker.url();
    let published = ternmq(&["pub", "--url", &url, "jobs", "hello", "--count", "3"]).output().unwrap();
    assert_eq!(
        String::from_utf8(published.stdout).unwrap(),
        "3 messages confirmed\n",
        "{:?}",
        published.stderr
    );
    let broker = Broker::start_in(broker.kill(), &[]);
    let url = broker.url();
    let peeked = ternmq(&["peek", "--url", &url, "jobs", "--count", "2"]).output().unwrap();
    assert_eq!(String::from_utf8(peeked.stdout).unwrap(), "hello\nhello\n");
    let taken = ternmq(&["sub", "--url", &url, "jobs", "--count", "3"]).output().unwrap();
    assert_eq!(String::from_utf8(taken.stdout).unwrap(), "hello\nhello\nhello\n");
    let nowhere =
        ternmq(&["pub", "--url", &url, "--exchange", "amq.direct", "--key", "none", "x"]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(String::from_utf8(nowhere.stderr).unwrap().contains("1 of 1 messages reached no queue"));
    let wrong = url.replace("admin:", "admin:x");
    check(&["pub", "--url", &wrong, "jobs", "x"], 1, "the broker refused (403): ");
    broker.stop();
}

/// Commands of OpenWire 12 in loose encoding, as far as a transaction manager needs them to leave a branch in doubt.
mod branch {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    const CONNECTION: &str = "ID:in-doubt";

    fn text(text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len()).unwrap();
        [[1].as_slice(), &length.to_be_bytes(), text.as_bytes()].concat()
    }

    fn bytes(bytes: &[u8]) -> Vec<u8> {
        let length = i32::try_from(bytes.len()).unwrap();
        [[1].as_slice(), &length.to_be_bytes(), bytes].concat()
    }

    fn connection_id() -> Vec<u8> {
        [[1, 120].as_slice(), &text(CONNECTION)].concat()
    }

    fn producer_id() -> Vec<u8> {
        [[1, 123].as_slice(), &text(CONNECTION), &1_i64.to_be_bytes(), &1_i64.to_be_bytes()].concat()
    }

    fn branch_id(global: &[u8]) -> Vec<u8> {
        [[1, 112].as_slice(), &7_i32.to_be_bytes(), &bytes(global), &bytes(b"1")].concat()
    }

    /// Sends a command that is to be answered, and reads until its answer has come.
    fn ask(stream: &mut TcpStream, kind: u8, rest: &[&[u8]]) {
        send(stream, kind, &[[0, 0, 0, 9, 1].as_slice(), &rest.concat()].concat());
        loop {
            let mut size = [0; 4];
            stream.read_exact(&mut size).unwrap();
            let mut frame = vec![0; u32::from_be_bytes(size) as usize];
            stream.read_exact(&mut frame).unwrap();
            // A response, one with a number.
            match frame[0] {
                30 | 34 => return,
                31 => panic!("{}", String::from_utf8_lossy(&frame)),
                _ => {}
            }
        }
    }

    fn send(stream: &mut TcpStream, kind: u8, rest: &[u8]) {
        let size = u32::try_from(rest.len() + 1).unwrap();
        stream.write_all(&[size.to_be_bytes().as_slice(), &[kind], rest].concat()).unwrap();
    }

    /// Prepares branches that each publish a message to the queue `jobs`.
    pub(crate) fn prepare(address: &str, password: &str, globals: &[&[u8]]) {
        let mut stream = TcpStream::connect(address).unwrap();
        let options = bytes(&0_i32.to_be_bytes());
        send(&mut stream, 1, &[b"ActiveMQ".as_slice(), &12_i32.to_be_bytes(), &options].concat());
        let login = [connection_id(), text(CONNECTION), text(password), text("admin")].concat();
        ask(&mut stream, 3, &[&login, &[0, 0, 0, 1, 0, 0, 0]]);
        ask(&mut stream, 4, &[&[1, 121], &text(CONNECTION), &1_i64.to_be_bytes()]);
        let queue = [[1, 100].as_slice(), &text("jobs")].concat();
        ask(&mut stream, 6, &[&producer_id(), &queue, &[0, 0, 0, 0, 0, 0]]);
        for global in globals {
            let step = |step: u8| [connection_id(), branch_id(global), vec![step]].concat();
            ask(&mut stream, 7, &[&step(0)]);
            let id = [[1, 110, 0].as_slice(), &producer_id(), &1_i64.to_be_bytes(), &[0; 8]].concat();
            // Original transaction, group, its sequence, correlation; persistent, expiration, priority; reply, time, type.
            let facts = [[0; 2].as_slice(), &[0; 4], &[0], &[1], &[0; 8], &[4], &[0], &[0; 8], &[0]].concat();
            // Properties, structure, target, compressed; redeliveries; path; arrival; four; both times; first of its group.
            let rest = [0; 4 + 4 + 1 + 8 + 4 + 16 + 1];
            let message =
                [producer_id(), queue.clone(), branch_id(global), vec![0], id, facts, bytes(b"job")];
            ask(&mut stream, 24, &[&message.concat(), &rest]);
            ask(&mut stream, 7, &[&step(1)]);
        }
    }
}

#[test]
fn transactions_in_doubt_are_shown_and_decided() {
    let broker = Broker::start(&[]);
    let password = broker.url().split(['@', ':']).nth(2).unwrap().to_owned();
    let (http, amqp) = (broker.http_url(), broker.url());
    let run = |words: &[&str]| {
        let output = ternmq(&[&["transactions"], words, &["--url", &http]].concat()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run(&["list"]), "no transaction is in doubt\n");
    assert!(ternmq(&["pub", "jobs", "first", "--url", &amqp]).status().unwrap().success());
    branch::prepare(&broker.ports["openwire"], &password, &[b"a", b"b"]);
    let listed = run(&["list"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(
        lines.len() == 3 && lines[0].starts_with("ID ") && lines[1].starts_with("7:61:31  / "),
        "{listed}"
    );
    let one: serde_json::Value =
        serde_json::from_str(&run(&["show", "7:61:31", "--output", "json"])).unwrap();
    assert_eq!((&one["user"], &one["publishes"]), (&"admin".into(), &1.into()), "{one}");
    assert!(run(&["show", "7:62:31"]).starts_with("id            7:62:31\n"));
    // Nobody can be asked here.
    check(&["transactions", "commit", "7:61:31", "--url", &http], 2, "commit needs --yes");
    check(&["transactions", "show", "7:63:31", "--url", &http], 1, "there is no prepared branch '7:63:31'");
    assert_eq!(run(&["commit", "7:61:31", "--yes"]), "7:61:31 is committed\n");
    let answer: serde_json::Value =
        serde_json::from_str(&run(&["rollback", "7:62:31", "--yes", "--output", "json"])).unwrap();
    assert_eq!(answer, serde_json::json!({"vhost": "/", "id": "7:62:31", "decision": "rollback"}));
    assert_eq!(run(&["list", "--output", "json"]), "[]\n");
    let bodies = ternmq(&["sub", "jobs", "--count", "2", "--url", &amqp]).output().unwrap().stdout;
    assert_eq!(String::from_utf8(bodies).unwrap(), "first\njob\n");
    broker.stop();
}
