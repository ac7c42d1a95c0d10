//! URLs in a component's data, for a reviewer to look at. A plugin can hide one from this; it cannot reach it without the
//! `http` capability and a scope that covers it.
//!
//! Invariant: one pass; at most [`MAX_URLS`] of at most [`MAX_LENGTH`] bytes of printable ASCII.

const MAX_URLS: usize = 50;
const MAX_LENGTH: usize = 200;

/// Adds the URLs in these bytes that are not there yet.
pub(super) fn collect(data: &[u8], urls: &mut Vec<String>) {
    let mut rest = data;
    while urls.len() < MAX_URLS {
        let Some(start) = begin(rest) else { return };
        rest = &rest[start..];
        let printable = rest.iter().take(MAX_LENGTH).take_while(|byte| in_url(**byte)).count();
        // Strings lie side by side in data: another URL may begin where this one seems to go on.
        let length = begin(&rest[4..printable]).map_or(printable, |next| next + 4);
        let (url, after) = rest.split_at(length);
        let host = url.strip_prefix(b"https://").or_else(|| url.strip_prefix(b"http://")).unwrap_or_default();
        let url = String::from_utf8_lossy(url).into_owned();
        if host.first().is_some_and(u8::is_ascii_alphanumeric) && !urls.contains(&url) {
            urls.push(url);
        }
        rest = after;
    }
}

/// Where the first scheme begins.
fn begin(data: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = data[from..].windows(4).position(|window| window == b"http") {
        let rest = &data[from + at..];
        if rest.starts_with(b"https://") || rest.starts_with(b"http://") {
            return Some(from + at);
        }
        from += at + 4;
    }
    None
}

fn in_url(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'<>\\^`{|}()[]".contains(&byte)
}
