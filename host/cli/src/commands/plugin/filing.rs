//! How a withdrawal that was signed is filed: the admin API takes it, and says what came of it.

use anyhow::{Context as _, Result, bail};
use portcullis_model::{audit::plain, id::Digest};
use portcullis_packages::{
    dsse::Envelope,
    trust::withdrawal::{Act, Withdrawal},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, asked, given},
    host::person,
    output::Output,
    receipt::Receipt,
};

/// The request for a withdrawal.
pub(super) struct Request {
    path: String,
    body: Value,
    /// By whose root; the platform's, where nobody says.
    root: Option<String>,
}

/// What was filed.
#[derive(Deserialize)]
struct Filed {
    withdrawal: Withdrawal,
    digest: Digest,
    by: String,
    receipt: Receipt,
}

impl Request {
    /// For this. What ends a quarantine is asked for by the root whose quarantine it is.
    pub(super) async fn of(keyboard: &Keyboard, what: &Act, reason: &str) -> Result<Self> {
        Ok(match what {
            Act::Yank { target } => Self::new(json!({ "act": "yank", "target": target, "reason": reason })),
            Act::Quarantine { target } => Self::new(json!({ "act": "quarantine", "target": target, "reason": reason })),
            Act::Lift { of } => Self {
                path: format!("/withdrawals/{of}/lift"),
                body: json!({ "reason": reason }),
                root: Some(quarantined_by(keyboard, of).await?),
            },
        })
    }

    fn new(body: Value) -> Self {
        Self { path: "/withdrawals".to_owned(), body, root: None }
    }

    async fn ask(&self, keyboard: &Keyboard, rehearsal: bool, envelope: Option<&Envelope>) -> Result<Value> {
        let dry_run = rehearsal.then(|| "true".to_owned());
        let path = asked(&self.path, &[("root", self.root.clone()), ("dry_run", dry_run)]);
        let mut body = self.body.clone();
        if let Some(envelope) = envelope {
            body["envelope"] = serde_json::from_str(&envelope.to_json())?;
        }
        keyboard.post(&path, &body).await
    }

    /// What would come of it: what to sign, or whether enough have signed.
    pub(super) async fn rehearse(&self, keyboard: &Keyboard, envelope: Option<&Envelope>) -> Result<Value> {
        self.ask(keyboard, true, envelope).await
    }
}

/// By whose root a quarantine is in force.
async fn quarantined_by(keyboard: &Keyboard, of: &Digest) -> Result<String> {
    let (all, of) = (keyboard.all("/withdrawals", &[]).await?, of.to_string());
    let found = all.iter().find(|one| one["digest"].as_str() == Some(of.as_str()));
    let by = found.and_then(|one| one["by"].as_str()).filter(|by| *by != "publisher");
    by.map(str::to_owned)
        .with_context(|| format!("no quarantine {of} is in force; see 'portcullis plugin withdrawals'"))
}

/// Has a signed withdrawal filed, which waits until it is enforced, and prints the receipt. An error where something goes on.
pub(crate) async fn take(keyboard: &Keyboard, envelope: &Envelope, output: Output) -> Result<()> {
    let said = Withdrawal::read(envelope)?;
    let mut request = Request::of(keyboard, &said.what, &said.reason).await?;
    let tried = request.rehearse(keyboard, Some(envelope)).await?;
    if request.root.is_none() {
        request.root = tried["by"].as_str().filter(|by| *by != "publisher").map(str::to_owned);
    }
    let filed: Filed = given(request.ask(keyboard, false, Some(envelope)).await?)?;
    print(&filed, output)?;
    if !filed.receipt.is_whole() {
        bail!("it is in force, and not everything that it stops has ended");
    }
    Ok(())
}

fn print(filed: &Filed, output: Output) -> Result<()> {
    let Filed { withdrawal, digest, by, receipt } = filed;
    let (what, in_force) = words(&withdrawal.what);
    let by = by_words(by);
    let value = json!({
        "what": what, "withdrawal": digest, "by": by, "actor": person(), "reason": withdrawal.reason,
        "issued": withdrawal.issued, "receipt": receipt,
    });
    output.result(&value, || {
        let mut lines = vec![
            format!("{what}, by {by}: {}", plain(&withdrawal.reason)),
            format!(
                "  withdrawal {digest}  logged {} (log {})",
                receipt.since.map(|at| at.to_string()).unwrap_or_default(),
                receipt.log_index.map(|index| index.to_string()).unwrap_or_default()
            ),
        ];
        lines.extend(receipt.lines());
        if !in_force {
            lines.push(
                "Installations stay suspended until each is resumed: portcullis plugin resume <installation>".into(),
            );
        }
        lines.join("\n")
    })
}

/// What is done, in words; and whether it stops something.
pub(crate) fn words(what: &Act) -> (String, bool) {
    match what {
        Act::Yank { target } => (format!("Yanked {target}"), true),
        Act::Quarantine { target } => (format!("Quarantined {target}"), true),
        Act::Lift { of } => (format!("Lifted the quarantine {of}"), false),
    }
}

/// By whom, as the API names it.
fn by_words(by: &str) -> String {
    match by {
        "publisher" => "its publisher".to_owned(),
        root => format!("'{root}'"),
    }
}
