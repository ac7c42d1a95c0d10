//! A host in a temporary directory, with the `echo` guest installed.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use portcullis_cli::{
    build::{Built, Target, Toolchain, What, build},
    commands::{init, plugin},
    home::Home,
    host::{Host, RULES, person},
    rotation,
};
use portcullis_model::{event::EventForm, installation::Installation, secret::Secret, source::Source};
use portcullis_packages::{keys::SecretKey, publish::sign_release, release_dir};
use tempfile::TempDir;

/// The secret that the benchmark's webhook source signs with.
pub const SECRET: &[u8] = b"a secret for the benchmark";

const MANIFEST: &str = r#"id = "dev.portcullis.echo"
name = "Echo"
version = "0.1.0"
release = 1
publisher = "dev.portcullis"
summary = "Parses and writes its event."
terms = "https://portcullis.example/terms"
privacy = "https://portcullis.example/privacy"
support = "mailto:support@portcullis.example"
data-classes = ["internal", "personal"]

[[scopes]]
scope = "events:receive types=zen:*,test.* data=full"
purpose = "To have something to do."

[limits]
cpu-ms = 1000
wall-ms = 10000
memory-mib = 16
calls-per-hour = 100000000
cpu-ms-per-hour = 360000000
wall-ms-per-hour = 36000000000
host-calls-per-hour = 1000000000
log-kib-per-hour = 16777216
concurrent-calls = 4096
"#;

/// A host, and guests to install in it.
pub struct Lab {
    /// The host.
    pub host: Host,
    /// The plugin that echoes.
    pub echo: Installation,
    /// Its component.
    pub component: Arc<[u8]>,
    guests: Vec<Built>,
    key: SecretKey,
    /// Gone when this is dropped.
    dir: TempDir,
}

impl Lab {
    /// A host with the echo guest.
    pub async fn set_up() -> Result<Self> {
        Self::with("").await
    }

    /// The same with these lines in its configuration.
    pub async fn with(config: &str) -> Result<Self> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests");
        let toolchain = Toolchain::find(Target::UnknownUnknown)?;
        let guests = tokio::task::block_in_place(|| build(&What::Examples(sources), &toolchain))?;
        let dir = TempDir::with_prefix("portcullis-bench-")?;
        let host = init::create(Home::at(dir.path().join("home")), config).await?;
        let from = Source { name: "bench".parse()?, tenant: "demo".parse()?, form: EventForm::Zendesk };
        rotation::sources(&host, person()).add(&from, &Secret::new(SECRET.to_vec())).await?;
        let key = SecretKey::generate(host.rng.as_ref());
        let (echo, component) = install(&host, &key, dir.path(), &guests, "echo", MANIFEST).await?;
        Ok(Self { host, echo, component, guests, key, dir })
    }

    /// Installs a guest that asks for these scopes and limits.
    pub async fn install(&self, name: &str, scopes: &[&str], limits: &str) -> Result<Installation> {
        let mut stated = String::new();
        for scope in scopes {
            stated.push_str(&format!("[[scopes]]\nscope = \"{scope}\"\npurpose = \"To be measured.\"\n\n"));
            for host in RULES.catalogue.describe(&scope.parse()?)?.into_iter().flat_map(|means| means.destinations) {
                stated.push_str(&format!(
                    "[[egress]]\nhost = \"{host}\"\nregion = \"GLOBAL\"\noperator = \"Nobody\"\nsub-processor = false\n\
                     purpose = \"To be measured.\"\ndata = [\"internal\"]\n\n"
                ));
            }
        }
        let (head, _) = MANIFEST.split_once("[limits]").context("the manifest has limits")?;
        let head = head.replace("dev.portcullis.echo", &format!("dev.portcullis.{}", name.replace('_', "-")));
        let manifest = format!("{head}{stated}[limits]\n{limits}");
        Ok(install(&self.host, &self.key, self.dir.path(), &self.guests, name, &manifest).await?.0)
    }
}

async fn install(
    host: &Host,
    key: &SecretKey,
    dir: &Path,
    guests: &[Built],
    name: &str,
    manifest: &str,
) -> Result<(Installation, Arc<[u8]>)> {
    let guest = guests.iter().find(|built| built.name == name).with_context(|| format!("no guest '{name}'"))?;
    let (source, out) = (dir.join(name), dir.join(format!("{name}.dist")));
    std::fs::create_dir_all(&source)?;
    std::fs::write(source.join("portcullis.toml"), manifest)?;
    plugin::write_dist(&source, &out, guest)?;
    let files = release_dir::read_unsigned(&out)?;
    release_dir::write_envelope(&out, &sign_release(&files.component, &files.manifest, key, RULES)?)?;
    let files = release_dir::read_release(&out)?;
    let installed = plugin::install_release(host, &files, &"demo".parse()?, None, Some(&key.public())).await?;
    Ok((installed, files.component))
}

/// The values at the median and the 99th percentile.
pub fn percentiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |permille: usize| values.get(values.len() * permille / 1_000).copied().unwrap_or_default();
    (at(500), at(990))
}
