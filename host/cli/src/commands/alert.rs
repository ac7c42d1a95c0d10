//! `portcullis alert`

mod send;
mod show;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use portcullis_model::{
    alert::{Alert, AlertId, MuteScope},
    audit::query::moment,
    id::TenantId,
};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, given, or_unknown},
    detect,
    home::Home,
    host::Host,
    output::Output,
};

/// What of the log somebody should look at, and what became of it.
#[derive(Debug, Subcommand)]
pub enum AlertCommand {
    /// List alerts, mutes that hold, and what is only being learnt.
    #[command(
        after_help = "Examples:\n  portcullis alert list\n  portcullis alert list --closed --installation card-guard"
    )]
    List(show::List),
    /// Show one, with what to look at and the entries behind it.
    #[command(after_help = "Example:\n  portcullis alert show alr_3")]
    Show {
        /// Which, such as alr_3.
        alert: AlertId,
    },
    /// Say that you look at it.
    #[command(after_help = "Example:\n  portcullis alert ack alr_3")]
    Ack {
        /// Which.
        alert: AlertId,
        /// What you know so far.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Say that it is done with, and why.
    #[command(
        after_help = "Example:\n  portcullis alert close alr_3 --reason 'the vendor moved its API; the grant is right'"
    )]
    Close {
        /// Which.
        alert: AlertId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Keep a rule quiet about an installation, or a tenant, until a day.
    #[command(
        after_help = "Examples:\n  portcullis alert mute alr_3 --until 2026-12-01 --reason 'export for the audit'\n  \
        portcullis alert mute --rule first-act --tenant acme --until 2026-12-01 --reason 'they try things out'\n\n\
        With an alert it is about that alert's rule and installation. What a mute hides is counted; it ends by itself."
    )]
    Mute {
        /// What is to be quiet.
        #[command(flatten)]
        scope: ScopeArgs,
        /// Until when.
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// End that before its time.
    #[command(after_help = "Example:\n  portcullis alert unmute alr_3")]
    Unmute {
        /// What is to be quiet no more.
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Have alerts posted to an address, signed as Standard Webhooks: rule, severity and where to look, never what it is about.
    SendTo(send::SendTo),
}

/// What a mute is about.
#[derive(Debug, Args)]
pub struct ScopeArgs {
    /// An alert: its rule, and its installation or tenant.
    #[arg(conflicts_with_all = ["rule", "tenant", "installation"])]
    pub alert: Option<AlertId>,
    /// Or a rule.
    #[arg(long, required_unless_present = "alert")]
    pub rule: Option<String>,
    /// In this tenant; without it and without an installation: about what is no tenant's.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// About this installation: its id, or the plugin's name.
    #[arg(long, conflicts_with = "tenant")]
    pub installation: Option<String>,
}

impl ScopeArgs {
    async fn read(&self, host: &Host) -> Result<MuteScope> {
        if let Some(id) = self.alert {
            let alert = found(host, id).await?;
            return Ok(MuteScope { rule: alert.rule, tenant: alert.tenant, installation: alert.installation });
        }
        let rule = self.rule.clone().context("--rule: which rule?")?;
        if detect::library(host)?.get(&rule).is_none() {
            bail!("there is no rule '{rule}'; 'portcullis rule list' shows them");
        }
        Ok(match &self.installation {
            None => MuteScope { rule, tenant: self.tenant.clone(), installation: None },
            Some(text) => {
                let one = host.installation(text).await?;
                MuteScope { rule, tenant: Some(one.tenant), installation: Some(one.id) }
            }
        })
    }
}

impl AlertCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        match self {
            Self::List(command) => command.run(&host, output).await,
            Self::Show { alert } => show::show(&host, alert, output).await,
            Self::Ack { alert, comment } => {
                change(&host, alert, "acknowledge", &json!({ "comment": comment }), output).await
            }
            Self::Close { alert, reason } => {
                change(&host, alert, "close", &json!({ "reason": said(reason)? }), output).await
            }
            Self::Mute { scope, until, reason } => mute(&host, &scope, &until, said(reason)?, output).await,
            Self::Unmute { scope } => unmute(&host, &scope, output).await,
            Self::SendTo(command) => command.run(&host, output).await,
        }
    }
}

fn said(reason: String) -> Result<String> {
    if reason.trim().is_empty() {
        bail!("--reason: say why");
    }
    Ok(reason)
}

/// An alert, as it is now.
async fn found(host: &Host, id: AlertId) -> Result<Alert> {
    let found = Keyboard::of(host)?.read_as(&format!("/alerts/{id}")).await;
    or_unknown(found, || format!("there is no alert {id}"))
}

async fn change(host: &Host, id: AlertId, operation: &str, body: &Value, output: Output) -> Result<()> {
    let changed = Keyboard::of(host)?.post(&format!("/alerts/{id}/{operation}"), body).await;
    let alert: Alert = given(or_unknown(changed, || format!("there is no alert {id}"))?)?;
    output.result(&alert, || format!("{id} is {} now.", alert.state.name()))
}

/// A scope, in words.
fn about(scope: &MuteScope) -> String {
    match (&scope.installation, &scope.tenant) {
        (Some(installation), _) => format!("{} about {installation}", scope.rule),
        (None, Some(tenant)) => format!("{} in {tenant}", scope.rule),
        (None, None) => format!("{} about what is no tenant's", scope.rule),
    }
}

async fn mute(host: &Host, scope: &ScopeArgs, until: &str, reason: String, output: Output) -> Result<()> {
    let scope = scope.read(host).await?;
    let until = moment(until).with_context(|| format!("--until: '{until}' is no moment"))?;
    let now = host.clock.now();
    if until <= now {
        bail!("--until: {until} is over");
    }
    let body = json!({
        "rule": scope.rule, "tenant": scope.tenant, "installation": scope.installation, "until": until.to_string(), "reason": reason,
    });
    Keyboard::of(host)?.post("/alerts/mutes", &body).await?;
    let value = json!({ "rule": scope.rule, "tenant": scope.tenant, "installation": scope.installation, "until": until.to_string() });
    output.result(&value, || format!("Quiet until {until}: {}. What it hides is counted.", about(&scope)))
}

async fn unmute(host: &Host, scope: &ScopeArgs, output: Output) -> Result<()> {
    let scope = scope.read(host).await?;
    let body = json!({ "rule": scope.rule, "tenant": scope.tenant, "installation": scope.installation });
    let ended = Keyboard::of(host)?.post("/alerts/mutes/end", &body).await;
    or_unknown(ended, || {
        format!("nothing of exactly that is muted: {}; 'portcullis alert list' shows what is", about(&scope))
    })?;
    output.result(&json!({ "unmuted": scope.rule }), || format!("Not quiet any more: {}.", about(&scope)))
}
