//! What a handler answers, and how refusals read.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use ternmq_broker::{Broker, Error, Receipt};
use ternmq_stdx::{SHOWN_MAX_BYTES, shown};

use crate::seam::Unavailable;

/// A handler's result.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// Makes JSON away from the core's thread.
type Render<T> = Box<dyn FnOnce() -> T + Send>;

/// An answer that may go once its receipt is durable (I10).
pub(crate) struct Answer {
    pub(crate) receipt: Receipt,
    pub(crate) reply: Reply,
}

/// What is sent.
pub(crate) enum Reply {
    /// No body.
    Empty(StatusCode),
    /// Done, with something to look after in a header.
    Warned(&'static str),
    /// Made, at this place.
    Created(String),
    /// One thing.
    One(StatusCode, Render<Value>),
    /// Many things: sorted, filtered and cut into pages as the query says.
    Many(Render<Vec<Value>>),
}

impl Answer {
    /// One thing.
    pub(crate) fn one(render: impl FnOnce() -> Value + Send + 'static) -> Self {
        Self::with_status(StatusCode::OK, render)
    }

    /// One thing with a status of its own.
    pub(crate) fn with_status(status: StatusCode, render: impl FnOnce() -> Value + Send + 'static) -> Self {
        Self { receipt: Receipt::NONE, reply: Reply::One(status, Box::new(render)) }
    }

    /// Many things.
    pub(crate) fn many(render: impl FnOnce() -> Vec<Value> + Send + 'static) -> Self {
        Self { receipt: Receipt::NONE, reply: Reply::Many(Box::new(render)) }
    }

    /// Something is gone or changed.
    pub(crate) fn done(receipt: Receipt) -> Self {
        Self { receipt, reply: Reply::Empty(StatusCode::NO_CONTENT) }
    }

    /// Something was put: new, or in place of what was there.
    pub(crate) fn put(receipt: Receipt, before: Before) -> Self {
        let status = match before {
            Before::Absent => StatusCode::CREATED,
            Before::Present => StatusCode::NO_CONTENT,
        };
        Self { receipt, reply: Reply::Empty(status) }
    }

    /// Something was made and can be found at `location`.
    pub(crate) fn created(receipt: Receipt, location: String) -> Self {
        Self { receipt, reply: Reply::Created(location) }
    }
}

/// Whether a thing was there before it was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Absent,
    Present,
}

impl Before {
    /// What the look-up found.
    pub(crate) fn of<T>(found: Option<T>) -> Self {
        if found.is_some() { Self::Present } else { Self::Absent }
    }
}

/// A request that was not carried out. Nothing was changed unless the handler's doc says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// Short word for programs.
    pub(crate) error: &'static str,
    /// What happened, to which thing, what to do.
    pub(crate) reason: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: &'static str, reason: impl Into<String>) -> Self {
        Self { status, error, reason: reason.into() }
    }

    pub(crate) fn bad(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", reason)
    }

    pub(crate) fn not_found(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Object Not Found", reason)
    }

    pub(crate) fn unauthorized(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "not_authorized", reason)
    }

    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", reason)
    }

    /// A refusal by the core, in the dialect's words behind the reply code that a client of the protocol would see.
    /// Names in it are shortened (B7).
    pub(crate) fn of(broker: &Broker, error: &Error) -> Self {
        let mut shortened = error.clone();
        for text in shortened.texts_mut() {
            if text.len() > SHOWN_MAX_BYTES || text.chars().any(char::is_control) {
                *text = shown(text).to_string().into();
            }
        }
        let text = broker.dialect().error_text(&shortened);
        let bad = |code: &str| Self::bad(format!("{code} - {text}"));
        match error {
            Error::NotFound { .. } => Self::not_found(text),
            Error::Refused { .. } | Error::KeyRefused { .. } => Self::unauthorized(text),
            Error::ReservedName { .. }
            | Error::DefaultNode
            | Error::Internal { .. }
            | Error::Undeletable { .. } => bad("403 ACCESS_REFUSED"),
            Error::ExclusiveUse { .. } => bad("403 ACCESS_REFUSED"),
            Error::Locked { .. } => bad("405 RESOURCE_LOCKED"),
            Error::NotSupported { .. } => bad("540 NOT_IMPLEMENTED"),
            Error::Inequivalent { .. }
            | Error::InvalidName { .. }
            | Error::InvalidArgument { .. }
            | Error::InUse { .. }
            | Error::NameTaken { .. }
            | Error::NotEmpty { .. }
            | Error::Unfit { .. }
            | Error::UnknownDelivery { .. }
            | Error::UserIdMismatch { .. }
            | Error::Limit { .. } => bad("406 PRECONDITION_FAILED"),
            Error::Unavailable { .. } | Error::Gone => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", text)
            }
        }
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let body = json!({ "error": self.error, "reason": self.reason });
        let mut response = json_response(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"TernMQ Management\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl From<Unavailable> for Refusal {
    fn from(unavailable: Unavailable) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", unavailable.to_string())
    }
}

/// A response with JSON in it.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Names of queues are strangers' text: no browser may take an answer for a page (S10).
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
