//! `portcullis incident show` and `report`

use anyhow::Result;
use clap::Args;
use portcullis_duties::incident::After;
use portcullis_model::{
    audit::{plain, reader::Shown},
    id::IncidentId,
    incident::{Incident, Telling},
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::containing::receipt;
use crate::{
    admin::{Keyboard, asked, given, or_unknown},
    commands::audit::reading::who,
    host::Host,
    output::Output,
};

/// How many findings are shown of each question; JSON has all.
const SHOWN: usize = 25;
/// The most entries that a timeline has.
const MOST: usize = 10_000;

/// Show one.
#[derive(Debug, Args)]
pub struct Show {
    /// Which.
    pub incident: IncidentId,
    /// Also the entries of the log that are about it.
    #[arg(long)]
    pub timeline: bool,
    /// Only kinds of entries that say what happened to it, and not each of its acts.
    #[arg(long, requires = "timeline")]
    pub key: bool,
    /// From so many hours before it was opened.
    #[arg(long, default_value_t = 24)]
    pub hours: u64,
    /// At most so many entries, the newest; 10000 at most.
    #[arg(short = 'n', long, default_value_t = 200, value_parser = most)]
    pub lines: usize,
    /// Also what it touched, and where that went.
    #[arg(long)]
    pub data: bool,
}

fn most(text: &str) -> Result<usize, String> {
    let most = text.parse().ok().filter(|most| *most <= MOST);
    most.ok_or_else(|| format!("expected a number, {MOST} at most"))
}

impl Show {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let (keyboard, id) = (Keyboard::of(host)?, &self.incident);
        let mut answered = or_unknown(keyboard.read(&format!("/incidents/{id}")).await, || super::missing(id))?;
        let one: Incident = given(answered["incident"].take())?;
        let mut value = json!({ "state": one.state(), "incident": one, "after": Value::Null });
        let mut lines = words(&one, host.clock.now());
        if self.timeline || self.data || one.containment.is_some() {
            let mut told = self.log(&keyboard).await?;
            value["after"] = json!(told.after);
            lines.extend(told.after.iter().map(proof));
            if self.timeline {
                told.timeline.retain(|entry| !self.key || is_key(entry));
                lines.extend(timeline(&told)?);
                value["timeline"] = json!(told.timeline);
                value["more"] = json!(told.more);
            }
            if self.data {
                lines.extend(touched(&told.data));
                value["data"] = told.data;
            }
        }
        output.result(&value, || lines.join("\n"))
    }

    async fn log(&self, keyboard: &Keyboard) -> Result<Told> {
        let entries = if self.timeline { self.lines } else { 0 };
        let query = [
            ("hours", Some(self.hours.to_string())),
            ("entries", Some(entries.to_string())),
            ("data", Some(self.data.to_string())),
        ];
        keyboard.read_as(&asked(&format!("/incidents/{}/log", self.incident), &query)).await
    }
}

/// What the log has of an incident.
#[derive(Deserialize)]
struct Told {
    since: String,
    after: Option<After>,
    timeline: Vec<Value>,
    more: bool,
    data: Value,
}

/// All that is known.
pub(super) async fn report(host: &Host, id: &IncidentId, hours: u64, output: Output) -> Result<()> {
    let show = Show { incident: id.clone(), timeline: true, key: true, hours, lines: MOST, data: true };
    show.run(host, output).await
}

fn is_key(entry: &Value) -> bool {
    entry["key"] == true
}

fn timeline(told: &Told) -> Result<Vec<String>> {
    let mut lines = vec![format!("Timeline since {}; * marks what happened to it:", told.since)];
    if told.more {
        lines.push(format!("  ... older ones are left out; -n shows up to {MOST}"));
    }
    for answered in &told.timeline {
        let mark = if is_key(answered) { '*' } else { ' ' };
        lines.push(entry(mark, &given(answered.clone())?));
    }
    Ok(lines)
}

fn entry(mark: char, shown: &Shown) -> String {
    let Some(entry) = &shown.entry else {
        return format!("{mark}{:>7} ({})", shown.index, shown.fault.as_deref().unwrap_or("it cannot be read"));
    };
    let tenant = entry.tenant.as_ref().map_or("-", |tenant| tenant.as_str());
    let resource = entry.resource.as_deref().unwrap_or("-");
    let more: Vec<String> = ["act", "outcome", "end", "reason", "extent", "text", "who", "took-ms"]
        .into_iter()
        .filter_map(|name| Some(format!("{name}={}", entry.detail.get(name)?)))
        .collect();
    let kind = entry.kind.name();
    format!(
        "{mark}{:>7} {} {kind:18} {tenant} {} {resource} {}",
        shown.index,
        entry.time,
        who(&entry.actor),
        more.join(" ")
    )
}

/// In one line.
pub(super) fn line(one: &Incident, now: Timestamp) -> String {
    let overdue = one.tell.iter().filter(|telling| telling.is_overdue(now)).count();
    let late = if overdue > 0 { format!("  {overdue} tellings OVERDUE") } else { String::new() };
    let (state, severity) = (one.state().name(), one.severity.name());
    format!("{}  {state:9}  {severity:8}  {}  {}  since {}{late}", one.id, one.subject, plain(&one.title), one.opened)
}

/// How it stands, for people.
pub(super) fn words(one: &Incident, now: Timestamp) -> Vec<String> {
    let mut lines = vec![
        format!("{}  {}  {}", one.id, one.state().name(), plain(&one.title)),
        format!("  {}, severity {}, from {}", one.subject, one.severity.name(), one.origin.words()),
        format!("  opened {} by {}", one.opened, plain(&one.by)),
    ];
    if let Some(containment) = &one.containment {
        lines.extend(receipt(containment));
    }
    lines.push("Who must be told:".to_owned());
    lines.extend(one.tell.iter().flat_map(|telling| telling_lines(telling, now)));
    for note in &one.notes {
        lines.push(format!("Note {} by {}: {}", note.at, plain(&note.by), plain(&note.text)));
    }
    if let Some(closed) = &one.closed {
        lines.push(format!("Closed {} by {}", closed.at, plain(&closed.by)));
        lines.push(format!("  cause: {}", plain(&closed.cause)));
        lines.push(format!("  prevention: {}", plain(&closed.prevention)));
    }
    lines
}

fn telling_lines(one: &Telling, now: Timestamp) -> Vec<String> {
    let open = one.open();
    let state = match (open.is_empty(), one.is_overdue(now), one.due) {
        (true, ..) => "told".to_owned(),
        (_, true, Some(due)) => format!("OVERDUE since {due}"),
        (_, _, Some(due)) => format!("open, by {due}"),
        _ => "open".to_owned(),
    };
    let tenants: Vec<&str> = open.iter().flatten().take(5).map(|tenant| tenant.as_str()).collect();
    let more = open.len().saturating_sub(5);
    let of = match (tenants.is_empty(), more) {
        (true, _) => String::new(),
        (_, 0) => format!(" ({})", tenants.join(", ")),
        _ => format!(" ({} and {more} more)", tenants.join(", ")),
    };
    let mut lines = vec![
        format!("  {:16}  {:10}  {state}{of}", one.key, one.by.name()),
        format!("      {} [{}]", one.whom, one.rule),
    ];
    lines.extend(one.told.iter().take(10).map(|told| {
        let of = told.tenant.as_ref().map(|tenant| format!(" of {tenant}")).unwrap_or_default();
        format!("      told {}{of}: {}, as {} says", told.at, plain(&told.to), plain(&told.by))
    }));
    if one.told.len() > 10 {
        lines.push(format!("      and {} more", one.told.len() - 10));
    }
    lines
}

fn proof(after: &After) -> String {
    let span = format!("entries {} to {} of the log", after.from, after.to);
    match after.acts {
        0 => format!("Since then no act of it was permitted and no visit began: {span}."),
        acts => {
            let entries: Vec<String> = after.entries.iter().map(ToString::to_string).collect();
            format!("NOT HELD: {acts} acts of it are in {span}: {}", entries.join(", "))
        }
    }
}

fn touched(data: &Value) -> Vec<String> {
    let mut lines = vec!["What it touched:".to_owned()];
    lines.extend(findings(&data["touched"]));
    lines.push("What left for which host:".to_owned());
    lines.extend(findings(&data["left"]));
    let not_asked = data["not_asked"].as_u64().unwrap_or_default();
    if not_asked > 0 {
        lines.push(format!("  {not_asked} installations were not asked about: there are too many"));
    }
    lines
}

fn findings(answer: &Value) -> Vec<String> {
    let texts = |name: &str| answer[name].as_array().into_iter().flatten();
    let found: Vec<&str> = texts("findings").filter_map(|one| one["what"].as_str()).collect();
    let mut lines: Vec<String> = found.iter().take(SHOWN).map(|what| format!("  {what}")).collect();
    match found.len() {
        0 => lines.push("  the log has nothing of that".to_owned()),
        count if count > SHOWN => lines.push(format!("  and {} more; --json shows all", count - SHOWN)),
        _ => {}
    }
    lines.extend(texts("notes").filter_map(Value::as_str).map(|note| format!("  {note}")));
    lines
}
