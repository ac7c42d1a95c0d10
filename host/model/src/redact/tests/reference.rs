//! The rules once more, over a whole text and without regard to time: what the redactor is compared with.

use crate::redact::{COVER, NOISE, brands::Brand, mark::Mark};

/// A digit of the text: where it is, its value, and which URL or telephone number it is in, if any.
struct Digit {
    at: usize,
    value: u32,
    region: Option<usize>,
}

/// What the redactor should make of the text.
pub fn redact(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for places in numbers(&chars) {
        places[6..places.len() - 4].iter().for_each(|&at| chars[at] = COVER);
    }
    chars.into_iter().collect()
}

/// The most numbers that the text can have without overlap.
pub fn count(text: &str) -> u64 {
    let chars: Vec<char> = text.chars().collect();
    let mut numbers: Vec<(usize, usize)> =
        numbers(&chars).iter().map(|places| (places[places.len() - 1], places[0])).collect();
    numbers.sort_unstable();
    let (mut count, mut free) = (0, 0);
    for (last, first) in numbers {
        if first >= free {
            (count, free) = (count + 1, last + 1);
        }
    }
    count
}

/// Where the digits of each number are.
fn numbers(chars: &[char]) -> Vec<Vec<usize>> {
    let marks: Vec<Mark> = chars.iter().map(|&c| Mark::of(c)).collect();
    let mut numbers = Vec::new();
    for chain in chains(&marks, &regions(chars, &marks)) {
        for start in 0..chain.len() {
            for end in start + 12..=chain.len().min(start + 19) {
                if is_number(&chain[start..end], &marks) {
                    numbers.push(chain[start..end].iter().map(|digit| digit.at).collect());
                }
            }
        }
    }
    numbers
}

fn chains(marks: &[Mark], regions: &[Option<usize>]) -> Vec<Vec<Digit>> {
    let mut chains = vec![Vec::<Digit>::new()];
    for (at, mark) in marks.iter().enumerate() {
        let Mark::Digit(value) = *mark else { continue };
        let Some(chain) = chains.last_mut() else { continue };
        let digit = Digit { at, value: value.into(), region: regions[at] };
        let follows = chain.last().is_none_or(|last| {
            let between = &marks[last.at + 1..at];
            between.len() <= NOISE && between.iter().all(|&mark| mark == Mark::Noise)
        });
        match follows {
            true => chain.push(digit),
            false => chains.push(vec![digit]),
        }
    }
    chains
}

fn is_number(digits: &[Digit], marks: &[Mark]) -> bool {
    let (first, last) = (&digits[0], &digits[digits.len() - 1]);
    if first.region.is_some() && first.region == last.region {
        return false;
    }
    let sum: u32 = (digits.iter().rev().enumerate())
        .map(|(place, digit)| if place % 2 == 0 { digit.value } else { digit.value / 5 + digit.value * 2 % 10 })
        .sum();
    let six = digits[..6].iter().fold(0, |six, digit| six * 10 + digit.value);
    let Some(brand) = Brand::of(six).filter(|_| sum.is_multiple_of(10)) else { return false };
    let digit_at = |at: Option<usize>| at.and_then(|at| marks.get(at)).is_some_and(|mark| mark.is_digit());
    let whole = !digit_at(first.at.checked_sub(1)) && !digit_at(Some(last.at + 1));
    let mut groups = vec![1];
    for two in digits.windows(2) {
        match (groups.last_mut(), two[1].at - two[0].at) {
            (Some(group), 1) => *group += 1,
            _ => groups.push(1),
        }
    }
    let on_cards: &[&[usize]] = match digits.len() {
        13 => &[&[4, 3, 3, 3]],
        14 => &[&[4, 6, 4]],
        15 => &[&[4, 6, 5]],
        16 => &[&[4, 4, 4, 4]],
        19 => &[&[4, 4, 4, 4, 3], &[6, 13]],
        _ => &[],
    };
    let all = |size| groups.iter().all(|&group| group == size);
    let printed = on_cards.contains(&groups.as_slice()) || groups.len() == 1 || all(1) || all(2);
    let fours = groups.iter().rev().skip(1).all(|&group| group == 4) && groups.last().is_some_and(|&group| group <= 4);
    match brand.commonly_has(digits.len()) {
        true => whole || printed,
        false => brand.has(digits.len()) && whole && (printed || fours),
    }
}

/// Which URL or telephone number each character is in, by where that starts.
fn regions(chars: &[char], marks: &[Mark]) -> Vec<Option<usize>> {
    let mut regions = vec![None; chars.len()];
    let mut at = 0;
    while at < chars.len() {
        let end = if chars[..=at].ends_with(&[':', '/', '/']) && at > 2 && chars[at - 3].is_ascii_alphabetic() {
            let more = |&place: &usize| {
                marks[place].is_digit()
                    || chars[place].is_ascii_alphanumeric()
                    || "-._~:/?#@!$&+=%".contains(chars[place])
            };
            at + (at..chars.len()).take_while(more).count()
        } else if begins_phone(at, chars, marks) {
            phone_end(at, marks)
        } else {
            at + 1
        };
        let is_region = end > at + 1 || begins_phone(at, chars, marks);
        if is_region {
            regions[at..end].fill(Some(at));
        }
        // In a telephone number another region may begin; in a URL none does.
        at = if chars[at] == '/' { end } else { at + 1 };
    }
    regions
}

fn begins_phone(at: usize, chars: &[char], marks: &[Mark]) -> bool {
    at > 0 && marks[at].is_digit() && matches!(chars[at - 1], '+' | '＋') && (at == 1 || marks[at - 2] == Mark::Noise)
}

fn phone_end(start: usize, marks: &[Mark]) -> usize {
    let (mut digits, mut noise) = (0, 0);
    for (at, mark) in marks.iter().enumerate().skip(start) {
        (digits, noise) = match mark {
            Mark::Digit(_) | Mark::Covered => (digits + 1, 0),
            Mark::Noise => (digits, noise + 1),
            Mark::Other => return at,
        };
        if digits > 15 || noise > NOISE {
            return at;
        }
    }
    marks.len()
}
