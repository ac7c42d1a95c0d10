//! `portcullis plugin publish`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portcullis_packages::release_dir::read_release;
use serde_json::json;

use crate::{home::Home, host::Host, output::Output};

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
        let host = Host::open(home).await?;
        let files = read_release(&self.path)?;
        let published = host.installer().publish(&files).await;
        super::super::publish(&host).await?;
        let published = published?;
        let listed = &published.listed;
        let value = json!({
            "plugin": listed.plugin, "release": listed.number, "version": listed.version,
            "digest": listed.id.component, "manifest": listed.id.manifest,
            "new": published.new, "lacks": published.lacks,
        });
        output.result(&value, || {
            let word = if published.new { "Published" } else { "Is there already:" };
            let lacks =
                published.lacks.as_ref().map_or(String::new(), |lacks| format!("\nIt does not run yet: {lacks}"));
            format!(
                "{word} {} {} (release {}), {}{lacks}",
                listed.plugin, listed.version, listed.number, listed.id.component
            )
        })
    }
}
