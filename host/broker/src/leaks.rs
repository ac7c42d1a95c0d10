//! Answers for finding secrets where they must not be: in an answer on its way to a plugin, in a plugin's memory, in a log
//! (INT-7).
//!
//! A secret is looked for as it is, in base64 (both alphabets, at each of the three places where it can begin within a
//! longer text), in hexadecimal, percent-encoded, and escaped as JSON; upper and lower case count as the same.
//!
//! Invariants: patterns come from the values that were issued, never from guesses at a token's form or length; a pattern
//! under 8 bytes is never looked for, since it would be found in anything. Detection is not complete: whoever holds a secret
//! can always hide it (encrypted, compressed, cut in pieces). What holds is that a plugin is never handed one.

use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine as _,
    engine::general_purpose::{GeneralPurpose, STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use portcullis_model::secret::Secret;

use crate::sieve::{SHORTEST, Sieve};

/// The shortest pattern that is looked for, in bytes.
pub const MIN_PATTERN: usize = SHORTEST;

/// What stands where a secret was.
pub const REDACTED: &[u8] = b"[redacted]";

/// The patterns could not be prepared: there are too many of them. Says nothing about the secrets.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot look for leaked secrets: {0}")]
pub struct NeedlesError(String);

/// The forms of some secrets, ready to be looked for.
#[derive(Clone)]
pub struct Needles {
    /// Says at a fraction of the cost where the automaton would find nothing.
    sieve: Sieve,
    automaton: AhoCorasick,
}

impl Needles {
    /// Prepares the forms of these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Result<Self, NeedlesError> {
        let mut patterns: Vec<Vec<u8>> = secrets.into_iter().flat_map(|secret| forms(secret.expose())).collect();
        patterns.retain(|pattern| pattern.len() >= MIN_PATTERN);
        patterns.sort();
        patterns.dedup();
        let sieve = Sieve::new(&patterns);
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(&patterns)
            .map_err(|error| NeedlesError(error.to_string()))?;
        Ok(Self { sieve, automaton })
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.automaton.patterns_len()
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any form of any of the secrets is in these bytes.
    pub fn find_in(&self, bytes: &[u8]) -> bool {
        self.sieve.may_hold(bytes) && self.automaton.is_match(bytes)
    }

    /// The bytes with `[redacted]` in place of each form of a secret; `None` where there is none.
    pub fn redact(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.sieve.may_hold(bytes) {
            return None;
        }
        let mut clean = Vec::new();
        let mut from = 0;
        for found in self.automaton.find_iter(bytes) {
            clean.extend_from_slice(&bytes[from..found.start()]);
            clean.extend_from_slice(REDACTED);
            from = found.end();
        }
        if from == 0 {
            return None;
        }
        clean.extend_from_slice(&bytes[from..]);
        Some(clean)
    }
}

impl fmt::Debug for Needles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Needles({} patterns)", self.len())
    }
}

fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![
        secret.to_vec(),
        hex::encode(secret).into_bytes(),
        percent(secret, |byte| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte)),
        percent(secret, |_| true),
        json(secret, false),
        json(secret, true),
    ];
    forms.extend([&STANDARD, &STANDARD_NO_PAD, &URL_SAFE].map(|engine| engine.encode(secret).into_bytes()));
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        forms.extend((0..3).map(|offset| aligned(engine, secret, offset)));
    }
    forms
}

/// The characters that are certain where the secret begins `offset` bytes (modulo 3) into a longer base64 text: those that
/// hold a bit of what is before or after it are left out.
fn aligned(engine: &GeneralPurpose, secret: &[u8], offset: usize) -> Vec<u8> {
    let shifted: Vec<u8> = std::iter::repeat_n(0, offset).chain(secret.iter().copied()).collect();
    let mut text = engine.encode(&shifted).into_bytes();
    if !shifted.len().is_multiple_of(3) {
        text.pop();
    }
    let uncertain = [0, 2, 3][offset];
    text.drain(..uncertain.min(text.len()));
    text
}

fn percent(secret: &[u8], escaped: impl Fn(u8) -> bool) -> Vec<u8> {
    let one = |byte: &u8| if escaped(*byte) { format!("%{byte:02X}").into_bytes() } else { vec![*byte] };
    secret.iter().flat_map(one).collect()
}

/// As within a JSON text; some writers escape the slash too.
fn json(secret: &[u8], slash: bool) -> Vec<u8> {
    let one = |byte: &u8| match byte {
        b'"' | b'\\' => vec![b'\\', *byte],
        b'/' if slash => b"\\/".to_vec(),
        _ => vec![*byte],
    };
    secret.iter().flat_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &[u8] = b"pk_live/9f+8=Zq\"x~R2";

    fn needles() -> Needles {
        Needles::new(&[Secret::new(TOKEN.to_vec())]).unwrap()
    }

    #[test]
    fn finds_every_form() {
        let text = std::str::from_utf8(TOKEN).unwrap();
        for form in [
            text.to_owned(),
            text.to_ascii_uppercase(),
            hex::encode(TOKEN),
            hex::encode_upper(TOKEN),
            "pk_live%2F9f%2B8%3DZq%22x~R2".to_owned(),
            "pk_live%2f9f%2b8%3dZq%22x~R2".to_owned(),
            TOKEN.iter().map(|byte| format!("%{byte:02x}")).collect(),
            serde_json::to_string(text).unwrap(),
            serde_json::to_string(text).unwrap().replace('/', "\\/"),
        ] {
            let hay = format!("before {form} after");
            assert!(needles().find_in(hay.as_bytes()), "{form}");
            let clean = String::from_utf8(needles().redact(hay.as_bytes()).unwrap()).unwrap();
            assert!(clean.contains("[redacted]") && !clean.contains("live"), "{clean}");
        }
    }

    #[test]
    fn finds_base64_at_every_alignment_of_both_alphabets() {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            for (before, after) in [("", ""), ("u", "v"), ("us", "vw"), ("use", "x"), ("user", ""), ("user:", "yz")] {
                let whole = [before.as_bytes(), TOKEN, after.as_bytes()].concat();
                let encoded = engine.encode(whole);
                assert!(needles().find_in(encoded.as_bytes()), "{before:?} {after:?} {encoded}");
            }
        }
        assert_eq!(needles().redact(STANDARD.encode(TOKEN).as_bytes()).as_deref(), Some(REDACTED), "padding goes too");
    }

    #[test]
    fn leaves_everything_else_alone() {
        assert_eq!(needles().redact(b"pk_live/9f+8=Zq\"x~R3 and [redacted]"), None);
        assert!(!needles().find_in(&vec![0u8; 100_000]));
        let none = Needles::new(&[]).unwrap();
        assert!(none.is_empty() && !none.find_in(TOKEN));
        let short = Needles::new(&[Secret::new(b"abc".to_vec())]).unwrap();
        assert!(!short.find_in(b"abc"));
    }

    #[test]
    fn replaces_each_occurrence_and_prints_nothing() {
        let hay = [TOKEN, b", ", TOKEN].concat();
        assert_eq!(needles().redact(&hay).as_deref(), Some(b"[redacted], [redacted]".as_slice()));
        assert!(!format!("{:?}", needles()).contains("live"));
    }
}
