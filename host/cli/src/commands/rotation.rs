//! `portcullis rotation`

mod policy;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use portcullis_api::admin::{Method, v1::freezes::ExtentView};
use portcullis_broker::rotation::{Report, Status};
use portcullis_model::{
    id::{RotationId, TenantId},
    rotation::{Act, Line, Mode, Reached},
    scope::print_seconds,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::policy::PolicyCommand;
use crate::{
    admin::{Keyboard, given, or_unknown},
    home::Home,
    host::Host,
    output::Output,
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

impl RotationCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        match self {
            Self::Policy(command) => command.run(&host, output).await,
            Self::Status { tenant, overdue } => status(&host, tenant, overdue, output).await,
            Self::List => list(&host, output).await,
            Self::Show { id, report } => show(&host, &id, report, output).await,
        }
    }
}

async fn status(host: &Host, tenant: Option<TenantId>, overdue: bool, output: Output) -> Result<()> {
    let query = [("tenant", tenant.map(|tenant| tenant.to_string())), ("overdue", overdue.then(|| "true".to_owned()))];
    let now = host.clock.now();
    for shown in Keyboard::of(host)?.all("/rotation/status", &query).await? {
        let one: Status = given(shown)?;
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

/// A rotation, as it is answered.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Shown {
    id: RotationId,
    mode: Mode,
    extent: ExtentView,
    reason: String,
    by: String,
    started: Timestamp,
    freeze: Option<u64>,
    reached: Option<Reached>,
    overlap_seconds: u64,
    listed: bool,
    ended: Option<Timestamp>,
    open: usize,
    cut_off: Option<String>,
}

impl Shown {
    /// The rotation, and how many of its lines are open.
    fn act(self) -> Result<(Act, usize)> {
        let Self {
            id, mode, reason, by, started, freeze, reached, overlap_seconds: overlap, listed, ended, open, ..
        } = self;
        let extent = self.extent.read_any().ok().context("what the rotation reaches cannot be read")?;
        Ok((Act { id, mode, extent, reason, by, started, freeze, reached, overlap, listed, ended }, open))
    }
}

async fn list(host: &Host, output: Output) -> Result<()> {
    for shown in Keyboard::of(host)?.all("/rotations", &[]).await?.into_iter().rev() {
        let (act, open) = given::<Shown>(shown)?.act()?;
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
    let keyboard = Keyboard::of(host)?;
    let report = report(&keyboard, id).await?;
    if let Some(file) = file {
        if report.act.ended.is_none() {
            bail!("{id} has not ended: 'portcullis rotate --resume {id}' goes on with it");
        }
        let signed = keyboard.act(Method::POST, &format!("/rotations/{id}/report"), None, None).await?;
        let envelope = signed["envelope"].as_str().context("what the host answered cannot be read")?;
        super::rotate::write_new(&file, envelope)?;
    }
    for line in &report.lines {
        output.item(line, || {
            let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
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

/// A rotation as it stands, line by line.
pub(super) struct Seen {
    pub(super) act: Act,
    pub(super) lines: Vec<Line>,
    /// Why it does not go on, where it was cut off and whoever answered carried it out.
    pub(super) cut_off: Option<String>,
}

impl Seen {
    /// Looks at one.
    pub(super) async fn of(keyboard: &Keyboard, id: &RotationId) -> Result<Self> {
        let pages = or_unknown(keyboard.pages(&format!("/rotations/{id}"), &[]).await, || {
            format!("there is no rotation '{id}'; 'portcullis rotation list' shows them")
        })?;
        let (mut last, mut lines) = (None, Vec::new());
        for mut page in pages {
            lines.append(&mut given::<Vec<Line>>(page["lines"].take())?);
            last = Some(page["rotation"].take());
        }
        Self::read(last.unwrap_or_default(), lines)
    }

    /// One that was answered, with these lines.
    pub(super) fn read(rotation: Value, lines: Vec<Line>) -> Result<Self> {
        let mut shown: Shown = given(rotation)?;
        let cut_off = shown.cut_off.take();
        Ok(Self { act: shown.act()?.0, lines, cut_off })
    }
}

/// A rotation, line by line.
async fn report(keyboard: &Keyboard, id: &RotationId) -> Result<Report> {
    let Seen { act, lines, .. } = Seen::of(keyboard, id).await?;
    Ok(Report::new(act, lines))
}
