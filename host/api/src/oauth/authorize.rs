//! `GET /oauth/authorize` (RFC 6749, 4.1.1), and `GET /oauth/authorize/wait`, where the browser waits for the admin's decision.
//!
//! Invariant: a page's address alone shows nothing: the browser that asked is known by a cookie that no script and no other site's
//! request can use, and that over https no other host of the domain can set (`__Host-`).

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use portcullis_broker::authz::{Begun, Code, OAuthError, Params, Refused, Watched};

use super::{Server, page};
use crate::peers::Known;

fn is_secure(issuer: &str) -> bool {
    issuer.starts_with("https:")
}

/// What a browser's secret for a request is called.
fn cookie_name(id: &str, secure: bool) -> String {
    format!("{}portcullis_request_{id}", if secure { "__Host-" } else { "" })
}

/// Sends the browser on. Its next request does not say where it was.
fn go(to: &str) -> Response {
    let mut response = page::plain(StatusCode::SEE_OTHER, "");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}

fn gone() -> Response {
    Known::Refused("nothing-to-decide").note(page::gone())
}

fn refused(error: &OAuthError) -> Response {
    match error.code {
        Code::TemporarilyUnavailable => page::refused(error),
        _ => Known::Refused(error.reason()).note(page::refused(error)),
    }
}

pub(super) async fn begin(State(server): Server, RawQuery(query): RawQuery) -> Response {
    let params = match Params::parse(query.unwrap_or_default().as_bytes()) {
        Ok(params) => params,
        Err(error) => return refused(&error),
    };
    match server.authorize(&params).await {
        Ok(begun) => waiting(&server.settings().issuer, &begun),
        Err(Refused::Page(error)) => refused(&error),
        Err(Refused::Back(to)) => go(&to),
    }
}

fn waiting(issuer: &str, begun: &Begun) -> Response {
    let mut response = go(&format!("/oauth/authorize/wait?request={}", begun.id));
    let cookie = set_cookie(is_secure(issuer), begun);
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn set_cookie(secure: bool, begun: &Begun) -> String {
    let name = cookie_name(begun.id.as_str(), secure);
    let (value, secure) = (String::from_utf8_lossy(begun.browser.expose()), if secure { "; Secure" } else { "" });
    format!("{name}={value}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax{secure}")
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
        Err(error) => return refused(&error),
    };
    let id = params.get("request").unwrap_or_default();
    let name = cookie_name(id, is_secure(&server.settings().issuer));
    let Some(browser) = cookie(&headers, &name) else { return gone() };
    match server.watch(id, browser.as_bytes()).await {
        Ok(Watched::Waiting(view)) => Known::Proved.note(page::waiting(&view)),
        Ok(Watched::Back(to)) => Known::Proved.note(go(&to)),
        Ok(Watched::Gone) => gone(),
        Err(error) => refused(&error),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::secret::Secret;

    use super::*;

    #[test]
    fn no_other_host_of_the_domain_can_set_the_cookie() {
        let begun = Begun { id: "grt_1".parse().unwrap(), browser: Secret::new(b"pcc_x".to_vec()) };
        assert_eq!(
            set_cookie(is_secure("https://host.example"), &begun),
            "__Host-portcullis_request_grt_1=pcc_x; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set_cookie(is_secure("http://127.0.0.1:9"), &begun),
            "portcullis_request_grt_1=pcc_x; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"
        );
    }
}
