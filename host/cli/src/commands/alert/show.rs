//! `portcullis alert list|show`

use anyhow::Result;
use clap::Args;
use portcullis_model::{
    alert::{Alert, AlertId, AlertList, Mute},
    id::TenantId,
};
use serde_json::json;

use crate::{
    admin::{Keyboard, asked, given},
    detect,
    host::Host,
    output::Output,
};

/// The most alerts of one page.
const PAGE: usize = 200;

/// List alerts.
#[derive(Debug, Args)]
pub struct List {
    /// Those that are closed as well.
    #[arg(long)]
    pub closed: bool,
    /// Of this tenant.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// About this installation: its id, or the plugin's name.
    #[arg(long)]
    pub installation: Option<String>,
    /// By this rule.
    #[arg(long)]
    pub rule: Option<String>,
    /// Older than this one.
    #[arg(long, value_name = "ALERT")]
    pub before: Option<AlertId>,
    /// At most how many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub lines: usize,
}

impl List {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let installation = match &self.installation {
            Some(text) => Some(host.installation(text).await?.id),
            None => None,
        };
        let query = [
            ("state", self.closed.then(|| "all".to_owned())),
            ("tenant", self.tenant.as_ref().map(ToString::to_string)),
            ("installation", installation.map(|id| id.to_string())),
            ("rule", self.rule.clone()),
        ];
        let list = listed(&Keyboard::of(host)?, &query, self.before, self.lines).await?;
        output.result(&list, || words(&list))
    }
}

/// So many alerts, and what keeps others from being there.
async fn listed(
    keyboard: &Keyboard,
    query: &[(&str, Option<String>)],
    mut before: Option<AlertId>,
    most: usize,
) -> Result<AlertList> {
    let mut alerts: Vec<Alert> = Vec::new();
    loop {
        let wanted = most.saturating_sub(alerts.len()).clamp(1, PAGE);
        let mut query = query.to_vec();
        query.extend([("before", before.map(|id| id.to_string())), ("limit", Some(wanted.to_string()))]);
        let mut page = keyboard.read(&asked("/alerts", &query)).await?;
        let found: Vec<Alert> = given(page["items"].take())?;
        let (more, last) = (page["next"].is_string(), found.last().map(|alert| alert.id));
        alerts.extend(found);
        // A page that goes on without an alert has looked at many that are not meant: its end is not known here.
        let goes_on = more && last.is_some();
        if !goes_on || alerts.len() >= most {
            alerts.truncate(most);
            let next = alerts.last().filter(|_| goes_on).map(|alert| alert.id);
            let of = |name: &str| page[name].clone();
            return given(json!({
                "alerts": alerts, "next": next, "mutes": of("mutes"), "learning": of("learning"),
                "learning-count": of("learning_count"), "looked-at": of("looked_at"), "written": of("written"),
            }));
        }
        before = last;
    }
}

fn words(list: &AlertList) -> String {
    let mut lines = Vec::new();
    if list.alerts.is_empty() {
        lines.push("No alerts.".to_owned());
    }
    for alert in &list.alerts {
        lines.push(line(alert));
    }
    if let Some(next) = list.next {
        lines.push(format!("There are more: --before {next}"));
    }
    if !list.mutes.is_empty() {
        lines.push("Muted:".to_owned());
        lines.extend(list.mutes.iter().map(|mute| format!("  {}", muted(mute))));
    }
    if list.learning_count > 0 {
        lines.push(format!("Learning what is usual, and raising nothing about it yet ({}):", list.learning_count));
        lines.extend(list.learning.iter().map(|one| format!("  {:<24} {} until {}", one.rule, one.subject, one.until)));
    }
    if list.looked_at < list.written {
        let behind = list.written - list.looked_at;
        lines.push(format!("{behind} entries were not looked at yet; a running host does that ('portcullis serve')."));
    }
    lines.join("\n")
}

fn line(alert: &Alert) -> String {
    format!(
        "{:<8} {:<8} {:<12} {:<24} {}: {} ({} times, last {})",
        alert.id.to_string(),
        alert.severity.name(),
        alert.standing(),
        alert.rule,
        alert.subject,
        alert.why,
        alert.count,
        alert.last
    )
}

fn muted(mute: &Mute) -> String {
    let about = mute.installation.as_ref().map(ToString::to_string);
    let about = about.or_else(|| mute.tenant.as_ref().map(|tenant| format!("tenant {tenant}")));
    format!(
        "{} about {} until {}, by {}: {} (entry {}); it hid {}",
        mute.rule,
        about.as_deref().unwrap_or("what is no tenant's"),
        mute.until,
        mute.by.as_deref().unwrap_or("(erased)"),
        mute.reason.as_deref().unwrap_or("(erased)"),
        mute.entry,
        mute.hidden
    )
}

pub(super) async fn show(host: &Host, id: AlertId, output: Output) -> Result<()> {
    let alert = super::found(host, id).await?;
    let library = detect::library(host)?;
    let rule = library.get(&alert.rule).map(|one| &one.rule);
    let look_at = rule.map(|rule| rule.look_at.clone());
    let duties = rule.map(|rule| rule.duties.clone()).unwrap_or_default();
    let value = json!({ "alert": alert, "look-at": look_at, "duties": duties });
    output.result(&value, || {
        let mut lines = vec![
            format!("{id}: {}", alert.title),
            format!("  {}, {}; the {} acts", alert.severity.name(), alert.standing(), alert.party.name()),
            format!("  about:   {}", alert.subject),
            format!("  found:   {}", alert.why),
            format!("  when:    {} to {}, {} times", alert.first, alert.last, alert.count),
            format!("  entries: {}", alert.entries.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")),
            format!("  rule:    {} ({})", alert.rule, duties.join(" ")),
        ];
        lines.extend(look_at.map(|text| format!("  look at: {text}")));
        lines.extend(alert.changed.map(|entry| format!("  changed: by entry {entry}")));
        lines.extend(alert.muted.as_ref().map(|mute| format!("  muted:   {}", muted(mute))));
        lines.extend(
            alert.entries.first().map(|at| format!("  read it: portcullis audit search --oldest-first --at {at} -n 1")),
        );
        lines.join("\n")
    })
}
