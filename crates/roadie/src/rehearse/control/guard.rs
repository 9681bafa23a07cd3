//! Who may ask: programs of this machine, no page of a browser, and those that can read the token.
//!
//! A page of anywhere can send requests to loopback, and where its own name is made to lead there it can
//! read the answers, too. Such a request names another host, or the page's origin.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use chassis::bearer;
use http::StatusCode;
use http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use http::uri::Authority;

use super::Control;
use super::refusal::Refusal;

/// What browsers say about where a request comes from; other programs do not send it.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Passes on what was meant for this machine and comes from no page.
pub(super) async fn from_here(request: Request, next: Next) -> Result<Response, Refusal> {
    let headers = request.headers();
    is_meant_for_here(headers, request.uri().authority())?;
    // Somebody typed the address: that is no page.
    let typed = |site: &&[u8]| *site == b"none";
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    if headers.contains_key(ORIGIN) || site.is_some_and(|site| !typed(&site)) {
        let why = "requests of a web page are refused".to_owned();
        return Err(Refusal(StatusCode::FORBIDDEN, why));
    }
    Ok(next.run(request).await)
}

/// Passes on what shows the token.
pub(super) async fn with_token(
    State(control): State<Arc<Control>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if bearer::token(request.headers()).is_some_and(|shown| control.token.is(shown)) {
        return Ok(next.run(request).await);
    }
    let why = "missing or invalid bearer token: it is in the file that `control token in` names";
    Err(Refusal(StatusCode::UNAUTHORIZED, why.to_owned()))
}

fn is_meant_for_here(headers: &HeaderMap, target: Option<&Authority>) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
        // HTTP/2 names it in the target.
        (None, None) => target.cloned(),
        _ => None,
    };
    let Some(host) = host else {
        let why = "a request has to name its host, and only one".to_owned();
        return Err(Refusal(StatusCode::BAD_REQUEST, why));
    };
    if [Some(&host), target].into_iter().flatten().all(is_loopback) {
        return Ok(());
    }
    let why = format!("{host} is not this machine: ask for 127.0.0.1 or localhost");
    Err(Refusal(StatusCode::MISDIRECTED_REQUEST, why))
}

/// Whatever the port: another one of this machine may lead here.
fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>();
    !authority.as_str().contains('@')
        && (host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|a| a.is_loopback()))
}
