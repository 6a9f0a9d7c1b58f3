//! `ternmq mq` against a service of its own: what people see, what programs get, how commands end.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_ternmq");
const PASSWORD: &str = "correct horse battery";

/// A service without a broker, in a directory of its own. Dropped it ends, and its brokers with it.
struct Service {
    child: Child,
    dir: tempfile::TempDir,
    url: String,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Service {
    fn start() -> Self {
        Self::with_quota("10000", "1000")
    }

    fn with_quota(burst: &str, rate: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(BINARY);
        command
            .args(["serve", "--ephemeral", "--no-first-broker", "--ports-file"])
            .arg(dir.path().join("ports"));
        command.args(["--api-burst", burst, "--api-rate", rate]);
        command.arg("--credentials-file").arg(dir.path().join("keys.json"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("clients trust") {
            assert_ne!(stdout.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        let ports: Value = serde_json::from_slice(&fs::read(dir.path().join("ports")).unwrap()).unwrap();
        let url = format!("http://{}", ports["api"].as_str().unwrap());
        fs::write(dir.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        Self { child, dir, url }
    }

    /// A command of the administrator.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = mq(self.dir.path(), words);
        command
            .args(["--endpoint-url", &self.url, "--credentials-file"])
            .arg(self.dir.path().join("keys.json"));
        command
    }

    fn run(&self, words: &[&str]) -> Ended {
        ended(self.command(words).output().unwrap())
    }

    /// What a command that succeeds prints.
    fn done(&self, words: &[&str]) -> String {
        let ended = self.run(words);
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
        ended.stdout.trim_end().to_owned()
    }

    /// The same, as the one JSON value that it is.
    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[words, &["--output", "json"]].concat())).unwrap()
    }

    fn with_input(&self, words: &[&str], input: &str) -> Ended {
        let mut command = self.command(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        ended(child.wait_with_output().unwrap())
    }

    /// Creates a broker with the user `ops`; gives its id.
    fn broker(&self, name: &str, engine: &str) -> String {
        let password = self.dir.path().join("password");
        let password = password.to_str().unwrap();
        let words = ["create-broker", name, "--engine", engine, "--user", "ops", "--password-file", password];
        let running = self.json(&words);
        assert_eq!(running["brokerState"], "RUNNING", "{running}");
        running["brokerId"].as_str().unwrap().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_raw(self.child.id().try_into().unwrap()).unwrap(), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A command that knows nothing but the directory, which is its home too.
fn mq(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("mq").args(words).current_dir(dir).stdin(Stdio::null());
    command.env_clear().env("HOME", dir);
    command
}

fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn check(ended: &Ended, code: i32, stderr: &str) {
    assert_eq!((ended.code, ended.stderr.trim_end()), (Some(code), stderr), "{ended:?}");
}

/// The words of each line of a table.
fn rows(table: &str) -> Vec<Vec<&str>> {
    table.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn a_broker_from_its_creation_to_its_end() {
    let service = Service::start();
    assert_eq!(service.done(&["list-brokers"]), "there are no brokers in the region us-east-1");
    let password = service.dir.path().join("password");
    let words =
        "create-broker orders --engine rabbitmq --user ops --tag team=x --window sun,03:00 --logs general";
    let words: Vec<&str> = words.split(' ').chain(["--password-file", password.to_str().unwrap()]).collect();
    let created = service.run(&words);
    assert_eq!(created.code, Some(0), "{created:?}");
    let lines: Vec<&str> = created.stdout.lines().collect();
    assert!(lines[0].starts_with("orders runs (b-") && lines[0].contains("on mq.m7g.large"), "{created:?}");
    assert!(
        lines[1].starts_with("  amqps://localhost:") && lines[2].starts_with("  console https://"),
        "{created:?}"
    );
    assert!(
        created.stderr.contains("ternmq: orders is being created: CREATION_IN_PROGRESS\n"),
        "{created:?}"
    );

    let described = service.json(&["describe-broker", "orders"]);
    let (id, arn) = (described["brokerId"].as_str().unwrap(), described["brokerArn"].as_str().unwrap());
    for named in [id, arn] {
        assert_eq!(service.json(&["describe-broker", named])["brokerId"], id);
    }
    assert_eq!(described["tags"]["team"], "x");
    assert_eq!(described["maintenanceWindowStartTime"]["dayOfWeek"], "SUNDAY");
    let table = service.done(&["list-brokers"]);
    let row = &rows(&table)[1];
    assert_eq!((row[..4].to_vec(), row[5]), (vec!["orders", "RUNNING", "RabbitMQ", "mq.m7g.large"], id));

    let other = ["update-broker", "orders", "--instance-type", "mq.m7g.medium"];
    let waiting =
        "waiting for `ternmq mq reboot-broker orders` or the maintenance window: instance type mq.m7g.medium";
    assert_eq!(service.done(&other), format!("orders is changed; {waiting}"));
    let shown = service.done(&["describe-broker", id]);
    assert!(shown.contains("Waiting for a reboot  instance type mq.m7g.medium"), "{shown}");
    let rebooted = service.done(&["reboot-broker", "orders"]);
    assert!(rebooted.contains("on mq.m7g.medium)") && !rebooted.contains("waiting"), "{rebooted}");

    service.done(&["tag", "orders", "a=b=c", "d="]);
    service.done(&["untag", arn, "team", "gone"]);
    assert_eq!(rows(&service.done(&["list-tags", id])), [vec!["KEY", "VALUE"], vec!["a", "b=c"], vec!["d"]]);
    assert_eq!(service.json(&["list-tags", "orders"]).to_string(), r#"{"tags":{"a":"b=c","d":""}}"#);

    check(
        &service.run(&["delete-broker", "orders"]),
        2,
        "ternmq: delete-broker needs --yes where nobody can be asked",
    );
    assert_eq!(service.done(&["delete-broker", "orders", "--yes"]), "orders is deleted");
    let gone = "ternmq: there is no broker 'orders' in the region us-east-1; `ternmq mq list-brokers` shows what is there";
    check(&service.run(&["describe-broker", "orders"]), 1, gone);
    let gone = format!(
        "ternmq: NotFoundException: Can't find requested broker [{id}]. Make sure your broker exists. (attribute broker-id)"
    );
    check(&service.run(&["describe-broker", id]), 1, &gone);
}

#[test]
fn users_wait_for_a_reboot() {
    let service = Service::start();
    service.broker("legacy", "activemq");
    let words = ["create-user", "legacy", "ann", "--group", "ops", "--group", "dev", "--password-file", "-"];
    let created = service.with_input(&words, PASSWORD);
    let waiting = "waiting for `ternmq mq reboot-broker legacy` or the maintenance window\n";
    assert_eq!(created.stdout, format!("user 'ann' of legacy is created; {waiting}"), "{created:?}");
    let users = service.done(&["list-users", "legacy"]);
    assert_eq!(rows(&users), [vec!["USER", "WAITING"], vec!["ann", "create"], vec!["ops"]]);
    let changed = service.done(&["update-user", "legacy", "ann", "--console-access", "on", "--no-groups"]);
    assert_eq!(format!("{changed}\n"), format!("user 'ann' of legacy is changed; {waiting}"));
    service.done(&["delete-user", "legacy", "ops"]);
    service.done(&["reboot-broker", "legacy"]);
    assert_eq!(rows(&service.done(&["list-users", "legacy"])), [vec!["USER", "WAITING"], vec!["ann"]]);
    let ann = service.json(&["describe-user", "legacy", "ann"]);
    assert_eq!((&ann["consoleAccess"], &ann["groups"]), (&Value::Bool(true), &Value::Array(Vec::new())));

    let nothing = "ternmq: nothing to change: name what, for example --ask-password; see --help";
    check(&service.run(&["update-user", "legacy", "ann"]), 2, nothing);
    let short = service.with_input(&["create-user", "legacy", "bob", "--password-file", "-"], "short");
    assert_eq!(short.code, Some(1));
    assert!(
        short.stderr.starts_with("ternmq: BadRequestException: ") && !short.stderr.contains("short"),
        "{short:?}"
    );
    says_which_directory(&service);
}

/// The broker `legacy` gets its users from a directory with the next reboot.
fn says_which_directory(service: &Service) {
    const WHERE: &str = r#"hosts=ldap1.example.com,ldap2.example.com,userBase="ou=people,dc=x",userSearchMatching=(uid={0}),
        roleBase="ou=groups,dc=x",roleSearchMatching=(member={0}),serviceAccountUsername="cn=mq,dc=x""#;
    let words = ["update-broker", "legacy", "--ldap-password-file", "-", "--ldap-server-metadata"];
    let changed = service.with_input(&[&words[..], &[WHERE]].concat(), "service secret");
    let waiting = "authentication strategy ldap, directory ldap1.example.com, ldap2.example.com\n";
    assert!(changed.code == Some(0) && changed.stdout.ends_with(waiting), "{changed:?}");
    let described = service.json(&["describe-broker", "legacy"]);
    assert_eq!(described["pendingLdapServerMetadata"]["userBase"], "ou=people,dc=x");
    assert!(!described.to_string().contains("service secret"), "{described}");
    let broken = WHERE.replace("(uid={0})", "uid");
    let refused = service.with_input(&[&words[..], &[&*broken]].concat(), "service secret");
    assert!(refused.code == Some(1) && refused.stderr.contains("[userSearchMatching]"), "{refused:?}");
    let missing = "ternmq: --ldap-server-metadata: userBase is missing";
    check(&service.run(&[&words[..], &["hosts=a,serviceAccountUsername=b"]].concat()), 2, missing);
}

#[test]
fn configurations_and_their_revisions() {
    let service = Service::start();
    assert_eq!(service.done(&["list-configurations"]), "there are no configurations in the region us-east-1");
    let created = service.done(&["create-configuration", "conf", "--engine", "rabbitmq", "--tag", "a=b"]);
    assert!(created.starts_with("conf (c-") && created.ends_with(") is created, revision 1"), "{created}");
    let text = service.done(&["describe-configuration-revision", "conf", "1"]);
    assert!(text.contains("consumer_timeout = 1800000"), "{text}");

    let file = service.dir.path().join("rabbitmq.conf");
    fs::write(&file, "heartbeat = 60\nlisteners.tcp.default = 1\n").unwrap();
    let words = ["update-configuration", "conf", file.to_str().unwrap(), "--description", "a b"];
    let updated = service.run(&words);
    assert_eq!(updated.stdout, "conf has revision 2\n", "{updated:?}");
    let warning = "ternmq: warning: 'listeners.tcp.default' was removed: it is not permitted";
    check(&updated, 0, warning);
    // What is printed can be given back as it is.
    let text = service.run(&["describe-configuration-revision", "conf", "2"]).stdout;
    assert_eq!(text, "heartbeat = 60\n");
    assert_eq!(
        service.with_input(&["update-configuration", "conf", "-"], &text).stdout,
        "conf has revision 3\n"
    );
    let revisions = service.done(&["list-configuration-revisions", "conf"]);
    let numbers: Vec<&str> = rows(&revisions).iter().map(|row| row[0]).collect();
    assert_eq!(numbers, ["REVISION", "1", "2", "3"]);
    assert!(revisions.contains("a b"), "{revisions}");
    let described = service.done(&["describe-configuration", "conf"]);
    assert!(described.contains("Latest revision  3"), "{described}");
    assert_eq!(service.json(&["describe-configuration", "conf"])["tags"]["a"], "b");

    let password = service.dir.path().join("password");
    let words =
        "create-broker q --engine rabbitmq --user ops --no-wait --configuration conf:2 --password-file";
    let words: Vec<&str> = words.split(' ').chain([password.to_str().unwrap()]).collect();
    assert!(service.done(&words).ends_with("is being created"));
    let in_use = service.run(&["delete-configuration", "conf"]);
    assert!(in_use.code == Some(1) && in_use.stderr.starts_with("ternmq: ConflictException: "), "{in_use:?}");
    service.done(&["delete-broker", "q", "--yes"]);
    assert_eq!(service.done(&["delete-configuration", "conf"]), "conf is deleted");
    let gone = "ternmq: cannot read 'gone': No such file or directory (os error 2)";
    check(&service.run(&["update-configuration", "conf", "gone"]), 1, gone);
}

#[test]
fn more_than_a_page_is_one_list() {
    let service = Service::start();
    // The service gives at most a hundred a page.
    for number in 0..101 {
        service.done(&["create-configuration", &format!("c{number}"), "--engine", "activemq"]);
    }
    let mut listed = service.json(&["list-configurations"]);
    assert_eq!(listed["configurations"].as_array().unwrap().len(), 101);
    listed["configurations"].take();
    assert_eq!(listed.to_string(), r#"{"configurations":null}"#);
    assert_eq!(service.done(&["list-configurations"]).lines().count(), 102);
}

#[test]
fn a_quota_that_is_used_up_is_waited_for() {
    let service = Service::with_quota("1", "5");
    for name in ["a", "b", "c"] {
        service.done(&["create-configuration", name, "--engine", "activemq"]);
        service.done(&["tag", name, "x=y"]);
    }
    assert_eq!(service.json(&["list-configurations"])["configurations"][2]["tags"]["x"], "y");
}

#[test]
fn records_tell_who_did_what() {
    let service = Service::start();
    let id = service.broker("orders", "rabbitmq");
    service.done(&["tag", "orders", "a=b"]);
    service.done(&["delete-broker", "orders", "--yes"]);
    let table = service.done(&["records", "--changes"]);
    let events: Vec<&str> = rows(&table).iter().map(|row| row[2]).collect();
    assert_eq!(events, ["EVENT", "DeleteBroker", "CreateTags", "CreateBroker"]);
    let user = rows(&table)[1][1].to_owned();
    let words =
        ["records", "--resource", &id, "--user", &user, "--event-name", "CreateBroker", "--since", "1h"];
    let found = service.json(&words);
    let found = found["Events"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0]["CloudTrailEvent"].as_str().unwrap().contains("***"), "{found:?}");
    assert!(!found[0].to_string().contains(PASSWORD));
    assert_eq!(service.done(&["records", "--until", "2000-01-01"]), "no records match");
    assert_eq!(service.json(&["records", "-n", "2"])["Events"].as_array().unwrap().len(), 2);
    assert_eq!(service.run(&["records", "--since", "yesterday"]).code, Some(2));
}

#[test]
fn engines_and_instance_types() {
    let service = Service::start();
    let engines = service.done(&["engine-types", "--engine", "rabbitmq"]);
    assert_eq!(rows(&engines)[0], ["ENGINE", "VERSIONS"]);
    assert_eq!(rows(&engines)[1][..2], ["RABBITMQ", "4.3,"]);
    let words = [
        "instance-options",
        "--engine",
        "activemq",
        "--instance-type",
        "mq.t3.micro",
        "--storage-type",
        "efs",
    ];
    assert_eq!(service.json(&words)["brokerInstanceOptions"][0]["hostInstanceType"], "mq.t3.micro");
    assert_eq!(service.done(&["instance-options", "--instance-type", "x"]), "there is no such instance type");
}

#[test]
fn what_is_wrong_is_told_with_its_mend() {
    let service = Service::start();
    let dir = service.dir.path();
    let refused = "http://127.0.0.1:1: Connection refused (os error 111); start it with `ternmq serve`, or name another one \
                with --endpoint-url";
    let mut command = mq(dir, &["list-brokers", "--credentials-file", "keys.json"]);
    let unreached = ended(command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").output().unwrap());
    check(&unreached, 1, &format!("ternmq: cannot reach the service at {refused}"));
    let none = ended(mq(dir, &["list-brokers"]).output().unwrap());
    assert!(none.code == Some(1) && none.stderr.starts_with("ternmq: no credentials: "), "{none:?}");
    let mut command = mq(dir, &["list-brokers", "--endpoint-url", &service.url]);
    command.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    let unknown = "ternmq: InvalidSignatureException: The request signature we calculated does not match the signature you \
                   provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for \
                   details.";
    check(&ended(command.output().unwrap()), 1, unknown);
    let users =
        "ternmq: BadRequestException: Specify exactly one user for engine type [RABBITMQ]. (attribute users)";
    check(&service.run(&["create-broker", "q", "--engine", "rabbitmq"]), 1, users);
    let password = "ternmq: a password is needed: give --password-file FILE, or \"-\" for standard input";
    check(&service.run(&["create-broker", "q", "--engine", "rabbitmq", "--user", "ops"]), 2, password);
    let words = ["create-broker", "q", "--engine", "rabbitmq", "--password-file", "password"];
    check(&service.run(&words), 2, "ternmq: --password-file needs --user NAME");
    let nothing = "ternmq: nothing to change: name what, for example --engine-version; see --help";
    check(&service.run(&["update-broker", "q"]), 2, nothing);
    let elsewhere = "arn:aws:mq:eu-west-1:0:broker:q:b-01234567-89ab-cdef-0123-456789abcdef";
    let region = "ternmq: the broker is in the region eu-west-1, and the command works in us-east-1; add --region eu-west-1";
    check(&service.run(&["reboot-broker", elsewhere]), 2, region);
    let replica = service.broker("q", "rabbitmq");
    let promoted = service.run(&["promote", &replica, "--mode", "failover"]);
    assert!(promoted.code == Some(1) && promoted.stderr.contains("is not a replica"), "{promoted:?}");
    for words in
        [&["create-broker", "q"][..], &["tag", "q", "x"], &["records", "-n", "0"], &["list-brokers", "x"]]
    {
        assert_eq!(service.run(words).code, Some(2), "{words:?}");
    }
}

#[test]
fn a_profile_of_awss_tools_is_enough() {
    let service = Service::start();
    let dir = service.dir.path();
    let keys: Value = serde_json::from_slice(&fs::read(dir.join("keys.json")).unwrap()).unwrap();
    let (id, secret) = (keys["access_key_id"].as_str().unwrap(), keys["secret_access_key"].as_str().unwrap());
    fs::create_dir(dir.join(".aws")).unwrap();
    let credentials = format!("[dev]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    fs::write(dir.join(".aws/credentials"), credentials).unwrap();
    let config = format!("[profile dev]\nregion = eu-north-1\nendpoint_url = {}\n", service.url);
    fs::write(dir.join(".aws/config"), config).unwrap();
    let empty = "there are no brokers in the region eu-north-1\n";
    let listed = ended(mq(dir, &["list-brokers", "--profile", "dev"]).output().unwrap());
    assert_eq!(listed.stdout, empty, "{listed:?}");
    let listed = ended(mq(dir, &["list-brokers"]).env("AWS_PROFILE", "dev").output().unwrap());
    assert_eq!(listed.stdout, empty, "{listed:?}");

    // A service that was started here keeps its keys here.
    fs::create_dir(dir.join("ternmq-service")).unwrap();
    fs::copy(dir.join("keys.json"), dir.join("ternmq-service/administrator.json")).unwrap();
    let listed = ended(mq(dir, &["list-brokers", "--endpoint-url", &service.url]).output().unwrap());
    assert_eq!(listed.stdout, "there are no brokers in the region us-east-1\n", "{listed:?}");
}

/// Lists brokers of something that answers the first connection with these bytes and then closes it.
fn check_stranger(answer: Vec<u8>, expect: &str) {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
        while head.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        // Whoever has enough closes, and the rest is lost.
        let _ = stream.write_all(&answer);
    });
    let mut command = mq(dir.path(), &["list-brokers", "--endpoint-url", &format!("http://{address}")]);
    command.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    let ended = ended(command.output().unwrap());
    stranger.join().unwrap();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let stderr = ended.stderr.replace(&address.to_string(), "HERE");
    assert!(stderr.starts_with(&format!("ternmq: {expect}")) && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn what_a_stranger_answers_is_bounded_and_shown_without_harm() {
    let http = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    check_stranger(Vec::new(), "the service at http://HERE does not speak HTTP, or broke off: ");
    check_stranger(
        b"220 mail\r\n".to_vec(),
        "the service at http://HERE does not speak HTTP, or broke off: ",
    );
    check_stranger(
        http("200 OK", "[]"),
        "the answer is no JSON object; is the endpoint URL that of a TernMQ service?",
    );
    check_stranger(http("502 Bad", "\u{1b}[2Jno"), "the service refused (502): \\u{1b}[2Jno");
    let long = format!("{{\"x\": \"{}\"}}", "x".repeat(9 << 20));
    check_stranger(http("200 OK", &long), "cannot read the service's answer: length limit exceeded");
    check_stranger(http("200 OK", &"[".repeat(1 << 20)), "the answer is no JSON object");
    let deep = format!(r#"{{"message": "{}", "code": "X"}}"#, "m".repeat(1 << 20));
    check_stranger(http("400 Bad", &deep), "X: mmm");
}

/// Runs a command at a terminal and answers each question that it asks there; gives its exit code and all that was seen.
fn at_terminal(mut command: Command, answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let terminal = || fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
    let mut child = command.stdin(terminal()).stdout(terminal()).stderr(terminal()).spawn().unwrap();
    // The command itself holds the terminal's files still, and would never see its end.
    drop(command);
    let mut master = File::from(master);
    let (mut seen, mut answered) = (String::new(), 0);
    let mut bytes = [0; 1_024];
    // At the end of the command the terminal answers with an error.
    while let Ok(count) = master.read(&mut bytes) {
        seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        if let Some((question, answer)) =
            answers.get(answered).filter(|(question, _)| seen.contains(question))
        {
            assert!(!question.is_empty());
            master.write_all(answer.as_bytes()).unwrap();
            answered += 1;
        }
        if count == 0 {
            break;
        }
    }
    assert_eq!(answered, answers.len(), "{seen}");
    (child.wait().unwrap().code(), seen)
}

#[test]
fn people_are_asked_at_a_terminal() {
    let service = Service::start();
    let create = ["create-broker", "orders", "--engine", "rabbitmq", "--user", "ops"];
    let twice = |second: &'static str| {
        [
            ("Password for 'ops': ", "correct horse battary\u{7f}\u{7f}\u{7f}ery\n"),
            ("The same again: ", second),
        ]
    };
    let (code, seen) = at_terminal(service.command(&create), &twice("another horse\n"));
    assert!(code == Some(1) && seen.contains("the two passwords differ"), "{seen}");
    let (code, seen) = at_terminal(service.command(&create), &[("Password for 'ops': ", "cor\u{3}")]);
    assert!(code == Some(1) && seen.contains("nothing was done"), "{seen}");
    let (code, seen) = at_terminal(service.command(&create), &twice("correct horse battery\n"));
    assert!(code == Some(0) && seen.contains("orders runs"), "{seen}");
    assert!(!seen.contains("horse"), "{seen}");

    let delete = ["delete-broker", "orders"];
    let (code, seen) = at_terminal(service.command(&delete), &[("every message in it? [y/N] ", "\n")]);
    assert!(code == Some(1) && seen.contains("nothing was done"), "{seen}");
    let (code, seen) = at_terminal(service.command(&delete), &[("every message in it? [y/N] ", "y\n")]);
    assert!(code == Some(0) && seen.contains("orders is deleted"), "{seen}");
}

#[test]
fn shells_complete_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Command::new(BINARY).args(["completion", shell]).output().unwrap();
        let script = String::from_utf8(script.stdout).unwrap();
        for word in ["create-broker", "reboot-broker", "instance-type", "completion"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let refused = Command::new(BINARY).args(["completion", "tcsh"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}
