//! Private keys in PEM (RFC 7468), OpenSSH's and OpenPGP's forms included.
//!
//! Invariant: the line that opens one is not enough, since programs that read keys have it too: base64 that looks random must
//! follow within [`WITHIN`] bytes.

use super::judge::{entropy, is_sequence};

pub(super) const MARK: &str = "-----BEGIN ";

const WITHIN: usize = 320;
const LABEL: usize = 48;
const LINE: usize = 40;

/// Where the line ends that opens a private key, if what follows the mark is one.
pub(super) fn after(rest: &[u8]) -> Option<usize> {
    let label = rest.get(..rest.len().min(LABEL)).unwrap_or_default();
    let end = label.windows(5).position(|window| window == b"-----")?;
    let name = label.get(..end)?;
    if !name.ends_with(b"PRIVATE KEY") && !name.ends_with(b"PRIVATE KEY BLOCK") {
        return None;
    }
    let body = &rest[end + 5..];
    lines(&body[..body.len().min(WITHIN)]).any(|line| line.len() >= LINE && is_key(line)).then_some(end + 5)
}

/// Runs of base64. In source code a line break is written as `\n`, which belongs to no run.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let escaped = rest.first() == Some(&b'\\') && matches!(rest.get(1), Some(b'n' | b'r'));
        rest = rest.get(if escaped { 2 } else { 0 }..).filter(|rest| !rest.is_empty())?;
        let run = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).count();
        let (line, after) = rest.split_at(run);
        // What ended the run is passed over, unless it is the beginning of an escape.
        rest = if after.first() == Some(&b'\\') && run > 0 { after } else { after.get(1..).unwrap_or_default() };
        Some(line)
    })
}

fn is_key(line: &[u8]) -> bool {
    line.iter().any(u8::is_ascii_digit)
        && line.iter().any(u8::is_ascii_uppercase)
        && line.iter().any(u8::is_ascii_lowercase)
        && entropy(line) >= 3.5
        && !is_sequence(line)
}
