//! From a plugin's source to a component: find a toolchain, run cargo, wrap the module, write down what it is made of.

mod component;
mod dependencies;
mod toolchain;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
pub use component::componentize;
pub use toolchain::{Target, Toolchain};

/// What to build.
#[derive(Clone, Debug)]
pub enum What {
    /// The library of the package in this directory.
    Plugin(PathBuf),
    /// All examples of the package in this directory that need none of its features: one component each.
    Examples(PathBuf),
    /// Those of its examples that are named, built with one of its features.
    Named {
        /// The package's directory.
        dir: PathBuf,
        /// The feature.
        feature: String,
        /// The examples.
        examples: Vec<String>,
    },
}

/// A component that was built.
#[derive(Clone, Debug)]
pub struct Built {
    /// The name of the library or example.
    pub name: String,
    /// Its bytes.
    pub component: Vec<u8>,
}

/// Builds components. Guests share one target directory, so that the second one is quick.
pub fn build(what: &What, toolchain: &Toolchain) -> Result<Vec<Built>> {
    let dir = match what {
        What::Plugin(dir) | What::Examples(dir) | What::Named { dir, .. } => dir,
    };
    let manifest = dir.join("Cargo.toml");
    if !manifest.is_file() {
        bail!(
            "{} has no Cargo.toml; give the plugin's directory, or make one with 'portcullis plugin new'",
            dir.display()
        );
    }
    let root = workspace(dir)?;
    let mut command = toolchain.cargo(if matches!(what, What::Plugin(_)) { "rustc" } else { "build" }, &root);
    command.arg("--message-format=json-render-diagnostics").arg("--manifest-path").arg(&manifest);
    match what {
        // Beside an rlib, cargo would leave link-time optimisation out, without a word.
        What::Plugin(_) => command.args(["--lib", "--crate-type", "cdylib"]),
        What::Examples(_) => command.arg("--examples"),
        What::Named { feature, examples, .. } => {
            command.args(["--features", feature]).args(examples.iter().flat_map(|name| ["--example", name]))
        }
    };
    let output = command.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo could not build {}; its messages are above", dir.display());
    }
    let modules = wasm_files(&output.stdout, &manifest)?;
    if modules.is_empty() {
        bail!("{} builds no .wasm; its Cargo.toml needs [lib] crate-type = [\"cdylib\", \"rlib\"]", dir.display());
    }
    let wrapped = |(name, file): (String, PathBuf)| -> Result<Built> {
        let mut component = componentize(&file)?;
        if matches!(what, What::Plugin(_)) {
            dependencies::embed(&mut component, &manifest, toolchain)?;
        }
        Ok(Built { name, component })
    };
    modules.into_iter().map(wrapped).collect()
}

/// The `.wasm` files among cargo's messages that this package itself made.
fn wasm_files(messages: &[u8], manifest: &Path) -> Result<Vec<(String, PathBuf)>> {
    let manifest = manifest.canonicalize()?;
    let mut files = Vec::new();
    for line in messages.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let message: serde_json::Value = serde_json::from_slice(line).context("cargo's messages")?;
        let own = message["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest);
        if message["reason"] != "compiler-artifact" || !own {
            continue;
        }
        let name = message["target"]["name"].as_str().unwrap_or_default().to_owned();
        let paths = message["filenames"].as_array().into_iter().flatten().filter_map(|f| f.as_str());
        files.extend(paths.filter(|p| p.ends_with(".wasm")).map(|path| (name.clone(), PathBuf::from(path))));
    }
    Ok(files)
}

/// The root of the workspace that the package belongs to.
fn workspace(dir: &Path) -> Result<PathBuf> {
    let output = Command::new("cargo")
        .args(["locate-project", "--workspace", "--message-format=plain"])
        .current_dir(dir)
        .output()
        .context("cannot run cargo; install Rust from https://rustup.rs")?;
    let root = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let parent = Path::new(&root).parent().filter(|_| output.status.success());
    Ok(parent.with_context(|| format!("cargo finds no project in {}", dir.display()))?.to_owned())
}
