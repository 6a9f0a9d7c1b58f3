//! `ternmq serve` as a process: it starts, answers signed calls, dies and comes back, ends when asked to.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use ternmq_identity::sigv4::{Moment, Request, sign};
use ternmq_identity::{Credentials, Secret};

const BINARY: &str = env!("CARGO_BIN_EXE_ternmq");

/// A service in a directory of its own. Dropped it is asked to end: an ephemeral one takes its brokers along.
struct Service {
    child: Child,
    stdout: BufReader<ChildStdout>,
    dir: PathBuf,
    /// What it said until it was ready.
    said: String,
    address: String,
}

impl Service {
    fn start(dir: &Path, more: &[&str]) -> Self {
        let _ = std::fs::remove_file(dir.join("ports.json"));
        let mut child = serve(dir, more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("clients trust") {
            assert_ne!(stdout.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        let ports: Value = serde_json::from_slice(&std::fs::read(dir.join("ports.json")).unwrap()).unwrap();
        let address = ports["api"].as_str().unwrap().to_owned();
        Self { child, stdout, dir: dir.to_owned(), said, address }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let keys: Value =
            serde_json::from_slice(&std::fs::read(self.dir.join("keys.json")).unwrap()).unwrap();
        let credentials = Credentials {
            access_key_id: keys["access_key_id"].as_str().unwrap().into(),
            secret: Secret::from(keys["secret_access_key"].as_str().unwrap()),
            session_token: None,
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("host", self.address.as_str())];
        let request = Request { method, path, query: "", headers: &headers, body: body.as_bytes() };
        #[allow(clippy::disallowed_methods)] // the service's clock is the machine's
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let at = Moment::from_unix_s(i64::try_from(now_s).unwrap());
        let added = sign(&request, &credentials, "us-east-1", "mq", at).unwrap();
        let head: String = added.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\nconnection: close\r\n{head}\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn first_broker(&self) -> Value {
        let (status, listed) = self.call("GET", "/v1/brokers", &Value::Null);
        assert_eq!(status, 200, "{listed}");
        listed["brokerSummaries"][0].clone()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    /// Asks it to end; gives the exit code.
    fn end(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// Ends the brokers below a directory when a test ends, however it does.
struct Brokers(PathBuf);

impl Drop for Brokers {
    fn drop(&mut self) {
        for pid in broker_pids(&self.0) {
            let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
        }
    }
}

/// Processes whose command line names the directory as a broker's.
fn broker_pids(dir: &Path) -> Vec<i32> {
    let of = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("\0broker\0") && line.contains(dir.join("data").to_str().unwrap())
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(of).collect()
}

fn serve(dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("serve").arg("--data-dir").arg(dir.join("data")).args(["--listen", "api=127.0.0.1:0"]);
    command.arg("--ports-file").arg(dir.join("ports.json"));
    command.arg("--credentials-file").arg(dir.join("keys.json")).args(more);
    command
}

fn output(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_service_that_is_killed_comes_back_with_its_brokers() {
    let dir = tempfile::tempdir().unwrap();
    let _brokers = Brokers(dir.path().to_owned());
    let first = Service::start(dir.path(), &[]);
    assert!(
        first.said.contains("AWS_SECRET_ACCESS_KEY") && first.said.contains("password "),
        "{}",
        first.said
    );
    let broker = first.first_broker();
    assert_eq!((&broker["brokerName"], &broker["brokerState"]), (&json!("first"), &json!("RUNNING")));
    let pids = broker_pids(dir.path());
    assert_eq!(pids.len(), 1);
    let (code, text) = output(&mut serve(dir.path(), &[]));
    assert_eq!(code, Some(1));
    assert!(text.contains("another process is using it"), "{text}");

    first.signal(Signal::KILL);
    drop(first);
    assert_eq!(broker_pids(dir.path()), pids);
    let second = Service::start(dir.path(), &[]);
    assert!(
        !second.said.contains("AWS_SECRET_ACCESS_KEY") && !second.said.contains("password "),
        "{}",
        second.said
    );
    assert_eq!(second.first_broker(), broker);
    assert_eq!(broker_pids(dir.path()), pids);

    let id = broker["brokerId"].as_str().unwrap();
    assert_eq!(second.call("DELETE", &format!("/v1/brokers/{id}"), &Value::Null).0, 200);
    assert_eq!(second.end(), Some(0));
    // What was begun is ended by the next one, which makes no other first broker.
    let third = Service::start(dir.path(), &[]);
    assert!(
        !third.said.contains("the broker 'first'") || third.said.contains("is being started"),
        "{}",
        third.said
    );
    assert_eq!(third.end(), Some(0));
    let doctor =
        Command::new(BINARY).arg("doctor").arg("--data-dir").arg(dir.path().join("data")).output().unwrap();
    let text = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.status.success() && text.contains("each follows from the one before it"), "{text}");
}

#[test]
fn an_ephemeral_service_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), &["--ephemeral"]);
    let trusted =
        service.said.lines().find_map(|line| line.strip_prefix("clients trust ")).unwrap().to_owned();
    assert!(Path::new(&trusted).is_file());
    assert_eq!(service.end(), Some(0));
    let data = Path::new(&trusted).ancestors().nth(2).unwrap();
    assert!(!data.exists(), "{}", data.display());
}

#[test]
fn wrong_options_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let check = |more: &[&str], code: i32, part: &str| {
        let (got, text) = output(&mut serve(dir.path(), more));
        assert_eq!(got, Some(code), "{more:?}: {text}");
        assert!(text.contains(part), "{more:?}: {text}");
    };
    check(&["--account", "12"], 2, "an account has twelve digits");
    check(&["--region", "Mars"], 2, "a region is named like eu-central-1");
    let (code, text) = output(Command::new(BINARY).args(["serve", "--listen", "http=127.0.0.1:1"]));
    assert_eq!(code, Some(2));
    assert!(text.contains("there is only the listener 'api'"), "{text}");
    check(&["--api-rate", "0"], 2, "--api-rate");
    std::fs::write(dir.path().join("keys.json"), "{}").unwrap();
    check(&[], 1, "keys.json");
}
