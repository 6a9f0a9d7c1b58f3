//! `ternmq transactions`: prepared branches of distributed transactions, and the operator's decision about one whose transaction
//! manager does not come back.

use bytes::Bytes;
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::args::{DecisionArgs, HttpTarget, Output, TransactionsArgs, TransactionsCommand};
use crate::failure::Failure;
use crate::management;
use crate::mq::{output, prompt};
use crate::url::Address;

/// Longest list: 1,000 branches, each with an id of some 270 characters and names of a user and a virtual host.
const MAX_BYTES: usize = 4 << 20;

type Branch = Map<String, Value>;

pub(crate) fn run(args: &TransactionsArgs) -> Result<(), Failure> {
    match &args.command {
        TransactionsCommand::List { target, output } => {
            let all = fetch(target)?;
            show(*output, &Value::from_iter(all.iter().cloned().map(Value::Object)), || listed(&all))
        }
        TransactionsCommand::Show { target, id, output } => {
            let branch = find(target, id)?;
            show(*output, &Value::Object(branch.clone()), || described(&branch))
        }
        TransactionsCommand::Commit(decision) => decide(decision, "commit", "committed"),
        TransactionsCommand::Rollback(decision) => decide(decision, "rollback", "rolled back"),
    }
}

fn decide(args: &DecisionArgs, word: &str, done: &str) -> Result<(), Failure> {
    let needs_yes = format!("{word} needs --yes where nobody can be asked");
    if !args.yes {
        prompt::require_terminal(&needs_yes)?;
    }
    let branch = find(&args.target, &args.id)?;
    if !args.yes {
        let question = format!("{}\n{} this branch for good?", described(&branch), capital(word));
        prompt::confirm(&question, &needs_yes)?;
    }
    let address = address_of(&args.target)?;
    let part = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let path = format!("/api/transactions/{}/{}", part(text(&branch, "vhost")), part(text(&branch, "id")));
    let body = json!({ "decision": word }).to_string();
    management::call(&address, Method::POST, &path, body.into(), MAX_BYTES)?;
    let answer = json!({ "vhost": branch.get("vhost"), "id": branch.get("id"), "decision": word });
    show(args.output, &answer, || format!("{} is {done}", text(&branch, "id")))
}

fn capital(word: &str) -> &'static str {
    if word == "commit" { "Commit" } else { "Roll back" }
}

fn address_of(target: &HttpTarget) -> Result<Address, Failure> {
    Address::parse(&target.url, "http", management::PORT, &target.data_dir)
}

/// All prepared branches, of the virtual host that the address names or of every one.
fn fetch(target: &HttpTarget) -> Result<Vec<Branch>, Failure> {
    let address = address_of(target)?;
    let path = match address.path.as_deref() {
        Some(vhost) => format!("/api/transactions/{}", utf8_percent_encode(vhost, NON_ALPHANUMERIC)),
        None => "/api/transactions".to_owned(),
    };
    let done = management::call(&address, Method::GET, &path, Bytes::new(), MAX_BYTES)?;
    let found = serde_json::from_slice(&done.body);
    found.map_err(|error| Failure::new(format!("the broker's answer is none of ours: {error}")))
}

/// The one branch of this id. In two virtual hosts there may be one each: then the address has to name which.
fn find(target: &HttpTarget, id: &str) -> Result<Branch, Failure> {
    pick(fetch(target)?, id)
}

fn pick(all: Vec<Branch>, id: &str) -> Result<Branch, Failure> {
    let mut found = all.into_iter().filter(|branch| text(branch, "id") == id);
    match (found.next(), found.next()) {
        (Some(branch), None) => Ok(branch),
        (None, _) => Err(Failure::new(format!(
            "there is no prepared branch '{id}'; `ternmq transactions list` shows those that there are"
        ))),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "several virtual hosts have a branch '{id}': name one in the address, http://HOST:PORT/VHOST"
        ))),
    }
}

fn text<'a>(branch: &'a Branch, member: &str) -> &'a str {
    branch.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn prepared_at(branch: &Branch) -> String {
    let at_ms = branch.get("prepared_at").and_then(Value::as_i64);
    let at = at_ms.and_then(|at_ms| jiff::Timestamp::from_millisecond(at_ms).ok());
    at.map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// What is told of a branch, with the member that has it.
const TOLD: [(&str, &str); 8] = [
    ("id", "id"),
    ("vhost", "vhost"),
    ("user", "user"),
    ("prepared", "prepared_at"),
    ("publishes", "publishes"),
    ("schedules", "schedules"),
    ("acknowledges", "acknowledges"),
    ("bytes", "bytes"),
];

fn told(branch: &Branch, member: &str) -> String {
    if member == "prepared_at" { prepared_at(branch) } else { output::text(branch, member) }
}

fn listed(all: &[Branch]) -> String {
    let rows = all.iter().map(|branch| TOLD.iter().map(|(_, member)| told(branch, member)).collect());
    output::table(&TOLD.map(|(name, _)| name), rows.collect(), "no transaction is in doubt")
}

fn described(branch: &Branch) -> String {
    output::pairs(TOLD.iter().map(|(name, member)| (*name, told(branch, member))).collect())
}

fn show(form: Output, json: &Value, human: impl FnOnce() -> String) -> Result<(), Failure> {
    match form {
        Output::Text => output::line(&human()),
        Output::Json => output::line(&json.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branches() -> Vec<Branch> {
        let branch = |vhost: &str, id: &str| {
            json!({"vhost": vhost, "id": id, "user": "shop", "prepared_at": 1_600_000_000_000_u64, "publishes": 2,
                "schedules": 1, "acknowledges": 3, "bytes": 170})
        };
        let all = [branch("/", "7:61:01"), branch("other", "7:61:01"), branch("other", "7:62:01")];
        all.iter().filter_map(Value::as_object).cloned().collect()
    }

    #[test]
    fn branches_in_a_table_and_by_themselves() {
        let all = branches();
        let expect = "\
ID       VHOST  USER  PREPARED                  PUBLISHES  SCHEDULES  ACKNOWLEDGES  BYTES
7:61:01  /      shop  2020-09-13T12:26:40.000Z  2          1          3             170";
        assert_eq!(listed(&all[..1]), expect);
        assert_eq!(listed(&[]), "no transaction is in doubt");
        let expect = "\
id            7:62:01
vhost         other
user          shop
prepared      2020-09-13T12:26:40.000Z
publishes     2
schedules     1
acknowledges  3
bytes         170";
        assert_eq!(described(&all[2]), expect);
    }

    #[test]
    fn one_branch_is_picked_or_none() {
        assert_eq!(
            pick(branches(), "7:62:01").map(|branch| text(&branch, "vhost").to_owned()).ok(),
            Some("other".into())
        );
        for (id, code) in [("7:61:01", 2), ("7:63:01", 1)] {
            assert_eq!(pick(branches(), id).map_err(|failure| failure.code()).unwrap_err(), code, "{id}");
        }
    }
}
