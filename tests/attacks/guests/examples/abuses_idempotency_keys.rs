//! tries: to learn of, block or take over another installation's comment by the key that it used
//! stands-for: DAT-11, MNT-5
//! asks: tickets:comment visibility=internal
//! calls: own, sibling, stranger, own
//! expect: ok
//! afterwards: tickets

use portcullis_attack_guests::*;

attack!(|event| {
    let about = About::of(&event)?;
    let id = works("a comment", tickets::add_comment("1005", &note("The same for all.", Some("the-key"))))?;
    let before = about.loot();
    match about.call() {
        1 => {}
        4 => must(before.first() == Some(&id), "MISSED: its own key was not known again")?,
        2 => must(!before.contains(&id), "another installation's comment")?,
        // In another tenant the same number is another comment: what is there is looked at afterwards.
        _ => {}
    }
    fails("another text under the key", tickets::add_comment("1005", &note("Another text.", Some("the-key"))))?;
    invalid("a key of 129", tickets::add_comment("1005", &note("x", Some(&"k".repeat(129)))))?;
    say(&id);
    Ok(())
});
