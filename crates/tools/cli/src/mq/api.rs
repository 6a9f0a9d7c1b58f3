//! Calls of the service: signed, sent, and their answers bounded and read.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use ternmq_api::{Model, Operation};
use ternmq_env::{Clock, Rng, SystemClock, SystemRng};
use ternmq_identity::sigv4::{self, Moment};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::output::printable;
use super::request::{Built, build};
use super::settings::Settings;
use crate::failure::Failure;

/// Longest answer in bytes: a page of a hundred descriptions, or the text of a revision.
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// Longest text of an error that is shown, in characters.
const MAX_SHOWN: usize = 1_000;
/// Most pages of one list; a service that gives more gives them without end.
const MAX_PAGES: usize = 1_000;
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often a call is made that finds the account's quota used up, and the pause after the first time; each is twice the
/// one before.
const TRIES: u32 = 6;
const QUOTA_PAUSE: Duration = Duration::from_millis(200);

/// Members of an input or an answer.
pub(crate) type Object = Map<String, Value>;

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum CallFault {
    /// The service said no.
    Refused(Refused),
    /// There was no answer, or none that can be read.
    Broken(Failure),
}

/// A refusal of the service, printable.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
    /// The member that is wrong; empty where none is.
    pub(crate) attribute: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if self.attribute.is_empty() { Ok(()) } else { write!(f, " (attribute {})", self.attribute) }
    }
}

impl CallFault {
    /// Whether the thing that was asked for is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.has_code("NotFoundException")
    }

    fn has_code(&self, code: &str) -> bool {
        matches!(self, Self::Refused(refused) if refused.code == code)
    }
}

impl From<CallFault> for Failure {
    fn from(fault: CallFault) -> Self {
        match fault {
            CallFault::Refused(refused) => Self::new(refused.to_string()),
            CallFault::Broken(failure) => failure,
        }
    }
}

impl From<Failure> for CallFault {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure)
    }
}

/// A caller of the service.
pub(crate) struct Api {
    settings: Settings,
    runtime: Runtime,
    clock: SystemClock,
}

impl Api {
    pub(crate) fn new(settings: Settings) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Failure::while_doing("start"))?;
        Ok(Self { settings, runtime, clock: SystemClock::new() })
    }

    /// The region that calls are for.
    pub(crate) fn region(&self) -> &str {
        &self.settings.region
    }

    /// Seconds since 1970.
    pub(crate) fn now_s(&self) -> i64 {
        i64::try_from(self.clock.wall_ms() / 1_000).unwrap_or(i64::MAX)
    }

    /// Lets time pass between two looks at something.
    pub(crate) fn pause(&self, pause: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(pause).await });
    }

    /// Calls an operation of Amazon MQ.
    pub(crate) fn mq(&self, operation: &str, input: &Object) -> Result<Object, CallFault> {
        self.call(&ternmq_api::mq::MODEL, operation, input)
    }

    /// Calls an operation of a service. An answer without a body is an empty object. A call that finds the quota used up
    /// was not done, and is made again a little later.
    pub(crate) fn call(&self, model: &Model, operation: &str, input: &Object) -> Result<Object, CallFault> {
        let operation: &Operation = model
            .operation(operation)
            .ok_or_else(|| Failure::new(format!("{} has no operation {operation}", model.id)))?;
        let built = build(model, operation, input)?;
        let mut pause = QUOTA_PAUSE;
        for _ in 1..TRIES {
            match self.call_once(&built, model.signing_name) {
                Err(fault) if fault.has_code("TooManyRequestsException") => self.pause(pause),
                answered => return answered,
            }
            pause *= 2;
        }
        self.call_once(&built, model.signing_name)
    }

    fn call_once(&self, built: &Built, service: &str) -> Result<Object, CallFault> {
        let signed = self.sign(built, service)?;
        let answered = self.runtime.block_on(async {
            let sent = tokio::time::timeout(TIMEOUT, self.send(built, &signed)).await;
            sent.map_err(|_| {
                let place = &self.settings.endpoint;
                Failure::new(format!("the service at {place} does not answer within {} s", TIMEOUT.as_secs()))
            })?
        })?;
        read(&answered)
    }

    /// All pages of a list as one answer, without what tells where a page ends.
    pub(crate) fn pages(&self, operation: &str, list: &str, input: &Object) -> Result<Object, CallFault> {
        let mut input = input.clone();
        input.insert("maxResults".into(), 100.into());
        let mut whole = self.mq(operation, &input)?;
        for _ in 0..MAX_PAGES {
            let Some(token) = whole.remove("nextToken").filter(|token| !token.is_null()) else {
                whole.remove("maxResults");
                return Ok(whole);
            };
            input.insert("nextToken".into(), token);
            let mut page = self.mq(operation, &input)?;
            whole.extend(page.remove_entry("nextToken"));
            if let (Some(Value::Array(items)), Some(Value::Array(more))) =
                (whole.get_mut(list), page.remove(list))
            {
                items.extend(more);
            }
        }
        Err(Failure::new(format!("the service gives pages of {operation} without end")).into())
    }

    /// The headers of a request. Each has an id of its own, so that two calls of one second are two.
    fn sign(&self, built: &Built, service: &str) -> Result<Vec<(&'static str, String)>, Failure> {
        let mut id = [0; 16];
        SystemRng.fill(&mut id);
        let mut headers = vec![
            ("host", self.settings.endpoint.authority()),
            ("amz-sdk-invocation-id", id.iter().map(|byte| format!("{byte:02x}")).collect()),
            ("user-agent", concat!("ternmq/", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        headers.extend(built.headers.iter().cloned());
        let shown: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let parts = sigv4::Request {
            method: built.method,
            path: &built.path,
            query: &built.query,
            headers: &shown,
            body: &built.body,
        };
        let Settings { credentials, region, .. } = &self.settings;
        let added = sigv4::sign(&parts, credentials, region, service, Moment::from_unix_s(self.now_s()))
            .map_err(Failure::while_doing("sign the call"))?;
        headers.extend(added);
        Ok(headers)
    }

    async fn send(&self, built: &Built, headers: &[(&'static str, String)]) -> Result<Answered, Failure> {
        let place = &self.settings.endpoint;
        let stream = TcpStream::connect((&*place.host, place.port)).await.map_err(|error| {
            Failure::new(format!(
                "cannot reach the service at {place}: {error}; start it with `ternmq serve`, or name another one with \
                 --endpoint-url"
            ))
        })?;
        let failed = |error: hyper::Error| {
            Failure::new(format!("the service at {place} does not speak HTTP, or broke off: {error}"))
        };
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(&failed)?;
        tokio::spawn(connection);
        let target = match built.query.as_str() {
            "" => built.path.clone(),
            query => format!("{}?{query}", built.path),
        };
        let mut request = Request::builder().method(built.method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(built.body.clone())));
        let request = request.map_err(Failure::while_doing("ask the service"))?;
        let response = sender.send_request(request).await.map_err(&failed)?;
        let status = response.status().as_u16();
        let code = response.headers().get("x-amzn-errortype").and_then(|text| text.to_str().ok());
        let code = code.unwrap_or_default().to_owned();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(Failure::while_doing("read the service's answer"))?.to_bytes();
        Ok(Answered { status, code, body })
    }
}

/// What came back.
struct Answered {
    status: u16,
    /// The header that names an error; empty where it is not there.
    code: String,
    body: Bytes,
}

fn read(answered: &Answered) -> Result<Object, CallFault> {
    let body = match &*answered.body {
        [] => Some(Object::new()),
        bytes => serde_json::from_slice::<Object>(bytes).ok(),
    };
    match (answered.status, body) {
        (200..=299, Some(body)) => Ok(body),
        (200..=299, None) => {
            let text = "the answer is no JSON object; is the endpoint URL that of a TernMQ service?";
            Err(Failure::new(text).into())
        }
        (status, body) => Err(refused(status, &answered.code, body.as_ref(), &answered.body)),
    }
}

/// The code may carry an address behind a colon, or a name space before a hash.
fn refused(status: u16, code: &str, body: Option<&Object>, bytes: &[u8]) -> CallFault {
    let text = |name: &str| body?.get(name)?.as_str();
    let code = Some(code).filter(|code| !code.is_empty()).or_else(|| text("__type")).or_else(|| text("code"));
    let short = |text: &str| printable(&text.chars().take(MAX_SHOWN).collect::<String>());
    match code {
        Some(code) => {
            let code = code.split(':').next().unwrap_or_default();
            let code = code.rsplit('#').next().unwrap_or_default();
            CallFault::Refused(Refused {
                code: short(code),
                message: short(text("message").or_else(|| text("Message")).unwrap_or("without a reason")),
                attribute: short(text("errorAttribute").unwrap_or_default()),
            })
        }
        None => {
            let body = String::from_utf8_lossy(bytes);
            CallFault::Broken(Failure::new(format!("the service refused ({status}): {}", short(body.trim()))))
        }
    }
}

#[cfg(test)]
mod tests {
    use ternmq_identity::{Credentials, Secret};

    use super::super::endpoint::Endpoint;
    use super::*;

    /// The service takes a repeated signature for a repeated call, and does it once.
    #[test]
    fn calls_of_one_second_have_signatures_of_their_own() {
        let settings = Settings {
            endpoint: Endpoint { host: "h".into(), port: 1 },
            region: "us-east-1".into(),
            credentials: Credentials {
                access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
                secret: Secret::from("s"),
                session_token: Some(Secret::from("t")),
            },
        };
        let api = Api::new(settings).unwrap();
        let model = &ternmq_api::mq::MODEL;
        let built = build(model, model.operation("ListBrokers").unwrap(), &Object::new()).unwrap();
        let mut signatures: Vec<String> = Vec::new();
        for _ in 0..3 {
            let headers = api.sign(&built, "mq").unwrap();
            let of = |name: &str| headers.iter().find(|(known, _)| *known == name).unwrap().1.clone();
            assert_eq!((of("host"), of("x-amz-security-token")), ("h:1".into(), "t".into()));
            let signed = of("authorization");
            let names = "SignedHeaders=amz-sdk-invocation-id;host;x-amz-date;x-amz-security-token,";
            assert!(signed.contains("/us-east-1/mq/aws4_request, ") && signed.contains(names), "{signed}");
            assert!(!signatures.contains(&signed));
            signatures.push(signed);
        }
    }

    fn check(status: u16, code: &str, body: &str, expect: &str) {
        let answered = Answered { status, code: code.into(), body: Bytes::copy_from_slice(body.as_bytes()) };
        let answer = match read(&answered) {
            Ok(body) => Value::Object(body).to_string(),
            Err(fault) => Failure::from(fault).text().to_owned(),
        };
        assert_eq!(answer, expect, "{body}");
    }

    #[test]
    fn answers() {
        check(200, "", r#"{"brokerId":"b-1"}"#, r#"{"brokerId":"b-1"}"#);
        check(204, "", "", "{}");
        let none = "the answer is no JSON object; is the endpoint URL that of a TernMQ service?";
        check(200, "", "[]", none);
        check(200, "", "<html>", none);
        check(
            400,
            "BadRequestException:http://internal",
            r#"{"message":"No.","errorAttribute":"users"}"#,
            "BadRequestException: No. (attribute users)",
        );
        check(
            403,
            "",
            r#"{"__type":"com.x#AccessDeniedException","Message":"No."}"#,
            "AccessDeniedException: No.",
        );
        check(403, "X", "", "X: without a reason");
        check(502, "", "\u{1b}[31mBad\ngateway", "the service refused (502): \\u{1b}[31mBad\\ngateway");
    }
}
