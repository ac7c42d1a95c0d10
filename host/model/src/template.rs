//! A path as the log keeps it: what is a word stays, and what may be an id or a secret becomes `{}`.
//!
//! Ids would tell of people and records, and some services take a secret in the path (a chat's incoming webhook). So a segment
//! stays only if it reads like a word that a programmer chose: letters, in pieces joined by `-`, `_`, `.` or `~`, with at most two
//! digits at a piece's end (`v2`, `oauth2`), short, and pronounceable where it is long. All else is replaced.
//!
//! Invariants: the template has as many segments as the path; a segment with three digits, or with a character that is no
//! letter, digit or joint, never stays. Detection is not complete: a short secret of nothing but letters looks like a word.

use std::fmt::Write as _;

/// What stands for a segment that may be an id or a secret.
const HOLE: &str = "{}";

/// The longest segment and the longest piece that can be words, in bytes.
const LONGEST: usize = 48;
const LONGEST_PIECE: usize = 20;
const MOST_PIECES: usize = 6;

/// From this length on a piece must be pronounceable.
const LONG: usize = 10;

/// The template of a path.
pub(crate) fn of(path: &str) -> String {
    let mut template = String::with_capacity(path.len());
    for (number, segment) in path.split('/').enumerate() {
        let kept = if segment.is_empty() || is_word(segment) { segment } else { HOLE };
        // Writing to a string cannot fail.
        let _ = write!(template, "{}{kept}", if number == 0 { "" } else { "/" });
    }
    template
}

fn is_word(segment: &str) -> bool {
    let pieces: Vec<&str> = segment.split(['-', '_', '.', '~']).collect();
    let first_has_a_letter = segment.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    segment.len() <= LONGEST && pieces.len() <= MOST_PIECES && first_has_a_letter && pieces.iter().all(|p| is_piece(p))
}

fn is_piece(piece: &str) -> bool {
    let letters = piece.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = piece.len() - letters.len();
    !piece.is_empty()
        && piece.len() <= LONGEST_PIECE
        && digits <= 2
        && letters.bytes().all(|b| b.is_ascii_alphabetic())
        && humps(letters) <= 3
        && (letters.len() < LONG || pronounceable(letters))
}

/// How often an upper-case letter follows a lower-case one.
fn humps(letters: &str) -> usize {
    let bytes = letters.as_bytes();
    bytes.windows(2).filter(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase()).count()
}

/// A vowel in every four letters, and never five consonants in a row.
fn pronounceable(letters: &str) -> bool {
    let vowel = |b: u8| b"aeiouy".contains(&b.to_ascii_lowercase());
    let vowels = letters.bytes().filter(|b| vowel(*b)).count();
    let longest_run = letters.as_bytes().split(|b| vowel(*b)).map(<[u8]>::len).max().unwrap_or(0);
    vowels * 4 >= letters.len() && longest_run <= 4
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay() {
        for path in [
            "/",
            "/services/support",
            "/api/v2/tickets.json",
            "/api/v2/incremental/tickets/cursor.json",
            "/api/chat.postMessage",
            "/oauth2/token",
            "/services/data/v1.0/sobjects",
            "/.well-known/",
            "/v1/items/",
            "//a",
            "/rest/api/3rd/x",
            "/customer-satisfaction/survey_responses",
        ] {
            let holes = path.split('/').filter(|segment| *segment == "3rd" || *segment == ".well-known").count();
            assert_eq!(of(path).matches(HOLE).count(), holes, "{path}: {}", of(path));
        }
    }

    #[test]
    fn ids_and_secrets_go() {
        for (path, template) in [
            ("/api/v2/tickets/1042.json", "/api/v2/tickets/{}"),
            ("/v1/items/42", "/v1/items/{}"),
            ("/services/T01234567/B0ABCDEFG/XkQ9vL3mZp0RtYbWc7HdJfSa", "/services/{}/{}/{}"),
            ("/services/TABCDEFGH/BJKLMNPQR/QwErTyUiOpAsDfGhJkLzXcVb", "/services/TABCDEFGH/BJKLMNPQR/{}"),
            ("/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/sendMessage", "/{}/sendMessage"),
            ("/users/0b0e8f5e-2c5a-4a57-9d8e-2f3f1f6f7a11/x", "/users/{}/x"),
            ("/users/sam.doe@example.com", "/users/{}"),
            ("/users/sam%40example", "/users/{}"),
            ("/hooks/zzqxkvbnrtpl", "/hooks/{}"),
            ("/hooks/qwxrtpsdfghjklzbvn", "/hooks/{}"),
            ("/a;id=1/b", "/{}/b"),
            ("/4111111111111111", "/{}"),
            ("/deadbeefdeadbeefdeadbeef", "/{}"),
            ("/a--b/-x/x-", "/{}/{}/{}"),
            ("/%7B%7D", "/{}"),
        ] {
            assert_eq!(of(path), template, "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_random_goes(token in "[A-Za-z0-9_-]{24,64}", hex in "[0-9a-f]{16,64}", number in "[0-9]{1,20}") {
            let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
            for secret in [token, hex, number] {
                let kept = of(&format!("/x/{secret}/y"));
                prop_assert_eq!(kept.split('/').count(), 4);
                if digits(&secret) > 12 {
                    prop_assert_eq!(kept, "/x/{}/y");
                }
            }
        }

        #[test]
        fn no_path_grows_or_loses_a_segment(path in "(/[!-~&&[^/?#]]{0,12}){1,8}") {
            let template = of(&path);
            prop_assert_eq!(template.split('/').count(), path.split('/').count());
            for (kept, was) in template.split('/').zip(path.split('/')) {
                prop_assert!(kept == was || kept == HOLE);
            }
        }
    }
}
