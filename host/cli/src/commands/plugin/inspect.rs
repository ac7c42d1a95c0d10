//! `portcullis plugin inspect`

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use portcullis_model::id::Digest;
use portcullis_packages::{inspect::Inspection, manifest::Manifest, plan::InstallPlan};
use serde_json::json;

use crate::{host::RULES, output::Output};

/// Show what a component can do, derived from its bytes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin inspect my-plugin/dist\n  portcullis plugin inspect plugin.wasm --json"
)]
pub struct Inspect {
    /// A component, or a directory with plugin.wasm and perhaps portcullis.toml in it.
    pub path: PathBuf,
}

impl Inspect {
    pub(super) fn run(self, output: Output) -> Result<()> {
        let is_dir = self.path.is_dir();
        let component = if is_dir { self.path.join("plugin.wasm") } else { self.path.clone() };
        let bytes = std::fs::read(&component).with_context(|| format!("cannot read {}", component.display()))?;
        let inspection = Inspection::of(&bytes)?;
        let manifest = self.path.join("portcullis.toml");
        let plan = if is_dir && manifest.is_file() {
            let manifest = Manifest::parse(&std::fs::read_to_string(&manifest)?)?;
            manifest.check(RULES.catalogue)?;
            Some(InstallPlan::new(&manifest, &inspection, RULES, &manifest.asked())?)
        } else {
            None
        };
        let cannot = inspection.cannot(RULES.catalogue);
        let digest = Digest::of(&bytes);
        let value = json!({ "digest": digest, "inspection": inspection, "cannot": cannot, "plan": plan });
        output.result(&value, || words(&digest, &inspection, &cannot, plan.as_ref()))
    }
}

fn words(digest: &Digest, inspection: &Inspection, cannot: &[String], plan: Option<&InstallPlan>) -> String {
    let mut lines =
        vec![format!("{digest}, {} bytes", inspection.size), "Imports, and so the most that it can do:".into()];
    lines.extend(inspection.imports.iter().map(|import| format!("  {}", import.name)));
    lines.push("Exports:".into());
    lines.extend(inspection.exports.iter().map(|export| format!("  {}", export.name)));
    lines.push("It cannot, whatever is granted:".into());
    lines.extend(cannot.iter().map(|sentence| format!("  {sentence}")));
    if let Some(plan) = plan {
        lines.push(String::new());
        lines.push(super::install::words(plan));
    }
    lines.join("\n")
}
