//! Entries of the log, as they are printed.

use anyhow::Result;
use portcullis_model::audit::reader::Shown;
use serde_json::{Value, json};

use super::ended::{ended, who};
use crate::{admin::given, output::Output};

/// The entries by which this one, or values of it, came to their end.
pub fn ends_of(shown: &Shown) -> impl Iterator<Item = u64> {
    shown.erased.values().copied().chain(shown.disposed)
}

/// Prints an entry as the host answered it: its index, and what can be read of it; of what cannot, when it went, by whom and why.
pub fn print(output: Output, answered: &Value, ends: &[Shown]) -> Result<()> {
    let shown: Shown = given(answered.clone())?;
    let mut value = json!({ "index": shown.index, "entry": answered["entry"] });
    if let Some(fault) = &shown.fault {
        value["fault"] = json!(fault);
    }
    let mut told = String::new();
    for (field, by) in &shown.erased {
        let end = ended(ends, *by)?;
        told.push_str(&format!("\n        {field} was erased, {}", end.words()));
        value["erased"][field] = json!(end);
    }
    if let Some(by) = shown.disposed {
        let end = ended(ends, by)?;
        told.push_str(&format!("\n        it was disposed of, {}", end.words()));
        value["disposed"] = json!(end);
    }
    output.item(&value, || words(&shown) + &told)
}

fn words(shown: &Shown) -> String {
    let Some(entry) = &shown.entry else {
        return format!("{:>7} ({})", shown.index, shown.fault.as_deref().unwrap_or("it cannot be read"));
    };
    let actor = who(&entry.actor);
    let detail: Vec<String> = entry.detail.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let resource = entry.resource.as_deref().unwrap_or("-");
    format!("{:>7} {} {:16} {actor} {resource} {}", shown.index, entry.time, entry.kind.name(), detail.join(" "))
}
