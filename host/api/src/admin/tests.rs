//! What holds for all operations: each is described, and has its row in the file of who may do what.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::Value;

use super::{About, Described, On, described, document};

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// Write the file anew with `ADMIN_OPENAPI=1 cargo test -p portcullis-api --lib admin::tests`.
#[test]
fn the_document_that_is_checked_in_is_that_of_the_code() {
    let path = docs("schemas/admin-openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&document(&described())).unwrap());
    if std::env::var_os("ADMIN_OPENAPI").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/schemas/admin-openapi.json is stale: run this test with ADMIN_OPENAPI=1");
}

/// Every reference, wherever it is.
fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(all) => {
            for (name, inner) in all {
                match (name.as_str(), inner) {
                    ("$ref", Value::String(text)) => {
                        into.insert(text.clone());
                    }
                    _ => references(inner, into),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|inner| references(inner, into)),
        _ => {}
    }
}

#[test]
fn the_document_refers_to_nothing_that_it_lacks() {
    let document = document(&described());
    let mut all = BTreeSet::new();
    references(&document, &mut all);
    assert!(all.len() > 3);
    for reference in all {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some_and(Value::is_object), "{reference} leads nowhere");
    }
}

#[test]
fn a_name_stands_for_one_schema() {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for (name, schema) in described().into_iter().flat_map(|one| one.schemas) {
        let known = all.entry(name.clone()).or_insert_with(|| schema.clone());
        assert_eq!(*known, schema, "two schemas are called {name}");
    }
    assert!(all.keys().filter(|name| name.starts_with("PageOf")).count() > 3);
}

fn word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
}

#[test]
fn an_operation_says_what_it_is() {
    let all = described();
    let actions: BTreeSet<&str> = all.iter().map(|one| one.about.id).collect();
    assert_eq!(actions.len(), all.len(), "two operations have the same id");
    for Described { about, .. } in &all {
        let name = about.id;
        let parts: Vec<&str> = name.split('.').collect();
        assert!(parts.len() >= 2 && parts.iter().all(|part| word(part)), "{name}: expected noun.verb");
        assert!(about.path.starts_with('/') && !about.title.is_empty() && !about.title.ends_with('.'), "{name}");
        let reads = about.effect == super::Effect::Read;
        assert!(reads || about.method != axum::http::Method::GET, "{name}: a GET changes nothing");
        let list = about.on == On::Tenants;
        assert!(!list || reads, "{name}: only what reads leaves out what is another's");
        let held = about.max_body > super::mount::UNASKED;
        assert!(!held || about.on == On::Host, "{name}: what takes that much is asked about before it is read");
        let authority = about.version == super::Version::Needed;
        assert!(!authority || about.dry_run, "{name}: what changes authority can be tried out");
    }
}

/// The roles, in the order of the columns.
const ROLES: [&str; 8] = ["operator", "owner", "admin", "reviewer", "developer", "auditor", "support", "support+"];

/// The rows of the file of who may do what, less its head: operation, method, path, action, and the cells by role.
fn matrix() -> (Vec<String>, Vec<Vec<String>>) {
    let text = fs::read_to_string(docs("security/admin-roles.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    (lines.next().unwrap(), lines.collect())
}

/// What the policies of built-in roles say, by action: the page that they are printed on has a part for tenants and one for the
/// platform.
fn policies(on: On) -> Option<BTreeMap<String, Vec<String>>> {
    let page = fs::read_to_string(docs("../host/access/matrix.md")).ok()?;
    let (tenant, platform) = page.split_once("## On what is the platform's own")?;
    let part = if on == On::Host { platform } else { tenant };
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned());
        Some((cells.next()?, cells.collect()))
    };
    Some(part.lines().filter(|line| line.starts_with("| `")).filter_map(row).collect())
}

#[test]
fn every_operation_has_a_row_with_a_cell_a_role() {
    let (head, rows) = matrix();
    assert_eq!(head[..4], ["operation", "method", "path", "action"]);
    assert_eq!(head[4..], ROLES);
    let key = |about: &About| [about.id, about.method.as_str(), about.path, about.action.name].map(str::to_owned);
    let found: Vec<[String; 4]> = described().iter().map(|one| key(&one.about)).collect();
    for one in &found {
        let there = rows.iter().any(|row| row[..4] == one[..]);
        assert!(there, "docs/security/admin-roles.csv lacks a row: {}", one.join(","));
    }
    for row in &rows {
        assert!(
            found.iter().any(|one| row[..4] == one[..]),
            "docs/security/admin-roles.csv: no operation is {}",
            row[0]
        );
        assert_eq!(row.len(), head.len(), "{}: expected a cell a role", row[0]);
    }
    assert_eq!(rows.len(), found.len(), "an operation has two rows");
}

#[test]
fn every_cell_is_what_the_policies_say() {
    let (_, rows) = matrix();
    for Described { about, .. } in described() {
        let row = rows.iter().find(|row| row[0] == about.id).unwrap();
        let cells = &row[4..];
        assert!(cells.iter().all(|cell| ["yes", "2f", "-"].contains(&cell.as_str())), "{}: {cells:?}", row[0]);
        assert_eq!(cells[0], "yes", "{}: the operator may do everything", row[0]);
        assert!(!about.action.privileged || !cells[1..].iter().any(|cell| cell == "yes"), "{}: {cells:?}", row[0]);
        if let Some(policies) = policies(about.on) {
            assert_eq!(&policies[about.action.name], cells, "docs/security/admin-roles.csv, {}", row[0]);
        }
    }
}
