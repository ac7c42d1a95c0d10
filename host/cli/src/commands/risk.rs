//! `portcullis risk`

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use portcullis_model::{
    duty::{Party, Risk},
    id::{DutyId, TenantId},
    risk::AcceptedRisk,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::parse::{day, party};
use crate::{
    admin::{Keyboard, given, or_unknown},
    duties,
    home::Home,
    host::Host,
    output::Output,
};

/// Risks that somebody answers for by name, until a day: what a profile refuses otherwise. The catalogue says which there can be.
#[derive(Debug, Subcommand)]
pub enum RiskCommand {
    /// List all risks: those of profiles, static tokens, and hosts without TLS in the configuration.
    #[command(after_help = "Example:\n  portcullis risk list --tenant acme")]
    List {
        /// Only of this tenant.
        #[arg(long)]
        tenant: Option<TenantId>,
    },
    /// Propose to accept a risk. It has no effect before another person approves it.
    #[command(
        after_help = "Examples:\n  portcullis risk propose INT-3 --connection card-guard/crm --as 'Dana Example' \\\n    \
        --reason 'their OAuth comes in spring' --until 2027-03-31\n  \
        portcullis risk propose DAT-5 --host pbx.example --tenant acme --as 'Dana Example' --reason ... --until ..."
    )]
    Propose(Propose),
    /// Approve a risk that somebody else proposed: from now until its day, the party answers for it.
    #[command(after_help = "Example:\n  portcullis risk approve 3 --as 'Erin Example'")]
    Approve {
        /// Its number.
        number: u64,
        /// Who approves it.
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// For which party.
        #[arg(long, value_parser = party, default_value = "subscriber")]
        party: Party,
    },
    /// Take a risk back, proposed or accepted. Its effect ends at once.
    #[command(after_help = "Example:\n  portcullis risk withdraw 3 --as 'Erin Example' --reason 'it has OAuth now'")]
    Withdraw {
        /// Its number.
        number: u64,
        /// Who takes it back.
        #[arg(long = "as", value_name = "NAME")]
        name: Option<String>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// What is proposed.
#[derive(Debug, Args)]
pub struct Propose {
    /// Against which duty.
    id: DutyId,
    /// Which static token: installation, '/', and the connection's name.
    #[arg(long, value_name = "INSTALLATION/NAME", conflicts_with = "host")]
    connection: Option<String>,
    /// Which host without TLS.
    #[arg(long)]
    host: Option<String>,
    /// Of which tenant; for a host.
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Who proposes it.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Why.
    #[arg(long)]
    reason: String,
    /// Until when: a day or a moment.
    #[arg(long, value_parser = day)]
    until: Timestamp,
}

impl RiskCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let (now, keyboard) = (host.clock.now(), Keyboard::of(&host)?);
        let mut done = match self {
            Self::List { tenant } => return list(&keyboard, tenant.as_ref(), now, output).await,
            Self::Propose(propose) => {
                let body = json!({
                    "duty": propose.id, "about": propose.about(&host).await?, "reason": propose.reason,
                    "until": propose.until.to_string(),
                });
                keyboard.known_as(propose.name).post("/risks", &body).await?
            }
            Self::Approve { number, name, party } => {
                act(keyboard.known_as(name), number, "approve", &json!({ "party": party })).await?
            }
            Self::Withdraw { number, name, reason } => {
                act(keyboard.known_as(name), number, "withdraw", &json!({ "reason": reason })).await?
            }
        };
        let risk: Risk = given(done["risk"].take())?;
        output.result(&risk, || words(&risk, now))
    }
}

async fn act(keyboard: Keyboard, number: u64, operation: &str, body: &Value) -> Result<Value> {
    let done = keyboard.post(&format!("/risks/{number}/{operation}"), body).await;
    or_unknown(done, || format!("there is no risk {number}; see 'portcullis risk list'"))
}

impl Propose {
    /// What it is about, as the API is told of it.
    async fn about(&self, host: &Host) -> Result<Value> {
        match (&self.connection, &self.host) {
            (Some(text), None) => {
                let (installation, name) = text
                    .split_once('/')
                    .context("--connection: expected INSTALLATION/NAME, as 'connection list' has them")?;
                let of = host.installation(installation).await?.id;
                Ok(json!({ "of": "connection", "installation": of, "name": name }))
            }
            (None, Some(name)) => {
                let tenant = duties::tenant(host, self.tenant.clone()).await?;
                Ok(json!({ "of": "host", "tenant": tenant, "host": name }))
            }
            _ => bail!("what is it about? --connection INSTALLATION/NAME, or --host HOST"),
        }
    }
}

fn words(risk: &Risk, now: Timestamp) -> String {
    let by = match &risk.approved {
        Some(approval) => format!("proposed by {}, approved by {}", risk.by, approval.by),
        None => format!("proposed by {}", risk.by),
    };
    let standing = risk.standing(now);
    format!(
        "{:3}  {standing:9}  {:6}  {} until {}, {by}: {}",
        risk.number,
        risk.duty.as_str(),
        risk.about,
        risk.until,
        risk.reason
    )
}

/// All that somebody answers for, wherever that is kept.
async fn list(keyboard: &Keyboard, tenant: Option<&TenantId>, now: Timestamp, output: Output) -> Result<()> {
    let query = [("tenant", tenant.map(ToString::to_string))];
    let (mut risks, mut elsewhere): (Vec<Risk>, Vec<Value>) = (Vec::new(), Vec::new());
    for page in keyboard.pages("/risks", &query).await? {
        for one in page["items"].as_array().into_iter().flatten() {
            risks.push(given(one["risk"].clone())?);
        }
        for one in page["elsewhere"].as_array().into_iter().flatten() {
            // A page may say again what one before it said.
            if !elsewhere.contains(one) {
                elsewhere.push(one.clone());
            }
        }
    }
    // The oldest first.
    for risk in risks.iter().rev() {
        output.item(&json!({ "standing": risk.standing(now), "risk": risk }), || words(risk, now))?;
    }
    for one in &elsewhere {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        let (standing, id, about) = (text("standing"), text("duty"), text("about"));
        let risk: AcceptedRisk =
            given(json!({ "accepted-by": one["by"], "reason": one["reason"], "until": one["until"] }))?;
        output.item(&json!({ "standing": standing, "duty": id, "about": about, "risk": risk }), || {
            format!("  -  {standing:9}  {id:6}  {about} until {}, by {}: {}", risk.until, risk.accepted_by, risk.reason)
        })?;
    }
    if risks.is_empty() && elsewhere.is_empty() && !output.json {
        crate::output::line("Nobody answers for any risk.")?;
    }
    Ok(())
}
