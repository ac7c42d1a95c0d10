//! What the API answers, as far as pages show it. Everything that a page does not need is left out; what is not there is empty.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::kit::{Tone, badge};

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Items<T> {
    pub items: Vec<T>,
    #[serde(default)]
    pub next: Option<String>,
}

impl<T> Items<T> {
    /// The cursor of the next page.
    pub fn cursor(&self) -> Option<String> {
        let (_, query) = self.next.as_deref()?.split_once('?')?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "cursor")
            .map(|(_, value)| value.into_owned())
    }
}

/// An installation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Installation {
    pub id: String,
    pub tenant: String,
    pub plugin: String,
    pub release: String,
    pub manifest: String,
    pub version: String,
    pub number: u64,
    pub state: String,
    pub reason: Option<String>,
    pub purge_at: Option<String>,
    pub granted: Vec<String>,
    pub limits: std::collections::BTreeMap<String, u64>,
    pub upgrades: String,
    pub waiting: Option<Waiting>,
    pub previous: Option<Value>,
    pub generation: u64,
    pub suspensions: Vec<Suspension>,
}

/// A newer release that waits for an admin.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Waiting {
    pub version: String,
    pub number: u64,
    pub why: Vec<String>,
}

/// A capability that a budget has suspended.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Suspension {
    pub capability: String,
    pub resource: String,
    pub until: String,
    pub reason: String,
}

/// What a change does, or would do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Changed {
    pub changes: Vec<Change>,
    pub installation: Installation,
}

/// One field that is different.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    pub field: String,
    pub before: Value,
    pub after: Value,
}

/// A release in the registry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Release {
    pub plugin: String,
    pub component: String,
    pub manifest: String,
    pub number: u64,
    pub version: String,
    pub since: String,
}

/// What an installation would mean.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Plan {
    pub plugin: String,
    pub publisher: String,
    pub name: String,
    pub version: String,
    pub summary: String,
    pub terms: String,
    pub privacy: String,
    pub support: String,
    pub scopes: Vec<PlannedScope>,
    pub risk: Option<String>,
    pub classes: Vec<String>,
    pub egress: Vec<Egress>,
    pub ai: Option<Ai>,
    pub maintenance: Option<Maintenance>,
    pub refusals: Vec<String>,
    pub missing: Vec<String>,
    pub notes: Vec<String>,
    pub cannot: Vec<String>,
}

/// A scope that a plugin asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PlannedScope {
    pub scope: String,
    pub words: Vec<String>,
    pub risk: String,
    pub classes: Vec<String>,
    pub purpose: String,
    pub optional: bool,
}

/// A place that data goes to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Egress {
    pub host: String,
    pub region: String,
    pub operator: String,
    pub sub_processor: bool,
    pub purpose: String,
    pub data: Vec<String>,
}

/// Use of generative AI.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Ai {
    pub provider: String,
    pub purpose: String,
    pub trains: bool,
}

/// What a publisher promises about upkeep.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Maintenance {
    pub until: String,
    pub contact: String,
}

/// A word about an installation's state.
pub(crate) fn state(one: &Installation) -> Markup {
    match one.state.as_str() {
        "active" if !one.suspensions.is_empty() => badge(Tone::Warn, "Active, partly held"),
        "active" => badge(Tone::Good, "Active"),
        "suspended" => badge(Tone::Warn, "Suspended"),
        "uninstalled" => badge(Tone::Plain, "Uninstalled"),
        "erased" => badge(Tone::Plain, "Erased"),
        other => badge(Tone::Plain, other),
    }
}

/// A word about a risk.
pub(crate) fn risk(risk: &str) -> Markup {
    match risk {
        "high" => badge(Tone::Bad, "High risk"),
        "medium" => badge(Tone::Warn, "Medium risk"),
        "low" => badge(Tone::Good, "Low risk"),
        other => badge(Tone::Plain, other),
    }
}

/// A moment, as `2026-11-22 18:04 UTC`.
pub(crate) fn moment(at: &str) -> Markup {
    let short = at.get(..16).map(|text| format!("{} UTC", text.replace('T', " "))).unwrap_or_else(|| at.to_owned());
    html! { time datetime=(at) class="nowrap" { (short) } }
}

/// A digest, short.
pub(crate) fn digest(digest: &str) -> Markup {
    let short = digest.strip_prefix("sha256:").and_then(|hex| hex.get(..12)).unwrap_or(digest);
    html! { code title=(digest) { (short) } }
}

/// A clause as a sentence. The name of a plugin or of a thing stays as it is written.
pub(crate) fn sentence(clause: &str) -> String {
    let is_name = clause.split(' ').next().is_some_and(|word| word.trim_end_matches('.').contains(['.', '_', '/']));
    let mut letters = clause.chars();
    let first = letters.next().map(|c| if is_name { c.to_string() } else { c.to_uppercase().to_string() });
    let first = first.unwrap_or_default();
    let end = if clause.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// A link out of this host, only where it is one that browsers may be sent to.
pub(crate) fn outside(link: &str, words: &str) -> Markup {
    let fit = link.starts_with("https://") || link.starts_with("mailto:");
    html! { @if fit { a href=(link) rel="noreferrer noopener" { (words) } } @else if link.is_empty() { span class="quiet" { "Not given" } } @else { (link) } }
}
