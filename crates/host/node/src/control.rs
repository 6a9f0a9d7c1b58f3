//! The local channel to the service that runs this node: HTTP/1.1 on a Unix socket.
//!
//! Whoever comes in there is the service: the socket's mode and the peer's credentials, which the system vouches for, say
//! that it is this very user of the machine. It may use the management API without a login, and routes of its own:
//! `GET /control/status` (who this node is, whether it serves), `GET` and `PUT /control/accept` (who is let in at which
//! listener), `GET` and `PUT /control/grants` (what users may beside their permissions), `POST /control/drain`. The channel is there as soon as this process has the data directory, before it serves.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use ternmq_env::{Clock, SystemClock};
use ternmq_management::{Management, Service, Unavailable};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use crate::accept_rules::{self, AcceptRules, Gates};
use crate::error::StartError;
use crate::grants::{self, AllGrants};
use crate::http::serve_one;
use crate::options::ControlOptions;

/// Connections at once; more wait in the system.
const MAX_CONNECTIONS: usize = 64;
/// How long a body may take (section 6).
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after the system had no descriptor for a new connection.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest path of a Unix socket (unix(7)), with the zero behind it.
const PATH_MAX_BYTES: usize = 108;

/// A socket that is bound.
pub(crate) struct ControlSocket {
    listener: std::os::unix::net::UnixListener,
    options: ControlOptions,
}

impl ControlSocket {
    /// Binds. The data directory is this process's by now, so a socket that is there is left over from one that is gone.
    pub(crate) fn bind(options: &ControlOptions) -> Result<Self, StartError> {
        let bound = bind(&options.socket);
        let listener =
            bound.map_err(|source| StartError::ControlSocket { path: options.socket.clone(), source })?;
        Ok(Self { listener, options: options.clone() })
    }

    /// The socket with what its routes know.
    pub(crate) fn with_control(
        self,
        ports: &[(String, SocketAddr)],
        gates: &Arc<Gates>,
    ) -> (Self, Arc<Control>) {
        let control = Control {
            identity: self.options.clone(),
            started_ms: SystemClock::new().wall_ms(),
            listeners: ports.iter().cloned().collect(),
            gates: gates.clone(),
            node: OnceLock::new(),
            drain: Notify::new(),
        };
        (self, Arc::new(control))
    }
}

/// A socket of mode 0600 that appears under its name when it is so.
fn bind(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft_name = format!("{}.new", name.to_string_lossy());
    let draft = folder.join(&draft_name);
    remove_old(&draft)?;
    // An address has room for about a hundred bytes: a longer path is said from an open directory on.
    let folder_file = open_directory(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder_file.as_raw_fd())).join(&draft_name);
    let is_long = draft.as_os_str().len() >= PATH_MAX_BYTES;
    let listener = std::os::unix::net::UnixListener::bind(if is_long { &short } else { &draft })?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    fs::rename(&draft, path)?;
    Ok(listener)
}

#[allow(clippy::disallowed_methods, reason = "the host opens its own directory")]
fn open_directory(path: &Path) -> io::Result<fs::File> {
    fs::File::open(path)
}

fn remove_old(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A node that serves.
struct Serving {
    router: Router,
    management: Arc<Management>,
}

/// What the routes know.
pub(crate) struct Control {
    identity: ControlOptions,
    started_ms: u64,
    listeners: BTreeMap<String, SocketAddr>,
    gates: Arc<Gates>,
    /// Everything else of the node, once it serves.
    node: OnceLock<Serving>,
    /// Told when the service wants the node to drain.
    drain: Notify,
}

impl Control {
    /// The node serves from now on.
    pub(crate) fn note_ready(&self, router: Router, management: Arc<Management>) {
        // It becomes ready once.
        let _ = self.node.set(Serving { router, management });
    }

    fn status(&self) -> Value {
        let (_, refused) = self.gates.to_json();
        let listeners: BTreeMap<&str, String> =
            self.listeners.iter().map(|(name, address)| (&**name, address.to_string())).collect();
        json!({
            "node": self.identity.node_name,
            "incarnation": self.identity.incarnation,
            "pid": std::process::id(),
            "ready": self.node.get().is_some(),
            "started_unix_ms": self.started_ms,
            "listeners": listeners,
            "refused_by_rules": refused,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// Serves on the runtime of whoever calls, until it ends.
pub(crate) fn start(socket: ControlSocket, control: Arc<Control>) -> Arc<Control> {
    let served = control.clone();
    tokio::spawn(async move {
        if let Err(error) = serve(socket, served).await {
            tracing::error!("the control socket ended: {error}");
        }
    });
    control
}

/// Waits until the service asks to drain; without a service for ever.
pub(crate) async fn asked_to_drain(control: Option<&Control>) {
    match control {
        Some(control) => control.drain.notified().await,
        None => std::future::pending().await,
    }
}

async fn serve(socket: ControlSocket, control: Arc<Control>) -> io::Result<()> {
    let listener = UnixListener::from_std(socket.listener)?;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("the control socket cannot accept: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if !is_own_user(&stream) {
            tracing::warn!(target: "audit", "another user of this machine was refused at the control socket");
            continue;
        }
        let service = TowerToHyperService::new(router(&control));
        tokio::spawn(async move {
            serve_one(stream, service).await;
            drop(place);
        });
    }
}

/// The mode of the socket says the same, unless somebody has changed it.
fn is_own_user(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own)
}

fn router(control: &Arc<Control>) -> Router {
    let own = Router::new()
        .route("/control/status", get(status))
        .route("/control/accept", get(accept).put(set_accept))
        .route("/control/drain", post(drain))
        .with_state(control.clone());
    match control.node.get() {
        Some(node) => {
            let of_users = Router::new()
                .route("/control/grants", get(all_grants).put(set_grants))
                .with_state(node.management.clone());
            own.merge(of_users).merge(node.router.clone().layer(Extension(Service)))
        }
        None => own.fallback(|| async { (StatusCode::SERVICE_UNAVAILABLE, "the node does not serve yet\n") }),
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn status(State(control): State<Arc<Control>>) -> Response {
    answer(StatusCode::OK, &control.status())
}

async fn accept(State(control): State<Arc<Control>>) -> Response {
    answer(StatusCode::OK, &control.gates.to_json().0)
}

async fn set_accept(State(control): State<Arc<Control>>, request: Request) -> Response {
    let text = match read_text(request.into_body(), accept_rules::MAX_TEXT_BYTES).await {
        Ok(text) => text,
        Err(refusal) => return refusal,
    };
    match AcceptRules::parse(&text).and_then(|rules| control.gates.apply(&rules)) {
        Ok(()) => {
            tracing::info!(target: "audit", event = "change", path = "/control/accept", by = "control");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(problem) => refuse(StatusCode::BAD_REQUEST, &format!("the body {problem}")),
    }
}

async fn all_grants(State(management): State<Arc<Management>>) -> Response {
    let copied = management.ask(|broker| -> AllGrants {
        broker.grants().map(|(name, grants)| (name.clone(), grants.clone())).collect()
    });
    match copied.await {
        Ok(all) => answer(StatusCode::OK, &grants::render(&all)),
        Err(unavailable) => refuse_for_now(unavailable),
    }
}

/// Makes these all the grants that there are. Answers once that is durable (I10).
async fn set_grants(State(management): State<Arc<Management>>, request: Request) -> Response {
    let text = match read_text(request.into_body(), grants::MAX_TEXT_BYTES).await {
        Ok(text) => text,
        Err(refusal) => return refusal,
    };
    let wanted = match grants::parse(&text) {
        Ok(wanted) => wanted,
        Err(problem) => return refuse(StatusCode::BAD_REQUEST, &format!("the body {problem}")),
    };
    let count = wanted.len();
    let set = management.change(move |broker| {
        let done = broker.set_grants(&wanted);
        (done.value, done.receipt)
    });
    match set.await {
        Ok(changed) => {
            let path = "/control/grants";
            tracing::info!(target: "audit", event = "change", path, users = count, changed, by = "control");
            StatusCode::NO_CONTENT.into_response()
        }
        Err(unavailable) => refuse_for_now(unavailable),
    }
}

async fn read_text(body: Body, max_bytes: usize) -> Result<Bytes, Response> {
    match timeout(BODY_TIMEOUT, to_bytes(body, max_bytes)).await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(_)) => Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or not whole")),
        Err(_) => Err(refuse(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
    }
}

fn refuse(status: StatusCode, problem: &str) -> Response {
    answer(status, &json!({ "error": problem }))
}

fn refuse_for_now(unavailable: Unavailable) -> Response {
    refuse(StatusCode::SERVICE_UNAVAILABLE, &unavailable.to_string())
}

async fn drain(State(control): State<Arc<Control>>) -> Response {
    tracing::info!(target: "audit", event = "drain", by = "control");
    control.drain.notify_one();
    StatusCode::ACCEPTED.into_response()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileTypeExt;

    use super::*;

    fn options(socket: PathBuf) -> ControlOptions {
        ControlOptions { socket, node_name: "n".into(), incarnation: 7 }
    }

    #[test]
    fn the_socket_is_private_and_takes_the_place_of_an_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        for folder in [dir.path(), &deep] {
            let path = folder.join("control.sock");
            let first = ControlSocket::bind(&options(path.clone())).unwrap();
            drop(first);
            let _second = ControlSocket::bind(&options(path.clone())).unwrap();
            let facts = fs::metadata(&path).unwrap();
            assert!(facts.file_type().is_socket());
            assert_eq!(facts.permissions().mode() & 0o777, 0o600);
        }
        let error = ControlSocket::bind(&options(dir.path().join("none/x"))).err().unwrap();
        assert!(error.to_string().starts_with("cannot listen on the control socket"), "{error}");
    }
}
