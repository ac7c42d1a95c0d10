//! `portcullis notices`: what in the audit log needs an admin, and the command that helps.

mod backends;
mod connections;
mod credentials;
mod help;
#[cfg(test)]
mod parse_test;
mod releases;
mod roots;
mod rotation;
mod standing;

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use clap::Args;
use portcullis_model::{
    audit::{Entry, Kind},
    budget::{BudgetStore as _, EVENTS, Suspension, Whose},
    id::TenantId,
    installation::{Installation, InstallationStore as _},
    scope::parse_seconds,
    time::Timestamp,
};
use serde::Serialize;

use self::{connections::Held, help::Help};
use crate::{home::Home, host::Host, output::Output};

/// The most that is printed.
const MOST: usize = 1_000;

/// List what needs an admin: what was suspended, given up or refused, and when the host had died.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis notices\n  portcullis notices --since 7d --json\n\n\
    First what is so at the moment: reports of misbehaviour, known vulnerabilities, reviews that end within 30 days.\n\
    Then the audit log's, newest first: one line each, and the command that helps.")]
pub struct Notices {
    /// How far back: a number with s, m, h or d.
    #[arg(long, default_value = "24h", value_parser = span)]
    pub since: Duration,
    /// Only what this tenant is to know.
    #[arg(long)]
    pub tenant: Option<TenantId>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Its entry's index in the audit log.
    pub index: u64,
    /// When.
    pub time: Timestamp,
    /// What sort of entry.
    pub kind: Kind,
    /// What happened, in one line.
    pub what: String,
    /// What to do about it.
    pub help: Help,
    /// In whose data; absent where it is the host's own.
    #[serde(skip)]
    tenant: Option<TenantId>,
}

impl Notice {
    /// Whether that is for a tenant; all of them are for the platform.
    fn is_for(&self, tenant: Option<&TenantId>) -> bool {
        tenant.is_none() || self.tenant.as_ref() == tenant
    }
}

fn span(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).ok_or("expected a number with s, m, h or d, such as 24h")?;
    Ok(Duration::from_secs(seconds))
}

impl Notices {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let now = host.clock.now();
        let since = Timestamp(now.0.saturating_sub(i64::try_from(self.since.as_millis()).unwrap_or(i64::MAX)));
        let known = Known::of(&host, now).await?;
        let mut none = true;
        let mut standing = standing::standing(&host, self.tenant.as_ref()).await?;
        standing.extend(backends::failing(&host, self.tenant.as_ref()).await?);
        standing.extend(credentials::standing(&host, self.tenant.as_ref()).await?);
        for one in standing {
            none = false;
            output.item(&one, || format!("{} {:20} {}\n    {}", one.time, one.kind, one.what, one.help))?;
        }
        for stored in host.store.notices(since, MOST).await? {
            let entry = stored.read().with_context(|| format!("entry {} cannot be read", stored.index))?;
            let notice = notice(stored.index, entry, &known);
            if let Some(notice) = notice.filter(|notice| notice.is_for(self.tenant.as_ref())) {
                none = false;
                output.item(&notice, || {
                    format!("{} {:20} {}\n    {}", notice.time, notice.kind.name(), notice.what, notice.help)
                })?;
            }
        }
        if none && !output.json {
            crate::output::line("Nothing needs an admin.")?;
        }
        Ok(())
    }
}

/// What is so at the moment, which a command that helps depends on.
struct Known {
    now: Timestamp,
    suspended: Vec<Suspension>,
    installed: Vec<Installation>,
    connections: Vec<Held>,
}

impl Known {
    #[cfg(test)]
    fn nothing() -> Self {
        Self { now: Timestamp(0), suspended: Vec::new(), installed: Vec::new(), connections: Vec::new() }
    }

    async fn of(host: &Host, now: Timestamp) -> Result<Self> {
        let connections = Held::all(host).await;
        let (suspended, installed) = (host.store.suspensions(now).await?, host.store.installations().await?);
        Ok(Self { now, suspended, installed, connections })
    }

    /// All that an installation is granted, and this beside it.
    fn grant(&self, id: &str, more: Vec<String>) -> Help {
        let found = self.installed.iter().find(|one| one.id.as_str() == id && !one.is_gone());
        let Some(found) = found else { return Help::say("over: it is not installed any more") };
        let all: BTreeSet<String> = found.granted.iter().map(ToString::to_string).chain(more).collect();
        let command = ["plugin", "grant", id].map(str::to_owned).into_iter().chain(all);
        Help::run(command).but("leave out what it shall not have")
    }
}

/// What an entry means to an admin; `None` where it means nothing.
fn notice(index: u64, entry: Entry, known: &Known) -> Option<Notice> {
    let told = match entry.kind {
        Kind::CapabilitySuspended => Some(capability_suspended(&entry, &known.suspended)),
        Kind::PluginSuspended => Some((
            format!("{} was suspended: {}", of(&entry), text(&entry, "reason")),
            Help::run(["plugin", "resume", installation(&entry)]),
        )),
        Kind::DeliveryDead => Some(given_up(&entry)),
        Kind::FreezeAdded | Kind::RotationEnded | Kind::RotationNeeded | Kind::SourceRevoked => {
            rotation::told(&entry, &known.connections, known.now)
        }
        Kind::PluginUpgradeWaits | Kind::PluginUpgraded | Kind::PluginUninstalled | Kind::ReleaseRefused => {
            releases::told(&entry, known)
        }
        Kind::ConnectionConsentNeeded => connections::told(&entry, &known.connections, known.now),
        Kind::RefreshReused | Kind::CodeMisused => Some((
            format!("{}; the grant of {} in {} has ended", text(&entry, "reason"), text(&entry, "of"), of(&entry)),
            Help::run(["client", "revoke", text(&entry, "of"), &format!("--reason={}", text(&entry, "reason"))])
                .but("unless you find out who had it; then the client asks for authorization anew"),
        )),
        Kind::AuditDisposalAnnounced => Some(disposal_announced(&entry)),
        Kind::HostStarted => died(&entry).or_else(|| key_made_anew(&entry)),
        _ => None,
    };
    told.map(|(what, help)| Notice {
        index,
        time: entry.time,
        kind: entry.kind,
        what,
        help,
        tenant: entry.tenant.clone(),
    })
}

/// The end of what the log keeps of a tenant, or of the host (MON-3).
fn disposal_announced(entry: &Entry) -> (String, Help) {
    let (older, from) = (text(entry, "older-than"), text(entry, "not-before"));
    let what =
        format!("entries of {} that are older than {older} will be disposed of, not before {from}", of_view(entry));
    let tenant = entry.tenant.as_ref().map(|tenant| format!("tenant={tenant}"));
    let words = ["audit", "export"].map(str::to_owned).into_iter().chain(tenant);
    let words = words.chain([format!("until={older}"), "--out".to_owned(), "audit.ndjson".to_owned()]);
    (what, Help::run(words).but("by then, where they are to be kept; nothing is to be done otherwise"))
}

fn of_view(entry: &Entry) -> String {
    entry.tenant.as_ref().map_or_else(|| "the host's own log".to_owned(), |tenant| format!("tenant {tenant}'s log"))
}

/// A delivery to a plugin, or a message to a back end.
fn given_up(entry: &Entry) -> (String, Help) {
    let why = format!("given up{}: {}", after(entry), text(entry, "reason"));
    match entry.text("installation") {
        Some(id) => (
            format!("a message to a back end was {why}"),
            Help::run(["backend", "list", id]).then(["backend", "replay", id]),
        ),
        None => (format!("{} was {why}", of(entry)), Help::run(["events", "list"])),
    }
}

/// After how many tries, where the entry says so.
fn after(entry: &Entry) -> String {
    entry.detail.get("attempts").map_or_else(String::new, |tries| format!(" after {tries} tries"))
}

fn capability_suspended(entry: &Entry, suspended: &[Suspension]) -> (String, Help) {
    let (installation, capability) = (installation(entry), text(entry, "capability"));
    let what =
        format!("{capability} of {} ({}) was suspended: {}", text(entry, "plugin"), of(entry), text(entry, "reason"));
    let holds = suspended
        .iter()
        .find(|s| s.installation.as_str() == installation && s.capability == capability && s.since == entry.time);
    let resume = || Help::run(["plugin", "resume", installation, "--capability", capability]);
    let help = match holds {
        None => Help::say("over: nothing to do; a narrower grant can lower what it reads"),
        Some(s) if s.whose == Whose::Tenant => {
            Help::say(format!("raise {} in [tenants.{}.limits], or wait", s.resource.hourly(), s.tenant))
        }
        Some(_) if capability == EVENTS => resume().but("its events wait"),
        Some(_) => resume(),
    };
    (what, help)
}

/// A start that found calls or acts left open: the host had not stopped in good order.
fn died(entry: &Entry) -> Option<(String, Help)> {
    let number = |name: &str| entry.detail.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
    let (leases, acts) = (number("recovered-leases"), number("unknown-acts"));
    (leases + acts > 0).then(|| {
        let what = format!(
            "the host had not stopped in good order: {leases} deliveries were taken up again, and the outcome of {acts} acts \
             is not known"
        );
        (what, Help::run(["audit", "tail", "--kind", "act.unknown"]))
    })
}

/// A start that found no key of the authorization server though tokens were granted.
fn key_made_anew(entry: &Entry) -> Option<(String, Help)> {
    entry.text("oauth-key").map(|_| (crate::oauth::KEY_IS_GONE.to_owned(), Help::run(["client", "list"])))
}

fn text<'a>(entry: &'a Entry, name: &str) -> &'a str {
    entry.text(name).unwrap_or("-")
}

fn installation(entry: &Entry) -> &str {
    let resource = entry.resource.as_deref().unwrap_or("-");
    resource.strip_prefix("installation:").unwrap_or(resource)
}

fn of(entry: &Entry) -> String {
    let resource = entry.resource.as_deref().unwrap_or("-");
    entry.tenant.as_ref().map_or_else(|| resource.to_owned(), |tenant| format!("{resource} in {tenant}"))
}

#[cfg(test)]
mod tests {
    use portcullis_model::{audit::Actor, budget::Resource};

    use super::*;

    fn told(entry: &Entry, suspended: &[Suspension]) -> Option<(String, String)> {
        let known = Known { suspended: suspended.to_vec(), ..Known::nothing() };
        notice(7, entry.clone(), &known).map(|notice| (notice.what, notice.help.to_string()))
    }

    fn entry(kind: Kind) -> Entry {
        Entry::new(Timestamp(5), kind, Actor::Host, Some("acme".parse().unwrap()))
    }

    fn suspension(whose: Whose) -> Suspension {
        Suspension {
            tenant: "acme".parse().unwrap(),
            installation: "ins_1".parse().unwrap(),
            capability: "tickets".into(),
            resource: Resource::RecordsRead,
            whose,
            since: Timestamp(5),
            until: Timestamp(9),
            reason: "used up".into(),
        }
    }

    #[test]
    fn what_is_suspended_comes_with_the_command_that_helps() {
        let entry = entry(Kind::CapabilitySuspended)
            .about("installation:ins_1")
            .with("capability", "tickets")
            .with("plugin", "com.example.export")
            .with("reason", "used up");
        let (what, help) = told(&entry, &[suspension(Whose::Installation)]).unwrap();
        assert_eq!(what, "tickets of com.example.export (installation:ins_1 in acme) was suspended: used up");
        assert_eq!(help, "portcullis plugin resume ins_1 --capability tickets");
        let (_, help) = told(&entry, &[suspension(Whose::Tenant)]).unwrap();
        assert_eq!(help, "raise records-read-per-hour in [tenants.acme.limits], or wait");
        let (_, help) = told(&entry, &[]).unwrap();
        assert!(help.starts_with("over"), "{help}");
    }

    #[test]
    fn a_start_is_a_notice_only_after_a_death() {
        let started = |acts: u64| entry(Kind::HostStarted).with("recovered-leases", 0).with("unknown-acts", acts);
        assert_eq!(told(&started(0), &[]), None);
        assert!(told(&started(2), &[]).unwrap().0.contains("the outcome of 2 acts"));
    }

    #[test]
    fn spans_are_read_and_refused() {
        assert_eq!(span("24h"), Ok(Duration::from_secs(86_400)));
        assert!(span("yesterday").is_err());
    }
}
