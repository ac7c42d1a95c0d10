//! `portcullis person sessions`

use anyhow::Result;
use portcullis_model::{audit::plain, id::PersonId};
use serde_json::{Value, json};

use super::{At, With};

/// From where somebody is signed in.
pub(super) async fn sessions(with: &With, person: &PersonId, at: &At) -> Result<()> {
    let sessions = with.keyboard.all(&format!("/people/{person}/sessions"), &at.query()?).await?;
    let rows: Vec<Value> = sessions.iter().map(row).collect();
    with.output.result(&json!({ "sessions": rows }), || match sessions.is_empty() {
        true => "No sessions.".to_owned(),
        false => sessions.iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

fn row(one: &Value) -> Value {
    let ended = one.get("ended-at").map(|at| json!({ "at": at, "why": one["ended"] }));
    json!({
        "session": one["id"], "device": one["device"], "new-device": one["new-device"], "address": one["address"],
        "created": one["created"], "used": one["used"], "live": one["live"], "ended": ended,
    })
}

fn line(one: &Value) -> String {
    let text = |name: &str| plain(one[name].as_str().unwrap_or_default());
    let state = match (one.get("ended-at"), one["live"] == true) {
        (Some(_), _) => format!("ended {}: {}", text("ended-at"), text("ended")),
        (None, true) => "live".to_owned(),
        (None, false) => "past its limits".to_owned(),
    };
    let new = if one["new-device"] == true { ", a new device" } else { "" };
    let (id, device, address) = (text("id"), text("device"), text("address"));
    format!("{id}  {device}{new}, from {address}, since {}, used {}: {state}", text("created"), text("used"))
}
