//! tries: to change a search's cursor: cut, longer, of another query, another order, bits turned
//! stands-for: MNT-5, DAT-2
//! asks: tickets:read fields=subject,status,updated_at
//! limit: records-read=5000
//! limit: records-read-per-hour=50000
//! limit: host-calls=5000
//! limit: cpu-ms=5000
//! limit: wall-ms=30000
//! expect: ok

use portcullis_attack_guests::*;

fn search(query: &tickets::Query, order: tickets::Sort, after: &str) -> Result<tickets::Page, Error> {
    tickets::search(query, order, &names(&["subject"]), 2, Some(after))
}

attack!(|_| {
    let page = tickets::search(&any(), tickets::Sort::Newest, &names(&["subject"]), 2, None);
    let cursor = works("a page", page)?.next.ok_or_else(|| missed("there is no second page"))?;
    works("the cursor as it is", search(&any(), tickets::Sort::Newest, &cursor))?;
    must(!cursor.contains("1220") && !cursor.contains("1219"), format!("it shows an id: {cursor}"))?;
    let open = tickets::Query { status: vec![tickets::Status::Open], ..any() };
    invalid("another query", search(&open, tickets::Sort::Newest, &cursor))?;
    invalid("another order", search(&any(), tickets::Sort::Updated, &cursor))?;
    for other in ["", "0", "1005", "AAAA", "{}", "null", "\0", "..", "' OR 1=1"] {
        invalid(other, search(&any(), tickets::Sort::Newest, other))?;
    }
    for length in 0..cursor.len() {
        invalid("cut", search(&any(), tickets::Sort::Newest, &cursor[..length]))?;
    }
    for more in ["A", "=", " ", "\n", "\0", &cursor] {
        invalid("longer", search(&any(), tickets::Sort::Newest, &format!("{cursor}{more}")))?;
    }
    let letters: Vec<char> = cursor.chars().collect();
    for at in 0..letters.len() {
        for other in ['A', '0', 'f'].into_iter().filter(|other| *other != letters[at]) {
            let mut changed = letters.clone();
            changed[at] = other;
            let changed: String = changed.into_iter().collect();
            invalid("changed", search(&any(), tickets::Sort::Newest, &changed))?;
        }
    }
    Ok(())
});
