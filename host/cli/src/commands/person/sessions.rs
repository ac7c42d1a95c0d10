//! `portcullis person sessions` and `portcullis person support list`: with more of each than the admin API shows.

use anyhow::Result;
use portcullis_model::{
    audit::plain,
    id::{PersonId, TenantId},
    people::{Session, SupportGrant},
};
use serde_json::{Value, json};

use super::With;

/// From where somebody is signed in.
pub(super) async fn sessions(with: &With, place: Option<&TenantId>, person: &PersonId) -> Result<()> {
    let sessions = with.access.sessions_of(&with.caller, place, person).await?;
    let now = with.host.clock.now();
    let rows: Vec<Value> = sessions
        .iter()
        .map(|one| {
            json!({
                "session": one.id, "device": one.device.label, "new-device": one.device.new, "address": one.address,
                "created": one.created, "used": one.used, "live": one.is_live(now), "ended": one.ended,
            })
        })
        .collect();
    with.output.result(&json!({ "sessions": rows }), || {
        let line = |one: &Session| {
            let state = match &one.ended {
                Some(ended) => format!("ended {}: {}", ended.at, plain(&ended.why)),
                None if one.is_live(now) => "live".to_owned(),
                None => "past its limits".to_owned(),
            };
            let new = if one.device.new { ", a new device" } else { "" };
            format!(
                "{}  {}{new}, from {}, since {}, used {}: {state}",
                one.id,
                plain(&one.device.label),
                one.address,
                one.created,
                one.used
            )
        };
        match sessions.is_empty() {
            true => "No sessions.".to_owned(),
            false => sessions.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    })
}

/// When support was let into a tenant.
pub(super) async fn support(with: &With, tenant: &TenantId) -> Result<()> {
    let all = with.access.support(&with.caller, tenant).await?;
    let now = with.host.clock.now();
    with.output.result(&json!({ "support": all }), || {
        let line = |one: &SupportGrant| {
            let what = if one.may_change { "to change" } else { "to look" };
            let state = if one.holds(now) { "in force" } else { "over" };
            format!(
                "{}  {what}, {} to {}, {state}: {}",
                one.id,
                one.since,
                one.ended.unwrap_or(one.until),
                plain(&one.reason)
            )
        };
        match all.is_empty() {
            true => "Never.".to_owned(),
            false => all.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    })
}
