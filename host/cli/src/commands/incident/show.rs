//! `portcullis incident show` and `report`

use anyhow::Result;
use clap::Args;
use portcullis_model::{
    audit::{ask::Answer, plain, reader::Shown},
    id::IncidentId,
    incident::{Incident, Telling},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::containing::receipt;
use crate::{
    admin::Keyboard,
    commands::audit::reading::who,
    host::Host,
    incident::{self, After, Data, KEY_KINDS},
    output::Output,
    reading::LogReader,
};

/// How many findings are shown of each question; JSON has all.
const SHOWN: usize = 25;

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
    /// At most so many entries, the newest.
    #[arg(short = 'n', long, default_value_t = 200)]
    pub lines: usize,
    /// Also what it touched, and where that went.
    #[arg(long)]
    pub data: bool,
}

impl Show {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let one = super::found(&Keyboard::of(host)?, &self.incident).await?;
        let (reader, now) = (LogReader::new(&host.home, host.store.clone()), host.clock.now());
        reader.catch_up().await?;
        let after = incident::after(host, &reader, &one).await?;
        let mut value = json!({ "state": one.state(), "incident": one, "after": after });
        let mut lines = words(&one, now);
        lines.extend(after.iter().map(proof));
        let since = incident::since(&one, self.hours);
        if self.timeline {
            let (entries, more) = incident::timeline(host, &reader, &one, since, self.lines).await?;
            let entries: Vec<Shown> = entries.into_iter().filter(|shown| !self.key || is_key(shown)).collect();
            value["timeline"] = json!(entries.iter().map(brief).collect::<Vec<_>>());
            value["more"] = json!(more);
            lines.extend(timeline(&entries, more, since));
        }
        if self.data {
            let data = incident::data(host, &reader, &one, since).await?;
            value["data"] = json!(data);
            lines.extend(touched(&data));
        }
        note(host, &one, self.timeline || self.data).await?;
        output.result(&value, || lines.join("\n"))
    }
}

/// Puts on record that somebody reads of it.
async fn note(host: &Host, one: &Incident, reads: bool) -> Result<()> {
    match reads {
        true => crate::commands::audit::reading::note(host, "incident", one.id.as_str()).await,
        false => Ok(()),
    }
}

/// All that is known.
pub(super) async fn report(host: &Host, id: &IncidentId, hours: u64, output: Output) -> Result<()> {
    let show = Show { incident: id.clone(), timeline: true, key: true, hours, lines: 10_000, data: true };
    show.run(host, output).await
}

fn is_key(shown: &Shown) -> bool {
    shown.entry.as_ref().is_none_or(|entry| {
        let kind = entry.kind.name();
        KEY_KINDS.iter().any(|start| kind.starts_with(start))
    })
}

fn brief(shown: &Shown) -> Value {
    json!({ "index": shown.index, "entry": shown.entry, "fault": shown.fault, "key": is_key(shown) })
}

fn timeline(entries: &[Shown], more: bool, since: Timestamp) -> Vec<String> {
    let mut lines = vec![format!("Timeline since {since}; * marks what happened to it:")];
    if more {
        lines.push("  ... older ones are left out; -n shows more".to_owned());
    }
    lines.extend(entries.iter().map(|shown| {
        let mark = if is_key(shown) { '*' } else { ' ' };
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
    }));
    lines
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

fn touched(data: &Data) -> Vec<String> {
    let mut lines = vec!["What it touched:".to_owned()];
    lines.extend(findings(&data.touched));
    lines.push("What left for which host:".to_owned());
    lines.extend(findings(&data.left));
    if data.not_asked > 0 {
        lines.push(format!("  {} installations were not asked about: there are too many", data.not_asked));
    }
    lines
}

fn findings(answer: &Answer) -> Vec<String> {
    let mut lines: Vec<String> = answer.findings.iter().take(SHOWN).map(|one| format!("  {}", one.what)).collect();
    match answer.findings.len() {
        0 => lines.push("  the log has nothing of that".to_owned()),
        count if count > SHOWN => lines.push(format!("  and {} more; --json shows all", count - SHOWN)),
        _ => {}
    }
    lines.extend(answer.notes.iter().map(|note| format!("  {note}")));
    lines
}
