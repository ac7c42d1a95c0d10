//! `portcullis notices`: what in the audit log needs an admin, and the command that helps.

mod backends;
mod connections;
mod roots;
mod rotation;
mod standing;

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use portcullis_model::{
    audit::{Entry, Kind},
    budget::{BudgetStore as _, EVENTS, Suspension, Whose},
    id::TenantId,
    scope::parse_seconds,
    time::Timestamp,
};
use serde::Serialize;

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
    pub help: String,
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
        let suspended = host.store.suspensions(now).await?;
        let mut none = true;
        let mut standing = standing::standing(&host, self.tenant.as_ref()).await?;
        standing.extend(backends::failing(&host, self.tenant.as_ref()).await?);
        standing.extend(connections::standing(&host, self.tenant.as_ref()).await?);
        for one in standing {
            none = false;
            output.item(&one, || format!("{} {:20} {}\n    {}", one.time, one.kind, one.what, one.help))?;
        }
        for stored in host.store.notices(since, MOST).await? {
            let entry = stored.read().with_context(|| format!("entry {} cannot be read", stored.index))?;
            let notice = notice(stored.index, entry, &suspended);
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

/// What an entry means to an admin; `None` where it means nothing.
fn notice(index: u64, entry: Entry, suspended: &[Suspension]) -> Option<Notice> {
    let told = match entry.kind {
        Kind::CapabilitySuspended => Some(capability_suspended(&entry, suspended)),
        Kind::PluginSuspended => Some((
            format!("{} was suspended: {}", of(&entry), text(&entry, "reason")),
            format!("portcullis plugin resume {}", installation(&entry)),
        )),
        Kind::DeliveryDead if entry.text("installation").is_some() => Some((
            format!("a message to a back end was given up{}: {}", after(&entry), text(&entry, "reason")),
            format!("portcullis backend list {0}, then: portcullis backend replay {0}", text(&entry, "installation")),
        )),
        Kind::DeliveryDead => Some((
            format!("{} was given up{}: {}", of(&entry), after(&entry), text(&entry, "reason")),
            "portcullis events list".to_owned(),
        )),
        Kind::FreezeAdded | Kind::RotationEnded | Kind::RotationNeeded | Kind::SourceRevoked => rotation::told(&entry),
        Kind::PluginUpgradeWaits => Some((
            format!(
                "{} of {} waits for {}: {}",
                text(&entry, "to-version"),
                text(&entry, "plugin"),
                of(&entry),
                list(&entry, "why")
            ),
            format!(
                "portcullis plugin upgrade {0} --dry-run, then: portcullis plugin upgrade {0} --accept",
                installation(&entry)
            ),
        )),
        Kind::PluginUpgraded if !list(&entry, "could-grant").is_empty() => Some((
            format!(
                "{} runs {} now, without what could be granted: {}",
                of(&entry),
                text(&entry, "version"),
                list(&entry, "could-grant")
            ),
            format!("portcullis plugin grant {}, with all that it shall have", installation(&entry)),
        )),
        Kind::PluginUninstalled => Some((
            format!(
                "{} was uninstalled: {}; erased at {}",
                of(&entry),
                text(&entry, "reason"),
                text(&entry, "purge-at")
            ),
            format!("portcullis plugin restore {}, before that", installation(&entry)),
        )),
        Kind::ReleaseRefused if entry.text("at") == Some("upgrade") => Some((
            format!("an upgrade was refused in {}: {}", tenant(&entry), text(&entry, "reason")),
            "portcullis plugin upgrade <the installation> --dry-run".to_owned(),
        )),
        Kind::ReleaseRefused => Some((
            format!("a release was refused for {}: {}", of(&entry), text(&entry, "reason")),
            "portcullis plugin inspect <the release's plugin.wasm>".to_owned(),
        )),
        Kind::ConnectionConsentNeeded => Some((
            format!("the credential {} of {} needs consent: {}", text(&entry, "name"), of(&entry), text(&entry, "why")),
            format!("portcullis connection authorize {} {}", installation(&entry), text(&entry, "name")),
        )),
        Kind::RefreshReused | Kind::CodeMisused => Some((
            format!("{}; the grant of {} in {} has ended", text(&entry, "reason"), text(&entry, "of"), of(&entry)),
            format!(
                "find out who had it; then the client asks for authorization anew, or: portcullis client revoke {}",
                text(&entry, "of")
            ),
        )),
        Kind::HostStarted => died(&entry),
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

/// A detail that is a list, in one line.
fn list(entry: &Entry, name: &str) -> String {
    let all = entry.detail.get(name).and_then(serde_json::Value::as_array);
    let texts = all.into_iter().flatten().filter_map(serde_json::Value::as_str);
    portcullis_model::audit::plain(&texts.collect::<Vec<_>>().join("; "))
}

fn tenant(entry: &Entry) -> &str {
    entry.tenant.as_ref().map_or("-", |tenant| tenant.as_str())
}

/// After how many tries, where the entry says so.
fn after(entry: &Entry) -> String {
    entry.detail.get("attempts").map_or_else(String::new, |tries| format!(" after {tries} tries"))
}

fn capability_suspended(entry: &Entry, suspended: &[Suspension]) -> (String, String) {
    let (installation, capability) = (installation(entry), text(entry, "capability"));
    let what =
        format!("{capability} of {} ({}) was suspended: {}", text(entry, "plugin"), of(entry), text(entry, "reason"));
    let holds = suspended
        .iter()
        .find(|s| s.installation.as_str() == installation && s.capability == capability && s.since == entry.time);
    let help = match holds {
        None => "over: nothing to do; 'portcullis plugin grant' can narrow what it reads".to_owned(),
        Some(s) if s.whose == Whose::Tenant => {
            format!("raise {} in [tenants.{}.limits], or wait", s.resource.hourly(), s.tenant)
        }
        Some(_) if capability == EVENTS => {
            format!("portcullis plugin resume {installation} --capability {capability} (its events wait)")
        }
        Some(_) => format!("portcullis plugin resume {installation} --capability {capability}"),
    };
    (what, help)
}

/// A start that found calls or acts left open: the host had not stopped in good order.
fn died(entry: &Entry) -> Option<(String, String)> {
    let number = |name: &str| entry.detail.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
    let (leases, acts) = (number("recovered-leases"), number("unknown-acts"));
    (leases + acts > 0).then(|| {
        let what = format!(
            "the host had not stopped in good order: {leases} deliveries were taken up again, and the outcome of {acts} acts \
             is not known"
        );
        (what, "portcullis audit tail --kind act.unknown".to_owned())
    })
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
        notice(7, entry.clone(), suspended).map(|notice| (notice.what, notice.help))
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
    fn a_connection_that_only_a_person_can_renew_is_a_notice() {
        let entry = entry(Kind::ConnectionConsentNeeded)
            .about("installation:ins_1")
            .with("name", "desk")
            .with("why", "invalid_grant");
        let (what, help) = told(&entry, &[]).unwrap();
        assert_eq!(what, "the credential desk of installation:ins_1 in acme needs consent: invalid_grant");
        assert_eq!(help, "portcullis connection authorize ins_1 desk");
    }

    #[test]
    fn a_start_is_a_notice_only_after_a_death() {
        let started = |acts: u64| entry(Kind::HostStarted).with("recovered-leases", 0).with("unknown-acts", acts);
        assert_eq!(told(&started(0), &[]), None);
        assert!(told(&started(2), &[]).unwrap().0.contains("the outcome of 2 acts"));
    }

    #[test]
    fn an_upgrade_is_a_notice_where_somebody_can_do_something() {
        let upgraded = |could: &[&str]| {
            let entry = entry(Kind::PluginUpgraded).about("installation:ins_1").with("version", "1.3.0");
            entry.with("could-grant", could.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(told(&upgraded(&[]), &[]), None);
        let (what, help) = told(&upgraded(&["http:send to=a.test"]), &[]).unwrap();
        assert!(what.contains("1.3.0 now, without what could be granted: http:send to=a.test"), "{what}");
        assert!(help.starts_with("portcullis plugin grant ins_1"), "{help}");
        let waits = entry(Kind::PluginUpgradeWaits)
            .about("installation:ins_1")
            .with("plugin", "com.example.a")
            .with("to-version", "2.0.0")
            .with("why", vec!["scopes: requires kv:read".to_owned()]);
        let (what, help) = told(&waits, &[]).unwrap();
        assert_eq!(what, "2.0.0 of com.example.a waits for installation:ins_1 in acme: scopes: requires kv:read");
        assert!(help.contains("upgrade ins_1 --accept"), "{help}");
    }

    #[test]
    fn spans_are_read_and_refused() {
        assert_eq!(span("24h"), Ok(Duration::from_secs(86_400)));
        assert!(span("yesterday").is_err());
    }
}
