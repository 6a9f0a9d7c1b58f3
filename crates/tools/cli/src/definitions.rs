//! `ternmq export` and `ternmq import`: definitions through the management API.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::args::{ExportArgs, HttpTarget, ImportArgs};
use crate::failure::Failure;
use crate::url::Address;

const PATH: &str = "/api/definitions";
/// Definitions are at most this long, both ways.
const MAX_BYTES: usize = 20 << 20;
/// Header with something to look after.
const WARNING: &str = "ternmq-warning";
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) fn export(args: &ExportArgs) -> Result<(), Failure> {
    let Done { body: text, .. } = call(&args.target, Method::GET, Bytes::new())?;
    match named(args.file.as_ref()) {
        Some(path) => {
            fs::write(path, &text).map_err(Failure::while_doing(format!("write '{}'", path.display())))
        }
        None => std::io::stdout().write_all(&text).map_err(Failure::while_doing("print")),
    }
}

pub(crate) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let text = match named(args.file.as_ref()) {
        Some(path) => fs::read(path).map_err(Failure::while_doing(format!("read '{}'", path.display())))?,
        None => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map_err(Failure::while_doing("read standard input"))?;
            bytes
        }
    };
    if text.len() > MAX_BYTES {
        return Err(Failure::new(format!("the definitions are longer than {MAX_BYTES} bytes")));
    }
    let done = call(&args.target, Method::POST, text.into())?;
    if let Some(warning) = done.warning {
        // Whoever does not hear it finds it in the broker's log.
        let _ = writeln!(std::io::stderr(), "ternmq: warning: {warning}");
    }
    writeln!(std::io::stdout(), "definitions imported").map_err(Failure::while_doing("print"))
}

fn named(file: Option<&PathBuf>) -> Option<&Path> {
    file.map(PathBuf::as_path).filter(|path| *path != Path::new("-"))
}

/// What the broker answered to a request that it carried out.
struct Done {
    body: Bytes,
    /// Something to look after all the same, printable.
    warning: Option<String>,
}

fn call(target: &HttpTarget, method: Method, body: Bytes) -> Result<Done, Failure> {
    let address = Address::parse(&target.url, "http", 15_672, &target.data_dir)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::while_doing("start"))?;
    runtime.block_on(async {
        let answer = tokio::time::timeout(TIMEOUT, request(&address, method, body)).await;
        answer.map_err(|_| Failure::new("the broker does not answer"))?
    })
}

async fn request(address: &Address, method: Method, body: Bytes) -> Result<Done, Failure> {
    let place = format!("{}:{}", address.host, address.port);
    let stream = TcpStream::connect((&*address.host, address.port)).await.map_err(|error| {
        Failure::new(format!("cannot reach a broker at {place}: {error}; is it running?"))
    })?;
    let failed =
        |error: hyper::Error| Failure::new(format!("the broker at {place} does not speak HTTP: {error}"));
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(&failed)?;
    tokio::spawn(connection);
    let login = format!("{}:{}", address.user, address.password);
    let login = base64::engine::general_purpose::STANDARD.encode(login);
    let request = Request::builder()
        .method(method)
        .uri(PATH)
        .header(header::HOST, &place)
        .header(header::AUTHORIZATION, format!("Basic {login}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(Failure::while_doing("ask the broker"))?;
    let response = sender.send_request(request).await.map_err(&failed)?;
    let status = response.status();
    let warning = response.headers().get(WARNING).and_then(|text| text.to_str().ok()).map(str::to_owned);
    let body = Limited::new(response.into_body(), MAX_BYTES).collect().await;
    let body = body.map_err(Failure::while_doing("read the broker's answer"))?.to_bytes();
    if status.is_success() {
        return Ok(Done { body, warning });
    }
    let text: String = String::from_utf8_lossy(&body).trim().chars().take(500).collect();
    Err(Failure::new(format!("the broker refused ({status}): {text}")))
}
