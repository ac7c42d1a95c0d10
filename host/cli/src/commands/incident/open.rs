//! `portcullis incident open`

use std::{process::ExitCode, sync::Arc};

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{
    alert::{AlertId, AlertSeverity},
    id::{PluginId, ProviderId, PublisherId, ReportId, TenantId},
    incident::Incident,
};
use serde_json::json;

use super::{containing::Contain, show};
use crate::{
    admin::{Keyboard, given},
    host::Host,
    output::Output,
};

/// What is opened.
#[derive(Debug, Args)]
pub struct Open {
    /// From this alert.
    #[arg(long, conflicts_with = "report")]
    alert: Option<AlertId>,
    /// From this report of misbehaviour.
    #[arg(long)]
    report: Option<ReportId>,
    /// About a plugin, in all its installations.
    #[arg(long, group = "about")]
    plugin: Option<PluginId>,
    /// About all plugins of a publisher.
    #[arg(long, group = "about")]
    publisher: Option<PublisherId>,
    /// About all credentials of a provider, and what holds one.
    #[arg(long, group = "about")]
    provider: Option<ProviderId>,
    /// About one installation: its id, or the plugin's name where it is the only one.
    #[arg(long, group = "about")]
    installation: Option<String>,
    /// In this tenant alone.
    #[arg(long)]
    tenant: Option<TenantId>,
    /// In a few words.
    #[arg(long)]
    title: String,
    /// low, medium, high or critical. Absent: as the alert has it, or high.
    #[arg(long)]
    severity: Option<AlertSeverity>,
    /// Personal data is not concerned.
    #[arg(long)]
    no_personal_data: bool,
    /// Contain it at once.
    #[arg(long)]
    contain: bool,
}

impl Open {
    pub(super) async fn run(self, host: &Arc<Host>, output: Output) -> Result<ExitCode> {
        let about = self.about(host).await?;
        if about.is_none() && self.alert.is_none() && self.report.is_none() {
            bail!("say what it is about: --plugin, --publisher, --provider or --installation");
        }
        let body = json!({
            "title": self.title, "severity": self.severity.map(AlertSeverity::name),
            "about": about, "tenant": self.tenant,
            "alert": self.alert.map(|id| id.to_string()), "report": self.report, "personal-data": !self.no_personal_data,
        });
        let mut opened = Keyboard::of(host)?.post("/incidents", &body).await?;
        let opened: Incident = given(opened["incident"].take())?;
        let now = host.clock.now();
        output.item(&opened, || show::words(&opened, now).join("\n"))?;
        if !self.contain {
            return Ok(ExitCode::SUCCESS);
        }
        Contain { incident: opened.id, dry_run: false, resume: false }.run(host, output).await
    }

    async fn about(&self, host: &Host) -> Result<Option<String>> {
        if let Some(text) = &self.installation {
            return Ok(Some(format!("installation:{}", host.installation(text).await?.id)));
        }
        let named = [
            self.plugin.as_ref().map(|id| format!("plugin:{id}")),
            self.publisher.as_ref().map(|id| format!("publisher:{id}")),
            self.provider.as_ref().map(|id| format!("provider:{id}")),
        ];
        Ok(named.into_iter().flatten().next())
    }
}
