//! What changes the host's database writes its audit entry in the same transaction: every place that hands a change to the writer is
//! found in the source, and what it hands over must append entries, or be named here with the reason why it has none.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Changes without an entry: where, in which function, and why.
const UNRECORDED: &[(&str, &str, &str)] = &[
    ("alerts/mod.rs", "detect_forget", "what rules had counted of the log, and count anew of it"),
    ("idempotency.rs", "begin", "that a request is under way; what it does is an entry"),
    ("idempotency.rs", "end", "what a request was answered; what it did is an entry"),
    (
        "alerts/outbox.rs",
        "lease_notifications",
        "who sends a notification, and until when; what became of it is an entry",
    ),
    ("operations.rs", "seen_up", "that the host still runs; its start and its end are entries"),
    ("operations.rs", "can_write", "changes nothing: it finds out whether anything can be written"),
    (
        "operations.rs",
        "forget_cosigned",
        "what witnesses know, of a restored log that goes on under another name, which is an entry",
    ),
    (
        "outlets.rs",
        "outlet_at",
        "how far an outlet of the log is, which the other side has seen; an entry would be sent in its turn",
    ),
    (
        "people/mod.rs",
        "touch_session",
        "when a session was last used, and from where; its beginning and its end are entries",
    ),
    ("kv.rs", "sweep_expired", "a plugin's own values, at the time that the plugin said"),
    ("kv.rs", "set", "a plugin's act: permit and outcome are entries, and only a recorded permit comes here"),
    ("kv.rs", "delete", "a plugin's act: permit and outcome are entries, and only a recorded permit comes here"),
    ("oauth/mod.rs", "first_use", "an identifier that was seen; the request that brought it is what is recorded"),
    ("oauth/mod.rs", "sweep_oauth", "what was over by itself, by the time that it was issued with"),
    (
        "people/automation.rs",
        "sweep_automation",
        "tokens that were over by themselves, by the time that they were issued with",
    ),
    ("plugin_log.rs", "keep", "a plugin's own log, which says nothing that is believed"),
    (
        "queue.rs",
        "recover",
        "leases of a process that died; nothing becomes of the deliveries but that they wait again",
    ),
    (
        "releases.rs",
        "put_release",
        "bytes by their digest, which do nothing before a statement or an installation names them",
    ),
    ("reviews.rs", "put_report", "bytes by their digest, which do nothing before a statement names them"),
    (
        "rotations.rs",
        "put_act",
        "what an act has before it; its beginning, each line that has its outcome and its end are entries",
    ),
    ("secrets.rs", "remove_slot", "a consent's secret of a client, once the consent's entry says how it ended"),
    ("secrets.rs", "forget_retired", "generations that were rotated, ended or are over, of which entries said so then"),
    ("secrets.rs", "reseal", "the same secret under another key; the rotation of keys is the entry"),
    ("secrets.rs", "rewrap", "the same key under another key; the rotation of keys is the entry"),
    ("secrets/endings.rs", "put_off", "when a provider is asked again; its answer is the entry"),
    (
        "tenants/deletion.rs",
        "delete_tenant",
        "parts of a tenant whose deletion is on record with what there was; that it is done is an entry, too",
    ),
    (
        "tenants/deletion/turns.rs",
        "delete_by_key",
        "a turn of the deletion of a tenant, which is on record with what there was; that it is done is an entry, too",
    ),
    ("tenants/deletion/turns.rs", "delete_deliveries", "a turn of the deletion of a tenant, as above"),
    ("tenants/deletion/turns.rs", "delete_some", "a turn of the deletion of a tenant, as above"),
    ("tenants/deletion/turns.rs", "forget_in_turns", "a turn of the deletion of a tenant, as above"),
    (
        "privacy/sweep.rs",
        "erase_copies",
        "nothing: what was handed in before is written first; what is erased is an entry",
    ),
    ("views.rs", "make_views", "made of the log itself"),
    ("views.rs", "advance_views", "made of the log itself"),
    ("views.rs", "sign_views", "made of the log itself"),
    ("views.rs", "forget_view_tiles", "made of the log itself, and made anew of it"),
    ("witnesses.rs", "witness_asked", "how far a witness is, which its cosignature shows"),
];

/// Parts with databases or files of their own.
const ELSEWHERE: &[(&str, &str)] = &[
    ("db", "the writer itself"),
    (
        "helpdesk",
        "the help desk that stands in for a product: a plugin's acts there have their permits and outcomes in the log",
    ),
    ("audit_index", "an index of the log, made of it"),
    ("files", "files of plugins: their acts have their permits and outcomes in the log"),
    ("testing", "for tests"),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for found in fs::read_dir(dir).unwrap() {
        let path = found.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ELSEWHERE.iter().any(|(name, _)| *name == stem) || stem == "tests" || stem.ends_with("_test") {
            continue;
        }
        match path.is_dir() {
            true => sources(&path, into),
            false if path.extension().is_some_and(|end| end == "rs") => into.push(path),
            false => {}
        }
    }
}

/// The code of a file, without its tests and without comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    // Characters that are no punctuation of the code.
    ["{", "}", "(", ")"]
        .iter()
        .fold(lines.collect::<Vec<_>>().join("\n"), |text, c| text.replace(&format!("'{c}'"), "' '"))
}

/// What stands between an opening parenthesis or brace, just before `from`, and the one that closes it.
fn within(text: &str, from: usize, (open, close): (char, char)) -> &str {
    let mut depth = 1;
    let end = text[from..].char_indices().find(|(_, c)| {
        depth += i32::from(*c == open) - i32::from(*c == close);
        depth == 0
    });
    &text[from..from + end.unwrap().0]
}

/// The functions of a file: the text of each, by name. Of one that is there twice, such as in two impls, both.
fn functions(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (at, _) in text.match_indices("fn ") {
        let name = text[at + 3..].split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
        let Some(brace) = text[at..].find('{') else { continue };
        // A method of the same name is another: a change calls functions on the connection.
        if text[at..at + brace].contains("&self") {
            continue;
        }
        found.entry(name).or_default().push(within(text, at + brace + 1, ('{', '}')));
    }
    found
}

/// Words of the code in a text.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Whether it appends entries to the log: itself, or by a function of the same file, or of another part, that is handed them.
fn appends(text: &str, all: &BTreeMap<&str, Vec<&str>>, depth: u8) -> bool {
    let mut all_words = words(text);
    if all_words.any(|word| ["append", "append_one", "append_all", "entry", "entries", "give_up"].contains(&word)) {
        return true;
    }
    let called = words(text).filter_map(|word| all.get(word)).flatten();
    depth > 0 && called.into_iter().any(|body| appends(body, all, depth - 1))
}

/// Every place that hands a change to the writer: file, function, and whether it appends.
fn places() -> Vec<(String, String, bool)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut places = Vec::new();
    for file in files {
        let text = code(&fs::read_to_string(&file).unwrap());
        let all = functions(&text);
        for way in [".write(", ".write_of(", ".write_soon("] {
            for (at, _) in text.match_indices(way) {
                let name = text[..at].rsplit("fn ").next().unwrap();
                let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
                let mut handed = within(&text, at + way.len(), ('(', ')')).to_owned();
                // A closure that was named before.
                let last = handed.rsplit(',').find(|part| !part.trim().is_empty()).unwrap().trim().to_owned();
                if words(&last).eq([last.as_str()]) {
                    let begin = text[..at].rfind(&format!("let {last} = ")).unwrap();
                    handed.push_str(&text[begin..at]);
                }
                let name_in = file.strip_prefix(&root).unwrap().display().to_string();
                places.push((name_in, name.to_owned(), appends(&handed, &all, 2)));
            }
        }
    }
    places
}

#[test]
fn every_change_has_its_entry_in_the_same_transaction() {
    let places = places();
    assert!(places.len() > 60, "only {} places were found", places.len());
    let named = |file: &str, name: &str| UNRECORDED.iter().any(|one| (one.0, one.1) == (file, name));
    for (file, name, appends) in &places {
        assert!(
            *appends || named(file, name),
            "{file}: '{name}' changes the database without an entry: take one and append it in the same transaction, or name it in \
             UNRECORDED with the reason"
        );
    }
    for (file, name, _) in UNRECORDED {
        let still = places.iter().any(|one| (one.0.as_str(), one.1.as_str(), one.2) == (*file, *name, false));
        assert!(still, "{file}: '{name}' has an entry now, or is gone: take it out of UNRECORDED");
    }
}

#[test]
fn a_change_without_an_entry_would_be_found() {
    let text = code(
        "fn quiet() { self.db.write(move |conn| put(conn, &row)).await }\nfn put(conn: &Writing) { conn.execute(\"x\") }\n\
         fn told() { self.db.write(move |conn| record(conn, &row)).await }\nfn record(conn: &Writing) { put(conn); append(conn, &e) }\n\
         // append\n#[cfg(test)]\nmod tests { append }",
    );
    let all = functions(&text);
    let handed: Vec<bool> = text
        .match_indices(".write(")
        .map(|(at, way)| appends(within(&text, at + way.len(), ('(', ')')), &all, 2))
        .collect();
    assert_eq!(handed, [false, true]);
}
