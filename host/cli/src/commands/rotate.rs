//! `portcullis rotate`

mod following;

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use portcullis_api::admin::{Method, v1::freezes::ExtentView};
use portcullis_broker::rotation::Report;
use portcullis_model::{
    id::RotationId,
    rotation::{Mode, Revocation},
};
use portcullis_packages::keys::PublicKey;
use serde::Deserialize;
use serde_json::{Value, json};

use self::following::Following;
use super::rotation::Seen;
use crate::{
    admin::{Keyboard, given},
    extent::ExtentArgs,
    home::Home,
    host::Host,
    output::Output,
    rotation,
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
        let host = Host::open(home).await?;
        let keyboard = Keyboard::of(&host)?;
        if let Some(id) = &self.resume {
            let before = Seen::of(&keyboard, id).await?;
            let following = Following::from(&before, output);
            keyboard.act(Method::POST, &format!("/rotations/{id}/resume"), None, None).await?;
            let report = following.until_through(&keyboard, id).await?;
            return self.finished(&keyboard, &report, output).await;
        }
        let extent = ExtentView::from(&self.extent.read(&host).await?);
        let Some(reason) = &self.reason else { bail!("--reason: say why; it stands in the log and in the report") };
        let mode = if self.planned { "planned" } else { "emergency" };
        let body = json!({ "mode": mode, "extent": extent, "reason": reason });
        if self.rehearse {
            return self.rehearse(&keyboard, body, output).await;
        }
        let mut begun = keyboard.post("/rotations", &body).await?;
        let id: RotationId = given(begun["rotation"]["id"].take())?;
        let report = Following::new(output).until_through(&keyboard, &id).await?;
        self.finished(&keyboard, &report, output).await
    }

    async fn finished(&self, keyboard: &Keyboard, report: &Report, output: Output) -> Result<ExitCode> {
        let path = format!("/rotations/{}/report", report.act.id);
        let signed: Signed = given(keyboard.act(Method::POST, &path, None, None).await?)?;
        let file = self.report.clone().unwrap_or_else(|| PathBuf::from(format!("rotation-{}.json", report.act.id)));
        write_new(&file, &signed.envelope)?;
        let whole = report.is_whole();
        let value = json!({
            "rotation": report.act.id, "totals": report.totals, "reach-ms": report.reach_ms, "whole": whole,
            "report": file, "digest": signed.digest, "key": signed.key,
        });
        output.item(&value, || {
            let mut words = summary(report);
            words.push(format!("Report: {} ({}), signed by {}", file.display(), signed.digest, signed.key));
            if !whole {
                words.push(format!("NOT WHOLE: 'portcullis rotate --resume {}' goes on with it.", report.act.id));
            }
            words.join("\n")
        })?;
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn rehearse(&self, keyboard: &Keyboard, mut body: Value, output: Output) -> Result<ExitCode> {
        body["assume-ms"] = json!(self.assume_ms);
        let following = Following::new(output);
        let mut played = keyboard.post("/rotations?dry_run=true", &body).await?;
        let measured: usize = given(played["providers-measured"].take())?;
        let seen = Seen::read(played["rotation"].take(), given(played["lines"].take())?)?;
        let report = following.whole(seen);
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

/// A signed report, as it is answered.
#[derive(Deserialize)]
struct Signed {
    envelope: String,
    digest: String,
    key: String,
}

pub(super) fn named(value: &impl serde::Serialize) -> String {
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
    use portcullis_model::{freeze::Extent, rotation::Act, time::Timestamp};

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
