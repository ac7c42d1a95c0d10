//! Secrets in a release (MNT-4): tokens of well-known shapes, private keys, and values that look random where a name says that they
//! are secret. Whoever gets a release reads all of it, so a release that carries one is refused.
//!
//! What is found is what was left in by mistake. Somebody who wants to hide a secret can encode it, cut it in two, or fetch it; and
//! a short password looks like any other word.
//!
//! Invariants: all bytes are looked at, whatever section they are in, in time linear in their number; a finding shows at most
//! [`SHOWN`] characters of what was found; at most [`MAX_FINDINGS`] are given.

mod judge;
mod keyword;
mod pem;
mod shapes;
mod token;

use std::fmt;

use portcullis_model::audit::plain;
use serde::Serialize;

use super::InspectError;

/// The most findings that are listed.
pub const MAX_FINDINGS: usize = 20;

/// How much of a secret a finding shows, in characters.
const SHOWN: usize = 4;

/// Something that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it looks like: a noun with its article.
    pub shape: &'static str,
    /// Where it begins, in bytes from the beginning of the component or the manifest.
    pub offset: usize,
    /// Its first four characters at most.
    pub shown: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} ({}…)", self.shape, self.offset, self.shown)
    }
}

/// A finding before it is cut.
struct Hit {
    shape: &'static str,
    start: usize,
    end: usize,
}

/// What looks like a secret in these bytes, in order, each once.
pub fn scan(bytes: &[u8]) -> Result<Vec<Finding>, InspectError> {
    let mut hits = shapes::scan(bytes)?;
    hits.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    let known: Vec<(usize, usize)> = hits.iter().map(|hit| (hit.start, hit.end)).collect();
    // A token that its shape has told already is not told again for the name beside it.
    let apart = |hit: &Hit| {
        let after = known.partition_point(|(start, _)| *start < hit.end);
        !known[..after].iter().rev().take(MAX_FINDINGS).any(|(_, end)| *end > hit.start)
    };
    hits.extend(keyword::scan(bytes)?.into_iter().filter(apart));
    hits.sort_by_key(|hit| hit.start);
    hits.dedup_by_key(|hit| hit.start);
    Ok(hits.into_iter().take(MAX_FINDINGS).map(|hit| finding(&hit, bytes)).collect())
}

/// The findings as one clause for an error.
pub(crate) fn told(findings: &[Finding]) -> String {
    let first: Vec<String> = findings.iter().take(3).map(ToString::to_string).collect();
    let more = findings.len().saturating_sub(first.len());
    let more = if more == 0 { String::new() } else { format!(", and {more} more") };
    format!("{}{more}", first.join(", "))
}

fn finding(hit: &Hit, bytes: &[u8]) -> Finding {
    let text = String::from_utf8_lossy(&bytes[hit.start..hit.end.min(hit.start + SHOWN)]).into_owned();
    Finding { shape: hit.shape, offset: hit.start, shown: plain(&text.chars().take(SHOWN).collect::<String>()) }
}

#[cfg(test)]
mod tests;
