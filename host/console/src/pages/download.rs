//! What a page hands over as a file.

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};

/// A JSON text as a file of this name, which browsers keep and never show. The name has no quotation mark.
pub(super) fn json(name: &str, text: &str) -> Response {
    let head = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (head, format!("{text}\n")).into_response()
}
