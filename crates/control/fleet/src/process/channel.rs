//! What the fleet asks of a node over its local channel.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::child::Process;
use super::client::{Answer, NoAnswer, Request, ask, encode_part};
use super::node::Node;
use crate::error::FleetError;
use crate::grants::NodeGrants;
use crate::spec::{AcceptRule, Engine, NodeSpec, NodeUser};

/// Time for an answer that needs nothing but the node's main thread.
const QUICK: Duration = Duration::from_secs(5);
/// Time for an answer that has to be durable first.
const DURABLE: Duration = Duration::from_secs(30);
/// The group of ActiveMQ that whoever has access to the console is in.
const CONSOLE_GROUP: &str = "activemq-webconsole";
/// Most bytes of an answer in an error.
const TOLD_BYTES: usize = 256;

/// What a node says it is.
#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    node: String,
    incarnation: u64,
    pid: u32,
    pub(crate) ready: bool,
    pub(crate) started_unix_ms: u64,
}

/// The local channel of one process.
pub(crate) struct Channel<'a> {
    node: &'a Node,
    process: &'a Process,
}

impl<'a> Channel<'a> {
    pub(crate) fn new(node: &'a Node, process: &'a Process) -> Self {
        Self { node, process }
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<Answer, FleetError> {
        let body = body.map(Value::to_string);
        let request = Request { method, path, body: body.as_deref().map(str::as_bytes), timeout };
        let name = self.node.name.clone();
        ask(&self.node.layout.control(), self.process.pid(), &request).map_err(|error| match error {
            NoAnswer::Failed(error) => FleetError::Unreachable { name, problem: error.to_string() },
            NoAnswer::Stranger { pid, uid } => {
                let own = self.process.pid();
                FleetError::Stranger {
                    name,
                    problem: format!("process {pid} of user {uid}, not process {own}"),
                }
            }
        })
    }

    fn refused(&self, answer: &Answer) -> FleetError {
        let body = answer.body.get(..answer.body.len().min(TOLD_BYTES)).unwrap_or_default();
        let text = String::from_utf8_lossy(body).chars().flat_map(char::escape_debug).collect();
        FleetError::Refused { name: self.node.name.clone(), status: answer.status, text }
    }

    /// As [`Self::ask`], for a change: done, or an error.
    fn change(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(), FleetError> {
        let answer = self.ask(method, path, body, DURABLE)?;
        if matches!(answer.status, 200..=299) { Ok(()) } else { Err(self.refused(&answer)) }
    }

    fn read<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, FleetError> {
        let answer = self.ask("GET", path, None, QUICK)?;
        if answer.status != 200 {
            return Err(self.refused(&answer));
        }
        serde_json::from_slice(&answer.body).map_err(|error| FleetError::Stranger {
            name: self.node.name.clone(),
            problem: format!("its answer is not what this version understands: {error}"),
        })
    }

    /// Who it is and whether it serves; anybody but this node in this run is a stranger.
    pub(crate) fn status(&self, incarnation: u64) -> Result<Said, FleetError> {
        let said: Said = self.read("/control/status")?;
        let expect = (self.node.name.to_string(), incarnation, self.process.pid());
        if (&said.node, said.incarnation, said.pid) == (&expect.0, expect.1, expect.2) {
            return Ok(said);
        }
        let shown: String = said.node.chars().take(64).flat_map(char::escape_debug).collect();
        Err(FleetError::Stranger {
            name: self.node.name.clone(),
            problem: format!("node '{shown}', run {}, process {}", said.incarnation, said.pid),
        })
    }

    /// Makes the node let in whom the rules let in.
    pub(crate) fn set_rules(&self, spec: &NodeSpec) -> Result<(), FleetError> {
        let wanted = accept_json(spec.engine, &spec.rules);
        if self.read::<Value>("/control/accept")? == wanted {
            return Ok(());
        }
        self.change("PUT", "/control/accept", Some(&wanted))
    }

    /// Makes these the grants of the node's users. A node of a build that knows no grants has none.
    pub(crate) fn set_grants(&self, grants: &NodeGrants) -> Result<(), FleetError> {
        let path = "/control/grants";
        if grants.users.is_empty() && self.ask("GET", path, None, QUICK)?.status == 404 {
            return Ok(());
        }
        let wanted = json!(grants);
        if self.read::<Value>(path)? == wanted {
            return Ok(());
        }
        self.change("PUT", path, Some(&wanted))
    }

    /// Asks the node to say goodbye to its clients and to end. Asked again it changes nothing.
    pub(crate) fn drain(&self) -> Result<(), FleetError> {
        let answer = self.ask("POST", "/control/drain", None, QUICK)?;
        if answer.status == 202 { Ok(()) } else { Err(self.refused(&answer)) }
    }

    /// Makes or replaces a user.
    pub(crate) fn put_user(&self, engine: Engine, user: &NodeUser) -> Result<(), FleetError> {
        let body = json!({
            "password_hash": user.password_hash,
            "hashing_algorithm": "ternmq_password_hashing_argon2id",
            "tags": tags(engine, user),
        });
        self.change("PUT", &format!("/api/users/{}", encode_part(&user.name)), Some(&body))
    }

    /// Lets a user do everything.
    pub(crate) fn grant(&self, engine: Engine, user: &str) -> Result<(), FleetError> {
        let body = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        let (space, user) = (encode_part(namespace(engine)), encode_part(user));
        self.change("PUT", &format!("/api/permissions/{space}/{user}"), Some(&body))
    }

    /// Deletes a user; one that is not there is fine.
    pub(crate) fn delete_user(&self, user: &str) -> Result<(), FleetError> {
        let answer = self.ask("DELETE", &format!("/api/users/{}", encode_part(user)), None, DURABLE)?;
        if matches!(answer.status, 200..=299 | 404) { Ok(()) } else { Err(self.refused(&answer)) }
    }
}

/// The virtual host that every broker has from the start.
fn namespace(engine: Engine) -> &'static str {
    match engine {
        Engine::RabbitMq => "/",
        Engine::ActiveMq => "localhost",
    }
}

/// Tags say what a user may do beside messaging, and keep the groups.
fn tags(engine: Engine, user: &NodeUser) -> Vec<String> {
    // ActiveMQ's console shows the broker and works with its queues; users are the service's business.
    let role = match engine {
        Engine::RabbitMq => "administrator",
        Engine::ActiveMq => "monitoring",
    };
    let is_of_console = engine == Engine::ActiveMq && user.is_administrator;
    let adds_group = is_of_console && !user.groups.iter().any(|group| group == CONSOLE_GROUP);
    let groups = user.groups.iter().map(String::as_str).chain(adds_group.then_some(CONSOLE_GROUP));
    // A group is never taken for a role, whatever its name is.
    let groups = groups.map(|group| format!("group:{group}"));
    user.is_administrator.then(|| role.to_owned()).into_iter().chain(groups).collect()
}

/// Whom the rules let in, in the form that a node reads: listener name to networks.
pub(crate) fn accept_json(engine: Engine, rules: &[AcceptRule]) -> Value {
    let networks = |port: u16| {
        let of_port = rules.iter().filter(|rule| (rule.ports.from..=rule.ports.to).contains(&port));
        let mut networks: Vec<String> = of_port.map(|rule| rule.source.to_string()).collect();
        networks.sort();
        networks.dedup();
        networks
    };
    let listeners = engine.listeners().iter();
    json!(
        listeners
            .map(|listener| (listener.name, networks(listener.service_port)))
            .collect::<BTreeMap<_, _>>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::PortRange;

    #[test]
    fn rules_speak_of_the_ports_of_the_service() {
        let rule = |source: &str, from, to| AcceptRule {
            source: source.parse().unwrap(),
            ports: PortRange { from, to },
        };
        let rules = [
            rule("10.0.0.0/8", 5_671, 5_671),
            rule("0.0.0.0/0", 443, 443),
            rule("::/0", 0, 65_535),
            rule("10.0.0.0/8", 1, 10_000),
        ];
        let amqps = ["10.0.0.0/8", "::/0"];
        assert_eq!(
            accept_json(Engine::RabbitMq, &rules),
            json!({ "amqps": amqps, "https": ["0.0.0.0/0", "10.0.0.0/8", "::/0"] })
        );
        assert_eq!(
            accept_json(Engine::ActiveMq, &rules[..1]),
            json!({ "openwires": [], "amqps": ["10.0.0.0/8"], "stomps": [], "mqtts": [], "wss": [], "https": [] })
        );
    }

    #[test]
    fn a_group_is_no_role() {
        let mut user = NodeUser {
            name: "u".into(),
            password_hash: "h".into(),
            groups: vec!["administrator".into()],
            is_administrator: false,
        };
        assert_eq!(tags(Engine::ActiveMq, &user), ["group:administrator"]);
        user.is_administrator = true;
        let console = "group:activemq-webconsole";
        assert_eq!(tags(Engine::ActiveMq, &user), ["monitoring", "group:administrator", console]);
        user.groups[0] = "activemq-webconsole".into();
        assert_eq!(tags(Engine::ActiveMq, &user), ["monitoring", console]);
        user.groups.clear();
        assert_eq!(tags(Engine::RabbitMq, &user), ["administrator"]);
    }
}
