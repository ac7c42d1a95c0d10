//! `portcullis plugin bundle` and `unbundle`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portcullis_model::id::Digest;
use portcullis_packages::{
    bundle,
    dsse::{Envelope, PayloadType},
    inspect::Inspection,
    manifest::Manifest,
    release_dir::{read_release, write_new},
};
use serde_json::json;

use crate::output::Output;

/// Put a signed release into one file to hand over.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin bundle my-plugin/dist -o my-plugin.portcullis\n\n\
    The same release gives the same bytes, whoever makes the bundle. What others signed about the release goes with it:\n\
    statements/ and reports/ of the directory.")]
pub struct Bundle {
    /// The directory with plugin.wasm, portcullis.toml and release.dsse.json.
    pub dir: PathBuf,
    /// The file to write. Otherwise the plugin's id and version make its name, in the present directory.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl Bundle {
    pub(super) fn run(self, output: Output) -> Result<()> {
        let files = read_release(&self.dir)?;
        // A file that is no release's part goes nowhere, whatever links the directory has.
        let manifest = Manifest::parse(&files.stored.manifest)?;
        Inspection::of(&files.component)?;
        Envelope::parse(PayloadType::Statement, &files.stored.envelope)?;
        let usual = || format!("{}-{}.{}", manifest.id, manifest.version, bundle::EXTENSION).into();
        let path: PathBuf = self.output.unwrap_or_else(usual);
        let bytes = bundle::to_bytes(&files)?;
        bundle::write_file(&path, &bytes)?;
        let digest = Digest::of(&bytes);
        let value = json!({ "bundle": path, "bytes": bytes.len(), "digest": digest, "release": files.stored.digest });
        output.result(&value, || format!("{}\n{digest}, {} bytes", path.display(), bytes.len()))
    }
}

/// Take a bundle apart into a new directory.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin unbundle my-plugin.portcullis my-plugin\n\n\
    The bundle is read whole, and refused whole, before anything is written. Whether anybody signed it 'plugin verify' says.")]
pub struct Unbundle {
    /// The bundle.
    pub file: PathBuf,
    /// The directory to make, which must not be there yet.
    pub dir: PathBuf,
}

impl Unbundle {
    pub(super) fn run(self, output: Output) -> Result<()> {
        let files = bundle::read_file(&self.file)?;
        write_new(&self.dir, &files)?;
        let (statements, reports) = (files.statements.len(), files.reports.len());
        let value = json!({
            "directory": self.dir, "release": files.stored.digest, "statements": statements, "reports": reports,
        });
        output.result(&value, || {
            format!("{}: the release, {statements} statements, {reports} reports", self.dir.display())
        })
    }
}
