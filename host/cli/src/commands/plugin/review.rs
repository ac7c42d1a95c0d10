//! `portcullis plugin review`

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Args;
use portcullis_model::{release::ReleaseId, scope::ScopeText};
use portcullis_packages::statement::{Decision, Statement, Verdict};
use serde_json::json;

use crate::{
    admin::{Keyboard, asked, payload},
    home::Home,
    host::Host,
    output::Output,
    signing::Unlocking,
};

/// Approve a release, and say the most that it may do, whatever its manifest asks and admins grant.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis plugin review card-guard 'tickets:read fields=comments' tickets:redact log:write\n\n\
    It holds for every installation of that release, at once, and is signed. Without scopes the release may do nothing any more."
)]
pub struct Review {
    /// An installation of the release: its id, or the plugin's name.
    pub installation: String,
    /// All that the release may do at most.
    pub scopes: Vec<ScopeText>,
    /// Needed where no scope is given.
    #[arg(long)]
    pub nothing: bool,
    /// The reviewer's key: a file, or agent:KEY or agent:COMMENT; the host's own where none is given.
    #[arg(long)]
    pub key: Option<String>,
    /// How a key file is unlocked.
    #[command(flatten)]
    pub unlocking: Unlocking,
    /// In how many days it must be vetted again, 365 at most.
    #[arg(long, default_value_t = 180)]
    pub days: u64,
    /// Why: one line, at most 500 characters.
    #[arg(long, default_value = "reviewed")]
    pub reason: String,
}

impl Review {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        if self.scopes.is_empty() != self.nothing {
            bail!("give the scopes that the release may have at most, or --nothing");
        }
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let (id, texts) = (installation.release_id(), self.scopes.iter().map(ToString::to_string).collect::<Vec<_>>());
        self.decide(&host, &Keyboard::of(&host)?, &id).await?;
        let value = json!({ "plugin": installation.plugin, "release": id.component, "at-most": texts });
        output.result(&value, || {
            let list = if texts.is_empty() { "  nothing".into() } else { format!("  {}", texts.join("\n  ")) };
            format!("{} {} ({}) may at most:\n{list}", installation.plugin, installation.version, id.component.short())
        })
    }

    /// Asks what to sign, signs it here, and has it filed.
    async fn decide(&self, host: &Host, keyboard: &Keyboard, id: &ReleaseId) -> Result<()> {
        let path = format!("/releases/{}/{}/approve", id.component, id.manifest);
        let rehearse = asked(&path, &[("dry_run", Some("true".to_owned()))]);
        let mut body = json!({ "at-most": self.scopes, "days": self.days, "reason": self.reason });
        let statement = Statement::<Verdict>::parse(&payload(&keyboard.post(&rehearse, &body).await?)?)?;
        self.is_said_by(&statement, id)?;
        let key = host.signer(self.key.as_deref(), &self.unlocking)?;
        body["envelope"] = serde_json::from_str(&statement.signed(key.as_ref())?.to_json())?;
        keyboard.post(&path, &body).await?;
        Ok(())
    }

    /// Whether this is what was decided about that release: nothing else is signed.
    fn is_said_by(&self, statement: &Statement<Verdict>, id: &ReleaseId) -> Result<()> {
        statement.is_about(id)?;
        let verdict = statement.predicate();
        let span = Duration::from_secs(self.days.saturating_mul(24 * 60 * 60));
        let same = verdict.decision == Decision::Approve
            && verdict.at_most == self.scopes
            && verdict.report.is_none()
            && verdict.reason == self.reason.trim()
            && verdict.expires <= verdict.issued.plus(span);
        ensure!(same, "what the host answered to be signed is not what was decided; nothing was signed");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{id::Digest, time::Timestamp};

    use super::*;

    #[test]
    fn only_what_was_decided_is_signed() {
        let review = Review {
            installation: "quiet".into(),
            scopes: vec!["log:write".parse().unwrap()],
            nothing: false,
            key: None,
            unlocking: Unlocking::default(),
            days: 1,
            reason: "x ".into(),
        };
        let id = ReleaseId { component: Digest::of(b"c"), manifest: Digest::of(b"m") };
        let right = Verdict {
            decision: Decision::Approve,
            at_most: review.scopes.clone(),
            issued: Timestamp(5),
            expires: Timestamp(5 + 86_400_000),
            report: None,
            reason: "x".into(),
        };
        let said = |verdict: &Verdict| review.is_said_by(&Statement::about(&id, verdict.clone()), &id);
        assert!(said(&right).is_ok());
        for wrong in [
            Verdict { decision: Decision::Reject, ..right.clone() },
            Verdict { at_most: vec!["tickets:redact".parse().unwrap()], ..right.clone() },
            Verdict { expires: Timestamp(6 + 86_400_000), ..right.clone() },
            Verdict { report: Some(Digest::of(b"r")), ..right.clone() },
            Verdict { reason: "y".into(), ..right.clone() },
        ] {
            assert!(said(&wrong).is_err(), "{wrong:?}");
        }
        let other = ReleaseId { component: id.manifest, ..id };
        assert!(review.is_said_by(&Statement::about(&other, right), &id).is_err());
    }
}
