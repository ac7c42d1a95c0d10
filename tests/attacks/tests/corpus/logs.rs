//! What must hold after guests that write: each line is one line, and says no more than it says.

use portcullis_model::invoke::PluginLogs as _;

use crate::run::Ran;

/// Whether a character can make a reader see something else than is there.
pub fn is_unfit(c: char) -> bool {
    let turning = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    c.is_control() || turning || matches!(c, '\u{2028}' | '\u{2029}')
}

/// What is stored is what people see: as many lines as were logged, each escaped, each under the right name.
async fn stored(ran: &Ran<'_>, expected: usize) -> Result<(), String> {
    let host = &ran.world.lab.host;
    for report in &ran.reports {
        host.store.keep(report, host.clock.now());
    }
    drop(ran.world.lab.entries().await);
    let lines = host.store.log_lines(Some(ran.own().id.clone()), 1_000).await.map_err(|error| error.to_string())?;
    if lines.len() != expected {
        return Err(format!("{} lines are stored, {expected} were logged", lines.len()));
    }
    match lines.iter().find(|line| line.message.contains(is_unfit) || line.installation != *ran.own().id.as_str()) {
        Some(line) => Err(format!("a line is not escaped: {:?}", line.message.escape_unicode().to_string())),
        None => Ok(()),
    }
}

/// Each text is one line.
pub async fn forges_log_lines(ran: &Ran<'_>) -> Result<(), String> {
    stored(ran, 10).await
}

/// The marks are shown and do nothing.
pub async fn turns_text_around(ran: &Ran<'_>) -> Result<(), String> {
    stored(ran, 1).await?;
    one_entry(ran)
}

/// The log stops at its limit, and says how many lines it left out.
pub async fn floods_its_log(ran: &Ran<'_>) -> Result<(), String> {
    within(ran, 10_001)?;
    stored(ran, ran.lines().count()).await
}

/// As the log: standard output and error are lines in it.
pub async fn floods_stdout(ran: &Ran<'_>) -> Result<(), String> {
    within(ran, 0)
}

/// At most 4 KiB, and nothing lost without count.
fn within(ran: &Ran<'_>, all: usize) -> Result<(), String> {
    let bytes: usize = ran.lines().map(str::len).sum();
    let dropped = ran.reports[0].usage.log_dropped as usize;
    let lines = ran.lines().count();
    if bytes > 4_096 || lines == 0 {
        return Err(format!("{bytes} bytes in {lines} lines"));
    }
    if all > 0 && lines + dropped != all {
        return Err(format!("{lines} lines and {dropped} dropped are not {all}"));
    }
    Ok(())
}

/// The call is one entry, and its texts are escaped and short.
fn one_entry(ran: &Ran<'_>) -> Result<(), String> {
    let entry = ran.reports[0].entry(ran.world.lab.host.clock.now());
    let bytes = entry.encode().map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    if text.contains(is_unfit) || text.len() > 4_096 {
        return Err(format!("its entry in the audit log: {text:?}"));
    }
    let ended = ran.entries.iter().filter(|entry| entry.kind == portcullis_model::audit::Kind::CallEnded).count();
    if ended == 1 { Ok(()) } else { Err(format!("{ended} ends of one call")) }
}

/// Nothing of it is an entry of its own.
pub async fn forges_an_outcome(ran: &Ran<'_>) -> Result<(), String> {
    let granted = ran.world.lab.entries_of(portcullis_model::audit::Kind::PluginGranted).await;
    if !granted.is_empty() {
        return Err(format!("{granted:?}"));
    }
    one_entry(ran)
}

/// No denial stands in the log, since the host has not denied anything.
pub async fn forges_a_denial(ran: &Ran<'_>) -> Result<(), String> {
    let denied = ran.acts().denied;
    if !denied.is_empty() {
        return Err(format!("{denied:?}"));
    }
    one_entry(ran)
}
