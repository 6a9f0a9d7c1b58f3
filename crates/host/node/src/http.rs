//! The http listener, and its twin with TLS: health, readiness, metrics and the management API. What a client may send before it is answered is bounded
//! (guarantees section 6): 16 KiB and 100 headers within 5 s.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ternmq_broker::Alarm;
use ternmq_env::{Clock, SystemClock};
use ternmq_management::{Management, Peer};
use ternmq_net::{Gate, Listener, ShardHandle, TlsServer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::metrics::Snapshot;

/// Connections at once; more wait in the system.
const MAX_CONNECTIONS: usize = 256;
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 100;
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after the system had no descriptor for a new connection.
const PAUSE: Duration = Duration::from_secs(1);
/// The content type of OpenMetrics.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything the listener serves.
pub(crate) fn router(handle: ShardHandle, management: Arc<Management>, memory_limit_bytes: u64) -> Router {
    let (ready, metrics) = (handle.clone(), handle);
    ternmq_management::router(management)
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || readiness(ready.clone())))
        .route("/metrics", get(move || scrape(metrics.clone(), memory_limit_bytes)))
}

/// Ready: the shard answers. An alarm is told, and is no reason to send clients elsewhere: consumers work on.
async fn readiness(handle: ShardHandle) -> Response {
    let alarms =
        handle.call(|view| (view.broker.is_alarmed(Alarm::Memory), view.broker.is_alarmed(Alarm::Disk)));
    match alarms.await {
        Ok((false, false)) => "ready\n".into_response(),
        Ok((memory, disk)) => {
            let memory = if memory { " memory" } else { "" };
            let disk = if disk { " disk" } else { "" };
            format!("ready, publishers wait for:{memory}{disk}\n").into_response()
        }
        Err(busy) => (StatusCode::SERVICE_UNAVAILABLE, format!("{busy}\n")).into_response(),
    }
}

async fn scrape(handle: ShardHandle, memory_limit_bytes: u64) -> Response {
    match handle.call(move |view| Snapshot::take(view, memory_limit_bytes)).await {
        Ok(snapshot) => match snapshot.encode() {
            Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        },
        Err(busy) => (StatusCode::SERVICE_UNAVAILABLE, format!("{busy}\n")).into_response(),
    }
}

/// Serves until the runtime ends.
pub(crate) async fn serve(
    listener: Listener,
    gate: Arc<Gate>,
    tls: Option<Arc<TlsServer>>,
    router: Router,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener.into_socket())?;
    let clock = SystemClock::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("the http listener cannot accept: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Dropping it closes it, before a byte of it is read.
        if !gate.admits(peer.ip(), clock.monotonic_ms()) {
            continue;
        }
        let service = TowerToHyperService::new(router.clone().layer(Extension(Peer(peer))));
        // Asked for each connection: certificates may have been replaced.
        let tls = tls.as_ref().map(|server| TlsAcceptor::from(server.rustls()));
        tokio::spawn(async move {
            match tls {
                None => serve_one(stream, service).await,
                Some(acceptor) => {
                    let handshake = tokio::time::timeout(TLS_TIMEOUT, acceptor.accept(stream));
                    // Whatever a client does wrong ends its own connection.
                    if let Ok(Ok(stream)) = handshake.await {
                        serve_one(stream, service).await;
                    }
                }
            }
            drop(place);
        });
    }
}

/// Serves one connection; whatever its peer does wrong ends it.
pub(crate) async fn serve_one<S>(stream: S, service: TowerToHyperService<Router>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // What a client does wrong ends its own connection.
    let _ = connection.await;
}
