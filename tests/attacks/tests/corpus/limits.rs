//! What must hold after guests that want too much.

use portcullis_model::audit::Kind;

use crate::run::Ran;

/// Denials in the audit log are counted, and only the first ones are written out: what matters is still to be found.
pub async fn floods_the_audit_log_with_denials(ran: &Ran<'_>) -> Result<(), String> {
    let written = ran.acts().denied("tickets.get");
    let ended =
        ran.entries.iter().find(|entry| entry.kind == Kind::CallEnded).ok_or("its call does not stand in the log")?;
    let unlisted = ended.detail["denials-unlisted"].as_u64().unwrap_or_default();
    if written > 100 {
        return Err(format!("{written} denials were written out"));
    }
    if unlisted as usize + written < 2_900 {
        return Err(format!("{written} denials and {unlisted} unlisted are not 3,000"));
    }
    Ok(())
}

/// It held no more than it may.
pub async fn opens_handles_without_end(ran: &Ran<'_>) -> Result<(), String> {
    let held = ran.lines().find_map(|line| line.strip_prefix("held ")?.parse::<u32>().ok());
    if held.is_some_and(|held| held <= 64) { Ok(()) } else { Err(format!("it held {held:?} handles")) }
}

/// In all of its calls together it read no more than the hour's budget, and the capability was suspended, on record.
pub async fn exports_everything(ran: &Ran<'_>) -> Result<(), String> {
    let read: Vec<u32> = ran.lines().filter_map(|line| line.split_once(" read")?.0.parse().ok()).collect();
    let all: u32 = read.iter().sum();
    if read.len() != 3 || read[0] == 0 || all > 220 {
        return Err(format!("it read {read:?}"));
    }
    let suspended = ran.world.lab.entries_of(Kind::CapabilitySuspended).await;
    let ours = suspended.iter().any(|entry| format!("{entry:?}").contains(ran.own().id.as_str()));
    if ours { Ok(()) } else { Err("no suspension of tickets stands in the audit log".to_owned()) }
}
