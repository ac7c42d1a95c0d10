//! Card numbers in JSON: in strings, keys and whole numbers, at any depth.
//!
//! Invariant: no value is lost: keys that become the same are told apart.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::{covered, finder::is_number};

/// Covers the card numbers of every string and every object key, and returns how many there were (DAT-3).
///
/// A whole number that is a card number from its first digit to its last becomes a string; others stay numbers, because a
/// plugin that expects one can do nothing with a string. Keys that become the same are told apart by ` (no 2)`, ` (no 3)`,
/// and so on. A number that is spread over several strings is not seen.
///
/// Meant for values that hold what people wrote. An identifier can pass for a card number (one of 14 digits that begins
/// with 300 does in one case of ten), and is covered then: whoever needs its identifiers passes the other members alone.
pub fn redact_json(value: &mut Value) -> u64 {
    let mut found = 0;
    // Not by recursion: the depth is the sender's choice.
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) => found += redact_string(text),
            Value::Number(number) => {
                if let Some(text) = card_number(number) {
                    *value = Value::String(text);
                    found += 1;
                }
            }
            Value::Array(items) => rest.extend(items),
            Value::Object(members) => {
                found += redact_keys(members);
                rest.extend(members.values_mut());
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
    found
}

fn redact_string(text: &mut String) -> u64 {
    let (after, found) = covered(text);
    if found > 0 {
        *text = after;
    }
    found
}

/// The covered digits, if all of them are one card number, and there is no fraction.
fn card_number(number: &Number) -> Option<String> {
    let text = match number.as_f64().filter(|_| number.is_f64()) {
        Some(float) if float.fract() != 0.0 => return None,
        Some(float) => format!("{float:.0}"),
        None => number.to_string(),
    };
    is_number(text.trim_start_matches('-')).then(|| covered(&text).0)
}

fn redact_keys(members: &mut Map<String, Value>) -> u64 {
    let mut found = 0;
    let mut changed = Vec::new();
    // Numbers behind names follow from the names alone, not from the order in which somebody wrote them.
    members.sort_keys();
    for key in members.keys() {
        let (after, numbers) = covered(key);
        if numbers > 0 {
            found += numbers;
            changed.push((key.clone(), after));
        }
    }
    let changed: Vec<_> =
        changed.into_iter().filter_map(|(before, after)| Some((after, members.remove(&before)?))).collect();
    let mut tried = HashMap::new();
    for (key, value) in changed {
        members.insert(free_key(members, key, &mut tried), value);
    }
    found
}

/// The key, or the first of its kind that is not taken. `tried`: how many of a kind were tried before.
fn free_key(members: &Map<String, Value>, key: String, tried: &mut HashMap<String, u64>) -> String {
    let tried = tried.entry(key.clone()).or_default();
    loop {
        *tried += 1;
        // The letters keep the digit from making a number with what the key ends with.
        let free = if *tried == 1 { key.clone() } else { format!("{key} (no {tried})") };
        if !members.contains_key(&free) {
            return free;
        }
    }
}
