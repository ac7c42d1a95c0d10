//! The entries: calls of plugins as a host writes them, over the last fortnight.

use anyhow::{Context as _, Result};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::TenantId,
    installation::Installation,
    time::Timestamp,
};

/// Over how many milliseconds they lie.
const SPAN: i64 = 14 * 86_400_000;
/// How many entries a call comes to: two acts, permitted and ended, and the end of the call.
const A_CALL: u64 = 5;

/// Entry `n` of `all`, the last of which is of `now`.
pub fn entry(of: &[Installation], n: u64, all: u64, now: Timestamp) -> Result<Entry> {
    let share = n as f64 / all as f64;
    let time = Timestamp(now.0 - SPAN + (SPAN as f64 * share) as i64);
    let (call, step) = (n / A_CALL, n % A_CALL);
    // A third of all calls are of ten installations, as it is where some plugins are at every ticket.
    let spread = call.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let which = if call.is_multiple_of(3) { spread % 10 } else { spread % of.len() as u64 };
    let one = of.get(usize::try_from(which)?).context("an installation")?;
    let name = format!("call_{call:024x}");
    let actor = Actor::Plugin {
        installation: one.id.clone(),
        plugin: one.plugin.clone(),
        release: one.release,
        call: name.parse()?,
    };
    let tenant: Option<TenantId> = Some(one.tenant.clone());
    let new = |kind| Entry::new(time, kind, actor.clone(), tenant.clone()).with("id", format!("{name}.{}", step / 2));
    let ticket = format!("ticket:{}", spread % 20_000);
    let is_denied = call.is_multiple_of(199);
    Ok(match step {
        0 | 1 if is_denied => new(Kind::ActDenied)
            .about(ticket)
            .with("id", format!("{name}.{step}"))
            .with("act", "users.get")
            .with("scope", "users:read fields=email")
            .with("layer", "grant")
            .with("reason", "not-granted")
            .with("grantor", "the tenant's admin"),
        0 => reading(new(Kind::ActPermitted)).about(ticket),
        1 => reading(new(Kind::ActOutcome)).about(ticket).with("outcome", "ok"),
        2 => sending(new(Kind::ActPermitted)),
        3 => sending(new(Kind::ActOutcome))
            .with("outcome", "ok")
            .with("bytes-out", 700 + spread % 900)
            .with("bytes-in", 90),
        _ => Entry::new(time, Kind::CallEnded, actor, tenant).with("end", "ok").with("cpu-ms", spread % 20),
    })
}

fn reading(entry: Entry) -> Entry {
    entry.with("act", "tickets.get").with("scope", "tickets:read fields=subject,status")
}

fn sending(entry: Entry) -> Entry {
    let scope = "http:send to=https://clock.example.eu/v1/* methods=POST";
    entry.about("POST https://clock.example.eu/v1/due").with("act", "http.send").with("scope", scope)
}
