//! What needs somebody, gathered from the log and from what is so at the moment, and what helps (MON-4): what the admin API answers and
//! `portcullis notices` prints.
//!
//! Invariant: nobody is told what is another's; a command that helps holds no secret.

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
mod subject;

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use portcullis_api::admin::v1::notices::{Notice, Noticeboard, Ports, Whose};
use portcullis_model::{
    audit::{Entry, Kind},
    budget::{BudgetStore as _, EVENTS, Suspension, Whose as Budgeted},
    error::StoreError,
    installation::{Installation, InstallationStore as _},
    time::Timestamp,
};

use self::{connections::Held, help::Help, standing::Standing};
use crate::host::Host;

/// The most of the log that is told, of each whose it is.
const MOST: usize = 1_000;

/// What the operation about notices is done with.
pub fn ports(host: &Host) -> Ports {
    Ports { board: Arc::new(OfHost(host.clone())), recorder: host.store.clone() }
}

struct OfHost(Host);

#[async_trait]
impl Noticeboard for OfHost {
    async fn notices(&self, whose: &Whose, since: Timestamp) -> Result<Vec<Notice>, StoreError> {
        gathered(&self.0, whose, since).await.map_err(|error| StoreError(format!("{error:#}")))
    }
}

/// What is so at the moment, and then what stands in the log, the newest first.
async fn gathered(host: &Host, whose: &Whose, since: Timestamp) -> Result<Vec<Notice>> {
    let mut standing = standing::standing(host, whose).await?;
    standing.extend(backends::failing(host, whose).await?);
    standing.extend(credentials::standing(host, whose).await?);
    let known = Known::of(host, host.clock.now()).await?;
    let mut all: Vec<Notice> = standing.iter().map(Standing::shown).collect();
    let of = (*whose != Whose::Everybody).then(|| whose.tenant().cloned());
    for stored in host.store.notices(of, since, MOST).await? {
        let entry = stored.read().with_context(|| format!("entry {} cannot be read", stored.index))?;
        if whose.has(entry.tenant.as_ref()) {
            all.extend(notice(stored.index, &entry, &known));
        }
    }
    all.iter_mut().for_each(|one| subject::named(&mut one.about, &known.installed));
    Ok(all)
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
fn notice(index: u64, entry: &Entry, known: &Known) -> Option<Notice> {
    told(entry, known).map(|(what, help)| Notice {
        index: Some(index),
        time: entry.time.to_string(),
        kind: entry.kind.name(),
        what,
        help: help.to_string(),
        key: String::new(),
        about: subject::of(entry),
    })
}

/// The same in words, with what helps.
fn told(entry: &Entry, known: &Known) -> Option<(String, Help)> {
    match entry.kind {
        Kind::CapabilitySuspended => Some(capability_suspended(entry, &known.suspended)),
        Kind::PluginSuspended => Some((
            format!("{} was suspended: {}", of(entry), text(entry, "reason")),
            Help::run(["plugin", "resume", installation(entry)]),
        )),
        Kind::DeliveryDead => Some(given_up(entry)),
        Kind::FreezeAdded | Kind::RotationEnded | Kind::RotationNeeded | Kind::SourceRevoked => {
            rotation::told(entry, &known.connections, known.now)
        }
        Kind::PluginUpgradeWaits | Kind::PluginUpgraded | Kind::PluginUninstalled | Kind::ReleaseRefused => {
            releases::told(entry, known)
        }
        Kind::ConnectionConsentNeeded => connections::told(entry, &known.connections, known.now),
        Kind::RefreshReused | Kind::CodeMisused => Some((
            format!("{}; the grant of {} in {} has ended", text(entry, "reason"), text(entry, "of"), of(entry)),
            Help::run(["client", "revoke", text(entry, "of"), &format!("--reason={}", text(entry, "reason"))])
                .but("unless you find out who had it; then the client asks for authorization anew"),
        )),
        Kind::AuditDisposalAnnounced => Some(disposal_announced(entry)),
        Kind::HostStarted => died(entry).or_else(|| key_made_anew(entry)),
        _ => None,
    }
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
        Some(s) if s.whose == Budgeted::Tenant => {
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
        notice(7, entry, &known).map(|notice| (notice.what, notice.help))
    }

    fn entry(kind: Kind) -> Entry {
        Entry::new(Timestamp(5), kind, Actor::Host, Some("acme".parse().unwrap()))
    }

    fn suspension(whose: Budgeted) -> Suspension {
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
        let (what, help) = told(&entry, &[suspension(Budgeted::Installation)]).unwrap();
        assert_eq!(what, "tickets of com.example.export (installation:ins_1 in acme) was suspended: used up");
        assert_eq!(help, "portcullis plugin resume ins_1 --capability tickets");
        let (_, help) = told(&entry, &[suspension(Budgeted::Tenant)]).unwrap();
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
}
