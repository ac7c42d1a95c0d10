//! Targets of outbound requests, and the patterns of `http:send`.
//!
//! Input: a URL; where a line follows that begins with `=> `, the rest is a pattern to hold it against.
//!
//! Holds: a target is read back from its print as itself; `https` alone, a DNS name that no reader takes for an address, a
//! usable port, no user, a path without dot segments, encoded separators or backslashes; the crate `url` and a naive reader
//! of the authority agree on host and port, or it is refused. A pattern covers a target exactly where a naive reading of the
//! pattern's print says so, whether by a decision or by a meet; the scope that a denial names is a scope and is enough.

use std::net::IpAddr;

use portcullis_capabilities::{Catalogue, scopes::http::HttpScope};
use portcullis_model::{
    catalogue::Catalogue as _,
    egress::SendRequest,
    scope::{Allows, Grant, ScopeText},
    target::Target,
};
use url::Url;

use crate::text::assert_readable;

const SEPARATOR: &str = "\n=> ";
/// The longest value in a scope's text, in bytes. Nothing says exactly a target that is longer; only a wider scope covers it.
const MAX_VALUE: usize = 512;
const METHOD: &str = "POST";

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (url, pattern) = text.split_once(SEPARATOR).map_or((text, None), |(url, pattern)| (url, Some(pattern)));
    let target = match url.parse::<Target>() {
        Ok(target) => target,
        Err(problem) => return assert_readable(&problem, 200, "the error"),
    };
    canonical(url, &target);
    covers_itself(&target);
    if let Some(pattern) = pattern {
        covered(&target, pattern);
    }
}

fn canonical(text: &str, target: &Target) {
    let printed = target.to_string();
    assert_eq!(printed.parse::<Target>().as_ref(), Ok(target), "{printed:?} is not read back as itself");
    assert!(printed.bytes().all(|b| b.is_ascii_graphic()), "{printed:?}");
    name(target.host());
    assert_ne!(target.port(), 0);
    path(target.path());
    for text in [text, &printed] {
        let url = Url::parse(text).unwrap_or_else(|e| panic!("url refuses {text:?}: {e}"));
        let host = url.host_str().unwrap_or_default();
        assert_eq!(host.strip_suffix('.').unwrap_or(host), target.host(), "{text:?}");
        assert_eq!(url.port_or_known_default(), Some(target.port()), "{text:?}");
        assert_eq!((url.scheme(), url.username(), url.password()), ("https", "", None), "{text:?}");
        assert_eq!((url.path(), url.fragment()), (target.path(), None), "{text:?}");
        naive_authority(text, target);
    }
}

fn name(host: &str) {
    assert!(host.parse::<IpAddr>().is_err() && !host.contains(':'), "{host:?} is an address");
    assert!(matches!(url::Host::parse(host), Ok(url::Host::Domain(same)) if same == host), "{host:?}");
    assert!(host.len() <= 253 && host.contains('.'), "{host:?}");
    for label in host.split('.') {
        assert!((1..=63).contains(&label.len()), "{host:?}");
        assert!(label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b)), "{host:?}");
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = last.strip_prefix("0x").unwrap_or(last);
    assert!(!last.bytes().all(|b| b.is_ascii_digit()), "{host:?} ends as an address does");
    assert!(last == number || !number.bytes().all(|b| b.is_ascii_hexdigit()), "{host:?} ends as an address does");
}

fn path(path: &str) {
    assert!(path.starts_with('/') && !path.contains(['\\', '?', '#']), "{path:?}");
    let lower = path.to_ascii_lowercase();
    for encoded in ["%2e", "%2f", "%5c", "%00"] {
        assert!(!lower.contains(encoded), "{path:?} holds {encoded}");
    }
    assert!(!path.split('/').any(|segment| segment == "." || segment == ".."), "{path:?} has dot segments");
}

/// What a reader who knows nothing but the rough shape of a URL takes for the authority. Where that reader sees plain ASCII,
/// it must see the same host and port.
fn naive_authority(text: &str, target: &Target) {
    let authority = text[8..].split(['/', '?', '#']).next().unwrap_or_default();
    assert!(!authority.is_empty() && !authority.contains(['@', '\\']), "{text:?}: the authority is {authority:?}");
    if !authority.is_ascii() || authority.contains('%') {
        return;
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let host = host.to_ascii_lowercase();
    assert_eq!(host.strip_suffix('.').unwrap_or(&host), target.host(), "{text:?}");
    let port = if port.is_empty() { Ok(443) } else { port.parse() };
    assert_eq!(port, Ok(target.port()), "{text:?}");
}

fn request(target: &Target) -> SendRequest {
    SendRequest { method: METHOD, target: target.clone(), headers: Vec::new(), body: Vec::new() }
}

fn covers_itself(target: &Target) {
    let act = request(target);
    let needed = HttpScope::needed(&act);
    let printed = needed.to_string();
    if !expressible(&needed) {
        return;
    }
    assert_eq!(printed.parse::<ScopeText>().as_ref(), Ok(&needed), "what a denial names is not a scope: {printed:?}");
    let grant = Grant::<HttpScope>::parse(&[needed]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(grant.scopes().count(), 1, "{printed:?} is more than one scope");
    assert_eq!(HttpScope::decide(&grant, &act), Ok(()), "{printed:?} is not enough for {target}");
    for url in [format!("{}{}x", target.origin(), target.path()), format!("https://x.{}/", target.host())] {
        let Ok(other) = url.parse::<Target>() else { continue };
        assert!(HttpScope::decide(&grant, &request(&other)).is_err(), "{printed:?} is enough for {other} too");
    }
}

fn expressible(needed: &ScopeText) -> bool {
    needed.values("to").iter().all(|value| value.len() <= MAX_VALUE)
}

fn covered(target: &Target, pattern: &str) {
    let text = format!("http:send to={pattern} methods={METHOD}");
    let Ok(scope) = text.parse::<ScopeText>() else { return };
    let grant = match Grant::<HttpScope>::parse(std::slice::from_ref(&scope)) {
        Ok(grant) => grant,
        Err(error) => return assert_readable(&error.to_string(), 16 * 1024, "the error"),
    };
    let texts = grant.texts();
    let expected = texts.iter().flat_map(|text| text.values("to")).any(|pattern| naively(pattern, target));
    let decided = HttpScope::decide(&grant, &request(target)).is_ok();
    assert_eq!(decided, expected, "{texts:?} and {target}: decided {decided}, but by a naive reading {expected}");
    let needed = HttpScope::needed(&request(target));
    if expressible(&needed) {
        let both = Catalogue.meet(&[scope], &[needed]);
        assert_eq!(both.map(|both| !both.is_empty()), Ok(expected), "{texts:?} and {target}: the meet says otherwise");
    }
    assert_eq!(Grant::<HttpScope>::parse(&texts), Ok(grant), "{texts:?} is not read back as itself");
}

/// Whether a pattern in its canonical print means this target, by comparing the texts piece by piece.
fn naively(pattern: &str, target: &Target) -> bool {
    let printed = target.to_string();
    let (authority, path) = split(printed.split('?').next().unwrap_or_default());
    let path = spelled_in_scopes(path);
    let (wanted, allowed) = split(pattern);
    let host = match wanted.strip_prefix("*.") {
        Some(domain) => authority.split_once('.').is_some_and(|(_, rest)| rest == domain),
        None => wanted == authority,
    };
    let below = match allowed.strip_suffix('*') {
        Some(prefix) => prefix.ends_with('/') && path.starts_with(prefix),
        None => path == allowed,
    };
    host && below
}

/// A scope's text has no `,`, `=` or `*` in a path: there they are encoded.
fn spelled_in_scopes(path: &str) -> String {
    let mut spelled = String::new();
    for c in path.chars() {
        match c {
            ',' => spelled.push_str("%2C"),
            '=' => spelled.push_str("%3D"),
            '*' => spelled.push_str("%2A"),
            other => spelled.push(other),
        }
    }
    spelled
}

fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("https://").unwrap_or_else(|| panic!("{url:?} is not https"));
    rest.split_at(rest.find('/').unwrap_or_else(|| panic!("{url:?} has no path")))
}
