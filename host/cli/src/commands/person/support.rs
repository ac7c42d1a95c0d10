//! `portcullis person support`

use anyhow::Result;
use clap::Subcommand;
use portcullis_api::admin::Method;
use portcullis_model::{
    audit::plain,
    id::{SupportId, TenantId},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{With, time};
use crate::admin::{asked, given};

/// The platform's support: in a tenant's data only while the tenant lets it in.
#[derive(Debug, Subcommand)]
pub enum SupportCommand {
    /// Let support in, to look.
    #[command(
        after_help = "Example:\n  portcullis person support allow --tenant acme --until 2027-01-31T18:00:00Z --reason 'case 4711'"
    )]
    Allow {
        /// Into which tenant.
        #[arg(long)]
        tenant: TenantId,
        /// Until when; at most a week ahead.
        #[arg(long, value_parser = time)]
        until: Timestamp,
        /// What for.
        #[arg(long)]
        reason: String,
        /// To change what gets plugins going again, too.
        #[arg(long)]
        may_change: bool,
    },
    /// End that before its time.
    #[command(after_help = "Example:\n  portcullis person support end sup_0123456789abcdef01234567 --tenant acme")]
    End {
        /// Which, as 'portcullis person support list' shows it.
        id: SupportId,
        /// Into which tenant.
        #[arg(long)]
        tenant: TenantId,
    },
    /// List when support was let in.
    #[command(after_help = "Example:\n  portcullis person support list --tenant acme")]
    List {
        /// Into which tenant.
        #[arg(long)]
        tenant: TenantId,
    },
}

impl SupportCommand {
    pub(super) async fn run(self, with: &With) -> Result<()> {
        match self {
            Self::Allow { tenant, until, reason, may_change } => {
                let body = json!({ "until": until.to_string(), "reason": reason, "may-change": may_change });
                let path = asked("/support", &[("tenant", Some(tenant.to_string()))]);
                let mut granted = with.keyboard.post(&path, &body).await?;
                let id: SupportId = given(granted["access"]["id"].take())?;
                let what = if may_change { "look and change" } else { "look" };
                with.output.result(&json!({ "support": id, "until": until, "may-change": may_change }), || {
                    format!("Support may {what} in {tenant} until {until} ({id}).")
                })
            }
            Self::End { id, tenant } => {
                let path = asked(&format!("/support/{id}/end"), &[("tenant", Some(tenant.to_string()))]);
                with.keyboard.act(Method::POST, &path, None, None).await?;
                with.output.result(&json!({ "ended": id }), || format!("Ended {id}."))
            }
            Self::List { tenant } => list(with, &tenant).await,
        }
    }
}

async fn list(with: &With, tenant: &TenantId) -> Result<()> {
    let all = with.keyboard.all("/support", &[("tenant", Some(tenant.to_string()))]).await?;
    with.output.result(&json!({ "support": all }), || match all.is_empty() {
        true => "Never.".to_owned(),
        false => all.iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

fn line(one: &Value) -> String {
    let text = |name: &str| plain(one[name].as_str().unwrap_or_default());
    let what = if one["may-change"] == true { "to change" } else { "to look" };
    let state = if one["holds"] == true { "in force" } else { "over" };
    let end = if one["ended"].is_null() { text("until") } else { text("ended") };
    format!("{}  {what}, {} to {end}, {state}: {}", text("id"), text("since"), text("reason"))
}
