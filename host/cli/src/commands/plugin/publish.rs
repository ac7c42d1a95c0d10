//! `portcullis plugin publish`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portcullis_packages::{bundle, release_dir::read_release};
use serde_json::{Value, json};

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// Put a release into this host's registry, without installing it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin publish my-plugin.portcullis\n\n\
    Its publisher must be trusted already. Reviewers can look at it there before anybody may run it; installations whose policy\n\
    takes it are upgraded by a running host within seconds.")]
pub struct Publish {
    /// A bundle, or a directory with plugin.wasm, portcullis.toml and release.dsse.json.
    pub path: PathBuf,
}

impl Publish {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        let published = keyboard.send("/releases", bundle::to_bytes(&read_release(&self.path)?)?).await?;
        let release = &published["release"];
        let value = json!({
            "plugin": release["plugin"], "release": release["number"], "version": release["version"],
            "digest": release["component"], "manifest": release["manifest"],
            "new": published["new"], "lacks": published["lacks"],
        });
        output.result(&value, || words(&published))
    }
}

fn words(published: &Value) -> String {
    let release = &published["release"];
    let text = |name: &str| release[name].as_str().unwrap_or_default();
    let word = if published["new"] == true { "Published" } else { "Is there already:" };
    let lacks = published["lacks"].as_str().map_or(String::new(), |lacks| format!("\nIt does not run yet: {lacks}"));
    let (plugin, version, component) = (text("plugin"), text("version"), text("component"));
    format!("{word} {plugin} {version} (release {}), {component}{lacks}", release["number"])
}
