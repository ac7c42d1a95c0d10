//! URLs in a component's data and the hosts that they name, for a reviewer to look at. A plugin can hide one from this; it cannot
//! reach it without the `http` capability and a scope that covers it.
//!
//! Invariant: one pass; at most [`MAX_URLS`] of at most [`MAX_LENGTH`] bytes of printable ASCII, and [`MAX_HOSTS`] hosts.

use std::collections::BTreeSet;

const MAX_URLS: usize = 50;
const MAX_HOSTS: usize = 100;
const MAX_LENGTH: usize = 200;

/// What was found so far.
#[derive(Default)]
pub(super) struct Links {
    /// In the order in which they lie there, each once.
    pub(super) urls: Vec<String>,
    /// Host names, with the port where one is given.
    pub(super) hosts: BTreeSet<String>,
}

impl Links {
    /// Adds the URLs in these bytes that are not there yet.
    pub(super) fn collect(&mut self, data: &[u8]) {
        let mut rest = data;
        while self.urls.len() < MAX_URLS || self.hosts.len() < MAX_HOSTS {
            let Some(start) = begin(rest) else { return };
            rest = &rest[start..];
            let printable = rest.iter().take(MAX_LENGTH).take_while(|byte| in_url(**byte)).count();
            // Strings lie side by side in data: another URL may begin where this one seems to go on.
            let length = begin(&rest[4..printable]).map_or(printable, |next| next + 4);
            let (url, after) = rest.split_at(length);
            self.add(url);
            rest = after;
        }
    }

    fn add(&mut self, url: &[u8]) {
        let host = url.strip_prefix(b"https://").or_else(|| url.strip_prefix(b"http://")).unwrap_or_default();
        if !host.first().is_some_and(u8::is_ascii_alphanumeric) {
            return;
        }
        if self.hosts.len() < MAX_HOSTS {
            self.hosts.extend(name(host));
        }
        let url = String::from_utf8_lossy(url).into_owned();
        if self.urls.len() < MAX_URLS && !self.urls.contains(&url) {
            self.urls.push(url);
        }
    }
}

/// The host at the beginning of these bytes, in lower case, with its port; none where it is no name of two parts or more.
fn name(rest: &[u8]) -> Option<String> {
    let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b".-_:".contains(byte));
    let host = String::from_utf8_lossy(&rest[..end.unwrap_or(rest.len())]).to_ascii_lowercase();
    let (name, port) = host.split_once(':').unwrap_or((&host, ""));
    let name = name.trim_end_matches('.');
    let port = port.trim_end_matches(|c: char| !c.is_ascii_digit());
    if !name.contains('.') || name.split('.').any(str::is_empty) {
        return None;
    }
    Some(if port.parse::<u16>().is_ok() { format!("{name}:{port}") } else { name.to_owned() })
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
