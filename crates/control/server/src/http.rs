//! The API's listener. What a client may send before it is answered is bounded (guarantees section 6): 16 KiB and 100
//! headers within 5 s, a body of 2 MiB within 30 s.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ternmq_api::{MAX_BODY_BYTES, Protocol, Refusal, Request, Response};
use ternmq_service::{Peer, Service};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// Connections at once; more wait in the system.
const MAX_CONNECTIONS: usize = 512;
const MAX_HEAD_BYTES: usize = 16 * 1_024;
const MAX_HEADERS: usize = 100;
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after the system had no descriptor for a new connection.
const PAUSE: Duration = Duration::from_secs(1);

type Answer = hyper::Response<Full<Bytes>>;

/// Serves until `over` says so; connections end with the request that they are at.
pub(crate) async fn serve(listener: TcpListener, service: Arc<Service>, mut over: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = over.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (service, over) = (service.clone(), over.clone());
                tokio::spawn(async move {
                    serve_one(stream, peer, service, over).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("the API's listener cannot accept: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    service: Arc<Service>,
    mut over: watch::Receiver<bool>,
) {
    // An answer is one write; waiting to fill a packet would only delay it.
    let _ = stream.set_nodelay(true);
    let handle = service_fn(move |request| answer(service.clone(), Peer(peer.ip()), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), handle);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // Whatever a client does wrong ends its own connection.
        _ = connection.as_mut() => {}
        _ = over.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(
    service: Arc<Service>,
    peer: Peer,
    request: hyper::Request<Incoming>,
) -> Result<Answer, std::convert::Infallible> {
    let read = read(request).await;
    let answered = tokio::task::spawn_blocking(move || match read {
        Ok(request) => service.answer(&request, peer),
        Err(unread) => service.answer_unread(&unread.head, peer, &unread.refusal),
    })
    .await;
    Ok(written(answered.unwrap_or_else(|_| {
        let refusal =
            Refusal::new("InternalServerErrorException", 500, "The service failed; its log has the reason.");
        refusal.answer(None, Protocol::RestJson, "00000000-0000-0000-0000-000000000000")
    })))
}

/// A request that could not be read whole.
struct Unread {
    head: Request,
    refusal: Refusal,
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, Box<Unread>> {
    let (parts, body) = request.into_parts();
    let head = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: visible(&parts.headers),
        body: Vec::new(),
    };
    if head.headers.len() < parts.headers.len() {
        let refusal = Refusal::bad_request("", "A header has bytes that are not visible ASCII.");
        return Err(Box::new(Unread { head, refusal }));
    }
    match read_body(body).await {
        Ok(body) => Ok(Request { body, ..head }),
        Err(refusal) => Err(Box::new(Unread { head, refusal })),
    }
}

/// The headers that are texts.
fn visible(headers: &hyper::HeaderMap) -> Vec<(String, String)> {
    let pairs = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn read_body(body: Incoming) -> Result<Vec<u8>, Refusal> {
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect()).await;
    match collected {
        Err(_) => Err(Refusal::new("RequestTimeoutException", 408, "The body took too long to come.")),
        Ok(Err(_)) => Err(Refusal::new(
            "RequestEntityTooLargeException",
            413,
            format!("A body has at most {MAX_BODY_BYTES} bytes."),
        )),
        Ok(Ok(body)) => Ok(body.to_bytes().to_vec()),
    }
}

fn written(response: Response) -> Answer {
    let mut answer = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        answer = answer.header(*name, value);
    }
    let body = Full::new(Bytes::from(response.body));
    answer.body(body).unwrap_or_else(|_| {
        let mut answer = hyper::Response::new(Full::default());
        *answer.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        answer
    })
}
