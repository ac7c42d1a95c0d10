//! `portcullis plugin withdrawals`

use anyhow::Result;
use portcullis_model::{audit::plain, installation::InstallationState};
use serde_json::json;

use crate::{admin::Keyboard, home::Home, host::Host, output::Output};

/// Lists what is withdrawn.
pub(super) async fn list(home: Home, output: Output) -> Result<()> {
    let host = Host::open(home).await?;
    let keyboard = Keyboard::of(&host)?;
    let all = keyboard.all("/withdrawals", &[]).await?;
    if all.is_empty() && !output.json {
        return crate::output::line("Nothing is withdrawn.");
    }
    for one in &all {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        let by = match text("by") {
            "publisher" => "its publisher".to_owned(),
            root => format!("'{root}'"),
        };
        let value = json!({ "withdrawal": one["digest"], "by": by, "target": one["about"], "reason": one["reason"] });
        output
            .item(&value, || format!("{}  {}  by {by}: {}", text("digest"), text("target"), plain(text("reason"))))?;
    }
    if !output.json {
        let installations = keyboard.installations().await?;
        let suspended = installations.iter().filter(|(one, _)| one.state != InstallationState::Active).count();
        crate::output::line(&format!("{suspended} installations are suspended, for this or another reason."))?;
    }
    Ok(())
}
