//! How `portcullis plugin push` and `pull` reach a registry.

use std::{fs::File, io::Read as _, path::PathBuf, sync::Arc};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_broker::{
    oci::{
        Access, Config, Registry,
        credentials::Credentials,
        docker::{self, MAX_CONFIG},
        reference::Reference,
    },
    resolve::SystemResolver,
};

use crate::host::secret_from_stdin;

/// How a registry is reached, and who is asking.
#[derive(Debug, Args)]
pub struct RegistryArgs {
    /// Speak plain HTTP: to a registry on this very machine, and to no other.
    #[arg(long)]
    plain_http: bool,
    /// The user's name in the registry. The password, or the token in its place, is read from standard input.
    #[arg(long, value_name = "NAME", conflicts_with = "docker_config")]
    username: Option<String>,
    /// Take name and password from this file, which is of the form of Docker's config.json.
    #[arg(long, value_name = "FILE")]
    docker_config: Option<PathBuf>,
    /// Trust the certificates in this PEM file for the registry's own host, in place of the public authorities.
    #[arg(long, value_name = "FILE", conflicts_with = "plain_http")]
    ca_file: Option<PathBuf>,
}

impl RegistryArgs {
    /// What a text refers to.
    pub(super) fn reference(&self, text: &str) -> Result<Reference> {
        Ok(Reference::parse(text, self.plain_http)?)
    }

    /// A client of the registry that is referred to.
    pub(super) fn registry(&self, reference: &Reference, access: Access) -> Result<Registry> {
        let ca_pem = self.ca_file.as_ref().map(capped).transpose()?;
        let config = Config { ca_pem, ..Config::default() };
        let credentials = self.credentials(reference)?;
        Ok(Registry::new(reference, access, credentials, &config, Arc::new(SystemResolver::default()))?)
    }

    fn credentials(&self, reference: &Reference) -> Result<Option<Credentials>> {
        let registry = reference.origin();
        match (&self.username, &self.docker_config) {
            (Some(name), _) => Ok(Some(Credentials::new(&registry.authority(), name, secret_from_stdin()?)?)),
            (None, Some(file)) => {
                let found = docker::credentials(&capped(file)?, registry);
                Ok(Some(found.with_context(|| format!("in {}", file.display()))?))
            }
            (None, None) => Ok(None),
        }
    }
}

fn capped(path: &PathBuf) -> Result<String> {
    let mut text = String::new();
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    file.take(MAX_CONFIG as u64 + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {}", path.display()))?;
    if text.len() > MAX_CONFIG {
        bail!("{} is larger than {MAX_CONFIG} bytes, the most that is read", path.display());
    }
    Ok(text)
}
