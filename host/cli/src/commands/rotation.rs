//! `portcullis rotation`

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use portcullis_broker::rotation::{Report, Scheduler, Status};
use portcullis_model::{
    audit::Kind,
    id::{RotationId, TenantId},
    rotation::{Policy, RotationStore as _, Scope, Window},
    scope::{parse_seconds, print_seconds},
};
use serde_json::json;

use crate::{
    home::Home,
    host::{Host, person},
    output::Output,
    rotation,
};

/// How old credentials may get, what is due, and what became of rotations.
#[derive(Debug, Subcommand)]
pub enum RotationCommand {
    /// How old credentials may get, when they are rotated, and how long an old secret goes on beside a new one.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Everything that can be rotated: how old it is, how old it may get, and when it is rotated.
    #[command(after_help = "Examples:\n  portcullis rotation status\n  portcullis rotation status --overdue --json")]
    Status {
        /// Only of this tenant.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Only what is older than it may get.
        #[arg(long)]
        overdue: bool,
    },
    /// List rotations, oldest first.
    #[command(after_help = "Example:\n  portcullis rotation list")]
    List,
    /// What became of a rotation, one line a credential; or its report anew, signed, into a file.
    #[command(after_help = "Example:\n  portcullis rotation show rot_0123456789abcdef01234567 --report again.json")]
    Show {
        /// Which.
        id: RotationId,
        /// Sign its report and write it to this file.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
}

/// Policies of the host, a tenant and an installation: the shortest age and overlap hold, and the narrowest windows.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Set a policy. It takes the place of the one before.
    #[command(
        after_help = "Examples:\n  portcullis rotation policy set --max-age 90d --window 'sat,sun 22:00-06:00'\n  \
        portcullis rotation policy set --tenant acme --max-age 30d --overlap 2h\n\n\
        Windows are in UTC, or at a fixed offset such as '01:00-04:00 +01:00'. A credential is rotated in the last window before\n\
        it is too old. What has reached its age is rotated at once, window or not."
    )]
    Set {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// How old a credential may get: a number with s, m, h or d.
        #[arg(long, value_parser = seconds)]
        max_age: Option<u64>,
        /// How long an old signing key or secret is good beside the new one.
        #[arg(long, value_parser = seconds)]
        overlap: Option<u64>,
        /// When credentials may be rotated; several where there are several.
        #[arg(long = "window", value_name = "WINDOW")]
        windows: Vec<Window>,
    },
    /// Take a policy away.
    #[command(after_help = "Example:\n  portcullis rotation policy clear --tenant acme")]
    Clear {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
    /// List policies.
    #[command(after_help = "Example:\n  portcullis rotation policy list")]
    List,
}

/// Whose policy: the host's where neither is given.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Whose {
    /// A tenant's.
    #[arg(long)]
    tenant: Option<TenantId>,
    /// An installation's: its id, or the plugin's where it is the only one.
    #[arg(long)]
    installation: Option<String>,
}

impl Whose {
    async fn scope(&self, host: &Host) -> Result<(Scope, Option<TenantId>)> {
        if let Some(text) = &self.installation {
            let one = host.installation(text).await?;
            return Ok((Scope::Installation(one.id), Some(one.tenant)));
        }
        Ok(self.tenant.clone().map_or((Scope::Host, None), |tenant| (Scope::Tenant(tenant.clone()), Some(tenant))))
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    parse_seconds(text).ok_or_else(|| "expected a number with s, m, h or d, such as 90d".to_owned())
}

impl RotationCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Arc::new(Host::open(home).await?);
        match self {
            Self::Policy(command) => command.run(&host, output).await,
            Self::Status { tenant, overdue } => status(&host, tenant.as_ref(), overdue, output).await,
            Self::List => list(&host, output).await,
            Self::Show { id, report } => show(&host, &id, report, output).await,
        }
    }
}

impl PolicyCommand {
    async fn run(self, host: &Host, output: Output) -> Result<()> {
        match self {
            Self::Set { whose, max_age, overlap, windows } => {
                let policy = Policy { max_age, overlap, windows };
                if policy == Policy::default() {
                    bail!("say what: --max-age, --overlap or --window; 'policy clear' takes a policy away");
                }
                if let Err(problem) = policy.check() {
                    bail!("{problem}");
                }
                let (scope, tenant) = whose.scope(host).await?;
                let entry = host
                    .entry(Kind::RotationPolicy, tenant)
                    .about(scope.to_string())
                    .with("policy", serde_json::to_string(&policy)?);
                host.store.put_policy(scope.clone(), Some(policy.clone()), entry).await?;
                super::publish(host).await?;
                output.result(&json!({ "scope": scope.to_string(), "policy": policy }), || {
                    format!("{scope}: {}", words(&policy))
                })
            }
            Self::Clear { whose } => {
                let (scope, tenant) = whose.scope(host).await?;
                let entry = host.entry(Kind::RotationPolicy, tenant).about(scope.to_string()).with("cleared", true);
                host.store.put_policy(scope.clone(), None, entry).await?;
                super::publish(host).await?;
                output.result(&json!({ "scope": scope.to_string() }), || format!("{scope}: no policy of its own."))
            }
            Self::List => {
                for (scope, policy) in host.store.policies().await? {
                    let value = json!({ "scope": scope.to_string(), "policy": policy });
                    output.item(&value, || format!("{:40} {}", scope.to_string(), words(&policy)))?;
                }
                Ok(())
            }
        }
    }
}

fn words(policy: &Policy) -> String {
    let windows: Vec<String> = policy.windows.iter().map(ToString::to_string).collect();
    let parts = [
        policy.max_age.map(|age| format!("at most {} old", print_seconds(age))),
        policy.overlap.map(|overlap| format!("overlap {}", print_seconds(overlap))),
        (!windows.is_empty()).then(|| format!("in {}", windows.join("; "))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

async fn status(host: &Arc<Host>, tenant: Option<&TenantId>, overdue: bool, output: Output) -> Result<()> {
    let scheduler = Scheduler::new(rotation::rotator(host, person(), true));
    let now = host.clock.now();
    for one in scheduler.status().await? {
        if tenant.is_some_and(|tenant| one.held.item.owner() != Some(tenant)) || (overdue && !one.overdue) {
            continue;
        }
        let age = one.held.issued.map(|issued| now.distance(issued));
        output.item(&one, || line(&one, age))?;
    }
    Ok(())
}

/// An age in its largest unit, rounded down.
fn rounded(age: Duration) -> String {
    let seconds = age.as_secs();
    let unit = [86_400, 3_600, 60, 1].into_iter().find(|unit| seconds >= *unit).unwrap_or(1);
    print_seconds(seconds - seconds % unit)
}

fn line(one: &Status, age: Option<Duration>) -> String {
    let age = age.map_or_else(|| "age unknown".to_owned(), |age| format!("{} old", rounded(age)));
    let provider = one.held.provider.as_ref().map(|provider| format!(" ({provider})")).unwrap_or_default();
    let due = match (one.overdue, one.due) {
        (true, _) => "OVERDUE".to_owned(),
        (false, Some(due)) => format!("next {}, at the latest {}", due.at, due.limit),
        (false, None) => "no limit".to_owned(),
    };
    let person = if one.held.needs_person { ", needs a person" } else { "" };
    format!("{}{provider}  generation {}  {age}  {due}{person}", one.held.item, one.held.generation)
}

async fn list(host: &Host, output: Output) -> Result<()> {
    for act in host.store.acts().await? {
        let open = host.store.lines(&act.id).await?.iter().filter(|line| line.is_open()).count();
        output.item(&json!({ "rotation": act, "open": open }), || {
            let state = match (act.ended, open) {
                (None, _) => format!("CUT OFF or under way, {open} open"),
                (Some(at), 0) => format!("through at {at}"),
                (Some(_), failed) => format!("{failed} FAILED"),
            };
            format!("{}  {}  {}  {}  {state}: {}", act.id, act.started, act.extent, act.by, act.reason)
        })?;
    }
    Ok(())
}

async fn show(host: &Host, id: &RotationId, file: Option<PathBuf>, output: Output) -> Result<()> {
    let act = host.store.acts().await?.into_iter().find(|act| act.id == *id);
    let act = act.with_context(|| format!("there is no rotation '{id}'; 'portcullis rotation list' shows them"))?;
    let report = Report::new(act, host.store.lines(id).await?);
    if let Some(file) = file {
        if report.act.ended.is_none() {
            bail!("{id} has not ended: 'portcullis rotate --resume {id}' goes on with it");
        }
        let signed = rotation::sign(host, &report, person()).await?;
        super::rotate::write_new(&file, &signed)?;
        super::publish(host).await?;
    }
    for line in &report.lines {
        output.item(line, || {
            let word = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let new = line.new_generation.map(|new| format!(" to {new}")).unwrap_or_default();
            let why = line.why.as_ref().map(|why| format!("  {why}")).unwrap_or_default();
            format!(
                "{}  {}  generation {}{new}  old: {}{why}",
                line.item,
                word(json!(line.outcome)),
                line.old_generation,
                word(json!(line.revocation))
            )
        })?;
    }
    match output.json {
        true => Ok(()),
        false => crate::output::line(&super::rotate::summary(&report).join("\n")),
    }
}
