//! `portcullis audit key show`

use anyhow::Result;
use serde_json::Value;

use crate::{admin::Keyboard, home::Home, host::Host, logbook, output::Output};

/// Shows the log's public key, and how it came about.
pub(super) async fn run(home: Home, output: Output) -> Result<()> {
    let keys = match Host::open(home.clone()).await {
        Ok(host) => Keyboard::of(&host)?.read("/audit/key").await?,
        // What does not open, such as one that was restored without its keys, is just what somebody wants to check by it.
        Err(error) => serde_json::to_value(logbook::keys(&home).map_err(|_| error)?)?,
    };
    output.result(&keys, || {
        let mut words = keys["key"].as_str().unwrap_or_default().to_owned();
        let older = keys["older"].as_array().into_iter().flatten().filter_map(Value::as_str);
        older.for_each(|old| words.push_str(&format!("\nbefore: {old}")));
        if let Some(until) = keys["old-signs-until"].as_str() {
            words.push_str(&format!("\nThe one before signs as well until {until}."));
        }
        words
    })
}
