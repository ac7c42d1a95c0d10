//! `portcullis audit bundle`

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use portcullis_audit::LogVerifier;
use portcullis_evidence::{Verified, unpack, verify_bundle};
use portcullis_model::{alert::AlertId, audit::query::Filter, id::IncidentId};
use serde_json::json;

use super::Wanted;
use crate::{
    admin::{Keyboard, asked},
    output::Output,
};

/// Put entries and their proofs into a directory, or into one file.
#[derive(Debug, Args)]
pub struct Bundle {
    /// What is put into it.
    #[command(flatten)]
    pub wanted: Wanted,
    /// The directory, which must not be there yet; or one file, where its name ends with .tar.
    #[arg(long, value_name = "DIR|FILE.tar")]
    pub out: PathBuf,
    /// What is about this incident: entries of what it reaches, and its own.
    #[arg(long, conflicts_with = "filter", group = "about")]
    pub incident: Option<IncidentId>,
    /// What is about this alert: the entries that it was raised for, what its subject did around them, and its own.
    #[arg(long, conflicts_with = "filter", group = "about")]
    pub alert: Option<AlertId>,
    /// With --incident: from so many hours before it was opened. With --alert: so many hours before and after.
    #[arg(long, default_value_t = 24, requires = "about")]
    pub hours: u64,
    /// Show personal values, as far as they were not erased. Without it, only their commitments are in it.
    #[arg(long)]
    pub personal: bool,
}

impl Bundle {
    pub(super) async fn run(self, keyboard: &Keyboard, output: Output) -> Result<()> {
        let filter = self.wanted.read()?;
        let (out, part) = (&self.out, self.part());
        if let Some(there) = [out, &part].into_iter().find(|path| path.exists()) {
            bail!("{} is there already; remove it, or give another name", there.display());
        }
        // What this command can publish is in it.
        keyboard.publish().await?;
        let spinner = output.spinner("putting entries and proofs together");
        let taken = self.take(keyboard, &filter, &part).await;
        spinner.finish_and_clear();
        // What is not whole is no bundle, and what is whole has its own name: nobody should come across this.
        let left = part.exists().then(|| fs::remove_file(&part)).transpose();
        let Verified { manifest, digest, .. } = taken?;
        left.with_context(|| format!("cannot remove {}", part.display()))?;
        keyboard.publish().await?;
        let at = if self.is_file() { "file" } else { "directory" };
        output.result(&json!({ at: out, "manifest-sha256": digest, "manifest": manifest }), || {
            let gone = match manifest.left_out.len() {
                0 => String::new(),
                n => format!(" {n} more were disposed of, and are not in it."),
            };
            let entries = manifest.entries;
            format!("{entries} entries and their proofs are in {}.{gone}\nIts manifest: {digest}", out.display())
        })
    }

    fn is_file(&self) -> bool {
        self.out.extension().is_some_and(|end| end == "tar")
    }

    /// Where it lies until it is whole.
    fn part(&self) -> PathBuf {
        let mut name = self.out.as_os_str().to_owned();
        name.push(if self.is_file() { ".partial" } else { ".tar.partial" });
        name.into()
    }

    /// Takes it, and gives it its name once it was checked.
    async fn take(&self, keyboard: &Keyboard, filter: &Filter, part: &Path) -> Result<Verified> {
        let hours = (self.incident.is_some() || self.alert.is_some()).then(|| self.hours.to_string());
        let query = [
            ("filter", Some(filter.to_string()).filter(|text| !text.is_empty())),
            ("incident", self.incident.as_ref().map(ToString::to_string)),
            ("alert", self.alert.map(|alert| alert.to_string())),
            ("hours", hours),
            ("personal", self.personal.then(|| "true".to_owned())),
        ];
        let failed = || format!("cannot write {}", part.display());
        let mut file = File::create_new(part).with_context(failed)?;
        keyboard.save(&asked("/audit/bundle", &query), &mut file).await?;
        file.sync_all().with_context(failed)?;
        let keys = keyboard.read("/audit/key").await?;
        let key = LogVerifier::parse(keys["key"].as_str().unwrap_or_default())?;
        tokio::task::block_in_place(|| -> Result<Verified> {
            let found = verify_bundle(part, &key).context("the bundle does not hold")?;
            match self.is_file() {
                true => fs::rename(part, &self.out).with_context(|| format!("cannot make {}", self.out.display()))?,
                false => unpack(part, &self.out)?,
            }
            Ok(found)
        })
    }
}
