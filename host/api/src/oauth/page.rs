//! What a person sees. Plain HTML: no script, no style, nothing from elsewhere, and in no frame.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use portcullis_broker::authz::{OAuthError, View};
use portcullis_model::audit::plain as harmless;

use crate::peers::retry_after;

const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Seconds between two looks.
const LOOK: u32 = 3;

/// An answer for a browser, with what keeps it safe there.
pub(super) fn plain(status: StatusCode, html: &str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, html.to_owned()).into_response()
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in harmless(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn page(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{head}<title>{title}</title>\n</head>\n\
         <body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

pub(super) fn waiting(view: &View) -> Response {
    let scopes: String =
        view.scopes.iter().map(|scope| format!("<li><code>{}</code></li>\n", escape(&scope.to_string()))).collect();
    let (code, client, back_to) = (escape(&view.code), escape(&view.client), escape(&view.back_to));
    let body = format!(
        "<p><strong>{client}</strong> asks for:</p>\n<ul>\n{scopes}</ul>\n\
         <p>If you started this yourself, give an admin this code: <strong>{code}</strong></p>\n\
         <p>On the host: <code>portcullis client approve {code}</code></p>\n\
         <p>After that this page goes on to {back_to}. It looks every {LOOK} seconds, until {}.</p>\n",
        view.expires
    );
    let refresh = format!("<meta http-equiv=\"refresh\" content=\"{LOOK}\">\n");
    plain(StatusCode::OK, &page("An admin must decide", &refresh, &body))
}

pub(super) fn gone() -> Response {
    let body = "<p>There is no such request for this browser, or it is over. Start again where you came from.</p>\n";
    plain(StatusCode::NOT_FOUND, &page("Nothing to decide", "", body))
}

pub(super) fn refused(error: &OAuthError) -> Response {
    let status = match (error.retry_after, error.code) {
        (Some(_), _) => StatusCode::TOO_MANY_REQUESTS,
        (None, portcullis_broker::authz::Code::TemporarilyUnavailable) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = format!(
        "<p><code>{}</code>: {}</p>\n<p>You were not sent back, since it is not known where to.</p>\n",
        error.code.name(),
        escape(&error.description)
    );
    let mut response = plain(status, &page("This request cannot be taken", "", &body));
    if let Some(wait) = error.retry_after {
        retry_after(&mut response, wait);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_is_markup() {
        assert_eq!(escape("<a href='x'>\"&\n"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;\\u{a}");
    }
}
