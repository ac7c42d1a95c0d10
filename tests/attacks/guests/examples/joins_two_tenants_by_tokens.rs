//! tries: to find out that two installations see the same person, by the stand-ins that they are shown
//! stands-for: DAT-2, DAT-11
//! asks: tickets:read fields=requester_id,subject token=requester_id,subject
//! calls: own, sibling, stranger, own
//! expect: ok

use portcullis_attack_guests::*;

attack!(|event| {
    let about = About::of(&event)?;
    let ticket = works("the ticket", tickets::get("1005", &names(&["requester_id", "subject"])))?;
    let seen = format!("{} {}", ticket.requester_id.unwrap_or_default(), ticket.subject.unwrap_or_default());
    must(!seen.contains("9010085") && !seen.contains("voucher"), format!("in the clear: {seen}"))?;
    let loot = about.loot();
    let own = about.call() == 4;
    for (number, before) in loot.iter().enumerate() {
        if own && number == 0 {
            must(*before == seen, "MISSED: one installation is shown two stand-ins for one value")?;
        } else {
            must(!before.split(' ').any(|token| seen.contains(token)), format!("the same stand-in: {seen}"))?;
        }
    }
    say(&seen);
    Ok(())
});
