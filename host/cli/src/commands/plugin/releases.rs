//! `portcullis plugin releases`

use anyhow::Result;
use clap::Args;
use portcullis_model::id::PluginId;
use serde_json::json;

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// List the releases of a plugin in this host's registry, the newest first.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin releases com.example.card-guard")]
pub struct Releases {
    /// The plugin's id.
    pub plugin: PluginId,
}

impl Releases {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let query = [("plugin", Some(self.plugin.to_string()))];
        let mut all = Keyboard::of(&host)?.all("/releases", &query).await?;
        all.sort_by_key(|one| std::cmp::Reverse(one["number"].as_u64()));
        for one in &all {
            let value = json!({
                "plugin": one["plugin"], "release": one["number"], "version": one["version"],
                "digest": one["component"], "manifest": one["manifest"], "since": one["since"],
            });
            output.item(&value, || {
                let text = |name: &str| one[name].as_str().unwrap_or_default();
                format!(
                    "{:>6}  {:12} {}  {}",
                    one["number"].as_u64().unwrap_or_default(),
                    text("version"),
                    text("since"),
                    text("component")
                )
            })?;
        }
        Ok(())
    }
}
