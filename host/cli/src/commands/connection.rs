//! `portcullis connection`

use anyhow::Result;
use clap::Subcommand;
use portcullis_broker::place::Place;
use portcullis_model::{
    audit::Kind,
    installation::Installation,
    secret::{Secret, SecretStore as _},
};
use serde_json::json;

use crate::{
    home::Home,
    host::{Host, secret_from_stdin},
    output::Output,
};

/// Credentials that the host adds to plugins' requests.
#[derive(Debug, Subcommand)]
pub enum ConnectionCommand {
    /// Store a credential for one installation. The secret is read from standard input; the plugin never sees it.
    #[command(after_help = "Example:\n  portcullis connection add chat-notifier chat --to hooks.chat.example < token")]
    Add {
        /// The installation: its id, or the plugin's name.
        installation: String,
        /// What to call the credential.
        name: String,
        /// Where it goes, and nowhere else: host names, with ':port' where that is not 443.
        #[arg(long = "to", required = true, value_name = "HOST")]
        hosts: Vec<String>,
        /// The header that carries it.
        #[arg(long, default_value = "authorization")]
        header: String,
        /// What stands before it in the header.
        #[arg(long, default_value = "Bearer ")]
        prefix: String,
    },
    /// List the credentials: where they go, never what they are.
    #[command(after_help = "Example:\n  portcullis connection list")]
    List,
}

impl ConnectionCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        match self {
            Self::Add { installation, name, hosts, header, prefix } => {
                let installation = host.installation(&installation).await?;
                let place = Place { hosts, header, prefix };
                let generation = add(&host, &installation, &name, &place, &secret_from_stdin()?).await?;
                super::publish(&host).await?;
                let value = json!({ "installation": installation.id, "name": name, "generation": generation });
                output.result(&value, || {
                    format!(
                        "Stored. The host adds it to requests of {} to: {}",
                        installation.plugin,
                        place.hosts.join(", ")
                    )
                })
            }
            Self::List => {
                for secret in host.store.secrets().await? {
                    let Some(installation) = secret.installation else { continue };
                    let place: serde_json::Value = serde_json::from_str(&secret.place)?;
                    let value = json!({
                        "tenant": secret.tenant, "installation": installation, "name": secret.name,
                        "generation": secret.generation, "place": place,
                    });
                    output.item(&value, || {
                        format!("{installation}  {}  generation {}  {}", secret.name, secret.generation, secret.place)
                    })?;
                }
                Ok(())
            }
        }
    }
}

/// Stores a credential for an installation.
pub async fn add(host: &Host, to: &Installation, name: &str, place: &Place, secret: &Secret) -> Result<u64> {
    let entry = host
        .entry(Kind::ConnectionAdded, Some(to.tenant.clone()))
        .about(format!("installation:{}", to.id))
        .with("name", name)
        .with("hosts", place.hosts.clone());
    Ok(host.connections.put((to.tenant.clone(), to.id.clone()), name, place, secret, entry).await?)
}
