//! `portcullis plugin schema`

use anyhow::Result;
use clap::Args;

use crate::output::line;

/// Print the JSON schema of the manifest, portcullis.toml.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin schema > portcullis.schema.json\n\n\
    Editors that know TOML schemas (taplo, Even Better TOML) go by it where the manifest begins with\n  \
    #:schema portcullis.schema.json")]
pub struct Schema;

impl Schema {
    pub(super) fn run(self) -> Result<()> {
        line(&serde_json::to_string_pretty(&portcullis_packages::manifest::schema())?)
    }
}
