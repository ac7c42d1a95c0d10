//! Mutation: one to six changes by chance, of the JSON's structure or of its text's bytes, mostly where the plugin looks.

use portcullis_model::event::Event;
use serde_json::{Value, json};

use super::{Base, Wanted, fits, samples::MAX_NAME, settle, tree, words};
use crate::dice::Dice;

/// How often bytes are changed before the text is given up as no JSON any more.
const TRIES: usize = 12;

/// One change. Gives its name, or nothing where it does not apply.
type Change = fn(&mut Value, &str, &mut Dice) -> Option<&'static str>;

const CHANGES: [Change; 9] =
    [leave_out, put_other, put_text, swap, rename, wrap, change_text, change_number, change_list];

/// A mutated event, and what was done to it.
pub(super) fn mutate(base: &Base, dice: &mut Dice, wanted: &Wanted) -> (Event, String) {
    let mut event = base.event.clone();
    let mut made = Vec::new();
    for _ in 0..=dice.below(6) {
        let before = event.clone();
        let done = match dice.below(12) {
            0 => envelope(&mut event, dice).map(str::to_owned),
            1 | 2 => bytes(&mut event.data, dice).map(str::to_owned),
            _ => structure(&mut event.data, base, dice),
        };
        if fits(&event) && wanted.has(&event.kind) {
            made.extend(done);
        } else {
            event = before;
        }
    }
    settle(&mut event);
    (event, if made.is_empty() { "as it is".to_owned() } else { made.join("; ") })
}

fn structure(data: &mut Value, base: &Base, dice: &mut Dice) -> Option<String> {
    // Mostly where the plugin sees it, as the event was; else anywhere, as it is by now.
    let place = match dice.one_in(4) {
        false => dice.pick(&base.seen).cloned(),
        true => dice.pick(&tree::places(data)).cloned(),
    };
    let place = place.unwrap_or_default();
    data.pointer(&place)?;
    let change = dice.pick(&CHANGES)?;
    change(data, &place, dice).map(|done| format!("{place}: {done}"))
}

fn leave_out(data: &mut Value, place: &str, _: &mut Dice) -> Option<&'static str> {
    tree::take(data, place).map(|_| "left out")
}

fn put_other(data: &mut Value, place: &str, dice: &mut Dice) -> Option<&'static str> {
    let values: Vec<_> = words::others().into_iter().chain(words::numbers()).collect();
    let (name, value) = dice.pick(&values)?.clone();
    tree::put(data, place, value).then_some(name)
}

fn put_text(data: &mut Value, place: &str, dice: &mut Dice) -> Option<&'static str> {
    let (name, text) = *dice.pick(words::NASTY)?;
    tree::put(data, place, json!(text)).then_some(name)
}

fn swap(data: &mut Value, place: &str, dice: &mut Dice) -> Option<&'static str> {
    let all = tree::places(data);
    let other = data.pointer(dice.pick(&all)?)?.clone();
    tree::put(data, place, other).then_some("what is elsewhere")
}

fn rename(data: &mut Value, place: &str, dice: &mut Dice) -> Option<&'static str> {
    let (container, key) = tree::split(place)?;
    let members = data.pointer_mut(container)?.as_object_mut()?;
    let value = members.get(&key)?.clone();
    let (name, new) = match dice.below(4) {
        0 => ("renamed in capitals", key.to_uppercase()),
        1 => ("renamed with a letter more", format!("{key}s")),
        2 => ("renamed to nothing", String::new()),
        _ => ("twice, under another name", format!("{key}_2")),
    };
    if !name.starts_with("twice") {
        members.remove(&key);
    }
    members.insert(new, value);
    Some(name)
}

fn wrap(data: &mut Value, place: &str, dice: &mut Dice) -> Option<&'static str> {
    let value = data.pointer(place)?.clone();
    let depth = if dice.one_in(8) { 1 + dice.below(100) } else { 1 };
    let in_objects = dice.one_in(2);
    tree::put(data, place, tree::nested(value, depth, in_objects)).then_some("wrapped")
}

fn change_text(data: &mut Value, place: &str, dice: &mut Dice) -> Option<&'static str> {
    let Value::String(text) = data.pointer_mut(place)? else { return None };
    let chars: Vec<char> = text.chars().collect();
    let at = dice.below(chars.len() + 1);
    let (head, tail): (String, String) = (chars[..at].iter().collect(), chars[at..].iter().collect());
    let (name, new) = match dice.below(8) {
        0 => ("cut", head),
        1 => ("without its beginning", tail),
        2 => ("repeated", text.repeat(2 + dice.below(40))),
        3 => ("with a character put in", format!("{head}{}{tail}", odd_character(dice))),
        4 => ("with something put in", format!("{head}{}{tail}", dice.pick(words::NASTY)?.1)),
        5 => ("with other digits", chars.iter().map(|c| other_digit(*c, dice)).collect()),
        6 => ("in the other case", if dice.one_in(2) { text.to_uppercase() } else { text.to_lowercase() }),
        _ => ("backwards", chars.iter().rev().collect()),
    };
    *text = new;
    Some(name)
}

fn odd_character(dice: &mut Dice) -> char {
    let odd = [
        '\0',
        '\n',
        '\u{7f}',
        '\u{e9}',
        '\u{301}',
        '\u{202e}',
        '\u{200b}',
        '漢',
        '👩',
        '\u{10ffff}',
        '"',
        '\\',
        '/',
        '%',
    ];
    dice.pick(&odd).copied().unwrap_or('x')
}

fn other_digit(c: char, dice: &mut Dice) -> char {
    let digit = u32::try_from(dice.below(10)).ok().and_then(|digit| char::from_digit(digit, 10));
    if c.is_ascii_digit() { digit.unwrap_or(c) } else { c }
}

fn change_number(data: &mut Value, place: &str, dice: &mut Dice) -> Option<&'static str> {
    let value = data.pointer_mut(place)?;
    let number = value.as_i64()?;
    let (name, new) = match dice.below(5) {
        0 => ("one more", json!(number.wrapping_add(1))),
        1 => ("one less", json!(number.wrapping_sub(1))),
        2 => ("negative", json!(number.wrapping_neg())),
        3 => ("a thousand times", json!(number.saturating_mul(1_000))),
        _ => ("as a text", json!(number.to_string())),
    };
    *value = new;
    Some(name)
}

fn change_list(data: &mut Value, place: &str, dice: &mut Dice) -> Option<&'static str> {
    let Value::Array(items) = data.pointer_mut(place)? else { return None };
    let at = dice.below(items.len() + 1);
    Some(match dice.below(4) {
        0 => {
            items.clear();
            "emptied"
        }
        1 => {
            *items = items.iter().cycle().take(items.len() * (2 + dice.below(60))).cloned().collect();
            "repeated"
        }
        2 => {
            items.insert(at, Value::Null);
            "with null in it"
        }
        _ => {
            items.reverse();
            "backwards"
        }
    })
}

/// Changes bytes of the JSON text until what comes out is JSON again.
fn bytes(data: &mut Value, dice: &mut Dice) -> Option<&'static str> {
    let text = data.to_string().into_bytes();
    for _ in 0..TRIES {
        let mut changed = text.clone();
        for _ in 0..=dice.below(3) {
            change_bytes(&mut changed, dice);
        }
        if let Ok(value) = serde_json::from_slice(&changed)
            && value != *data
        {
            *data = value;
            return Some("bytes changed");
        }
    }
    None
}

fn change_bytes(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len());
    match dice.below(5) {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, *dice.pick(b"0123456789eE.-+\"\\{}[],: ntfu").unwrap_or(&b'0')),
        3 => {
            let end = (at + 1 + dice.below(16)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            let to = dice.below(bytes.len());
            bytes.splice(to..to, piece);
        }
        _ => {
            let end = (at + 1 + dice.below(8)).min(bytes.len());
            bytes.drain(at..end);
        }
    }
    if bytes.is_empty() {
        bytes.push(b'0');
    }
}

fn envelope(event: &mut Event, dice: &mut Dice) -> Option<&'static str> {
    let nasty = dice.pick(words::NASTY)?.1;
    let short = |text: String| -> String { text.chars().filter(|c| !c.is_control()).take(MAX_NAME / 4).collect() };
    Some(match dice.below(6) {
        0 => {
            event.id = short(format!("{}{nasty}", event.id));
            "another id"
        }
        1 => {
            event.source = short(format!("{}{nasty}", event.source));
            "another source"
        }
        2 => {
            event.subject = None;
            "no subject"
        }
        3 => {
            let subject = event.subject.as_deref().unwrap_or_default();
            let subject: String = subject.chars().map(|c| other_digit(c, dice)).collect();
            tree::put(&mut event.data, "/subject", json!(subject));
            event.subject = Some(subject);
            "another subject"
        }
        4 => {
            event.subject = Some(short(format!("{}{nasty}", event.subject.as_deref().unwrap_or_default())));
            "an odd subject"
        }
        _ => {
            event.kind = short(format!("{}{}", event.kind, dice.text(&["_2", ".x", "\u{e9}", "*"])));
            "another type"
        }
    })
}
