//! The status page: for anybody, without script, without a word about tenants (MON-5).

use std::fmt::Write as _;

use portcullis_model::{audit::plain, time::Timestamp};
use serde::Serialize;

/// What the page may do in a browser: show itself.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// How the host stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// The moment that it is of.
    pub at: Timestamp,
    /// Its parts.
    pub components: Vec<Component>,
    /// Incidents and maintenance, the newest first.
    pub announced: Vec<Announced>,
    /// The last days, the oldest first.
    pub days: Vec<Day>,
    /// Of the time that is known, how much the host was up, in percent. Absent where nothing is known.
    pub available_percent: Option<f64>,
}

/// A part of the host.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Component {
    /// What it is.
    pub name: &'static str,
    /// Whether it works.
    pub works: bool,
}

/// Something that the operator tells.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Announced {
    /// What it is called.
    pub id: String,
    /// `incident` or `maintenance`.
    pub kind: String,
    /// In a few words.
    pub title: String,
    /// In more.
    pub text: String,
    /// Since when, or from when on.
    pub since: Timestamp,
    /// Until when it will last, where that is known.
    pub until: Option<Timestamp>,
    /// When it was over.
    pub resolved: Option<Timestamp>,
}

/// A day.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Day {
    /// Which, in UTC: `2026-11-22`.
    pub day: String,
    /// Of its time that is known, how much the host was up, in percent. Absent where nothing is known.
    pub available_percent: Option<f64>,
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;\
    background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}.ok{color:#0a6b2f}.bad{color:#a40e26}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d0d7de}\
    .days{display:flex;gap:2px;height:2rem}.days span{flex:1;background:#0a6b2f}.days .none{background:#d0d7de}\
    .days .part{background:#9a6700}.days .down{background:#a40e26}\
    @media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}.ok{color:#3fb950}.bad{color:#ff7b72}\
    td,th{border-color:#30363d}.days .none{background:#30363d}}";

/// The page.
pub(super) fn html(status: &Status) -> String {
    let open: Vec<&Announced> = status.announced.iter().filter(|one| one.resolved.is_none()).collect();
    let works = status.components.iter().all(|part| part.works);
    let (class, head) = match (works, open.iter().any(|one| one.kind == "incident")) {
        (true, false) => ("ok", "Everything works"),
        (true, true) => ("bad", "There is an incident"),
        (false, _) => ("bad", "Something does not work"),
    };
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Status</title><style>{STYLE}</style></head><body><main>\
         <h1 class=\"{class}\">{head}</h1><p>As of {}.</p>",
        status.at
    );
    page.push_str(
        "<h2>Parts</h2><table><thead><tr><th scope=\"col\">Part</th><th scope=\"col\">State</th></tr></thead><tbody>",
    );
    for part in &status.components {
        let (class, says) = if part.works { ("ok", "works") } else { ("bad", "does not work") };
        let _infallible = write!(page, "<tr><td>{}</td><td class=\"{class}\">{says}</td></tr>", escaped(part.name));
    }
    page.push_str("</tbody></table><h2>Incidents and maintenance</h2>");
    if status.announced.is_empty() {
        page.push_str("<p>None was announced in the last 90 days.</p>");
    }
    status.announced.iter().for_each(|one| told(&mut page, one));
    days(&mut page, status);
    page.push_str("<p><a href=\"/status.json\">The same as JSON</a></p></main></body></html>\n");
    page
}

fn told(page: &mut String, one: &Announced) {
    let until = match (one.resolved, one.until) {
        (Some(at), _) => format!("over since {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "not over yet".to_owned(),
    };
    let words = (escaped(&one.kind), escaped(&one.title), escaped(&one.text));
    let _infallible =
        write!(page, "<h3>{}: {}</h3><p>Since {}, {until}.</p><p>{}</p>", words.0, words.1, one.since, words.2);
}

fn days(page: &mut String, status: &Status) {
    let total = status.available_percent.map_or_else(|| "not known yet".to_owned(), percent);
    let _infallible = write!(
        page,
        "<h2>Availability, {} days: {total}</h2><div class=\"days\" role=\"img\" aria-label=\"{total}\">",
        status.days.len()
    );
    for day in &status.days {
        let class = match day.available_percent {
            None => "none",
            Some(up) if up >= 99.9 => "up",
            Some(up) if up >= 90.0 => "part",
            Some(_) => "down",
        };
        let says = day.available_percent.map_or_else(|| "not known".to_owned(), percent);
        let _infallible = write!(page, "<span class=\"{class}\" title=\"{}: {says}\"></span>", day.day);
    }
    page.push_str("</div>");
}

/// Never rounded up.
fn percent(value: f64) -> String {
    format!("{:.2} %", (value * 100.0).floor() / 100.0)
}

/// What an operator wrote, for HTML.
fn escaped(text: &str) -> String {
    plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
