//! `portcullis review approve|request-changes|reject`

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::Args;
use portcullis_model::{id::Digest, review::Submission, scope::ScopeText, trust::RootScope};
use portcullis_packages::statement::{Decision, Statement, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shown::Shown;
use crate::{
    admin::{Keyboard, asked, given, payload},
    home::Home,
    host::Host,
    output::Output,
    review::digest,
    signing::Unlocking,
};

/// Who decides, and why.
#[derive(Debug, Args)]
pub struct Who {
    /// The reviewer's key: a file, or agent:KEY or agent:COMMENT; the host's own where none is given.
    #[arg(long)]
    pub key: Option<String>,
    /// How a key file is unlocked.
    #[command(flatten)]
    pub unlocking: Unlocking,
    /// By whose root you are a reviewer: 'platform', or 'tenant:' and a tenant with a root of its own.
    #[arg(long, default_value = "platform", value_name = "ROOT")]
    pub root: RootScope,
    /// Why: one line, at most 500 characters.
    #[arg(long)]
    pub reason: String,
}

/// Approve it, and say the most that it may do.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis review approve card-guard@1 --as-asked --report sha256:... --reason 'does what it says'\n  \
    portcullis review approve card-guard@1 --scope 'tickets:read fields=comments' --scope tickets:redact \\\n    \
    --without-report 'read its source' --reason 'does not need its log'\n\n\
    It is signed, holds for every installation of the release, and must be given anew when its days are over."
)]
pub struct Approve {
    /// Which release.
    pub release: String,
    /// Allow at most this; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "as_asked")]
    pub scopes: Vec<ScopeText>,
    /// Allow all that its manifest asks for.
    #[arg(long)]
    pub as_asked: bool,
    /// In how many days it must be vetted again, 365 at most.
    #[arg(long, default_value_t = 180)]
    pub days: u64,
    /// The SHA-256 of the behaviour report that you had before you.
    #[arg(long, value_parser = digest, conflicts_with = "without_report")]
    pub report: Option<Digest>,
    /// Why you do without a behaviour report.
    #[arg(long, value_name = "REASON")]
    pub without_report: Option<String>,
    /// Who, and why.
    #[command(flatten)]
    pub who: Who,
}

/// Say no to a release.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis review reject overreacher@1 --reason 'sends where it does not ask to'\n\n\
    It is signed, and holds until the same reviewer decides anew."
)]
pub struct Refuse {
    /// Which release.
    pub release: String,
    /// The SHA-256 of the behaviour report that you had before you.
    #[arg(long, value_parser = digest)]
    pub report: Option<Digest>,
    /// Who, and why.
    #[command(flatten)]
    pub who: Who,
}

/// What is decided, before it is signed.
struct Choice {
    decision: Decision,
    /// The most that it may do; `None`: all that its manifest asks for.
    at_most: Option<Vec<ScopeText>>,
    days: Option<u64>,
    report: Option<Digest>,
    without_report: Option<String>,
}

impl Choice {
    /// The request for it, in the name of this key.
    fn body(&self, reason: &str, key: &str) -> Value {
        json!({
            "decision": self.decision, "at-most": self.at_most, "days": self.days, "report": self.report,
            "without-report": self.without_report, "reason": reason, "key": key,
        })
    }

    /// Whether this is what was decided about that release: nothing else is signed.
    fn is_said_by(&self, statement: &Statement<Verdict>, of: &Submission) -> Result<()> {
        statement.is_about(&of.release())?;
        let verdict = statement.predicate();
        let other = self.at_most.as_ref().is_some_and(|wanted| *wanted != verdict.at_most);
        let span = |days: u64| Duration::from_secs(days.saturating_mul(86_400));
        let long = self.days.is_some_and(|days| verdict.expires > verdict.issued.plus(span(days)));
        let same = verdict.decision == self.decision && verdict.report == self.report && !other && !long;
        ensure!(same, "what the host answered to be signed is not what was decided; nothing was signed");
        Ok(())
    }
}

impl Approve {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        if self.scopes.is_empty() != self.as_asked {
            bail!("say the most that it may do, with --scope, or --as-asked");
        }
        let choice = Choice {
            decision: Decision::Approve,
            at_most: (!self.as_asked).then_some(self.scopes),
            days: Some(self.days),
            report: self.report,
            without_report: self.without_report,
        };
        decide(home, &self.release, &choice, &self.who, output).await
    }
}

impl Refuse {
    pub(super) async fn run(self, decision: Decision, home: Home, output: Output) -> Result<()> {
        let choice = Choice { decision, at_most: None, days: None, report: self.report, without_report: None };
        decide(home, &self.release, &choice, &self.who, output).await
    }
}

/// What was filed.
#[derive(Deserialize)]
struct Filed {
    review: Shown,
    verdict: Verdict,
    left_without: Vec<String>,
}

/// Asks what to sign, signs it here, and has it filed.
async fn decide(home: Home, release: &str, choice: &Choice, who: &Who, output: Output) -> Result<()> {
    let host = Host::open(home).await?;
    let submission = host.submission(release).await?;
    let (keyboard, key) = (Keyboard::of(&host)?, host.signer(who.key.as_deref(), &who.unlocking)?);
    let path = format!("{}/verdicts", Shown::at(&submission));
    let query = |rehearsal: bool| {
        asked(&path, &[("root", Some(who.root.to_string())), ("dry_run", rehearsal.then(|| "true".to_owned()))])
    };
    let mut body = choice.body(&who.reason, &key.public().keyid());
    let statement = to_sign(&keyboard.post(&query(true), &body).await?)?;
    choice.is_said_by(&statement, &submission)?;
    body["envelope"] = serde_json::from_str(&statement.signed(key.as_ref())?.to_json())?;
    let filed: Filed = given(keyboard.post(&query(false), &body).await?)?;
    print(output, &submission, &filed)
}

/// The statement that is to be signed, out of what a rehearsal answered.
fn to_sign(answer: &Value) -> Result<Statement<Verdict>> {
    Ok(Statement::parse(&payload(answer)?)?)
}

fn print(output: Output, of: &Submission, filed: &Filed) -> Result<()> {
    let Filed { review, verdict, left_without: without } = filed;
    let value = json!({
        "submission": of, "verdict": verdict, "state": review.state, "missing": review.missing, "left-without": without,
    });
    output.result(&value, || {
        let mut lines = vec![format!("{} is {}", review.name(), review.state_words())];
        if verdict.decision == Decision::Approve {
            lines.push(format!("Until {} it may at most:", verdict.expires));
            lines.extend(verdict.at_most.iter().map(|scope| format!("  {scope}")));
        }
        lines.extend(review.missing.iter().map(|one| format!("Missing: {one}")));
        let note = |one: &String| format!("Note: it imports {one}, of which nothing is left, so it will not load");
        lines.extend(without.iter().map(note));
        lines.join("\n")
    })
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use portcullis_model::time::Timestamp;

    use super::*;

    #[test]
    fn only_what_was_decided_is_signed() {
        let of = Submission {
            component: Digest::of(b"c"),
            manifest: Digest::of(b"m"),
            plugin: "com.example.a".parse().unwrap(),
            publisher: "com.example".parse().unwrap(),
            version: "1.0.0".into(),
            number: 1,
        };
        let verdict = Verdict {
            decision: Decision::Approve,
            at_most: vec!["log:write".parse().unwrap()],
            issued: Timestamp(0),
            expires: Timestamp(1),
            report: None,
            reason: "x".into(),
        };
        let scopes = |scope: &str| Some(vec![scope.parse().unwrap()]);
        let choice = |decision: Decision, at_most: Option<Vec<ScopeText>>| Choice {
            decision,
            at_most,
            days: None,
            report: None,
            without_report: None,
        };
        let statement = Statement::about(&of.release(), verdict);
        let payload = BASE64_STANDARD.encode(statement.to_bytes());
        let read = to_sign(&json!({ "sign": { "payload": payload } })).unwrap();
        assert!(choice(Decision::Approve, None).is_said_by(&read, &of).is_ok());
        assert!(choice(Decision::Approve, scopes("log:write")).is_said_by(&read, &of).is_ok());
        assert!(choice(Decision::Approve, scopes("tickets:redact")).is_said_by(&read, &of).is_err());
        assert!(choice(Decision::Reject, None).is_said_by(&read, &of).is_err());
        let other = Submission { component: Digest::of(b"other"), ..of };
        assert!(choice(Decision::Approve, None).is_said_by(&read, &other).is_err());
        assert!(to_sign(&json!({ "dry_run": true })).is_err());
    }
}
