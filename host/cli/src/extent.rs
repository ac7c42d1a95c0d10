//! What a freeze or a rotation reaches, as commands are told of it.

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{
    connection::ConnectionKey,
    freeze::Extent,
    id::{PluginId, ProviderId, PublisherId, TenantId},
};

use crate::host::Host;

/// Exactly one of these.
#[derive(Debug, Default, Args)]
#[group(id = "extent", multiple = false)]
pub struct ExtentArgs {
    /// Everything of every tenant.
    #[arg(long)]
    pub all: bool,
    /// All of one tenant.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// All credentials of one provider.
    #[arg(long)]
    pub provider: Option<ProviderId>,
    /// All plugins of one publisher.
    #[arg(long)]
    pub publisher: Option<PublisherId>,
    /// All installations of one plugin.
    #[arg(long)]
    pub plugin: Option<PluginId>,
    /// One installation: its id, or the plugin's where it is the only one.
    #[arg(long)]
    pub installation: Option<String>,
    /// One credential: the installation, a slash, and the connection's name.
    #[arg(long, value_name = "INSTALLATION/NAME")]
    pub connection: Option<String>,
}

impl ExtentArgs {
    /// Whether none is given.
    pub fn is_absent(&self) -> bool {
        !self.all
            && self.tenant.is_none()
            && self.provider.is_none()
            && self.publisher.is_none()
            && self.plugin.is_none()
            && self.installation.is_none()
            && self.connection.is_none()
    }

    /// The extent that they mean.
    pub async fn read(&self, host: &Host) -> Result<Extent> {
        if self.all {
            return Ok(Extent::All);
        }
        let named = [
            self.tenant.clone().map(Extent::Tenant),
            self.provider.clone().map(Extent::Provider),
            self.publisher.clone().map(Extent::Publisher),
            self.plugin.clone().map(Extent::Plugin),
        ];
        if let Some(extent) = named.into_iter().flatten().next() {
            return Ok(extent);
        }
        if let Some(text) = &self.installation {
            return Ok(Extent::Installation(host.installation(text).await?.id));
        }
        match self.connection.as_deref().and_then(|text| text.rsplit_once('/')) {
            Some((installation, name)) => {
                let installation = host.installation(installation).await?;
                let (tenant, installation) = (installation.tenant, installation.id);
                Ok(Extent::Connection(ConnectionKey { tenant, installation, name: name.to_owned() }))
            }
            None if self.connection.is_some() => bail!("--connection: expected an installation, a slash and a name"),
            None => {
                bail!("say what: --all, --tenant, --provider, --publisher, --plugin, --installation or --connection")
            }
        }
    }
}
