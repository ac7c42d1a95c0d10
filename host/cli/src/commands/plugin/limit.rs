//! `portcullis plugin limit`

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use portcullis_api::admin::Method;
use portcullis_model::{limits::Limits, scope::nearest};
use serde_json::json;

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// Set what one installation may use, in a call and in an hour. What is not named stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis plugin limit card-guard records-read-per-hour=500\n  \
    portcullis plugin limit card-guard cpu-ms=50 concurrent-calls=2\n\n\
    The smallest of what the manifest asks, this, the tenant's and the platform's limits holds.")]
pub struct Limit {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// Name and number; may be several.
    #[arg(required = true, value_name = "NAME=NUMBER")]
    pub limits: Vec<String>,
}

fn read(text: &str) -> Result<(String, u64)> {
    let (name, number) = text.split_once('=').ok_or_else(|| anyhow!("'{text}': expected name=number"))?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0).with_context(|| {
        format!("{name}: expected a whole number of 1 or more; suspend the plugin to stop it altogether")
    })?;
    match Limits::NAMES.contains(&name) {
        true => Ok((name.to_owned(), number)),
        false => Err(anyhow!("no limit '{name}'; {}", nearest(name, Limits::NAMES))),
    }
}

impl Limit {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let limits: BTreeMap<String, u64> = self.limits.iter().map(|text| read(text)).collect::<Result<_>>()?;
        let body = json!({ "limits": limits });
        let changed = Keyboard::of(&host)?.change(Method::PATCH, &installation, "limits", Some(&body)).await?;
        output.result(&changed, || {
            let all: Vec<String> =
                changed.limits.entries().iter().map(|(name, value)| format!("  {name} {value}")).collect();
            format!("{} may use at most:\n{}", changed.id, all.join("\n"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_name_that_is_known_and_a_number() {
        assert_eq!(read("cpu-ms=7").unwrap(), ("cpu-ms".to_owned(), 7));
        for (text, problem) in [
            ("cpu-ms", "expected name=number"),
            ("cpu-ms=", "expected a whole number"),
            ("cpu-ms=0", "expected a whole number"),
            ("cpu-m=5", "did you mean 'cpu-ms'?"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }
}
