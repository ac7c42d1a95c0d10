//! The page for people.
//!
//! Invariants: no script, and nothing is loaded from elsewhere; every text is escaped.

use std::{collections::BTreeMap, fmt::Write as _};

use portcullis_model::audit::{Actor, Entry};

use super::Manifest;

/// The most entries that are listed; all are in `entries.ndjson`.
const MOST_ROWS: usize = 2_000;

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Evidence</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:1rem 0}
th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8886;overflow-wrap:anywhere}
td.n{text-align:right;white-space:nowrap}code{font-size:.9em}
@media print{body{margin:0;max-width:none;font-size:10pt}thead{display:table-header-group}tr{break-inside:avoid}}
</style></head><body><h1>Evidence from an audit log</h1>
"#;

/// What is collected for it.
#[derive(Default)]
pub(super) struct Summary {
    rows: String,
    listed: usize,
    kinds: BTreeMap<String, u64>,
}

impl Summary {
    pub(super) fn put(&mut self, index: u64, entry: &Entry) {
        let kind = entry.kind.name();
        if self.listed < MOST_ROWS {
            self.listed += 1;
            let detail: Vec<String> = entry.detail.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let cells = [&entry.time.to_string(), &kind, &who(&entry.actor), entry.resource.as_deref().unwrap_or("")];
            let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
            let detail = escaped(&detail.join(" "));
            let _ = writeln!(self.rows, "<tr><td class=\"n\">{index}</td>{cells}<td><code>{detail}</code></td></tr>");
        }
        *self.kinds.entry(kind).or_default() += 1;
    }

    pub(super) fn html(&self, manifest: &Manifest) -> String {
        let mut page = HEAD.to_owned();
        let selected = if manifest.filter.is_empty() { "everything" } else { &manifest.filter };
        let personal = if manifest.personal { "shown, where not erased" } else { "withheld" };
        let facts = [
            ("Log", manifest.origin.clone()),
            ("Selected", selected.to_owned()),
            ("Entries", manifest.entries.to_string()),
            ("Left out, as they were disposed of", manifest.left_out.len().to_string()),
            ("Personal values", personal.to_owned()),
            ("Made", manifest.made.to_string()),
            ("Log's size", manifest.size.to_string()),
            ("Log's root", manifest.root.clone()),
        ];
        page.push_str("<table><tbody>\n");
        for (name, value) in facts {
            let _ = writeln!(page, "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", escaped(&value));
        }
        page.push_str("</tbody></table>\n<p>This page is for reading. What proves it is in the other files; README.txt says how.</p>\n");
        page.push_str("<h2>By kind</h2>\n<table><thead><tr><th>Kind</th><th>Entries</th></tr></thead><tbody>\n");
        for (kind, count) in &self.kinds {
            let _ = writeln!(page, "<tr><td>{}</td><td class=\"n\">{count}</td></tr>", escaped(kind));
        }
        page.push_str("</tbody></table>\n<h2>Entries</h2>\n");
        if manifest.entries > self.listed as u64 {
            let _ = writeln!(page, "<p>The first {}; all are in entries.ndjson.</p>", self.listed);
        }
        page.push_str(
            "<table><thead><tr><th>Index</th><th>Time</th><th>Kind</th><th>Who</th><th>About</th><th>Details</th></tr></thead><tbody>\n",
        );
        page + &self.rows + "</tbody></table>\n</body></html>\n"
    }
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Host => "the host".to_owned(),
        Actor::Person { name } => format!("person {name}"),
        Actor::Source { name } => format!("source {name}"),
        Actor::Client { client, installation } => format!("client {client} for {installation}"),
        Actor::Plugin { installation, plugin, release, call } => {
            format!("{plugin} as {installation}, {release}, {call}")
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
