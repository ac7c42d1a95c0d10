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
    advisories::{Database, Finding, Summary},
    inspect::{Authority, Claims, Inspection, MAX_COMPONENT, secrets},
    manifest::{MAX_MANIFEST, Manifest},
    plan::InstallPlan,
    sbom::Bom,
};
use serde::Serialize;

use crate::{commands::advisories, home::Home, host::RULES, output::Output};

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

/// All that is found, as JSON has it.
#[derive(Serialize)]
struct Report<'a> {
    inspection: &'a Inspection,
    authority: Authority,
    /// Absent where there is no manifest.
    claims: Option<Claims>,
    /// Secrets in the manifest's text.
    manifest_secrets: Vec<secrets::Finding>,
    vulnerabilities: Vulnerabilities,
    plan: Option<InstallPlan>,
}

/// What is known about its dependencies. Without a file of advisories that is nothing.
#[derive(Serialize)]
struct Vulnerabilities {
    advisories: Option<Summary>,
    findings: Vec<Finding>,
}

impl Vulnerabilities {
    fn of(inspection: &Inspection, database: Option<&Database>) -> Self {
        Self {
            advisories: database.map(Database::summary),
            findings: database.map(|database| database.matches(&inspection.dependencies)).unwrap_or_default(),
        }
    }
}

impl Inspect {
    pub(super) fn run(self, home: &Home, output: Output) -> Result<()> {
        let is_dir = self.path.is_dir();
        let component = if is_dir { self.path.join("plugin.wasm") } else { self.path.clone() };
        let inspection = Inspection::of(&read(&component, MAX_COMPONENT)?)?;
        let path = self.path.join("portcullis.toml");
        let text = if is_dir && path.is_file() { Some(String::from_utf8(read(&path, MAX_MANIFEST)?)?) } else { None };
        let manifest = text.as_deref().map(Manifest::parse).transpose()?;
        if self.sbom {
            return crate::output::line(&serde_json::to_string_pretty(&Bom::of(&inspection, manifest.as_ref()))?);
        }
        let plan = manifest.as_ref().map(|manifest| plan(manifest, &inspection)).transpose()?;
        let report = Report {
            authority: inspection.authority(RULES.catalogue),
            claims: manifest.as_ref().map(|manifest| Claims::of(manifest, &inspection, RULES.catalogue)),
            manifest_secrets: secrets::scan(text.unwrap_or_default().as_bytes())?,
            vulnerabilities: Vulnerabilities::of(&inspection, advisories::load(home)?.as_ref()),
            inspection: &inspection,
            plan,
        };
        output.result(&report, || words::words(&report, home))
    }
}

fn plan(manifest: &Manifest, inspection: &Inspection) -> Result<InstallPlan> {
    manifest.check(RULES.catalogue)?;
    Ok(InstallPlan::new(manifest, inspection, RULES, &manifest.asked())?)
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
