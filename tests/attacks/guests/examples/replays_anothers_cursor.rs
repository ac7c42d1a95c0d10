//! tries: to go on with a search that another installation began, in the same tenant and in another
//! stands-for: DAT-11, MNT-5
//! asks: tickets:read fields=subject
//! calls: own, sibling, stranger, own
//! expect: ok

use portcullis_attack_guests::*;

attack!(|event| {
    let about = About::of(&event)?;
    let subject = names(&["subject"]);
    if about.call() == 1 {
        let page = works("a page", tickets::search(&any(), tickets::Sort::Newest, &subject, 5, None))?;
        say(&page.next.ok_or_else(|| missed("there is no second page"))?);
        return Ok(());
    }
    let replayed = tickets::search(&any(), tickets::Sort::Newest, &subject, 5, Some(&about.first_loot()?));
    match about.call() {
        4 => works("by the one that began it", replayed).map(drop),
        _ => invalid("another installation's cursor", replayed),
    }
});
