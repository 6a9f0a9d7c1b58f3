//! One request's way: match, log in, authorise, read the body, run the handler, wait for durability, render.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::routing::any;
use bytes::Bytes;
use ternmq_broker::{Broker, Receipt};
use tokio::time::timeout;

use crate::access::Viewer;
use crate::answer::{Outcome, Refusal, Reply, json_response};
use crate::call::{Call, decode_query};
use crate::core_session::Actor;
use crate::listing::Listing;
use crate::login::login;
use crate::routes::{Audit, Found, Route, Run, find};
use crate::seam::Management;

/// How long a body may take (section 6).
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of the reason for closing a connection.
const REASON_MAX_BYTES: usize = 255;

/// Address of the client, put into a request's extensions by whoever accepted its connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Put into the extensions of a request by whoever accepted its connection: it comes from the service that runs this node,
/// which has shown who it is to the system. There is no login then, and no permission is asked.
#[derive(Clone, Copy, Debug)]
pub struct Service;

/// The routes below `/api`. Whoever serves them bounds the head of a request and puts a [`Peer`] or a [`Service`] into it.
pub fn router(management: Arc<Management>) -> Router {
    Router::new().route("/api", any(serve)).route("/api/{*rest}", any(serve)).with_state(management)
}

async fn serve(State(management): State<Arc<Management>>, request: Request) -> Response<Body> {
    handle(management, request).await.unwrap_or_else(Refusal::into_response)
}

async fn handle(management: Arc<Management>, request: Request) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    // A head has no body of its own; the server leaves it out.
    let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
    let (route, names) = match find(method, parts.uri.path()) {
        Found::Route(route, names) => (route, names),
        Found::OtherMethod(allowed) => return Ok(wrong_method(&allowed)),
        Found::Nothing => return Err(Refusal::not_found("there is nothing at this path of the API")),
    };
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let actor = match parts.extensions.get::<Service>() {
        Some(Service) => Actor::Node,
        None => Actor::User(login(&management, &parts.headers, peer).await?),
    };
    let body = read_body(&parts.headers, body, route.body_max_bytes()).await?;
    let call = Arc::new(Call {
        actor,
        names,
        query: decode_query(parts.uri.query().unwrap_or_default()),
        reason: read_reason(&parts.headers),
        body,
    });
    let listing = Listing::of(&call)?;
    let outcome = run(&management, route, &call).await;
    audit(route, &call, parts.uri.path(), &outcome);
    respond(outcome?.reply, &listing)
}

/// Runs a handler. What it changed is durable when this is ready (I10).
async fn run(management: &Arc<Management>, route: &'static Route, call: &Arc<Call>) -> Outcome {
    let shared = call.clone();
    let check = move |broker: &mut Broker| {
        Viewer::new(broker, &shared.actor).check(route.access, shared.find_name("vhost"))
    };
    match route.run {
        Run::Core(handler) => {
            let call = call.clone();
            let change = move |broker: &mut Broker| {
                let outcome = check(broker).and_then(|()| handler(broker, &call));
                let receipt = outcome.as_ref().map_or(Receipt::NONE, |answer| answer.receipt);
                (outcome, receipt)
            };
            management.change(change).await?
        }
        Run::Task(handler) => {
            management.ask(check).await??;
            let answer = handler(management.clone(), call.clone()).await?;
            let receipt = answer.receipt;
            Ok(management.change(move |_| (answer, receipt)).await?)
        }
    }
}

/// Header with something to look after although a request was carried out.
const WARNING: &str = "ternmq-warning";

fn respond(reply: Reply, listing: &Listing) -> Result<Response<Body>, Refusal> {
    Ok(match reply {
        Reply::Empty(status) => empty(status),
        Reply::Warned(warning) => {
            let mut response = empty(StatusCode::NO_CONTENT);
            response.headers_mut().insert(WARNING, HeaderValue::from_static(warning));
            response
        }
        Reply::Created(location) => {
            let mut response = empty(StatusCode::CREATED);
            if let Ok(location) = HeaderValue::try_from(location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        Reply::One(status, render) => json_response(status, &listing.project(&render())),
        Reply::Many(render) => json_response(StatusCode::OK, &listing.apply(render())?),
    })
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn wrong_method(allowed: &[&'static str]) -> Response<Body> {
    let reason = format!("this path knows only: {}", allowed.join(", "));
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", reason);
    let mut response = refusal.into_response();
    if let Ok(allowed) = HeaderValue::try_from(allowed.join(", ")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

async fn read_body(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Bytes, Refusal> {
    let too_large = || {
        let reason = format!("the body may have {max_bytes} bytes at most");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", reason)
    };
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max_bytes as u64) {
        return Err(too_large());
    }
    match timeout(BODY_TIMEOUT, to_bytes(body, max_bytes)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_too_large(&error) => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::bad("the body ended too early")),
        Err(_) => {
            let reason = format!("the body took longer than {} s", BODY_TIMEOUT.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", reason))
        }
    }
}

/// Whether the limit was the reason, told apart by the error's type, which is hidden at the end of its chain.
fn is_too_large(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

fn read_reason(headers: &HeaderMap) -> Option<String> {
    let reason = headers.get("x-reason")?.to_str().ok()?.trim();
    let end = reason.floor_char_boundary(REASON_MAX_BYTES);
    reason.get(..end).filter(|reason| !reason.is_empty()).map(str::to_owned)
}

/// One line for each change and each refusal of one (S15). Names are in the path, escaped; secrets are in the body.
fn audit(route: &Route, call: &Call, path: &str, outcome: &Outcome) {
    let path = path.get(..path.floor_char_boundary(512)).unwrap_or_default();
    let (user, by) = (call.user_name(), call.way());
    match (route.audit, outcome) {
        (Audit::Change, Ok(_)) => {
            tracing::info!(target: "audit", event = "change", user, method = route.method, path, by);
        }
        (Audit::Change, Err(refusal)) => {
            let (status, reason) = (refusal.status.as_u16(), &refusal.reason);
            tracing::warn!(target: "audit", event = "change refused", user, method = route.method, path, status, reason, by);
        }
        (Audit::Read, Err(refusal)) if refusal.status == StatusCode::UNAUTHORIZED => {
            tracing::warn!(target: "audit", event = "access refused", user, method = route.method, path, by);
        }
        (Audit::Read, _) => {}
    }
}
