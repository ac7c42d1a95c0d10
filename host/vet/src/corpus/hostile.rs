//! Events that are made to do harm: wrong types, edges of numbers, texts with other meanings, deep and wide values, odd envelopes.

use portcullis_model::event::EventForm;
use serde_json::{Value, json};

use super::{Base, Desk, Draft, Far, Scene, WHOLE_KINDS, Wanted, fits, settle, tree, words};

/// What the world is like where the event is hostile already: by turns as usual, and as bad as it gets.
const SCENES: [Scene; 3] = [
    Scene { desk: Desk::Usual, far: Far::Usual },
    Scene { desk: Desk::Odd, far: Far::Hostile },
    Scene { desk: Desk::Full, far: Far::Garbage },
];

/// All of them.
pub(super) fn all(bases: &[&Base], wanted: &Wanted) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (at_kind, base) in bases.iter().enumerate() {
        for place in &base.seen {
            drafts.extend(at(base, place));
        }
        let must = at_kind < WHOLE_KINDS;
        let all = whole(base).into_iter().chain(envelopes(base, wanted));
        drafts.extend(all.map(|draft| Draft { must, ..draft }));
    }
    drafts.retain(|draft| fits(&draft.event));
    for (turn, draft) in drafts.iter_mut().enumerate() {
        draft.scene = SCENES[turn % SCENES.len()];
    }
    drafts
}

fn draft(base: &Base, made: String, change: impl FnOnce(&mut Value)) -> Draft {
    let mut event = base.event.clone();
    change(&mut event.data);
    settle(&mut event);
    Draft { made, event, scene: Scene::default(), must: false }
}

fn at(base: &Base, place: &str) -> Vec<Draft> {
    let texts = words::NASTY.iter().map(|(name, text)| (*name, json!(text)));
    let values = texts.chain(words::numbers()).chain(words::others()).chain([
        ("a very long word", json!("A".repeat(64 * 1024))),
        ("deep lists", tree::nested(json!(1), 100, false)),
        ("deep objects", tree::nested(json!(1), 100, true)),
        ("a wide list", Value::Array(vec![Value::Null; 10_000])),
    ]);
    let put = |(name, value): (&str, Value)| {
        let change = |data: &mut Value| {
            tree::put(data, place, value);
        };
        draft(base, format!("{place}: {name}"), change)
    };
    values.map(put).collect()
}

/// Data that is wrong as a whole.
fn whole(base: &Base) -> Vec<Draft> {
    let mut wide = base.event.data.clone();
    if let Some(members) = wide.as_object_mut() {
        members.extend((0..2_000).map(|n| (format!("k{n}"), json!(n))));
    }
    let mut values = vec![
        ("deep lists all round", tree::nested(base.event.data.clone(), 60, false)),
        ("many members", wide),
        (
            "half a megabyte",
            json!({ "detail": { "subject": "x".repeat(400 * 1024) }, "filler": "y".repeat(50 * 1024) }),
        ),
    ];
    // What is narrowed is an object by then, whatever it was.
    if base.event.form != EventForm::Zendesk {
        values.extend(words::others());
        values.extend(words::numbers());
    }
    values.into_iter().map(|(name, value)| draft(base, format!("data: {name}"), |data| *data = value)).collect()
}

fn envelopes(base: &Base, wanted: &Wanted) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let subjects = [
        "zen:ticket:",
        "zen:ticket:0",
        "zen:ticket:-1",
        "zen:ticket:99999999999999999999",
        "zen:ticket:1e3",
        "zen:ticket:../../etc/passwd",
        "zen:ticket:1042:1043",
        "zen:ticket:１０４２",
        "zen:ticket: 1042",
        "zen:user:1042",
        "x",
        ":::",
        "zen:ticket:1042\u{202e}",
        "zen:ticket:👩‍👩‍👧‍👦",
    ];
    let mut add = |made: String, change: &dyn Fn(&mut portcullis_model::event::Event)| {
        let mut event = base.event.clone();
        change(&mut event);
        if wanted.has(&event.kind) {
            drafts.push(Draft { made, event, scene: Scene::default(), must: false });
        }
    };
    for subject in subjects {
        add(format!("subject: {subject}"), &|event| {
            event.subject = Some(subject.to_owned());
            tree::put(&mut event.data, "/subject", json!(subject));
        });
    }
    add("no subject".into(), &|event| event.subject = None);
    add("a long subject".into(), &|event| event.subject = Some("s".repeat(256)));
    add("a long id".into(), &|event| event.id = "i".repeat(128));
    add("an id that is a path".into(), &|event| event.id = "../../x".into());
    add("an odd source".into(), &|event| event.source = "\u{202e}//evil.example.net/%2e%2e".into());
    add("the first moment".into(), &|event| event.time = portcullis_model::time::Timestamp(-62_167_219_200_000));
    add("the last moment".into(), &|event| event.time = portcullis_model::time::Timestamp(253_402_300_799_999));
    add("a type that goes on".into(), &|event| event.kind = format!("{}\u{e9}.x y", event.kind));
    drafts
}
