//! Whom a call is for and who signs it: flags, then the environment, then the files of AWS's tools, then what a service on
//! this machine keeps.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use ternmq_identity::{Credentials, Secret};
use zeroize::Zeroizing;

use super::endpoint::Endpoint;
use super::profile::{self, Form, Profile};
use crate::failure::Failure;

const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:4580";
const DEFAULT_REGION: &str = "us-east-1";
const DEFAULT_PROFILE: &str = "default";
/// Where a service that was started in this directory keeps its administrator's keys.
const OWN_KEYS: &str = "ternmq-service/administrator.json";
/// Longest file with keys in bytes.
const MAX_KEYS_BYTES: usize = 64 * 1_024;
/// How a profile says that its keys come from elsewhere.
const OTHER_SOURCES: [&str; 6] = [
    "role_arn",
    "credential_process",
    "credential_source",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
];

/// Which service to ask, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service and credentials")]
pub(crate) struct ServiceArgs {
    /// The service: http://HOST:PORT. Default: AWS_ENDPOINT_URL_MQ, AWS_ENDPOINT_URL, endpoint_url of the profile,
    /// http://127.0.0.1:4580.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Profile of AWS's files to take keys and settings from. Default: AWS_PROFILE, then "default".
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Region to work in. Default: AWS_REGION, AWS_DEFAULT_REGION, region of the profile, us-east-1.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) region: Option<String>,
    /// The administrator's keys as `ternmq serve` keeps them. Without it: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the
    /// profile's keys in ~/.aws, then ./ternmq-service/administrator.json.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "profile")]
    pub(crate) credentials_file: Option<PathBuf>,
}

/// What the process finds around itself.
#[derive(Default)]
pub(crate) struct Surroundings {
    /// Environment, variables that are not UTF-8 left out.
    pub(crate) variables: HashMap<String, String>,
    /// The working directory.
    pub(crate) directory: PathBuf,
}

impl Surroundings {
    pub(crate) fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.into_string().ok();
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?)));
        Self { variables: variables.collect(), directory: PathBuf::from(".") }
    }

    /// A variable that is there and not empty.
    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The file that a variable names, else one in the home directory.
    fn aws_file(&self, variable: &str, name: &str) -> Option<PathBuf> {
        let home = || Some(Path::new(self.get("HOME")?).join(".aws").join(name));
        match self.get(variable) {
            Some(path) => match (path.strip_prefix("~/"), self.get("HOME")) {
                (Some(rest), Some(home)) => Some(Path::new(home).join(rest)),
                _ => Some(PathBuf::from(path)),
            },
            None => home(),
        }
    }
}

/// What every call needs.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) endpoint: Endpoint,
    pub(crate) region: String,
    pub(crate) credentials: Credentials,
}

impl Settings {
    /// Finds everything, or says what is missing and how to give it.
    pub(crate) fn find(args: &ServiceArgs, around: &Surroundings) -> Result<Self, Failure> {
        let profile = Found::of(args, around)?;
        let endpoint = endpoint(args, around, &profile)?;
        let region = args.region.as_deref();
        let region = region.or_else(|| around.get("AWS_REGION")).or_else(|| around.get("AWS_DEFAULT_REGION"));
        let region = region.or_else(|| profile.get("region")).unwrap_or(DEFAULT_REGION).to_owned();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if region.is_empty() || region.len() > 64 || !region.bytes().all(is_name) {
            return Err(Failure::usage("the region is wrong: one is named like eu-central-1"));
        }
        Ok(Self { endpoint, region, credentials: credentials(args, around, &profile)? })
    }
}

/// The profile in both files.
struct Found {
    name: String,
    /// Whether somebody named it, so that it has to be there.
    credentials: Profile,
    config: Profile,
}

impl Found {
    fn of(args: &ServiceArgs, around: &Surroundings) -> Result<Self, Failure> {
        let named = args.profile.as_deref();
        let named = named.or_else(|| around.get("AWS_PROFILE")).or_else(|| around.get("AWS_DEFAULT_PROFILE"));
        let name = named.unwrap_or(DEFAULT_PROFILE).to_owned();
        let read = |variable, file, form| -> Result<(Option<Profile>, Option<PathBuf>), Failure> {
            let Some(path) = around.aws_file(variable, file) else { return Ok((None, None)) };
            let profile = read_profiles(&path, form)?.and_then(|mut profiles| profiles.remove(&name));
            Ok((profile, Some(path)))
        };
        let (credentials, one) = read("AWS_SHARED_CREDENTIALS_FILE", "credentials", Form::Credentials)?;
        let (config, other) = read("AWS_CONFIG_FILE", "config", Form::Config)?;
        if named.is_some() && credentials.is_none() && config.is_none() {
            let files: Vec<String> =
                [one, other].into_iter().flatten().map(|path| format!("'{}'", path.display())).collect();
            let files =
                if files.is_empty() { "any file, HOME is not set".into() } else { files.join(" or ") };
            return Err(Failure::new(format!("there is no profile '{name}' in {files}")));
        }
        Ok(Self { name, credentials: credentials.unwrap_or_default(), config: config.unwrap_or_default() })
    }

    fn get(&self, setting: &str) -> Option<&str> {
        self.credentials.get(setting).or_else(|| self.config.get(setting))
    }
}

/// Profiles of a file; `None`: it is not there.
fn read_profiles(path: &Path, form: Form) -> Result<Option<HashMap<String, Profile>>, Failure> {
    let shown = path.display();
    let Some(text) = read_bounded(path, profile::MAX_BYTES)? else { return Ok(None) };
    profile::parse(&text, form)
        .map(Some)
        .map_err(|wrong| Failure::new(format!("line {} of '{shown}' {}", wrong.line, wrong.what)))
}

/// A whole small file of text; `None`: it is not there.
pub(crate) fn read_bounded(path: &Path, max_bytes: usize) -> Result<Option<Zeroizing<String>>, Failure> {
    let shown = path.display();
    let file = match std::fs::OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::new(format!("cannot read '{shown}': {error}"))),
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(Failure::while_doing(format!("read '{shown}'")))?;
    if bytes.len() > max_bytes {
        return Err(Failure::new(format!("'{shown}' is longer than {max_bytes} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::new(format!("'{shown}' is not UTF-8")))?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

fn endpoint(args: &ServiceArgs, around: &Surroundings, profile: &Found) -> Result<Endpoint, Failure> {
    if let Some(url) = &args.endpoint_url {
        return Endpoint::parse(url, "of --endpoint-url");
    }
    if around.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        return Endpoint::parse(DEFAULT_ENDPOINT, "by default");
    }
    for variable in ["AWS_ENDPOINT_URL_MQ", "AWS_ENDPOINT_URL"] {
        if let Some(url) = around.get(variable) {
            return Endpoint::parse(url, &format!("in {variable}"));
        }
    }
    match profile.config.get("endpoint_url") {
        Some(url) => Endpoint::parse(url, &format!("of the profile '{}'", profile.name)),
        None => Endpoint::parse(DEFAULT_ENDPOINT, "by default"),
    }
}

/// As AWS's tools: a profile that is named by a flag comes before the keys in the environment.
fn credentials(args: &ServiceArgs, around: &Surroundings, profile: &Found) -> Result<Credentials, Failure> {
    if let Some(path) = &args.credentials_file {
        let found = own_keys(path)?;
        return found.ok_or_else(|| Failure::new(format!("there is no file '{}'", path.display())));
    }
    if args.profile.is_none()
        && let Some(found) = of_environment(around)?
    {
        return Ok(found);
    }
    if let Some(found) = of_profile(profile)? {
        return Ok(found);
    }
    let own = around.directory.join(OWN_KEYS);
    if args.profile.is_none()
        && let Some(found) = own_keys(&own)?
    {
        return Ok(found);
    }
    Err(Failure::new(format!(
        "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the profile '{}' keys with `aws configure`, \
         name the keys that `ternmq serve` keeps with --credentials-file, or run this where ./{OWN_KEYS} is",
        profile.name
    )))
}

fn of_environment(around: &Surroundings) -> Result<Option<Credentials>, Failure> {
    const ID: &str = "AWS_ACCESS_KEY_ID";
    const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
    let missing = |there: &str, gone: &str| Failure::usage(format!("{there} is set, but {gone} is not"));
    match (around.get(ID), around.get(SECRET)) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(missing(ID, SECRET)),
        (None, Some(_)) => Err(missing(SECRET, ID)),
        (Some(id), Some(secret)) => Ok(Some(made(id, secret, around.get("AWS_SESSION_TOKEN")))),
    }
}

fn of_profile(profile: &Found) -> Result<Option<Credentials>, Failure> {
    const ID: &str = "aws_access_key_id";
    const SECRET: &str = "aws_secret_access_key";
    for settings in [&profile.credentials, &profile.config] {
        let missing =
            |gone: &str| Failure::new(format!("the profile '{}' has keys, but no {gone}", profile.name));
        match (settings.get(ID), settings.get(SECRET)) {
            (None, None) => {}
            (Some(_), None) => return Err(missing(SECRET)),
            (None, Some(_)) => return Err(missing(ID)),
            (Some(id), Some(secret)) => {
                return Ok(Some(made(id, secret, settings.get("aws_session_token"))));
            }
        }
    }
    match OTHER_SOURCES.into_iter().find(|name| profile.get(name).is_some()) {
        None => Ok(None),
        Some(name) => Err(Failure::new(format!(
            "the profile '{}' takes its keys from elsewhere ({name}), which this command does not do; give it keys of its \
             own, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            profile.name
        ))),
    }
}

/// Keys that a service keeps; `None`: the file is not there.
fn own_keys(path: &Path) -> Result<Option<Credentials>, Failure> {
    let Some(text) = read_bounded(path, MAX_KEYS_BYTES)? else { return Ok(None) };
    let content: Option<Value> = serde_json::from_str(&text).ok();
    let text = |name| content.as_ref()?.get(name)?.as_str().filter(|text| !text.is_empty());
    match (text("access_key_id"), text("secret_access_key")) {
        (Some(id), Some(secret)) => Ok(Some(made(id, secret, None))),
        _ => Err(Failure::new(format!(
            "'{}' is not a JSON object with access_key_id and secret_access_key",
            path.display()
        ))),
    }
}

fn made(id: &str, secret: &str, token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: id.to_owned(),
        secret: Secret::from(secret),
        session_token: token.map(Secret::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home directory with files.
    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    const CREDENTIALS: &str = "[default]\naws_access_key_id=AD\naws_secret_access_key=SD\n[dev]\naws_access_key_id=AV\n\
                               aws_secret_access_key=SV\naws_session_token=TV\n[half]\naws_access_key_id=AH\n";
    const CONFIG: &str = "[default]\nregion=eu-west-1\n[profile dev]\nregion=eu-north-1\nendpoint_url=http://dev:1\n\
                          [profile inside]\naws_access_key_id=AI\naws_secret_access_key=SI\n[profile role]\nrole_arn=x\n";
    const KEYS: &str = r#"{"access_key_id": "AO", "secret_access_key": "SO"}"#;

    /// `flags` and variables as `NAME=VALUE`; the answer names endpoint, region, key, secret, token.
    fn check(home: &tempfile::TempDir, flags: &[&str], variables: &[&str], expect: &str) {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: ServiceArgs,
        }
        let line = <Line as clap::Parser>::try_parse_from([&["x"], flags].concat()).unwrap();
        let mut around = Surroundings { directory: home.path().join("here"), ..Surroundings::default() };
        around.variables.insert("HOME".into(), home.path().to_str().unwrap().into());
        for variable in variables {
            let (name, value) = variable.split_once('=').unwrap();
            around.variables.insert(name.into(), value.into());
        }
        let text = |secret: &Secret| String::from_utf8(secret.expose().to_vec()).unwrap();
        let answer = match Settings::find(&line.args, &around) {
            Ok(it) => {
                let keys = it.credentials;
                let token = keys.session_token.as_ref().map(text).unwrap_or_default();
                format!("{} {} {} {} {token}", it.endpoint, it.region, keys.access_key_id, text(&keys.secret))
            }
            Err(failure) => failure.text().replace(home.path().to_str().unwrap(), "~"),
        };
        assert_eq!(answer.trim_end(), expect, "{flags:?} {variables:?}");
    }

    #[test]
    fn the_order_is_that_of_awss_tools() {
        let home = home(&[
            (".aws/credentials", CREDENTIALS),
            (".aws/config", CONFIG),
            ("here/ternmq-service/administrator.json", KEYS),
            ("keys.json", KEYS),
        ]);
        let own = "http://127.0.0.1:4580";
        check(&home, &[], &[], &format!("{own} eu-west-1 AD SD"));
        check(&home, &["--profile", "dev"], &[], "http://dev:1 eu-north-1 AV SV TV");
        check(&home, &[], &["AWS_PROFILE=dev"], "http://dev:1 eu-north-1 AV SV TV");
        check(&home, &["--profile", "inside"], &[], &format!("{own} us-east-1 AI SI"));
        let keys = ["AWS_ACCESS_KEY_ID=AE", "AWS_SECRET_ACCESS_KEY=SE"];
        check(&home, &[], &keys, &format!("{own} eu-west-1 AE SE"));
        check(
            &home,
            &[],
            &[&keys[..], &["AWS_SESSION_TOKEN=TE", "AWS_PROFILE=dev"]].concat(),
            "http://dev:1 eu-north-1 AE SE TE",
        );
        check(&home, &["--profile", "dev"], &keys, "http://dev:1 eu-north-1 AV SV TV");
        let file = home.path().join("keys.json");
        check(
            &home,
            &["--credentials-file", file.to_str().unwrap()],
            &keys,
            &format!("{own} eu-west-1 AO SO"),
        );
        check(&home, &[], &["AWS_DEFAULT_REGION=a-1"], &format!("{own} a-1 AD SD"));
        check(&home, &[], &["AWS_DEFAULT_REGION=a-1", "AWS_REGION=b-1"], &format!("{own} b-1 AD SD"));
        check(&home, &["--region", "c-1"], &["AWS_REGION=b-1"], &format!("{own} c-1 AD SD"));
        check(&home, &[], &["AWS_ENDPOINT_URL=http://e"], "http://e eu-west-1 AD SD");
        check(
            &home,
            &[],
            &["AWS_ENDPOINT_URL=http://e", "AWS_ENDPOINT_URL_MQ=http://m"],
            "http://m eu-west-1 AD SD",
        );
        check(
            &home,
            &["--endpoint-url", "http://f"],
            &["AWS_ENDPOINT_URL_MQ=http://m"],
            "http://f eu-west-1 AD SD",
        );
        let ignore =
            ["AWS_PROFILE=dev", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_ENDPOINT_URL=http://e"];
        check(&home, &[], &ignore, &format!("{own} eu-north-1 AV SV TV"));
    }

    #[test]
    fn files_can_be_elsewhere_and_a_service_here_has_keys() {
        let moved = home(&[("c", CREDENTIALS), ("d/e", CONFIG)]);
        let variables = ["AWS_SHARED_CREDENTIALS_FILE=~/c", "AWS_CONFIG_FILE=~/d/e", "AWS_PROFILE=dev"];
        check(&moved, &[], &variables, "http://dev:1 eu-north-1 AV SV TV");
        let here = home(&[("here/ternmq-service/administrator.json", KEYS)]);
        check(&here, &[], &[], "http://127.0.0.1:4580 us-east-1 AO SO");
    }

    #[test]
    fn what_is_missing_is_told() {
        let full = home(&[(".aws/credentials", CREDENTIALS), (".aws/config", CONFIG), ("bad.json", "{}")]);
        check(
            &full,
            &["--profile", "gone"],
            &[],
            "there is no profile 'gone' in '~/.aws/credentials' or '~/.aws/config'",
        );
        check(
            &full,
            &["--profile", "half"],
            &[],
            "the profile 'half' has keys, but no aws_secret_access_key",
        );
        check(
            &full,
            &[],
            &["AWS_ACCESS_KEY_ID=A"],
            "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not",
        );
        check(
            &full,
            &["--profile", "role"],
            &[],
            "the profile 'role' takes its keys from elsewhere (role_arn), which this command does not do; give it keys of \
             its own, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        );
        check(&full, &["--region", "no region"], &[], "the region is wrong: one is named like eu-central-1");
        let bad = full.path().join("bad.json");
        check(
            &full,
            &["--credentials-file", bad.to_str().unwrap()],
            &[],
            "'~/bad.json' is not a JSON object with access_key_id and secret_access_key",
        );
        check(
            &full,
            &[],
            &["AWS_CONFIG_FILE=~/bad.json"],
            "line 1 of '~/bad.json' is neither a [section] nor NAME = VALUE",
        );
        let empty = home(&[]);
        check(
            &empty,
            &[],
            &[],
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the profile 'default' keys with `aws \
             configure`, name the keys that `ternmq serve` keeps with --credentials-file, or run this where \
             ./ternmq-service/administrator.json is",
        );
        let long = home(&[(".aws/config", &"#".repeat(profile::MAX_BYTES + 1))]);
        check(&long, &[], &[], "'~/.aws/config' is longer than 1048576 bytes");
    }
}
