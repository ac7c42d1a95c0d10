//! tries: to break a ticket by its tags: very many, very long, empty, with separators and control characters
//! stands-for: MNT-5, INC-6
//! asks: tickets:write fields=tags
//! asks: tickets:read fields=tags
//! limit: memory-mib=32
//! limit: cpu-ms=5000
//! limit: wall-ms=30000
//! expect: ok

use portcullis_attack_guests::*;

fn add(tags: Vec<String>) -> Result<(), Error> {
    tickets::update("1005", &tickets::Changes { add_tags: tags, ..no_changes() })
}

attack!(|_| {
    invalid("50,000", add((0..50_000).map(|number| format!("tag-{number}")).collect()))?;
    invalid("1 MiB", add(vec!["x".repeat(1024 * 1024)]))?;
    for tag in ["", " ", "a b", "a\nb", "a\0b", "\u{1b}[0m"] {
        invalid(tag, add(names(&[tag])))?;
    }
    let remove =
        tickets::Changes { remove_tags: (0..50_000).map(|number| format!("tag-{number}")).collect(), ..no_changes() };
    // What is not there can be taken away: it must be done within the call's own time.
    let _ = tickets::update("1005", &remove);
    // One call after the other must not get there either.
    for round in 0..40 {
        if add((0..100).map(|number| format!("t{round}-{number}")).collect()).is_err() {
            break;
        }
    }
    let ticket = works("the ticket", tickets::get("1005", &names(&["tags"])))?;
    let tags = ticket.tags.unwrap_or_default();
    must(tags.len() <= 1_000, format!("{} tags", tags.len()))
});
