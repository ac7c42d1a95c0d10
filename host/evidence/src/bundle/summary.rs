//! The page for people.
//!
//! Invariants: no script, and nothing is loaded from elsewhere; every text is escaped.

use std::{collections::BTreeMap, fmt::Write as _};

use portcullis_model::{
    audit::{Actor, Entry},
    time::Timestamp,
};
use serde_json::Value;

use super::Manifest;

/// The most entries that are listed; all are in `entries.ndjson`.
const MOST_ROWS: usize = 2_000;

const STYLE: &str = include_str!("summary.css");
const PROVEN: &str = "<p>Each entry is proven to be in the log, unchanged and at its place, by hashes that lead to the log’s signed \
    root. That nothing was left out of the selection is the word of the host that made this, which it has signed. This page is for \
    reading; what proves it is in the files beside it, and <code>README.txt</code> says how to check them, also without this \
    product.</p>\n";

/// What is collected for it.
#[derive(Default)]
pub(super) struct Summary {
    rows: String,
    listed: usize,
    kinds: BTreeMap<String, u64>,
    period: Option<(Timestamp, Timestamp)>,
}

impl Summary {
    pub(super) fn put(&mut self, index: u64, entry: &Entry) {
        let kind = entry.kind.name();
        if self.listed < MOST_ROWS {
            self.listed += 1;
            let _ = writeln!(
                self.rows,
                "<tr><td class=\"n\">{index}</td><td>{}</td><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
                moment(entry.time),
                escaped(&kind),
                who(&entry.actor),
                about(entry),
                detail(entry),
            );
        }
        *self.kinds.entry(kind).or_default() += 1;
        let (first, last) = self.period.unwrap_or((entry.time, entry.time));
        self.period = Some((first.min(entry.time), last.max(entry.time)));
    }

    pub(super) fn html(&self, manifest: &Manifest) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" \
             content=\"light dark\">\n<title>Evidence from {0}</title><style>\n{STYLE}</style></head><body><main>\n\
             <h1>Evidence from an audit log</h1>\n",
            escaped(&manifest.origin)
        );
        page.push_str("<table class=\"facts\"><tbody>\n");
        for (name, value) in self.facts(manifest) {
            let _ = writeln!(page, "<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>");
        }
        page.push_str("</tbody></table>\n");
        page.push_str(PROVEN);
        page.push_str(
            "<h2>By kind</h2>\n<table class=\"kinds\"><thead><tr><th scope=\"col\">Kind</th>\
             <th scope=\"col\" class=\"n\">Entries</th></tr></thead><tbody>\n",
        );
        for (kind, count) in &self.kinds {
            let _ = writeln!(page, "<tr><td><code>{}</code></td><td class=\"n\">{count}</td></tr>", escaped(kind));
        }
        page.push_str("</tbody></table>\n<h2>Entries</h2>\n");
        if manifest.entries > self.listed as u64 {
            let _ = writeln!(page, "<p>The first {}; all are in <code>entries.ndjson</code>.</p>", self.listed);
        }
        page.push_str("<table class=\"entries\"><thead><tr>");
        for (name, class) in
            [("Index", " class=\"n\""), ("Time", ""), ("Kind", ""), ("Who", ""), ("About", ""), ("Details", "")]
        {
            let _ = write!(page, "<th scope=\"col\"{class}>{name}</th>");
        }
        page + "</tr></thead><tbody>\n" + &self.rows + "</tbody></table>\n</main></body></html>\n"
    }

    /// What stands on top, as HTML.
    fn facts(&self, manifest: &Manifest) -> Vec<(&'static str, String)> {
        let selected = if manifest.filter.is_empty() { "everything" } else { &manifest.filter };
        let personal = if manifest.personal { "shown, where not erased" } else { "withheld" };
        let period = self.period.map(|(first, last)| format!("{} to {}", moment(first), moment(last)));
        vec![
            ("Log", format!("<code>{}</code>", escaped(&manifest.origin))),
            ("Selected", format!("<code>{}</code>", escaped(selected))),
            ("Entries", manifest.entries.to_string()),
            ("From", period.unwrap_or_else(|| "no entry".to_owned())),
            ("Disposed of, so not in it", manifest.left_out.len().to_string()),
            ("Personal values", personal.to_owned()),
            ("Made", moment(manifest.made)),
            ("Log’s size then", format!("{} entries", manifest.size)),
            ("Log’s root then", format!("<code>{}</code>", escaped(&manifest.root))),
        ]
    }
}

/// A moment, such that it breaks between date and time only.
fn moment(time: Timestamp) -> String {
    let text = escaped(&time.to_string());
    match text.split_once('T') {
        Some((date, time)) => format!("<span>{date}</span> <span>{}</span>", time.replace('Z', " UTC")),
        None => text,
    }
}

/// What it is about, and whose that is.
fn about(entry: &Entry) -> String {
    let tenant = entry.tenant.as_ref().map(|tenant| format!("<small>tenant {}</small>", escaped(tenant.as_str())));
    escaped(entry.resource.as_deref().unwrap_or("")) + &tenant.unwrap_or_default()
}

/// The details, one a line.
fn detail(entry: &Entry) -> String {
    let one = |(name, value): (&String, &Value)| {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let text = |value: &Value| escaped(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let values: Vec<String> = values.iter().map(text).collect();
        format!("<dt>{}</dt><dd>{}</dd>", escaped(name), values.join("<br>"))
    };
    let all: String = entry.detail.iter().map(one).collect();
    if all.is_empty() { all } else { format!("<dl>{all}</dl>") }
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Host => "the host".to_owned(),
        Actor::Person { name } => format!("person {}", escaped(name)),
        Actor::Account { person, name, session } => {
            let rest = session.as_ref().map_or_else(|| person.to_string(), |session| format!("{person} in {session}"));
            format!("person {}<small>{}</small>", escaped(name), escaped(&rest))
        }
        Actor::Automation { client } => format!("automation {}", escaped(&client.to_string())),
        Actor::Source { name } => format!("source {}", escaped(&name.to_string())),
        Actor::Client { client, installation } => escaped(&format!("client {client} for {installation}")),
        Actor::Plugin { installation, plugin, release, call } => {
            let rest = [format!("as {installation}"), release.to_string(), call.to_string()];
            let rest = rest.map(|text| format!("<small>{}</small>", escaped(&text)));
            format!("plugin {}{}", escaped(plugin.as_str()), rest.concat())
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
