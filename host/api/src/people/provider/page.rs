//! What a browser is shown that comes back and is not let in.
//!
//! Invariant: it holds nothing of the request, and no script.

use axum::http::{HeaderName, header};

/// What it is answered with.
pub(super) const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Says why, in words of the host's own.
pub(super) fn sorry(why: &str) -> String {
    let mut text = String::with_capacity(why.len());
    for c in why.chars() {
        match c {
            '&' => text += "&amp;",
            '<' => text += "&lt;",
            '>' => text += "&gt;",
            '"' => text += "&quot;",
            c => text.push(c),
        }
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>Not signed in</title></head><body><main><h1>Not signed in</h1>\
         <p>{text}</p><p><a href=\"/console/sign-in\">Back to sign-in</a></p></main></body></html>"
    )
}
