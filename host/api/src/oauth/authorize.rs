//! `GET /oauth/authorize` (RFC 6749, 4.1.1), and `GET /oauth/authorize/wait`, where the browser waits for the admin's decision.
//!
//! Invariant: a page's address alone shows nothing: the browser that asked is known by a cookie that no script and no other site's
//! request can use.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use portcullis_broker::authz::{Begun, Params, Refused, Watched};

use super::{Server, page};

/// What a browser's secret for a request is called.
fn cookie_name(id: &str) -> String {
    format!("portcullis_request_{id}")
}

/// Sends the browser on. Its next request does not say where it was.
fn go(to: &str) -> Response {
    let mut response = page::plain(StatusCode::SEE_OTHER, "");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

pub(super) async fn begin(State(server): Server, RawQuery(query): RawQuery) -> Response {
    let params = match Params::parse(query.unwrap_or_default().as_bytes()) {
        Ok(params) => params,
        Err(error) => return page::refused(&error),
    };
    match server.authorize(&params).await {
        Ok(begun) => waiting(&server.settings().issuer, &begun),
        Err(Refused::Page(error)) => page::refused(&error),
        Err(Refused::Back(to)) => go(&to),
    }
}

fn waiting(issuer: &str, begun: &Begun) -> Response {
    let mut response = go(&format!("/oauth/authorize/wait?request={}", begun.id));
    let secure = if issuer.starts_with("https:") { "; Secure" } else { "" };
    let value = String::from_utf8_lossy(begun.browser.expose());
    let cookie = format!(
        "{}={value}; Path=/oauth/authorize; Max-Age=600; HttpOnly; SameSite=Lax{secure}",
        cookie_name(begun.id.as_str())
    );
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The value of a cookie.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

pub(super) async fn wait(State(server): Server, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let params = match Params::parse(query.unwrap_or_default().as_bytes()) {
        Ok(params) => params,
        Err(error) => return page::refused(&error),
    };
    let id = params.get("request").unwrap_or_default();
    let Some(browser) = cookie(&headers, &cookie_name(id)) else { return page::gone() };
    match server.watch(id, browser.as_bytes()).await {
        Ok(Watched::Waiting(view)) => page::waiting(&view),
        Ok(Watched::Back(to)) => go(&to),
        Ok(Watched::Gone) => page::gone(),
        Err(error) => page::refused(&error),
    }
}
