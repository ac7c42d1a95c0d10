//! Valid events with one thing varied: each field that the plugin sees, the ticket's number, and the state of the world.

use serde_json::{Value, json};

use super::{Base, Draft, Scene, WHOLE_KINDS, settle, tree, words};

/// How many tickets' numbers follow one another: plugins that tell tickets apart by number do so by small remainders.
const NUMBERS: u64 = 24;

/// All of them.
pub(super) fn all(bases: &[&Base], statuses: &[u16]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (at, base) in bases.iter().enumerate() {
        let must = at < WHOLE_KINDS;
        let whole = scenes(base, statuses).into_iter().chain(numbers(base));
        drafts.extend(whole.map(|draft| Draft { must, ..draft }));
        for place in &base.seen {
            drafts.extend(field(base, place));
        }
    }
    drafts
}

fn scenes(base: &Base, statuses: &[u16]) -> Vec<Draft> {
    let one = |(name, scene): (String, Scene)| Draft { made: name, event: base.event.clone(), scene, must: false };
    Scene::all(statuses).into_iter().map(one).collect()
}

/// The same event about one ticket after the other.
fn numbers(base: &Base) -> Vec<Draft> {
    let subject = base.event.subject.as_deref().unwrap_or_default();
    let Some((kind, number)) = subject.rsplit_once(':') else { return Vec::new() };
    let Ok(first) = number.parse::<u64>() else { return Vec::new() };
    let one = |number: u64| {
        let mut event = base.event.clone();
        let subject = format!("{kind}:{number}");
        event.subject = Some(subject.clone());
        tree::put(&mut event.data, "/subject", json!(subject));
        tree::put(&mut event.data, "/detail/id", json!(number.to_string()));
        Draft { made: format!("about number {number}"), event, scene: Scene::default(), must: false }
    };
    (first + 1..=first.saturating_add(NUMBERS)).map(one).collect()
}

fn field(base: &Base, place: &str) -> Vec<Draft> {
    let Some(old) = base.event.data.pointer(place) else { return Vec::new() };
    let mut values: Vec<(String, Value)> = Vec::new();
    let mut texts = |text: &str| {
        values.extend(words::texts(text).into_iter().map(|(name, text)| (name.to_owned(), json!(text))));
    };
    match old {
        Value::String(text) => texts(text),
        Value::Null => texts("a text"),
        Value::Number(_) => {
            values.extend([json!(0), json!(1), json!(2_147_483_648u64)].map(|n| (format!("the number {n}"), n)));
        }
        Value::Bool(is) => values.push((format!("{}", !is), json!(!is))),
        Value::Array(items) => values.extend(lists(items)),
        Value::Object(_) => {}
    }
    if !old.is_null() {
        values.push(("null".to_owned(), Value::Null));
    }
    let key = tree::split(place).map(|(_, key)| key).unwrap_or_default();
    values.extend(words::closed(&key).iter().map(|name| ((*name).to_owned(), json!(name))));
    let mut drafts: Vec<Draft> = values
        .into_iter()
        .map(|(name, value)| changed(base, format!("{place}: {name}"), |data| tree::put(data, place, value)))
        .collect();
    drafts.push(changed(base, format!("{place}: left out"), |data| tree::take(data, place).is_some()));
    drafts
}

fn lists(items: &[Value]) -> Vec<(String, Value)> {
    let many = |count: usize| items.iter().cycle().take(if items.is_empty() { 0 } else { count }).cloned().collect();
    let words: Vec<Value> = (0..200).map(|n| json!(format!("tag-{n}"))).collect();
    vec![
        ("an empty list".to_owned(), json!([])),
        ("the same 500 times".to_owned(), Value::Array(many(500))),
        ("200 different ones".to_owned(), Value::Array(words)),
    ]
}

fn changed(base: &Base, made: String, change: impl FnOnce(&mut Value) -> bool) -> Draft {
    let mut event = base.event.clone();
    change(&mut event.data);
    settle(&mut event);
    Draft { made, event, scene: Scene::default(), must: false }
}
