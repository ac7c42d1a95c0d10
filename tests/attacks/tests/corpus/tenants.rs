//! What must hold after guests that look for another tenant's data. That the data is as it was and that nothing of it is in any
//! log holds for every guest.

use crate::run::Ran;

/// The acts were permitted, and found nothing: what decides is the tenant of the call, not the id.
fn tried(ran: &Ran<'_>, act: &str, least: usize) -> Result<(), String> {
    let permitted = ran.acts().permitted(act);
    if permitted >= least { Ok(()) } else { Err(format!("only {permitted} of {act} got as far as the service")) }
}

/// It got as far as the service, with the right ids among them.
pub async fn reads_another_tenants_ticket(ran: &Ran<'_>) -> Result<(), String> {
    tried(ran, "tickets.get", 2)?;
    tried(ran, "tickets.comments", 1)
}

/// As above.
pub async fn searches_another_tenants_tickets(ran: &Ran<'_>) -> Result<(), String> {
    tried(ran, "tickets.search", 7)
}

/// As above.
pub async fn changes_another_tenants_ticket(ran: &Ran<'_>) -> Result<(), String> {
    for act in ["tickets.add-comment", "tickets.update", "tickets.redact", "tickets.delete"] {
        tried(ran, act, 1)?;
    }
    Ok(())
}

/// As above.
pub async fn finds_another_tenants_people(ran: &Ran<'_>) -> Result<(), String> {
    tried(ran, "users.get", 2)?;
    tried(ran, "users.find", 3)
}
