//! `portcullis plugin build`

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use portcullis_model::id::Digest;
use portcullis_packages::manifest::Manifest;
use serde_json::json;

use crate::{
    build::{Built, Target, Toolchain, What, build},
    host::RULES,
    output::Output,
};

/// Build a plugin's source to a component, in its directory `dist`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin build sample-plugins/card-guard")]
pub struct Build {
    /// The plugin's directory, with Cargo.toml and portcullis.toml in it.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Where to put component and manifest, where it is not `dist` in the plugin's directory.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What to build for.
    #[arg(long, value_enum, default_value = "unknown-unknown")]
    pub target: BuildTarget,
}

/// What to build for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum BuildTarget {
    /// wasm32-unknown-unknown: no WASI, the smallest authority.
    UnknownUnknown,
    /// wasm32-wasip2: for code that needs WASI; clocks, randomness and files are stand-ins unless they are granted.
    Wasip2,
}

impl Build {
    pub(super) fn run(self, output: Output) -> Result<()> {
        let target = match self.target {
            BuildTarget::UnknownUnknown => Target::UnknownUnknown,
            BuildTarget::Wasip2 => Target::WasiP2,
        };
        let toolchain = Toolchain::find(target)?;
        let spinner = output.spinner(format!("building for {toolchain}"));
        let built = build(&What::Plugin(self.dir.clone()), &toolchain)?;
        spinner.finish_and_clear();
        let built = built.into_iter().next().context("nothing was built")?;
        let out = self.out.unwrap_or_else(|| self.dir.join("dist"));
        let size = built.component.len();
        let digest = Digest::of(&built.component);
        write_dist(&self.dir, &out, &built)?;
        let value = json!({ "component": out.join("plugin.wasm"), "bytes": size, "digest": digest, "toolchain": toolchain.to_string() });
        output.result(&value, || {
            format!("{}: {} bytes, {digest}\nBuilt for {toolchain}.", out.join("plugin.wasm").display(), size)
        })
    }
}

/// Puts component and manifest where they can be signed. The manifest must be right by now.
pub fn write_dist(plugin: &Path, out: &Path, built: &Built) -> Result<Manifest> {
    let path = plugin.join("portcullis.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed = Manifest::parse(&text).and_then(|manifest| manifest.check(RULES.catalogue).map(|()| manifest));
    let manifest = parsed.with_context(|| format!("{} is not right", path.display()))?;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    fs::write(out.join("plugin.wasm"), &built.component)?;
    fs::write(out.join("portcullis.toml"), text)?;
    // A signature for what was here before does not hold for this.
    match fs::remove_file(out.join("release.dsse.json")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(manifest),
    }
}
