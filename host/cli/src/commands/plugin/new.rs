//! `portcullis plugin new`

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_model::time::Clock as _;
use serde_json::json;

use crate::{output::Output, system::SystemClock};

const CARGO: &str = include_str!("template/Cargo.toml.in");
const MANIFEST: &str = include_str!("template/portcullis.toml.in");
const SOURCE: &str = include_str!("template/lib.rs.in");

/// For how long a new plugin's manifest promises maintenance, until its maker says otherwise.
const UPKEEP: Duration = Duration::from_secs(2 * 365 * 86_400);

/// Make a plugin to start from: source, manifest, a test.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin new greeter --publisher com.example && cd greeter && cargo test")]
pub struct New {
    /// The directory to make; its last part is the plugin's name.
    pub dir: PathBuf,
    /// Who publishes it, in reverse-DNS form.
    #[arg(long, default_value = "com.example")]
    pub publisher: portcullis_model::id::PublisherId,
    /// Where the SDK lies, where it is not beside this program's source.
    #[arg(long, value_name = "DIR")]
    pub sdk: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self, output: Output) -> Result<()> {
        let name = self.dir.file_name().and_then(|name| name.to_str()).context("give the directory a name")?.to_owned();
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !name.bytes().all(fine) || !name.as_bytes()[0].is_ascii_lowercase() || name.ends_with('-') {
            bail!("'{name}' is no plugin name: expected a-z, 0-9 and '-', beginning with a letter");
        }
        if self.dir.exists() {
            bail!("{} is there already", self.dir.display());
        }
        let sdk = self.sdk.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk")));
        let sdk = sdk.canonicalize().with_context(|| format!("no SDK in {}; name it with --sdk", sdk.display()))?;
        let until = SystemClock.now().plus(UPKEEP).to_string();
        let until = until.split('T').next().unwrap_or_default();
        let fill = |template: &str| {
            template
                .replace("{name}", &name)
                .replace("{ident}", &name.replace('-', "_"))
                .replace("{publisher}", self.publisher.as_str())
                .replace("{until}", until)
                .replace("{sdk}", &sdk.display().to_string())
        };
        fs::create_dir_all(self.dir.join("src"))?;
        fs::write(self.dir.join("Cargo.toml"), fill(CARGO))?;
        fs::write(self.dir.join("portcullis.toml"), fill(MANIFEST))?;
        fs::write(self.dir.join("src/lib.rs"), fill(SOURCE))?;
        fs::write(self.dir.join(".gitignore"), "/target\n/dist\n")?;
        output.result(&json!({ "directory": self.dir }), || {
            format!(
                "Made {0}. Next:\n  cargo test --manifest-path {0}/Cargo.toml\n  portcullis plugin build {0}",
                self.dir.display()
            )
        })
    }
}
