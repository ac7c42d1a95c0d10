//! `portcullis plugin inspect`

mod words;

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_packages::{
    inspect::{Inspection, MAX_COMPONENT},
    manifest::{MAX_MANIFEST, Manifest},
    sbom::Bom,
};

use crate::{commands::advisories, home::Home, inspected::Inspected, output::Output};

/// Show what a component can do, derived from its bytes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin inspect my-plugin/dist\n  portcullis plugin inspect plugin.wasm --json\n  \
    portcullis plugin inspect my-plugin/dist --sbom > my-plugin.cdx.json\n\n\
    Needs no host and no key. Vulnerabilities are those of the file of advisories in the home directory, where there is one."
)]
pub struct Inspect {
    /// A component, or a directory with plugin.wasm and perhaps portcullis.toml in it.
    pub path: PathBuf,
    /// Print only what it was made of, as a CycloneDX document.
    #[arg(long)]
    pub sbom: bool,
}

impl Inspect {
    pub(super) fn run(self, home: &Home, output: Output) -> Result<()> {
        let is_dir = self.path.is_dir();
        let component = if is_dir { self.path.join("plugin.wasm") } else { self.path.clone() };
        let inspection = Inspection::of(&read(&component, MAX_COMPONENT)?)?;
        let path = self.path.join("portcullis.toml");
        let text = if is_dir && path.is_file() { Some(String::from_utf8(read(&path, MAX_MANIFEST)?)?) } else { None };
        if self.sbom {
            let manifest = text.as_deref().map(Manifest::parse).transpose()?;
            return crate::output::line(&serde_json::to_string_pretty(&Bom::of(&inspection, manifest.as_ref()))?);
        }
        let report = Inspected::of(&inspection, text.as_deref(), advisories::load(home)?.as_ref())?;
        output.result(&report, || words::words(&report, home))
    }
}

/// Reads a file, and of one that is too large no more than is needed to say so.
fn read(path: &Path, most: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(most as u64 + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() > most {
        bail!("{} is larger than {most} bytes, the most that is read", path.display());
    }
    Ok(bytes)
}
