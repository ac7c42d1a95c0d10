//! Places in a JSON value, as JSON pointers (RFC 6901), and changing what is there.

use serde_json::Value;

/// The most places of one value that are looked at: an event has some dozens.
const MOST: usize = 2_000;

/// All places in a value but its root, outermost first.
pub(crate) fn places(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(value, String::new(), &mut found);
    found
}

fn walk(value: &Value, here: String, found: &mut Vec<String>) {
    let mut below = |token: String, value: &Value| {
        if found.len() < MOST {
            let place = format!("{here}/{token}");
            found.push(place.clone());
            walk(value, place, found);
        }
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| below(escaped(key), value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| below(at.to_string(), value)),
        _ => {}
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A place's container, and its own key or number there.
pub(crate) fn split(place: &str) -> Option<(&str, String)> {
    let (container, token) = place.rsplit_once('/')?;
    Some((container, token.replace("~1", "/").replace("~0", "~")))
}

/// Puts a value at a place that is there.
pub(crate) fn put(root: &mut Value, place: &str, value: Value) -> bool {
    let found = root.pointer_mut(place);
    found.map(|old| *old = value).is_some()
}

/// Takes out what is at a place.
pub(crate) fn take(root: &mut Value, place: &str) -> Option<Value> {
    let (container, token) = split(place)?;
    match root.pointer_mut(container)? {
        Value::Object(members) => members.remove(&token),
        Value::Array(items) => {
            let at = token.parse().ok().filter(|at| *at < items.len())?;
            Some(items.remove(at))
        }
        _ => None,
    }
}

/// Values nested in one another so deep, around this one.
pub(crate) fn nested(mut value: Value, depth: usize, in_objects: bool) -> Value {
    for _ in 0..depth {
        value = match in_objects {
            true => Value::Object([("a".to_owned(), value)].into_iter().collect()),
            false => Value::Array(vec![value]),
        };
    }
    value
}

/// How deep values lie in one another: 0 for one that holds none.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.values().map(depth).max().map_or(1, |deepest| deepest + 1),
        Value::Array(items) => items.iter().map(depth).max().map_or(1, |deepest| deepest + 1),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_can_be_changed_and_taken() {
        let value = json!({ "a/b": { "c~d": [1, { "e": null }] }, "f": "g" });
        let all = places(&value);
        assert_eq!(all, ["/a~1b", "/a~1b/c~0d", "/a~1b/c~0d/0", "/a~1b/c~0d/1", "/a~1b/c~0d/1/e", "/f"]);
        for place in &all {
            let mut changed = value.clone();
            assert!(put(&mut changed, place, json!("here")), "{place}");
            assert_eq!(changed.pointer(place), Some(&json!("here")));
            let mut less = value.clone();
            assert_eq!(take(&mut less, place).as_ref(), value.pointer(place), "{place}");
            assert_ne!(less, value);
        }
        assert!(!put(&mut value.clone(), "/nowhere", json!(1)));
        assert_eq!(take(&mut value.clone(), "/f/0"), None);
        assert_eq!((depth(&value), depth(&nested(json!(1), 50, false)), depth(&nested(json!(1), 7, true))), (4, 50, 7));
    }
}
