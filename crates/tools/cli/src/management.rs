//! A client of the management API.

use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::failure::Failure;
use crate::url::Address;

/// Port when an address names none.
pub(crate) const PORT: u16 = 15_672;
/// Header with something to look after.
const WARNING: &str = "ternmq-warning";
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the broker answered to a request that it carried out.
pub(crate) struct Done {
    pub(crate) body: Bytes,
    /// Something to look after all the same, printable.
    pub(crate) warning: Option<String>,
}

/// One request, whose answer may have so many bytes.
pub(crate) fn call(
    address: &Address,
    method: Method,
    path: &str,
    body: Bytes,
    max_bytes: usize,
) -> Result<Done, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::while_doing("start"))?;
    runtime.block_on(async {
        let answer = tokio::time::timeout(TIMEOUT, request(address, method, path, body, max_bytes)).await;
        answer.map_err(|_| Failure::new("the broker does not answer"))?
    })
}

async fn request(
    address: &Address,
    method: Method,
    path: &str,
    body: Bytes,
    max_bytes: usize,
) -> Result<Done, Failure> {
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
        .uri(path)
        .header(header::HOST, &place)
        .header(header::AUTHORIZATION, format!("Basic {login}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(Failure::while_doing("ask the broker"))?;
    let response = sender.send_request(request).await.map_err(&failed)?;
    let status = response.status();
    let warning = response.headers().get(WARNING).and_then(|text| text.to_str().ok()).map(str::to_owned);
    let body = Limited::new(response.into_body(), max_bytes).collect().await;
    let body = body.map_err(Failure::while_doing("read the broker's answer"))?.to_bytes();
    if status.is_success() {
        return Ok(Done { body, warning });
    }
    let text: String = String::from_utf8_lossy(&body).trim().chars().take(500).collect();
    Err(Failure::new(format!("the broker refused ({status}): {text}")))
}
