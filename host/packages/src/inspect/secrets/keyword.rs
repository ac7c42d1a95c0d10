//! Values that look random where a name before them says that they are secret: `api_key = "..."`, `?token=...`, `Bearer ...`; and
//! passwords in URLs and in HTTP's basic authentication (RFC 7617).
//!
//! Invariant: of what follows a name, a bounded number of bytes is looked at.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    Hit,
    judge::{is_stand_in, looks_random},
};
use crate::inspect::InspectError;

/// How a value follows a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follows {
    /// After `=`, `:`, `=>` or `:=`, in quotes or not.
    Assigned,
    /// At once.
    Directly,
    /// As the base64 of `user:password`.
    InBase64,
    /// As the password in `://user:password@host`.
    InUrl,
}

/// Names, in any case. What may follow in the name itself (`_id`, `_value`) is passed over.
const NAMES: &[(&str, Follows)] = &[
    ("password", Follows::Assigned),
    ("passwd", Follows::Assigned),
    ("passphrase", Follows::Assigned),
    ("secret", Follows::Assigned),
    ("token", Follows::Assigned),
    ("api_key", Follows::Assigned),
    ("api-key", Follows::Assigned),
    ("apikey", Follows::Assigned),
    ("access_key", Follows::Assigned),
    ("access-key", Follows::Assigned),
    ("accesskey", Follows::Assigned),
    ("private_key", Follows::Assigned),
    ("privatekey", Follows::Assigned),
    ("auth_key", Follows::Assigned),
    ("authkey", Follows::Assigned),
    ("credential", Follows::Assigned),
    ("bearer ", Follows::Directly),
    ("basic ", Follows::InBase64),
    ("://", Follows::InUrl),
];

const PADDING_OR_NOT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

const MAX_NAME: usize = 20;
const MAX_SPACES: usize = 3;
const MAX_VALUE: usize = 256;

static AUTOMATON: LazyLock<Result<AhoCorasick, aho_corasick::BuildError>> =
    LazyLock::new(|| AhoCorasick::builder().ascii_case_insensitive(true).build(NAMES.iter().map(|(name, _)| name)));

pub(super) fn scan(bytes: &[u8]) -> Result<Vec<Hit>, InspectError> {
    let automaton = AUTOMATON.as_ref().map_err(|error| InspectError::patterns(error.clone()))?;
    let mut hits: Vec<Hit> = Vec::new();
    for found in automaton.find_overlapping_iter(bytes) {
        let Some((_, follows)) = NAMES.get(found.pattern().as_usize()) else { continue };
        let value = match follows {
            Follows::Assigned => assigned(bytes, found.end()),
            Follows::Directly => unquoted(bytes, found.end()),
            Follows::InBase64 => basic(bytes, found.end()),
            Follows::InUrl => url(bytes, found.end()),
        };
        let Some((start, end)) = value else { continue };
        if hits.last().is_none_or(|last| last.end <= start) {
            let shape = match follows {
                Follows::Assigned | Follows::Directly => "a random value under a name for secrets",
                Follows::InBase64 => "a password in an HTTP header",
                Follows::InUrl => "a password in a URL",
            };
            hits.push(Hit { shape, start, end });
        }
    }
    Ok(hits)
}

/// What is assigned to a name that ends before `at`: after `=`, `:`, `=>` or `:=`, in quotes or not.
fn assigned(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let at = skip(bytes, at, MAX_NAME, |byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let at = skip(bytes, at, 1, |byte| b"\"'`".contains(&byte));
    let at = skip(bytes, at, MAX_SPACES, |byte| byte == b' ' || byte == b'\t');
    let after = skip(bytes, at, 3, |byte| b"=:>".contains(&byte));
    if after == at {
        return None;
    }
    let at = skip(bytes, after, MAX_SPACES, |byte| byte == b' ' || byte == b'\t');
    match bytes.get(at)? {
        quote @ (b'"' | b'\'' | b'`') => {
            let end = at + 1 + value(&bytes[at + 1..]);
            (bytes.get(end) == Some(quote) && looks_random(&bytes[at + 1..end])).then_some((at + 1, end))
        }
        _ => unquoted(bytes, at),
    }
}

fn unquoted(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let end = at + value(&bytes[at..]);
    looks_random(&bytes[at..end]).then_some((at, end))
}

/// The base64 of a user and a password. Other text may follow it at once, so it is read as far as it is printable.
fn basic(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let end = at + value(&bytes[at..]);
    let whole = bytes[at..end].chunks_exact(4).take_while(|four| !four[..3].contains(&b'=')).count() * 4;
    let decoded = PADDING_OR_NOT.decode(&bytes[at..at + whole]).ok()?;
    let printable: Vec<u8> = decoded.into_iter().take_while(u8::is_ascii_graphic).collect();
    let colon = printable.iter().position(|byte| *byte == b':')?;
    let password = &printable[colon + 1..];
    (colon >= 2 && password.len() >= 6 && !is_stand_in(password) && !names_itself(password)).then_some((at, end))
}

/// The password of `://user:password@host`, where it is none that documentation would use.
fn url(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&*+=%".contains(&byte);
    let colon = skip(bytes, at, 64, part);
    if colon == at || bytes.get(colon) != Some(&b':') {
        return None;
    }
    let end = skip(bytes, colon + 1, 128, part);
    let password = &bytes[colon + 1..end];
    let host = bytes.get(end) == Some(&b'@') && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric);
    let mixed = password.iter().any(u8::is_ascii_digit) && password.iter().any(u8::is_ascii_alphabetic);
    (host && mixed && password.len() >= 8 && !is_stand_in(password) && !names_itself(password))
        .then_some((colon + 1, end))
}

/// `password1`, `secret_123`: what people write who mean no password.
fn names_itself(password: &[u8]) -> bool {
    let lower = password.to_ascii_lowercase();
    ["pass", "pwd", "secret", "user", "name", "token"]
        .iter()
        .any(|word| lower.windows(word.len()).any(|window| window == word.as_bytes()))
}

fn skip(bytes: &[u8], at: usize, most: usize, skipped: impl Fn(u8) -> bool) -> usize {
    at + bytes[at..].iter().take(most).take_while(|byte| skipped(**byte)).count()
}

/// The length of a value: letters, digits and what base64 and base64url have beside them, then padding.
fn value(bytes: &[u8]) -> usize {
    let end = skip(bytes, 0, MAX_VALUE, |byte| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte));
    skip(bytes, end, 2, |byte| byte == b'=')
}
