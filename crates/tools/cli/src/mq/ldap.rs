//! What `create-broker` and `update-broker` say of an LDAP directory, in the forms that AWS's command line has for it: shorthand
//! (`hosts=ldap.example.com,userBase="ou=people,dc=example,dc=com"`), JSON, or `file://` with either of them. The password of
//! the service account comes from a file or the terminal, not from the command line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::api::Object;
use super::flags::put;
use super::prompt;
use super::settings::read_bounded;
use crate::failure::Failure;

/// Longest text in bytes.
const MAX_BYTES: usize = 64 << 10;
const OPTION: &str = "--ldap-server-metadata";
const PASSWORD: &str = "serviceAccountPassword";
/// How the name of a file begins.
const FILE: &str = "file://";

/// Who knows the users of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Strategy {
    /// The broker itself.
    Simple,
    /// An LDAP directory (ActiveMQ).
    Ldap,
}

/// Flags about who knows the users.
#[derive(Debug, Args)]
pub(crate) struct DirectoryArgs {
    /// Who knows the users: the broker, or an LDAP directory (ActiveMQ). Default: ldap with --ldap-server-metadata.
    #[arg(long, value_enum)]
    authentication_strategy: Option<Strategy>,
    /// The directory: hosts, serviceAccountUsername, userBase, userSearchMatching, userSearchSubtree, userRoleName, roleBase,
    /// roleSearchMatching, roleSearchSubtree, roleName; as MEMBER=VALUE,..., as JSON, or file://FILE with one of them.
    #[arg(long, value_name = "TEXT")]
    ldap_server_metadata: Option<String>,
    /// File with the password of the directory's service account; "-" is standard input. Without it the password is that in
    /// the file://FILE, or asked for on a terminal.
    #[arg(long, value_name = "FILE", requires = "ldap_server_metadata")]
    ldap_password_file: Option<PathBuf>,
}

/// What a member of the metadata is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Texts,
    Truth,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
}

/// The members of `LdapServerMetadataInput`.
const MEMBERS: [(&str, Kind, Need); 11] = [
    ("hosts", Kind::Texts, Need::Required),
    ("serviceAccountUsername", Kind::Text, Need::Required),
    (PASSWORD, Kind::Text, Need::Required),
    ("userBase", Kind::Text, Need::Required),
    ("userSearchMatching", Kind::Text, Need::Required),
    ("userSearchSubtree", Kind::Truth, Need::Optional),
    ("userRoleName", Kind::Text, Need::Optional),
    ("roleBase", Kind::Text, Need::Required),
    ("roleSearchMatching", Kind::Text, Need::Required),
    ("roleSearchSubtree", Kind::Truth, Need::Optional),
    ("roleName", Kind::Text, Need::Optional),
];

impl DirectoryArgs {
    /// Something was said.
    pub(super) fn is_told(&self) -> bool {
        self.authentication_strategy.is_some() || self.ldap_server_metadata.is_some()
    }

    /// Puts what was said into an input.
    pub(super) fn put(&self, input: &mut Object) -> Result<(), Failure> {
        let metadata = self.ldap_server_metadata.as_deref().map(|text| self.metadata(text)).transpose()?;
        let by_default = metadata.as_ref().map(|_| Strategy::Ldap);
        let strategy = self.authentication_strategy.or(by_default).map(|strategy| match strategy {
            Strategy::Simple => "SIMPLE",
            Strategy::Ldap => "LDAP",
        });
        put(input, "authenticationStrategy", strategy);
        put(input, "ldapServerMetadata", metadata);
        Ok(())
    }

    fn metadata(&self, given: &str) -> Result<Value, Failure> {
        let mut members = match given.strip_prefix(FILE) {
            Some(path) => {
                let text = read_bounded(path.as_ref(), MAX_BYTES)?;
                read(&text.ok_or_else(|| Failure::usage(format!("{OPTION}: there is no file '{path}'")))?)?
            }
            None => {
                let members = read(given)?;
                if members.contains_key(PASSWORD) {
                    return Err(wrong(
                        PASSWORD,
                        "does not belong on the command line, where every user of the machine can read it; leave it out and \
                         give --ldap-password-file FILE, or put all of it into a file and say file://FILE",
                    ));
                }
                members
            }
        };
        check(&members)?;
        if let Some(path) = &self.ldap_password_file {
            members.insert(PASSWORD.to_owned(), prompt::from_file(path)?.as_str().into());
        }
        if !members.contains_key(PASSWORD) {
            let typed = prompt::typed(
                "Password of the directory's service account: ",
                "the password of the directory's service account is needed: give --ldap-password-file FILE, or \"-\" for \
                 standard input",
            )?;
            members.insert(PASSWORD.to_owned(), typed.as_str().into());
        }
        Ok(Value::Object(members))
    }
}

fn wrong(member: &str, problem: &str) -> Failure {
    Failure::usage(format!("{OPTION}: {member} {problem}"))
}

/// That all that is needed is there, but for the password, which may come later.
fn check(members: &Object) -> Result<(), Failure> {
    let missing = MEMBERS
        .iter()
        .find(|(name, _, need)| *need == Need::Required && *name != PASSWORD && !members.contains_key(*name));
    missing.map_or(Ok(()), |(name, ..)| Err(wrong(name, "is missing")))
}

/// Reads JSON or shorthand.
fn read(text: &str) -> Result<Object, Failure> {
    if text.len() > MAX_BYTES {
        return Err(Failure::usage(format!("{OPTION} has more than {MAX_BYTES} bytes")));
    }
    let text = text.trim();
    if text.starts_with('{') { read_json(text) } else { read_shorthand(text) }
}

fn read_json(text: &str) -> Result<Object, Failure> {
    // The reader's own words could hold the password, so only the place is told (S11).
    let members: Object = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Failure::usage(format!("{OPTION} is no JSON object (line {line}, column {column})"))
    })?;
    for (name, value) in &members {
        let is_right = match kind_of(name)? {
            Kind::Text => value.is_string(),
            Kind::Truth => value.is_boolean(),
            Kind::Texts => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
        };
        if !is_right {
            return Err(wrong(name, expected(kind_of(name)?)));
        }
    }
    Ok(members)
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "has to be one text; put one that has commas into quotes",
        Kind::Texts => "has to be a list of texts",
        Kind::Truth => "has to be true or false",
    }
}

fn kind_of(name: &str) -> Result<Kind, Failure> {
    let known = MEMBERS.iter().find(|(known, ..)| *known == name).map(|(_, kind, _)| *kind);
    known.ok_or_else(|| {
        let name: String = name.chars().take(64).flat_map(char::escape_debug).collect();
        Failure::usage(format!(
            "{OPTION}: there is no member '{name}'; put a value that has commas into quotes"
        ))
    })
}

fn read_shorthand(text: &str) -> Result<Object, Failure> {
    let mut members = Object::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else {
            return Err(Failure::usage(format!(
                "{OPTION} is neither JSON nor MEMBER=VALUE,...; see --help for an example"
            )));
        };
        let name = name.trim();
        let kind = kind_of(name)?;
        let (values, next) = read_values(name, after)?;
        let value = match (kind, &*values) {
            (Kind::Texts, _) => values.into(),
            (Kind::Text, [one]) => one.as_str().into(),
            (Kind::Truth, [one]) if matches!(&**one, "true" | "false") => (one == "true").into(),
            _ => return Err(wrong(name, expected(kind))),
        };
        if members.insert(name.to_owned(), value).is_some() {
            return Err(wrong(name, "is there twice"));
        }
        rest = next;
    }
    Ok(members)
}

/// The values of a member, and what follows the comma behind them: one or several up to the next `MEMBER=`, or those in
/// brackets.
fn read_values<'a>(name: &str, text: &'a str) -> Result<(Vec<String>, &'a str), Failure> {
    let text = text.trim_start();
    let is_list = text.starts_with('[');
    let (mut values, mut rest) = (Vec::new(), text.strip_prefix('[').unwrap_or(text));
    loop {
        let (value, after) = read_value(name, rest, is_list)?;
        values.push(value);
        rest = after.trim_start();
        if is_list && let Some(after) = rest.strip_prefix(']') {
            rest = after.trim_start();
            let next = rest.strip_prefix(',').unwrap_or(rest);
            let is_end = rest.is_empty() || next.len() < rest.len();
            return if is_end {
                Ok((values, next))
            } else {
                Err(wrong(name, "has something behind its list"))
            };
        }
        match rest.strip_prefix(',') {
            Some(after) if !is_list && begins_member(after) => return Ok((values, after)),
            Some(after) => rest = after,
            None if rest.is_empty() && !is_list => return Ok((values, rest)),
            None if is_list => return Err(wrong(name, "has a list without an end")),
            None => return Err(wrong(name, "has something behind its quotes")),
        }
    }
}

/// Whether a member's name and `=` come next; what is in quotes is none.
fn begins_member(text: &str) -> bool {
    let end = text.find(['=', ',', '"', '\'', '[']);
    end.is_some_and(|end| text[end..].starts_with('='))
}

/// One value, in quotes or up to the next comma, and what follows it.
fn read_value<'a>(name: &str, text: &'a str, is_list: bool) -> Result<(String, &'a str), Failure> {
    let text = text.trim_start();
    let Some(quote) = text.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
        let end = text.find(|letter| letter == ',' || is_list && letter == ']').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Ok((value.trim_end().to_owned(), rest));
    };
    let (mut value, mut letters) = (String::new(), text[1..].char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, next)) if next == quote || next == '\\' => value.push(next),
                // A backslash of a distinguished name.
                Some((_, next)) => value.extend(['\\', next]),
                None => break,
            },
            letter if letter == quote => return Ok((value, &text[at + 2..])),
            letter => value.push(letter),
        }
    }
    Err(wrong(name, "has quotes without an end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> DirectoryArgs {
        DirectoryArgs {
            authentication_strategy: None,
            ldap_server_metadata: Some(text.to_owned()),
            ldap_password_file: None,
        }
    }

    fn check_read(text: &str, expect: &str) {
        let told = match read(text) {
            Ok(members) => Value::Object(members).to_string(),
            Err(failure) => failure.text().to_owned(),
        };
        assert_eq!(told, expect, "{text}");
    }

    #[test]
    fn shorthand_and_json_say_the_same() {
        check_read("hosts=a,b,roleName=cn", r#"{"hosts":["a","b"],"roleName":"cn"}"#);
        check_read(
            "roleName=cn, hosts=[a, \"b\"], userSearchSubtree=true",
            r#"{"hosts":["a","b"],"roleName":"cn","userSearchSubtree":true}"#,
        );
        check_read(r#"hosts=a,userBase="ou=p,dc=x""#, r#"{"hosts":["a"],"userBase":"ou=p,dc=x"}"#);
        check_read(r"userBase='ou=it\'s \, \\,dc=x'", r#"{"userBase":"ou=it's \\, \\,dc=x"}"#);
        check_read("userSearchMatching=(uid={0})", r#"{"userSearchMatching":"(uid={0})"}"#);
        check_read(
            r#" {"hosts": ["a"], "roleSearchSubtree": false} "#,
            r#"{"hosts":["a"],"roleSearchSubtree":false}"#,
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let quotes = "put a value that has commas into quotes";
        let text = "has to be one text; put one that has commas into quotes";
        for (given, problem) in [
            ("userBase=ou=p,dc=x", format!("there is no member 'dc'; {quotes}")),
            ("host=a", format!("there is no member 'host'; {quotes}")),
            ("userBase=a,b", format!("userBase {text}")),
            ("userSearchSubtree=yes", "userSearchSubtree has to be true or false".into()),
            ("hosts=a,hosts=b", "hosts is there twice".into()),
            ("userBase=\"a", "userBase has quotes without an end".into()),
            ("userBase=\"a\"b", "userBase has something behind its quotes".into()),
            ("hosts=[a", "hosts has a list without an end".into()),
            ("hosts=[a]b", "hosts has something behind its list".into()),
            (r#"{"hosts": "a"}"#, "hosts has to be a list of texts".into()),
            (r#"{"hosts": [1]}"#, "hosts has to be a list of texts".into()),
            (r#"{"userBase": 1}"#, format!("userBase {text}")),
            (r#"{"roleSearchSubtree": "true"}"#, "roleSearchSubtree has to be true or false".into()),
        ] {
            check_read(given, &format!("{OPTION}: {problem}"));
        }
        check_read("{\"hosts\": [}", &format!("{OPTION} is no JSON object (line 1, column 12)"));
        check_read(
            "hosts",
            &format!("{OPTION} is neither JSON nor MEMBER=VALUE,...; see --help for an example"),
        );
    }

    #[test]
    fn the_password_comes_from_a_file_and_never_from_the_command_line() {
        let dir = tempfile::tempdir().unwrap();
        let (whole, password) = (dir.path().join("ldap.json"), dir.path().join("password"));
        let rest = r#"hosts=a,serviceAccountUsername="cn=mq,dc=x",userBase="ou=p,dc=x",userSearchMatching=(uid={0}),roleBase="ou=g,dc=x",roleSearchMatching=(member={0})"#;
        let told = |args: &DirectoryArgs| {
            let mut input = Object::new();
            args.put(&mut input).map(|()| input).map_err(|failure| failure.text().to_owned())
        };
        let refused = told(&args(&format!("{rest},serviceAccountPassword=secret"))).unwrap_err();
        assert!(refused.contains("serviceAccountPassword does not belong on the command line"), "{refused}");
        std::fs::write(&password, "secret\n").unwrap();
        let input = told(&DirectoryArgs { ldap_password_file: Some(password), ..args(rest) }).unwrap();
        assert_eq!(input["authenticationStrategy"], "LDAP");
        assert_eq!(input["ldapServerMetadata"]["serviceAccountPassword"], "secret");
        assert_eq!(input["ldapServerMetadata"]["userBase"], "ou=p,dc=x");
        std::fs::write(&whole, input["ldapServerMetadata"].to_string()).unwrap();
        let by_file = args(&format!("{FILE}{}", whole.display()));
        assert_eq!(told(&by_file).unwrap(), input);
        let missing = told(&args("hosts=a")).unwrap_err();
        assert_eq!(missing, "--ldap-server-metadata: serviceAccountUsername is missing");
        assert!(told(&args("file:///nonexistent")).unwrap_err().contains("there is no file"));
    }
}
