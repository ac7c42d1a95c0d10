//! `portcullis plugin verify`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portcullis_packages::{
    keys::PublicKey,
    release_dir::read_release,
    verify::{Check, Outcome, all_hold, verify},
};
use serde_json::json;

use crate::{host::RULES, output::Output};

/// Check a release as it was handed over: signature, statement, digests, imports, and the form of what others stated.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis plugin verify my-plugin.portcullis --trust portcullis-key-v1:...\n  \
    portcullis plugin verify my-plugin/dist --trust portcullis-key-v1:... --json\n\n\
    Needs no host. Exit code 3 where a check fails. Whose verdicts count, and what was withdrawn, only a host can say.")]
pub struct Verify {
    /// A bundle, or a directory with plugin.wasm, portcullis.toml and release.dsse.json.
    pub path: PathBuf,
    /// A key of the plugin's publisher, or of a reviewer; may be given several times.
    #[arg(long, value_name = "KEY", required = true)]
    pub trust: Vec<PublicKey>,
}

impl Verify {
    pub(super) fn run(self, output: Output) -> Result<()> {
        let files = read_release(&self.path)?;
        let checks = verify(&files, &self.trust, RULES);
        let held = all_hold(&checks);
        let value = json!({ "release": files.stored.digest, "holds": held.is_ok(), "checks": checks });
        output.result(&value, || checks.iter().map(words).collect::<Vec<_>>().join("\n"))?;
        Ok(held?)
    }
}

fn words(check: &Check) -> String {
    let outcome = match check.outcome {
        Outcome::Holds => "ok",
        Outcome::Fails => "FAILED",
        Outcome::NotChecked => "not checked",
    };
    format!("{outcome:11}  {}: {}", check.what, check.found)
}
