//! `portcullis incident open`

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use portcullis_duties::incident::Opening;
use portcullis_model::{
    alert::{AlertId, AlertSeverity, Alerts as _},
    id::{PluginId, ProviderId, PublisherId, ReportId, TenantId},
    incident::{About, Origin, Subject},
    review::ReviewStore as _,
};

use super::{containing::Contain, show};
use crate::{
    host::{Host, person},
    incident,
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
        let (origin, of_origin, severity) = self.origin(host).await?;
        let about = match self.about(host).await? {
            Some(about) => about,
            None => of_origin.context(
                "say what it is about: --plugin, --publisher, --provider or --installation; an alert that is not about an installation does not say it",
            )?,
        };
        let subject = Subject { about, tenant: self.tenant };
        let concerned = incident::concerned(host, &subject).await?;
        let opening = Opening {
            title: self.title,
            severity: self.severity.unwrap_or(severity),
            subject,
            origin,
            personal_data: !self.no_personal_data,
            concerned,
        };
        let opened = incident::desk(host, person()).open(opening).await?;
        crate::commands::publish(host).await?;
        let now = host.clock.now();
        output.item(&opened, || show::words(&opened, now).join("\n"))?;
        if !self.contain {
            return Ok(ExitCode::SUCCESS);
        }
        Contain { incident: opened.id, dry_run: false, resume: false }.run(host, output).await
    }

    async fn origin(&self, host: &Host) -> Result<(Origin, Option<About>, AlertSeverity)> {
        if let Some(id) = self.alert {
            let alert = host.store.alert(id, host.clock.now()).await?;
            let alert = alert.with_context(|| format!("there is no alert {id}; 'portcullis alert list' shows them"))?;
            return Ok((Origin::Alert(id), alert.installation.map(About::Installation), alert.severity));
        }
        let Some(id) = &self.report else { return Ok((Origin::Hand, None, AlertSeverity::High)) };
        let found = host.store.misbehaviours().await?.into_iter().find(|one| one.id == *id);
        let Some(found) = found else { bail!("there is no report '{id}'") };
        Ok((Origin::Report(id.clone()), Some(About::Plugin(found.plugin)), AlertSeverity::High))
    }

    async fn about(&self, host: &Host) -> Result<Option<About>> {
        if let Some(text) = &self.installation {
            return Ok(Some(About::Installation(host.installation(text).await?.id)));
        }
        let named = [
            self.plugin.clone().map(About::Plugin),
            self.publisher.clone().map(About::Publisher),
            self.provider.clone().map(About::Provider),
        ];
        Ok(named.into_iter().flatten().next())
    }
}
