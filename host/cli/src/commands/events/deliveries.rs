//! `portcullis events list` and `retry`

use anyhow::Result;
use portcullis_model::{
    id::InstallationId,
    queue::{DeliveryRow, DeliveryState},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, asked, given, or_unknown},
    host::Host,
    output::{Output, line},
};

/// A delivery, as the API shows it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Shown {
    number: i64,
    installation: InstallationId,
    back_end: bool,
    source: String,
    event: String,
    kind: String,
    state: DeliveryState,
    attempts: u32,
    error: Option<String>,
}

impl From<Shown> for DeliveryRow {
    fn from(shown: Shown) -> Self {
        let Shown { number: delivery, installation, back_end, source, event, kind, state, attempts, error } = shown;
        Self { delivery, source, event, kind, installation, back_end, state, attempts, error }
    }
}

pub(super) async fn list(host: &Host, output: Output, lines: usize) -> Result<()> {
    let keyboard = Keyboard::of(host)?;
    let newest = keyboard.first("/deliveries", &[("all", Some("true".to_owned()))], lines).await?;
    for shown in newest.into_iter().rev() {
        let row: DeliveryRow = given::<Shown>(shown)?.into();
        output.item(&row, || {
            let error = row.error.as_deref().unwrap_or_default();
            format!(
                "{:>7} {:36} {:40} {} {:?} tries {} {error}",
                row.delivery, row.event, row.kind, row.installation, row.state, row.attempts
            )
        })?;
    }
    if output.json {
        return Ok(());
    }
    let depth = keyboard.read("/deliveries/depth").await?;
    let counts = ["pending", "leased", "done", "dead"].map(|state| (state, depth[state].as_u64().unwrap_or_default()));
    let there: Vec<String> =
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(state, count)| format!("{count} {state}")).collect();
    line(&there.join(", "))
}

pub(super) async fn retry(host: &Host, output: Output, number: u64, dry_run: bool) -> Result<()> {
    let (keyboard, path) = (Keyboard::of(host)?, format!("/deliveries/{number}"));
    let missing = || format!("there is no delivery {number}; see 'portcullis events list'");
    let found: Shown = given(or_unknown(keyboard.read(&path).await, missing)?)?;
    let retried = match found.state {
        // What was delivered is refused there, and is nothing to fail for here.
        DeliveryState::Done => false,
        _ => {
            let path = asked(&format!("{path}/retry"), &[("dry_run", Some(dry_run.to_string()))]);
            keyboard.act(portcullis_api::admin::Method::POST, &path, None, None).await?["retried"] == Value::Bool(true)
        }
    };
    output.result(&json!({ "delivery": number, "retried": retried, "dry-run": dry_run }), || {
        let said = match (retried, dry_run) {
            (true, true) => "It would wait for its turn; nothing was changed.",
            (true, false) => "It waits for its turn.",
            (false, _) => "It is not put aside: nothing was changed.",
        };
        said.to_owned()
    })
}
