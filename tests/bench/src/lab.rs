//! A host in a temporary directory, with the `echo` guest installed.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use portcullis_cli::{
    build::{Target, Toolchain, What, build},
    commands::{init, plugin, source},
    home::Home,
    host::{Host, RULES},
};
use portcullis_model::{event::EventForm, installation::Installation, secret::Secret, source::Source};
use portcullis_packages::{install::Order, keys::PublisherKey, publish::sign_release, release_dir};
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

[[scopes]]
scope = "events:receive types=zen:*,test.* data=full"
purpose = "To have something to do."

[limits]
cpu-ms = 1000
wall-ms = 10000
memory-mib = 16
"#;

/// The host and its one plugin.
pub struct Lab {
    /// Gone when this is dropped.
    pub _dir: TempDir,
    /// The host.
    pub host: Host,
    /// The plugin.
    pub echo: Installation,
    /// Its component.
    pub component: Arc<[u8]>,
}

impl Lab {
    /// Builds, signs and installs.
    pub async fn set_up() -> Result<Self> {
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests");
        let toolchain = Toolchain::find(Target::UnknownUnknown)?;
        let built = tokio::task::block_in_place(|| build(&What::Examples(guests), &toolchain))?;
        let echo = built.into_iter().find(|b| b.name == "echo").context("no echo guest")?;
        let dir = TempDir::with_prefix("portcullis-bench-")?;
        let host = init::create(Home::at(dir.path().join("home")), "").await?;
        let (source, out) = (dir.path().join("echo"), dir.path().join("dist"));
        std::fs::create_dir_all(&source)?;
        std::fs::write(source.join("portcullis.toml"), MANIFEST)?;
        plugin::write_dist(&source, &out, &echo)?;
        let key = PublisherKey::generate(host.rng.as_ref());
        let files = release_dir::read_unsigned(&out)?;
        release_dir::write_envelope(&out, &sign_release(&files.component, &files.manifest, &key, RULES)?)?;
        let files = release_dir::read_release(&out)?;
        let order = Order { tenant: "demo".parse()?, grant: None, limits: None };
        let installed = plugin::ask_and_install(&host, &files, order, Some(&key.public()), false).await?;
        let from = Source { name: "bench".parse()?, tenant: "demo".parse()?, form: EventForm::Zendesk };
        source::add(&host, &from, &Secret::new(SECRET.to_vec())).await?;
        Ok(Self { _dir: dir, host, echo: installed, component: files.component })
    }
}

/// The values at the median and the 99th percentile.
pub fn percentiles(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |permille: usize| values.get(values.len() * permille / 1_000).copied().unwrap_or_default();
    (at(500), at(990))
}
