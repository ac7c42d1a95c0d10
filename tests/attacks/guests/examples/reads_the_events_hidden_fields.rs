//! tries: to read in an event what it may not read of the ticket that the event is about
//! stands-for: DAT-1, DAT-2
//! asks: tickets:read fields=status
//! event: zendesk
//! expect: ok

use portcullis_attack_guests::*;

attack!(|event| {
    must(event.data.contains("\"status\""), "MISSED: not even what is granted is there")?;
    for hidden in
        ["hidden-subject", "hidden-description", "hidden-tag", "hidden-field", "hidden-comment", "9010085", "hidden@"]
    {
        must(!event.data.contains(hidden), format!("{hidden}: {}", event.data))?;
        let rest = format!("{} {} {} {:?}", event.id, event.kind, event.source, event.subject);
        must(!rest.contains(hidden), format!("{hidden}: {rest}"))?;
    }
    Ok(())
});
