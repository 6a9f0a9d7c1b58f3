//! Login by HTTP Basic, over the same steps as every protocol (S2).

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use ternmq_access::Secret;
use ternmq_broker::{LoginRefused, LoginStep};

use crate::answer::Refusal;
use crate::seam::Management;

/// Name and password out of the header. `None`: there is none, or it is not Basic.
fn read_basic(headers: &HeaderMap) -> Option<(String, Secret)> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (user, password) = decoded.split_at_checked(colon)?;
    let user = std::str::from_utf8(user).ok()?.to_owned();
    Some((user, Secret::new(password.get(1..).unwrap_or_default().to_vec())))
}

/// Who asks. A refusal tells nothing but that it is one.
pub(crate) async fn login(
    management: &Management,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<Arc<str>, Refusal> {
    let Some((user, password)) = read_basic(headers) else {
        return Err(Refusal::unauthorized("Login needed: send a user name and password by HTTP Basic"));
    };
    let name = user.clone();
    let step = management.ask(move |broker| broker.begin_login(&name, password, peer)).await?;
    let found = match step {
        LoginStep::Done(user) => Ok(user),
        LoginStep::Refused => Err(LoginRefused::Wrong),
        LoginStep::Verify(check) => {
            let result = if check.waits_outside() {
                management.wait_outside(move || check.run()).await?
            } else {
                management.compute(move || check.run()).await?
            };
            management.ask(move |broker| broker.finish_login(result)).await?
        }
    };
    found.map_err(|refused| {
        let shown: String = user.chars().take(64).collect();
        tracing::warn!(target: "audit", event = "login refused", user = ?shown, peer = ?peer, by = "http");
        match refused {
            LoginRefused::Wrong => Refusal::unauthorized("Login failed"),
            LoginRefused::Unavailable => Refusal::unavailable(LoginRefused::UNAVAILABLE),
        }
    })
}
