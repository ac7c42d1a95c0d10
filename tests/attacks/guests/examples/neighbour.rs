//! Behaves: reads a ticket, counts in `kv`, and says what it saw. It runs beside every attack, and must be right each time.

use portcullis_attack_guests::*;

attack!(|event| {
    let turn = About::of(&event)?.call();
    let bucket = kv::open("turns")?;
    let before =
        bucket.get("turn")?.map_or_else(|| "none".to_owned(), |value| String::from_utf8_lossy(&value).into_owned());
    let ticket = tickets::get("1005", &names(&["subject", "status"]))?;
    bucket.set("turn", turn.to_string().as_bytes(), None)?;
    say(&format!("{} {:?} after {before}", ticket.subject.unwrap_or_default(), ticket.status));
    Ok(())
});
