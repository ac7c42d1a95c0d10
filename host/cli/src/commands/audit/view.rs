//! Views as logs of their own: copies that other tools read; and the tiles made anew.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_audit::{Checkpoint, LogVerifier, copy_log};
use portcullis_model::audit::{Kind, Recorder as _};
use portcullis_store::{SqliteStore, StoredView};
use serde_json::json;

use crate::{home::Home, host::Host, log_proof, output::Output, publish::LogPublisher};

/// Write a tenant's view as a log directory of its own, bodies included, which other tools for C2SP logs read.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis audit copy --view acme --out acme-log\n  \
    portcullis audit verify --log acme-log --key \"$(portcullis audit checkpoint --view acme --json | jq -r .key)\"\n\n\
    The bodies hold what the tenant's people and plugins did, personal values as commitments: give it to the tenant alone.")]
pub struct Copy {
    /// Whose view; '-' for the host's own entries.
    #[arg(long, value_name = "TENANT")]
    view: String,
    /// The directory, which must not be there yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Copy {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let host = Host::open(home).await?;
        super::super::publish(&host).await?;
        let key = LogVerifier::parse(&log_proof::vkey(&host.home)?)?;
        let known = log_proof::named(&host.store, &self.view).await?;
        let (key, log) = log_proof::view(&host.store, &key, &known)?;
        let head = log.head().clone();
        anyhow::ensure!(!self.out.exists(), "{} is there already", self.out.display());
        // Before anything of it leaves.
        let entry = host
            .entry(Kind::AuditExported, None)
            .with("way", "copy")
            .with("view", known.tag.as_str())
            .with("to", head.size());
        host.store.record(vec![entry]).await?;
        let spinner = output.spinner("copying the view");
        let bodies =
            Bodies { store: &host.store, view: &known, runtime: tokio::runtime::Handle::current(), tile: None };
        let copied = tokio::task::block_in_place(|| copy(&self.out, &head, bodies));
        spinner.finish_and_clear();
        copied?;
        super::super::publish(&host).await?;
        let value = json!({ "directory": self.out, "size": head.size(), "origin": head.origin(), "key": key.vkey() });
        output.result(&value, || {
            let (size, dir) = (head.size(), self.out.display());
            format!("{size} entries are in {dir}, a log of the key\n  {}", key.vkey())
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn copy(dir: &std::path::Path, head: &Checkpoint, mut bodies: Bodies<'_>) -> Result<()> {
    Ok(copy_log(dir, head, |position| bodies.get(position).map_err(|error| format!("{error:#}")))?)
}

/// The bodies of a view, by their places in it.
struct Bodies<'a> {
    store: &'a SqliteStore,
    view: &'a StoredView,
    runtime: tokio::runtime::Handle,
    tile: Option<(u64, Vec<u8>)>,
}

impl Bodies<'_> {
    fn get(&mut self, position: u64) -> Result<Vec<u8>> {
        let n = position / 256;
        if self.tile.as_ref().is_none_or(|(held, _)| *held != n) {
            let tile = self.runtime.block_on(self.store.view_tile(self.view.tag.clone(), 0, n))?;
            self.tile = Some((n, tile.with_context(|| format!("tile 0/{n} of the view is missing"))?.indices));
        }
        let place = usize::try_from(position % 256)? * 8;
        let indices = self.tile.as_ref().map_or(&[][..], |(_, indices)| indices);
        let index = indices.get(place..place + 8).context("a tile without the places of its entries")?;
        let index = u64::from_be_bytes(index.try_into()?);
        let row = self.runtime.block_on(self.store.log_rows(index, 1))?.into_iter().next();
        match row.with_context(|| format!("the database has no entry {index}"))?.body {
            Some(body) => Ok(body),
            None => bail!("entry {index} was disposed of"),
        }
    }
}

/// Make the tiles of all views anew, from the published log. For a database whose tiles are damaged.
#[derive(Debug, Args)]
pub struct Rebuild {}

impl Rebuild {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let host = Host::open(home).await?;
        let _alone = host.home.lock()?;
        host.store.forget_view_tiles().await?;
        let size = LogPublisher::new(&host.home, host.store.clone()).catch_up().await?;
        let views = host.store.log_views().await?.len();
        output.result(&json!({ "size": size, "views": views }), || {
            format!("The tiles of {views} views are made anew, from {size} entries of the log.")
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
