//! Finds card numbers in text, and says which characters to cover so that the first 6 and last 4 digits are left.
//!
//! A number is a chain of decimal digits of any script, with at most 5 noise characters between two of them. It starts
//! where a group of digits starts and ends where one ends, so that the middle of a longer number is none. Digits in a
//! URL or after a `+` are none either. No detection is complete: this one misses what is spelled out, split over
//! lines or interrupted by letters.
//!
//! Invariant: in the covered text there is nothing left to find.

use std::ops::Range;

use crate::{brands, digits};

/// What a covered character is replaced by.
pub const BLOCK: char = '\u{2587}';

const NOISE: usize = 5;
const LEFT_AT_START: usize = 6;
const LEFT_AT_END: usize = 4;
/// The most digits that a telephone number has with its country code (E.164).
const PHONE: usize = 15;

/// The card numbers of a text.
#[derive(Debug, PartialEq)]
pub struct Found {
    /// How many there are.
    pub numbers: usize,
    /// The digits to cover, in `char`s from the text's start, in order and without overlap.
    pub middles: Vec<Range<u32>>,
}

/// What a character is to the finder.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Digit(u8),
    /// A digit that was covered: it ends a chain, but not the group of digits that it stands in.
    Covered,
    Noise,
    /// Ends a chain of digits.
    Break,
}

/// Finds the card numbers of a text, in time that grows with its length and nothing else.
pub fn find(text: &str) -> Found {
    let chars: Vec<char> = text.chars().collect();
    let mut marks: Vec<Mark> = chars.iter().map(|&c| mark(c)).collect();
    skip_urls(&chars, &mut marks);
    skip_phones(&chars, &mut marks);

    let mut covered = vec![false; chars.len()];
    let mut numbers = 0;
    for chain in chains(&marks) {
        // Where the last number that was counted ends: one that overlaps it is no further one.
        let mut counted = 0;
        for card in cards_in(&chain, &marks) {
            if card.start >= counted {
                counted = card.end;
                numbers += 1;
            }
            for &place in &chain[card.start + LEFT_AT_START..card.end - LEFT_AT_END] {
                covered[place] = true;
            }
        }
    }
    Found { numbers, middles: stretches(&covered) }
}

/// How many numbers were covered in a text before: blocks with no more than noise between them are of one.
pub fn covered(text: &str) -> usize {
    let mut since_block = NOISE + 1;
    let mut numbers = 0;
    for c in text.chars() {
        if c == BLOCK {
            numbers += usize::from(since_block > NOISE);
            since_block = 0;
        } else {
            since_block = if mark(c) == Mark::Noise { since_block + 1 } else { NOISE + 1 };
        }
    }
    numbers
}

fn mark(c: char) -> Mark {
    match digits::value(c) {
        Some(digit) => Mark::Digit(digit),
        None if c == BLOCK => Mark::Covered,
        None if c.is_alphanumeric() || "\n\r,;:()<>&/".contains(c) => Mark::Break,
        None => Mark::Noise,
    }
}

/// A URL reaches from its scheme, or from `www.`, to the first character that none has unescaped.
fn skip_urls(chars: &[char], marks: &mut [Mark]) {
    let mut at = 0;
    while at < chars.len() {
        let Some(start) = url_start(chars, at) else {
            at += 1;
            continue;
        };
        let in_url = |c: &&char| c.is_ascii_graphic() && !"<>\"'()[]|".contains(**c);
        at += chars[at..].iter().take_while(in_url).count();
        marks[start..at].fill(Mark::Break);
    }
}

/// Where the URL begins whose `://` or `www.` stands here. A scheme begins with a letter: digits before it are not in
/// the URL.
fn url_start(chars: &[char], at: usize) -> Option<usize> {
    if chars[at..].starts_with(&['w', 'w', 'w', '.']) {
        return Some(at);
    }
    if !chars[at..].starts_with(&[':', '/', '/']) {
        return None;
    }
    let scheme = chars[..at].iter().rev().take_while(|c| c.is_ascii_alphanumeric()).count();
    (at - scheme..at).find(|&place| chars[place].is_ascii_alphabetic())
}

/// A telephone number is the group of digits right after a `+`, and the groups that follow as long as there is room.
fn skip_phones(chars: &[char], marks: &mut [Mark]) {
    let digit = |mark: Option<&Mark>| matches!(mark, Some(Mark::Digit(_)));
    for plus in (0..chars.len()).filter(|&at| matches!(chars[at], '+' | '\u{FF0B}')) {
        let after_digit = plus > 0 && digit(marks.get(plus - 1));
        if after_digit || !digit(marks.get(plus + 1)) {
            continue;
        }
        let mut end = plus + 1;
        let mut long = 0;
        loop {
            let noise = marks[end..].iter().take_while(|&&mark| mark == Mark::Noise).count();
            let group = marks[end + noise..].iter().take_while(|&mark| digit(Some(mark))).count();
            let fits = long == 0 || long + group <= PHONE;
            if group == 0 || noise > NOISE || !fits {
                break;
            }
            long += group;
            end += noise + group;
        }
        marks[plus..end].fill(Mark::Break);
    }
}

/// The places of digits that hang together.
fn chains(marks: &[Mark]) -> Vec<Vec<usize>> {
    let mut chains: Vec<Vec<usize>> = Vec::new();
    let mut broken = false;
    for (place, mark) in marks.iter().enumerate() {
        match mark {
            Mark::Noise => {}
            Mark::Break | Mark::Covered => broken = true,
            Mark::Digit(_) => {
                let near = |chain: &&mut Vec<usize>| chain.last().is_some_and(|last| place - last <= NOISE + 1);
                match chains.last_mut().filter(near) {
                    Some(chain) if !broken => chain.push(place),
                    _ => chains.push(vec![place]),
                }
                broken = false;
            }
        }
    }
    chains
}

/// Every stretch of a chain that can be a card number, the longest first of those that start together.
///
/// Stretches that overlap are all taken: which of them was meant nobody knows, and a number is covered only if all of
/// them are. In the covered text none is left, because a covered digit still keeps its neighbours from being edges.
fn cards_in(chain: &[usize], marks: &[Mark]) -> Vec<Range<usize>> {
    let values: Vec<u8> =
        chain.iter().map(|&place| if let Mark::Digit(digit) = marks[place] { digit } else { 0 }).collect();
    let no_digit = |place: Option<usize>| {
        let mark = place.and_then(|place| marks.get(place));
        !matches!(mark, Some(Mark::Digit(_) | Mark::Covered))
    };
    let starts = (0..chain.len()).filter(|&at| no_digit(chain[at].checked_sub(1)));
    let cards = starts.flat_map(|start| brands::lengths(&values[start..]).map(move |length| start..start + length));
    cards.filter(|card| no_digit(Some(chain[card.end - 1] + 1))).collect()
}

fn stretches(covered: &[bool]) -> Vec<Range<u32>> {
    let mut stretches: Vec<Range<u32>> = Vec::new();
    for (place, _) in covered.iter().enumerate().filter(|(_, covered)| **covered) {
        let place = place as u32;
        match stretches.last_mut() {
            Some(last) if last.end == place => last.end += 1,
            _ => stretches.push(place..place + 1),
        }
    }
    stretches
}
