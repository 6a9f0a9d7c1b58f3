//! A node as a service runs it: its local channel, its limits, its logs.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

struct Node {
    child: Child,
    dir: tempfile::TempDir,
}

/// The answer's status and body.
type Got = (u16, String);

impl Node {
    fn command(dir: &tempfile::TempDir, more: &[&str]) -> Command {
        let at = |name: &str| dir.path().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_ternmq"));
        command.args(["broker", "--only-named-listeners", "--node-name", "n-1", "--incarnation", "7"]);
        command.arg("--data-dir").arg(at("data")).arg("--ports-file").arg(at("ports.json"));
        command.arg("--control-socket").arg(at("control.sock")).arg("--log-dir").arg(at("logs"));
        command.args(more).env_remove("TERNMQ_LOG").stdin(Stdio::null());
        command
    }

    /// Starts one and waits until its log says that it is ready.
    fn start(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let child = Self::command(&dir, more).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut node = Self { child, dir };
        while !node.path("ports.json").exists() {
            assert_eq!(node.child.try_wait().unwrap(), None);
            std::thread::yield_now();
        }
        node
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path("logs").join(name)).unwrap_or_default()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Got {
        let stream = UnixStream::connect(self.path("control.sock")).unwrap();
        ask(stream, method, path, body)
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    fn address(&self, listener: &str) -> SocketAddr {
        let ports: Value =
            serde_json::from_str(&fs::read_to_string(self.path("ports.json")).unwrap()).unwrap();
        ports[listener].as_str().unwrap().parse().unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(mut stream: impl Read + Write, method: &str, path: &str, body: &str) -> Got {
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn the_local_channel_is_the_services_alone() {
    let node = Node::start(&["--listen", "amqp=127.0.0.1:0", "--listen", "http=127.0.0.1:0"]);
    let status = node.json("/control/status");
    assert_eq!((&status["node"], &status["incarnation"]), (&json!("n-1"), &json!(7)));
    assert_eq!((&status["pid"], &status["ready"]), (&json!(node.child.id()), &json!(true)));
    let listeners = status["listeners"].as_object().unwrap();
    assert_eq!(listeners.keys().collect::<Vec<_>>(), ["amqp", "http"], "and no other");
    assert_eq!(node.json("/api/users"), json!([]), "no first administrator");
    assert!(!node.path("data/admin.password").exists());
    let made = node.ask("PUT", "/api/users/ann", r#"{"password": "pw", "tags": "administrator"}"#);
    assert_eq!(made.0, 201);
    assert_eq!(node.ask("GET", "/readyz", ""), (200, "ready\n".into()));
    assert_eq!(node.ask("GET", "/control/nothing", "").0, 404);
    assert_eq!(node.ask("DELETE", "/control/status", "").0, 405);
    // From outside none of this is there.
    for (path, expect) in [("/control/status", 404), ("/api/users", 401)] {
        let outside = TcpStream::connect(node.address("http")).unwrap();
        assert_eq!(ask(outside, "GET", path, "").0, expect, "{path}");
    }
    let audit = node.log("audit.log");
    assert!(audit.contains("path=\"/api/users/ann\" by=\"control\""), "{audit}");
}

#[test]
fn bad_rules_change_nothing() {
    let node = Node::start(&["--listen", "http=127.0.0.1:0"]);
    assert_eq!(node.json("/control/accept"), json!({ "http": null }), "everybody is let in");
    let long = format!("{{\"http\": [\"{}\"]}}", "x".repeat(1 << 20));
    for (body, status, expect) in [
        ("", 400, "is no JSON object"),
        ("[]", 400, "is no JSON object"),
        (r#"{"http": "::/0"}"#, 400, "has no list of networks for http"),
        (r#"{"http": ["::/129"]}"#, 400, "is no address and no network"),
        (r#"{"amqps": []}"#, 400, "names the listener 'amqps'; there are only http"),
        (long.as_str(), 413, "too long"),
    ] {
        let (found, text) = node.ask("PUT", "/control/accept", body);
        assert_eq!(found, status, "{text}");
        assert!(text.contains(expect), "{text}");
    }
    assert_eq!(node.json("/control/accept"), json!({ "http": null }));
    assert_eq!(node.ask("PUT", "/control/accept", r#"{"http": []}"#).0, 204);
    let mut outside = TcpStream::connect(node.address("http")).unwrap();
    let _ = outside.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut answer = Vec::new();
    let _ = outside.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
    assert_eq!(node.json("/control/status")["refused_by_rules"], json!({ "http": 1 }));
    assert!(node.log("connection.log").contains("no rule lets it in"));
}

#[test]
fn the_service_drains_a_node() {
    let mut node = Node::start(&["--listen", "http=127.0.0.1:0"]);
    assert_eq!(node.ask("POST", "/control/drain", "").0, 202);
    assert_eq!(node.child.wait().unwrap().code(), Some(0));
    assert!(node.log("general.log").contains("the service asks to stop"));
}

#[test]
fn a_file_of_rules_that_is_wrong_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("accept.json");
    let path = file.to_str().unwrap();
    for (text, expect) in
        [("", "is no JSON object"), (r#"{"amqp": []}"#, "names the listener 'amqp'; there are only http")]
    {
        fs::write(&file, text).unwrap();
        let mut command = Node::command(&dir, &["--listen", "http=127.0.0.1:0", "--accept-from", path]);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expect) && said.contains(path), "{said}");
    }
}

#[test]
fn f4_publishers_wait_when_the_nodes_room_runs_short() {
    let node = Node::start(&["--listen", "http=127.0.0.1:0", "--storage-limit", "1073741824"]);
    assert_eq!(node.ask("GET", "/readyz", "").1, "ready\n");
    let filler = node.path("data/filler");
    let filled = Command::new("fallocate").args(["-l", "800M"]).arg(&filler).status().unwrap();
    assert!(filled.success());
    // The room is looked at once a second.
    while node.ask("GET", "/readyz", "").1 != "ready, publishers wait for: disk\n" {
        std::thread::yield_now();
    }
    fs::remove_file(filler).unwrap();
    while node.ask("GET", "/readyz", "").1 != "ready\n" {
        std::thread::yield_now();
    }
    assert!(node.log("general.log").contains("disk alarm: publishers are held back"));
}
