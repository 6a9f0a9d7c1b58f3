//! The front door of all services: a request in, its answer out.
//!
//! One way for every call: the signature, the operation, the quota, the input, what the caller may, what the operation
//! does, the audit record. A service adds its folder and its line in [`perform`]; this file knows none of their
//! operations.

use std::cell::{Cell, RefCell};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};
use ternmq_api::{Model, Protocol, Refusal, Request, Response, Routed, codec, services};
use ternmq_identity::sigv4::{self, AuthFault, Presented, Unproven, Verified};

use crate::audit::{Event, NotRecorded};
use crate::call::{Call, Output, Signature, answered};
use crate::caller::Caller;
use crate::failure::{Failure, internal};
use crate::ids::is_region;
use crate::records::Answered;
use crate::service::{Peer, Service};
use crate::{cloudtrail, ec2, iam, logs, mq, sts};

impl Service {
    /// Answers a request. Blocks while it reads and writes the store.
    pub fn answer(&self, request: &Request, peer: Peer) -> Response {
        let id = self.random.uuid();
        if request.method == "OPTIONS" {
            return preflight(&id);
        }
        open_to_pages(self.signed(request, peer, &id))
    }

    /// Answers a request that could not be read whole, of which there is the head. It leaves its record like any other.
    pub fn answer_unread(&self, head: &Request, peer: Peer, refusal: &Refusal) -> Response {
        let id = self.random.uuid();
        let headers = pairs(head);
        let presented = Presented::read(&parts(head, &headers)).ok();
        let model = model_of(presented.as_ref(), head);
        let mut event = self.event(user_agent(head), peer, &id);
        name(&mut event, model, Routed::find(model, head, &[]).ok().as_ref());
        if let Some(presented) = &presented {
            event.region.clone_from(&presented.scope().region);
        }
        open_to_pages(self.refuse_stranger(&event, peer, model, refusal))
    }

    /// Keeps how many calls of strangers have no record of their own.
    ///
    /// # Errors
    /// The record can't be kept; the calls stay counted.
    pub(crate) fn record_strangers(&self) -> Result<(), NotRecorded> {
        let missed = self.strangers.take();
        let Some(last) = missed.last else { return Ok(()) };
        let event = self.event("", Peer(last), &self.random.uuid());
        let recorded = self.recorder.record(event.refused_times(missed.count), None);
        recorded.inspect_err(|_| self.strangers.add(missed))
    }

    /// What of a record is known of every request.
    fn event(&self, user_agent: &str, peer: Peer, id: &str) -> Event {
        Event {
            id: self.random.uuid(),
            request_id: id.to_owned(),
            at_ms: self.now_ms(),
            source: "",
            name: "Unknown".into(),
            region: self.settings.region.clone(),
            address: peer.0.to_string(),
            user_agent: user_agent.to_owned(),
            account: self.settings.account.clone(),
            is_read: false,
            caller: None,
            parameters: None,
        }
    }

    fn signed(&self, request: &Request, peer: Peer, id: &str) -> Response {
        let headers = pairs(request);
        let parts = parts(request, &headers);
        let mut event = self.event(user_agent(request), peer, id);
        let presented = Presented::read(&parts);
        let model = model_of(presented.as_ref().ok(), request);
        let form = form_of(model, request);
        // The operation is looked for before the signature is verified only so that a refusal's record can name it.
        let routed = form.as_ref().map_err(Clone::clone).and_then(|form| Routed::find(model, request, form));
        name(&mut event, model, routed.as_ref().ok());
        // Signing leaves dot segments out of a path: the signature of what is here may have been meant for another path.
        if !sigv4::is_normal_path(&request.path) {
            let refusal = Refusal::new(
                "UnknownOperationException",
                404,
                "A path has no dot segments and no empty ones.",
            );
            return self.refuse_stranger(&event, peer, model, &refusal);
        }
        match self.principals.catch_up(&self.store) {
            Ok(bound) => self.look_at_bound(&bound),
            Err(error) => return self.fail(&event, model, &Failure::Store(error), None),
        }
        let verified = presented.and_then(|presented| {
            event.region.clone_from(&presented.scope().region);
            self.verify(&presented, &parts, model, event.at_ms)
        });
        let (verified, caller) = match verified {
            Ok(verified) => verified,
            Err(fault) => {
                return self.refuse_stranger(&event, peer, model, &refusal_of(&fault, model.protocol));
            }
        };
        event.caller = Some(caller.clone());
        let routed = match routed {
            Ok(routed) => routed,
            Err(refusal) => return self.refuse(&event, model, &refusal, None),
        };
        let form = form.unwrap_or_default();
        self.known(&routed, request, &form, event, &caller, &verified)
    }

    /// The rest of a call whose caller is known.
    fn known(
        &self,
        routed: &Routed,
        request: &Request,
        form: &[(String, String)],
        mut event: Event,
        caller: &Caller,
        verified: &Verified,
    ) -> Response {
        let model = routed.model;
        if !self.throttle.try_take(self.clock.monotonic_ms()) {
            let text =
                "Too many calls: the quota of the account is used up for the moment. Wait, then try again.";
            return self.refuse(&event, model, &Refusal::new("TooManyRequestsException", 429, text), None);
        }
        self.note_use(caller, model.signing_name, &event.region, seconds(event.at_ms));
        let signature = Signature {
            hash: hex(verified.signature()),
            until_ms: u64::try_from(verified.last_taken_at().unix_s()).unwrap_or(0).saturating_add(1) * 1_000,
        };
        if !event.is_read {
            match self.answered_before(&signature.hash, event.at_ms) {
                Ok(Some(answered)) => return self.repeat(&event, model, answered),
                Ok(None) => {}
                Err(error) => return self.fail(&event, model, &Failure::Store(error), None),
            }
        }
        let input = match codec::read(routed, request, form) {
            Ok(input) => input,
            Err(refusal) => {
                let refusal =
                    if model.name == "cloudtrail" { cloudtrail::of_input(refusal) } else { refusal };
                return self.refuse(&event, model, &refusal, Some(&signature));
            }
        };
        event.parameters = Some(input.clone());
        let region = event.region.clone();
        if let Err(failure) = self.authorise(caller, routed, &region, &input, &event) {
            return self.fail(&event, model, &failure, Some(&signature));
        }
        let call = Call {
            service: self,
            routed,
            region: &region,
            caller,
            input: &input,
            event: &event,
            signature: &signature,
            now_ms: event.at_ms,
            is_recorded: Cell::new(false),
            touched: RefCell::new(Vec::new()),
        };
        match perform(&call) {
            Ok(output) => {
                if !call.is_recorded.get()
                    && let Err(error) = self.recorder.record(event.succeeded(&output), None)
                {
                    tracing::error!("a call can't be recorded: {error}");
                    return internal().answer(Some(model), model.protocol, &event.request_id);
                }
                codec::write(routed, output, &event.request_id)
            }
            Err(failure) => self.fail(&event, model, &failure, Some(&signature)),
        }
    }

    fn verify(
        &self,
        presented: &Presented,
        parts: &sigv4::Request<'_>,
        model: &'static Model,
        now_ms: u64,
    ) -> Result<(Verified, Caller), AuthFault> {
        let region = presented.scope().region.as_str();
        let regions = if is_region(region) { vec![region] } else { Vec::new() };
        let rules = sigv4::Rules { service: model.signing_name, regions: &regions, now_s: seconds(now_ms) };
        self.verify_caller(presented, parts, &rules)
    }

    fn answered_before(
        &self,
        signature: &str,
        now_ms: u64,
    ) -> Result<Option<Answered>, crate::store::StoreError> {
        let known: Option<Answered> = self.store.view()?.get(&Answered::key_of(signature))?;
        Ok(known.filter(|known| now_ms <= known.until_ms))
    }

    /// Gives the recorded answer again, and leaves a record of that.
    fn repeat(&self, event: &Event, model: &Model, known: Answered) -> Response {
        if let Err(error) = self.recorder.record(event.repeated(), None) {
            tracing::error!("a repetition can't be recorded: {error}");
            return internal().answer(Some(model), model.protocol, &event.request_id);
        }
        repeated(known)
    }

    fn fail(
        &self,
        event: &Event,
        model: &Model,
        failure: &Failure,
        signature: Option<&Signature>,
    ) -> Response {
        if !matches!(failure, Failure::Refused(_)) {
            tracing::error!(call = %event.name, "a call failed: {}", ternmq_stdx::chain(failure));
        }
        self.refuse(event, model, &failure.refusal(), signature)
    }

    /// Refuses a call of whom nobody knows, and leaves its record or counts it.
    fn refuse_stranger(&self, event: &Event, peer: Peer, model: &Model, refusal: &Refusal) -> Response {
        if self.strangers.is_recorded(peer, self.clock.monotonic_ms()) {
            return self.refuse(event, model, refusal, None);
        }
        refusal.answer(Some(model), model.protocol, &event.request_id)
    }

    /// Refuses a call and leaves its record. With a signature, a change that is repeated gets this answer again.
    fn refuse(
        &self,
        event: &Event,
        model: &Model,
        refusal: &Refusal,
        signature: Option<&Signature>,
    ) -> Response {
        let response = refusal.answer(Some(model), model.protocol, &event.request_id);
        let signature = signature.filter(|_| !event.is_read && refusal.status < 500);
        let kept = signature.and_then(|signature| answered(signature, &response));
        if let Err(error) = self.recorder.record(event.refused(refusal), kept) {
            tracing::error!("a refusal can't be recorded: {error}");
            return internal().answer(Some(model), model.protocol, &event.request_id);
        }
        response
    }
}

fn user_agent(request: &Request) -> &str {
    request.header("user-agent").unwrap_or_default()
}

fn pairs(request: &Request) -> Vec<(&str, &str)> {
    request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// A request as signatures see it.
fn parts<'a>(request: &'a Request, headers: &'a [(&'a str, &'a str)]) -> sigv4::Request<'a> {
    sigv4::Request {
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers,
        body: &request.body,
    }
}

/// Says in a record which service is called, and with which operation where that is known.
fn name(event: &mut Event, model: &'static Model, routed: Option<&Routed>) {
    event.source = source(model);
    if let Some(routed) = routed {
        routed.operation.name.clone_into(&mut event.name);
        event.is_read = is_read(model, routed.operation.name);
    }
}

/// Lets pages of every origin read an answer.
fn open_to_pages(mut response: Response) -> Response {
    response.headers.push(("access-control-allow-origin", "*".into()));
    response.headers.push(("access-control-expose-headers", "x-amzn-errortype,x-amzn-requestid".into()));
    response
}

/// Does what a call asks for.
fn perform(call: &Call<'_>) -> Result<Output, Failure> {
    match call.routed.model.name {
        "mq" => mq::run(call),
        "cloudtrail" => cloudtrail::run(call),
        "logs" => logs::run(call),
        "iam" => iam::run(call),
        "sts" => sts::run(call),
        "ec2" => ec2::run(call),
        other => {
            Err(Refusal::new("UnknownOperationException", 404, format!("{other} is not there yet.")).into())
        }
    }
}

/// The service that a request is for: that of its signature, else what its form tells.
fn model_of(presented: Option<&Presented>, request: &Request) -> &'static Model {
    let signed = presented.and_then(|presented| {
        services().into_iter().find(|model| model.signing_name == presented.scope().service)
    });
    let target = || request.header("x-amz-target").and_then(ternmq_api::service_of_target);
    let version = || {
        let is_form = |kind: &str| kind.starts_with("application/x-www-form-urlencoded");
        request.header("content-type").filter(|kind| is_form(kind))?;
        let form = codec::decode_form(std::str::from_utf8(&request.body).ok()?).ok()?;
        let (_, version) = form.into_iter().find(|(name, _)| name == "Version")?;
        ternmq_api::service_of_version(&version)
    };
    signed.or_else(target).or_else(version).unwrap_or(&ternmq_api::mq::MODEL)
}

fn form_of(model: &Model, request: &Request) -> Result<Vec<(String, String)>, Refusal> {
    if !model.protocol.has_form() {
        return Ok(Vec::new());
    }
    let body = std::str::from_utf8(&request.body)
        .map_err(|_| Refusal::new("MalformedInput", 400, "The body is not UTF-8."))?;
    codec::decode_form(if body.is_empty() { &request.query } else { body })
}

/// `eventSource` of a service's records (facts, section 5.3).
fn source(model: &Model) -> &'static str {
    match model.name {
        "mq" => "amazonmq.amazonaws.com",
        "cloudtrail" => "cloudtrail.amazonaws.com",
        "logs" => "logs.amazonaws.com",
        "iam" => "iam.amazonaws.com",
        "sts" => "sts.amazonaws.com",
        "ec2" => "ec2.amazonaws.com",
        _ => "",
    }
}

fn is_read(model: &Model, operation: &str) -> bool {
    match model.name {
        "mq" => mq::is_read(operation),
        "iam" => iam::is_read(operation),
        "sts" => sts::is_read(operation),
        "ec2" => ec2::is_read(operation),
        _ => true,
    }
}

/// A key that is not known gets the answer of a wrong signature (S14): which keys there are is nobody's business.
fn refusal_of(fault: &AuthFault, protocol: Protocol) -> Refusal {
    let fault = match fault {
        AuthFault::UnrecognizedClient => &AuthFault::InvalidSignature(Unproven::Mismatch),
        told => told,
    };
    let code = if protocol.has_form() { fault.query_code() } else { fault.code() };
    Refusal::new(code, fault.status(), fault.to_string())
}

fn repeated(answered: Answered) -> Response {
    let name = |name: String| match name.as_str() {
        "content-type" => Some("content-type"),
        "x-amzn-requestid" => Some("x-amzn-requestid"),
        "x-amzn-errortype" => Some("x-amzn-errortype"),
        _ => None,
    };
    let headers = answered.headers.into_iter().filter_map(|(key, value)| Some((name(key)?, value)));
    Response { status: answered.status, headers: headers.collect(), body: answered.body.into_bytes() }
}

fn preflight(id: &str) -> Response {
    let headers = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "DELETE,GET,OPTIONS,POST,PUT"),
        (
            "access-control-allow-headers",
            "authorization,content-type,x-amz-content-sha256,x-amz-date,x-amz-security-token,x-amz-target,x-amz-user-agent",
        ),
        ("access-control-max-age", "86400"),
        ("x-amzn-requestid", id),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    Response { status: 200, headers, body: Vec::new() }
}

fn seconds(unix_ms: u64) -> i64 {
    i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX)
}

fn hex(signature: &[u8]) -> String {
    digest(&SHA256, signature).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Members of an input, for those that look at a few of them only.
pub(crate) type Input = Map<String, Value>;
