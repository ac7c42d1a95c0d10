//! `portcullis rotate`

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    slice,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use portcullis_broker::rotation::{
    Families, Latency, Memory, NobodyServes, Order, Pace, Progress, Rehearsed, Report, Rotator,
};
use portcullis_model::{
    freeze::Extent,
    id::RotationId,
    rotation::{Act, Line, Mode, Outcome, Revocation, RotationStore as _},
};
use portcullis_packages::keys::PublicKey;
use serde_json::json;

use crate::{
    extent::ExtentArgs,
    home::Home,
    host::{Host, person},
    output::Output,
    rotation,
    system::SystemClock,
};

/// After a breach: freeze, revoke, mint anew, resume, and sign a report. With --planned: rotate in good order.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  portcullis rotate --provider zendesk --reason 'partner breached' --report zendesk.json\n  \
    portcullis rotate --all --reason 'yearly exercise' --rehearse\n  \
    portcullis rotate --tenant acme --reason 'before the audit' --planned\n  \
    portcullis rotate --resume rot_0123456789abcdef01234567\n  \
    portcullis rotate verify zendesk.json --key portcullis-key-v1:...\n\n\
    What is in the extent is frozen first, durably, and requests under way are ended. Each credential goes on as soon as it is\n\
    through. One whose provider does not answer stays frozen by itself until --resume; so does everything that was cut off.\n\
    Exits with 1 where something failed or goes on; 'portcullis notices' says what a person must do."
)]
pub struct Rotate {
    #[command(subcommand)]
    command: Option<RotateCommand>,
    #[command(flatten)]
    extent: ExtentArgs,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// Change nothing: play it against stand-ins that take as long as the providers did, and say how long it would take.
    #[arg(long, conflicts_with_all = ["planned", "resume", "report"])]
    rehearse: bool,
    /// In a rehearsal, how long a step takes with a provider of which no act before tells, in milliseconds.
    #[arg(long, default_value_t = 800, value_name = "MS", requires = "rehearse")]
    assume_ms: u64,
    /// In good order: mint anew with overlap, freeze and revoke nothing.
    #[arg(long)]
    planned: bool,
    /// Go on with a rotation that was cut off, or in which something failed.
    #[arg(long, value_name = "ID", conflicts_with_all = ["extent", "reason", "planned"])]
    resume: Option<RotationId>,
    /// Where the signed report goes; rotation-<id>.json in the present directory otherwise. Never overwrites.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What else there is.
#[derive(Debug, Subcommand)]
pub enum RotateCommand {
    /// Check a signed report, offline.
    #[command(after_help = "Example:\n  portcullis rotate verify zendesk.json --key \"$(cat report.pub)\"")]
    Verify {
        /// The report.
        file: PathBuf,
        /// The key of the host that rotated; this home's own (report.pub) where none is given.
        #[arg(long, value_name = "KEY")]
        key: Option<PublicKey>,
    },
}

impl Rotate {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        if let Some(RotateCommand::Verify { file, key }) = &self.command {
            return verify(&home, file, *key, output);
        }
        let host = Arc::new(Host::open(home).await?);
        let progress = Arc::new(Shown { output, bar: output.bar(0, "rotating") });
        if let Some(id) = &self.resume {
            let found = host.store.acts().await?.into_iter().find(|act| act.id == *id);
            let extent = found.map_or(Extent::All, |act| act.extent);
            let _turn = rotation::turn(&host, rotation::whose(&host, &[extent]).await?.as_ref()).await?;
            let (act, lines) = rotation::rotator(&host, person(), true).go_on(id, progress.clone()).await?;
            return self.finished(&host, act, lines, &progress, output).await;
        }
        let extent = self.extent.read(&host).await?;
        let Some(reason) = self.reason.clone() else {
            bail!("--reason: say why; it stands in the log and in the report")
        };
        if self.rehearse {
            return self.rehearse(&host, extent, reason, progress, output).await;
        }
        let whose = rotation::whose(&host, slice::from_ref(&extent)).await?;
        let mode = if self.planned { Mode::Planned } else { Mode::Emergency };
        let tenant = if let Extent::Tenant(tenant) = &extent { Some(tenant) } else { None };
        let overlap = rotation::overlap_of(&host, tenant).await?;
        let order = Order { mode, extent, reason, only: None, overlap };
        let rotator = rotation::rotator(&host, person(), true);
        let (act, lines) = if mode == Mode::Emergency {
            rotation::frozen_first(&host, whose.as_ref(), &rotator, order, progress.clone()).await?
        } else {
            let _turn = rotation::turn(&host, whose.as_ref()).await?;
            rotator.carry_out(order, progress.clone()).await?
        };
        self.finished(&host, act, lines, &progress, output).await
    }

    async fn finished(
        &self,
        host: &Host,
        act: Act,
        lines: Vec<Line>,
        progress: &Shown,
        output: Output,
    ) -> Result<ExitCode> {
        progress.bar.finish_and_clear();
        let report = Report::new(act, lines);
        let signed = rotation::sign(host, &report, person()).await?;
        let file = self.report.clone().unwrap_or_else(|| PathBuf::from(format!("rotation-{}.json", report.act.id)));
        write_new(&file, &signed.envelope)?;
        super::publish(host).await?;
        let whole = report.is_whole();
        let value = json!({
            "rotation": report.act.id, "totals": report.totals, "reach-ms": report.reach_ms, "whole": whole,
            "report": file, "digest": signed.digest.to_string(), "key": signed.key.to_string(),
        });
        output.item(&value, || {
            let mut words = summary(&report);
            words.push(format!("Report: {} ({}), signed by {}", file.display(), signed.digest, signed.key));
            if !whole {
                words.push(format!("NOT WHOLE: 'portcullis rotate --resume {}' goes on with it.", report.act.id));
            }
            words.join("\n")
        })?;
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn rehearse(
        &self,
        host: &Arc<Host>,
        extent: Extent,
        reason: String,
        progress: Arc<Shown>,
        output: Output,
    ) -> Result<ExitCode> {
        let mut before = Vec::new();
        for act in host.store.acts().await? {
            before.extend(host.store.lines(&act.id).await?);
        }
        let latency = Latency::from_lines(&before, Duration::from_millis(self.assume_ms));
        let measured = latency.measured.len();
        let held = rotation::families(host, &person()).list().await?;
        let store = Arc::new(Memory::default());
        let rotator = Rotator {
            store: store.clone(),
            freezes: store,
            families: Families::new(vec![Arc::new(Rehearsed::new(held, latency))]),
            reach: Arc::new(NobodyServes(SystemClock)),
            clock: host.clock.clone(),
            rng: host.rng.clone(),
            actor: person(),
            platform: true,
            pace: Pace::default(),
        };
        let order = Order { mode: Mode::Rehearsal, extent, reason, only: None, overlap: Duration::ZERO };
        let (act, lines) = rotator.carry_out(order, progress.clone()).await?;
        progress.bar.finish_and_clear();
        let report = Report::new(act, lines);
        let value = json!({
            "rehearsed": report.act.extent, "totals": report.totals, "providers-measured": measured,
            "assumed-ms": self.assume_ms,
        });
        output.item(&value, || {
            let mut words = summary(&report);
            words.push(format!(
                "A rehearsal: nothing was changed. {measured} providers were played as they were measured, the others with {} ms a step.",
                self.assume_ms
            ));
            words.join("\n")
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows how an act gets on: a bar at a terminal, or a line of JSON for each item.
struct Shown {
    output: Output,
    bar: ProgressBar,
}

impl Progress for Shown {
    fn frozen(&self, act: &Act, lines: usize) {
        self.bar.set_length(lines as u64);
        if self.output.json {
            drop(self.output.item(
                &json!({ "rotation": act.id, "freeze": act.freeze, "reached": act.reached, "items": lines }),
                String::new,
            ));
        } else if act.mode == Mode::Rehearsal {
            self.bar.suspend(|| eprintln!("{}: {lines} items are rehearsed; nothing is frozen", act.id));
        } else if let (Some(freeze), Some(reached)) = (act.freeze, act.reached) {
            let state = match (reached.host_runs, reached.left) {
                (false, _) => "no host runs, nothing was under way".to_owned(),
                (true, 0) => format!("{} requests ended, nothing goes out any more", reached.ended),
                (true, _) => "the running host has NOT confirmed it".to_owned(),
            };
            self.bar.suspend(|| eprintln!("{}: frozen (freeze {freeze}); {state}; {lines} items", act.id));
        } else {
            self.bar.suspend(|| eprintln!("{}: {lines} items", act.id));
        }
    }

    fn line(&self, line: &Line) {
        self.bar.inc(1);
        if self.output.json {
            drop(self.output.item(line, String::new));
        } else if matches!(line.outcome, Outcome::Failed | Outcome::PersonNeeded) {
            let why = line.why.as_deref().unwrap_or("nothing can mint it anew");
            self.bar.suspend(|| eprintln!("{}: {}: {why}", line.item, named(&line.outcome)));
        }
    }
}

fn named(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What became of old credentials where they were issued.
fn ending(revocation: Revocation, mode: Mode) -> &'static str {
    match (revocation, mode) {
        (Revocation::Not, Mode::Planned) => "left to end by themselves",
        (Revocation::Not, _) => "not revoked",
        (Revocation::Confirmed, _) => "revoked",
        (Revocation::Replaced, _) => "ended by the renewal",
        (Revocation::NotOffered, _) => "not revocable",
        (Revocation::Failed, _) => "revocation failed",
    }
}

/// A report in words.
pub(super) fn summary(report: &Report) -> Vec<String> {
    let totals = &report.totals;
    let mut words =
        vec![format!("{} ({}): {} items in {} ms.", report.act.id, report.act.extent, totals.items, totals.took_ms)];
    if let (Some(reach), Some(reached)) = (report.reach_ms, report.act.reached) {
        words.push(match reached.left {
            0 => format!(
                "  nothing of it went out any more {reach} ms after the order; {} requests were ended",
                reached.ended
            ),
            _ => "  the running host did NOT confirm that nothing of it goes out".to_owned(),
        });
    }
    let parts = |all: Vec<(String, usize)>| {
        let parts: Vec<String> = all.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
        parts.join(", ")
    };
    let outcomes = totals.outcomes.iter().map(|(outcome, count)| (named(outcome), *count)).collect();
    let revocations =
        totals.revocations.iter().map(|(one, count)| (ending(*one, report.act.mode).to_owned(), *count)).collect();
    words.push(format!("  outcomes: {}", parts(outcomes)));
    words.push(format!("  old ones: {}", parts(revocations)));
    let unended = totals.revocation(Revocation::NotOffered) + totals.revocation(Revocation::Failed);
    if unended > 0 && report.act.mode == Mode::Emergency {
        words.push(format!("  {unended} old ones live on where they were issued: revoke them there by hand"));
    }
    words
}

pub(super) fn write_new(file: &Path, envelope: &str) -> Result<()> {
    let mut out = File::create_new(file)
        .with_context(|| format!("cannot write {}; the report is kept: 'portcullis rotation show'", file.display()))?;
    writeln!(out, "{envelope}").and_then(|()| out.sync_all())?;
    Ok(())
}

fn verify(home: &Home, file: &Path, key: Option<PublicKey>, output: Output) -> Result<ExitCode> {
    let key = match key {
        Some(key) => key,
        None => {
            let path = home.report_public_key();
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}; name the host's key with --key", path.display()))?;
            text.trim().parse()?
        }
    };
    let (report, digest) = rotation::verify(file, &key)?;
    let value =
        json!({ "report": report, "digest": digest.to_string(), "key": key.to_string(), "whole": report.is_whole() });
    output.result(&value, || {
        let mut words = summary(&report);
        words.push(format!("  ordered by {} at {}: {}", report.act.by, report.act.started, report.act.reason));
        words.push(format!("The signature holds, by {key}. Its digest, as the log has it: {digest}"));
        words.join("\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use portcullis_broker::rotation::Totals;
    use portcullis_model::time::Timestamp;

    use super::*;

    fn report(mode: Mode) -> Report {
        let act = Act {
            id: "rot_0123456789abcdef".parse().unwrap(),
            mode,
            extent: Extent::All,
            reason: "x".into(),
            by: "dana".into(),
            started: Timestamp(0),
            freeze: None,
            reached: None,
            overlap: 0,
            listed: true,
            ended: None,
        };
        let totals = Totals { revocations: BTreeMap::from([(Revocation::Not, 2)]), ..Totals::default() };
        Report { act, reach_ms: None, totals, lines: Vec::new() }
    }

    #[test]
    fn old_credentials_that_nothing_was_done_about_are_told_as_that() {
        let told = |mode| summary(&report(mode)).join("\n");
        assert!(told(Mode::Planned).contains("old ones: left to end by themselves 2"), "{}", told(Mode::Planned));
        assert!(told(Mode::Emergency).contains("old ones: not revoked 2"), "{}", told(Mode::Emergency));
    }
}
