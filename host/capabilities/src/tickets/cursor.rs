//! Cursors of searches: where the next page begins, encrypted for one query of one installation.
//!
//! Invariants: a cursor that this host did not make for this query and this installation is refused; what it holds, which may be
//! the place of a ticket outside of the grant, cannot be read from it.

use portcullis_model::{
    helpdesk::{Position, Query, Sort},
    veil::Veil,
};

/// What a cursor belongs to. Lengths are part of Debug's quoting, so no two queries look alike.
fn bound(query: &Query, sort: Sort) -> String {
    format!("{query:?} {sort:?} ")
}

/// The seal, from which the pad follows: the same place in the same query is the same cursor, and nothing else is told.
fn seal(veil: &Veil, bound: &str, at: u128) -> u128 {
    u128::from_be_bytes(veil.keyed("cursor/seal", format!("{bound}{at}").as_bytes()))
}

fn pad(veil: &Veil, bound: &str, seal: u128) -> u128 {
    u128::from_be_bytes(veil.keyed("cursor/pad", format!("{bound}{seal}").as_bytes()))
}

/// The cursor's text.
pub(super) fn write(veil: &Veil, query: &Query, sort: Sort, at: Position) -> String {
    let bound = bound(query, sort);
    let place = u128::from(at.updated_at.cast_unsigned()) << 64 | u128::from(at.id.cast_unsigned());
    let seal = seal(veil, &bound, place);
    format!("{seal:032x}{:032x}", place ^ pad(veil, &bound, seal))
}

/// The position that a cursor stands for, if it is one of this query's.
pub(super) fn read(veil: &Veil, query: &Query, sort: Sort, text: &str) -> Option<Position> {
    let plain = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let part = |text: &str| u128::from_str_radix(text, 16).ok();
    let (given, hidden) = plain.then(|| Some((part(&text[..32])?, part(&text[32..])?)))??;
    let bound = bound(query, sort);
    let place = hidden ^ pad(veil, &bound, given);
    // 128 bits that nobody can guess: how long the comparison takes tells nothing of use.
    let number = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).ok().map(u64::cast_signed);
    let at = Position { updated_at: number(place >> 64)?, id: number(place)? };
    (given == seal(veil, &bound, place)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::veil;

    #[test]
    fn a_cursor_is_good_for_its_own_query_and_tells_nothing() {
        let veil = veil(false);
        let query = Query { words: vec!["x".into()], ..Query::default() };
        for at in [Position { updated_at: 1_790_000_000_000, id: 1042 }, Position { updated_at: -1, id: i64::MAX }] {
            let text = write(&veil, &query, Sort::Updated, at);
            assert_eq!(read(&veil, &query, Sort::Updated, &text), Some(at));
            assert!(!text.contains(&format!("{:x}", at.id)), "{text}");
            assert_eq!(read(&veil, &query, Sort::Newest, &text), None);
            assert_eq!(read(&veil, &Query::default(), Sort::Updated, &text), None);
            for spot in 0..64 {
                let mut bytes = text.clone().into_bytes();
                bytes[spot] = if bytes[spot] == b'0' { b'1' } else { b'0' };
                assert_eq!(read(&veil, &query, Sort::Updated, &String::from_utf8(bytes).unwrap()), None, "{spot}");
            }
        }
        for bad in ["", "x", &"0".repeat(64), &"é".repeat(32)] {
            assert_eq!(read(&veil, &query, Sort::Updated, bad), None, "{bad}");
        }
    }
}
