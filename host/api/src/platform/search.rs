//! Zendesk's search language, as far as the help desk can answer it: `type:ticket status<solved tags:card updated>2026-10-05 "lost
//! voucher"`. What it cannot answer is refused, never ignored: a search that finds too much is worse than none.

use std::str::FromStr;

use portcullis_model::{
    helpdesk::{FindBy, Priority, Query, Status},
    time::Timestamp,
};

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

const KNOWN: &str = "known are words, \"phrases\", type:ticket, status, priority, tags, requester, assignee, organization, brand (by \
                     id) and updated, with ':', '<', '<=', '>' or '>='";

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Is,
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// Reads a search for tickets.
pub(super) fn tickets(text: &str) -> Result<Query, String> {
    let mut query = Query::default();
    for term in terms(text)? {
        match term.split_once([':', '<', '>']) {
            _ if term.starts_with('"') => query.words.push(term.trim_matches('"').to_owned()),
            _ if term.starts_with('-') => return Err(format!("query: nothing can be left out by '-'; {KNOWN}")),
            None => query.words.push(term),
            Some((name, _)) => {
                let (compare, value) = compared(&term[name.len()..]);
                one(&mut query, name, compare, value.trim_matches('"'))?;
            }
        }
    }
    Ok(query)
}

fn compared(rest: &str) -> (Compare, &str) {
    let signs = [
        ("<=", Compare::AtMost),
        (">=", Compare::AtLeast),
        ("<", Compare::Below),
        (">", Compare::Above),
        (":", Compare::Is),
    ];
    let found = signs.iter().find_map(|(sign, compare)| Some((*compare, rest.strip_prefix(sign)?)));
    found.unwrap_or((Compare::Is, rest))
}

/// Splits at white space that is in no quotes.
fn terms(text: &str) -> Result<Vec<String>, String> {
    let (mut terms, mut term, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        quoted ^= c == '"';
        match c.is_whitespace() && !quoted {
            true => terms.push(std::mem::take(&mut term)),
            false => term.push(c),
        }
    }
    terms.push(term);
    match quoted {
        true => Err("query: a quotation mark is open".into()),
        false => Ok(terms.into_iter().filter(|term| !term.trim_matches('"').is_empty()).collect()),
    }
}

fn one(query: &mut Query, name: &str, compare: Compare, value: &str) -> Result<(), String> {
    let only = |slot: &mut Option<String>| match (compare, slot.is_some()) {
        (Compare::Is, false) => {
            *slot = Some(value.to_owned());
            Ok(())
        }
        _ => Err("query: requester, assignee, organization and brand are each asked for once, with ':'".to_owned()),
    };
    match name {
        "type" if compare == Compare::Is && value == "ticket" => Ok(()),
        "type" => Err("query: only type:ticket can be searched; people are found at users/search".into()),
        "status" => among(&mut query.status, Status::ALL, compare, value),
        "priority" => among(&mut query.priority, Priority::ALL, compare, value),
        "tag" | "tags" if compare == Compare::Is => {
            query.tags.push(value.to_owned());
            Ok(())
        }
        "requester" | "requester_id" => only(&mut query.requester_id),
        "assignee" | "assignee_id" => only(&mut query.assignee_id),
        "organization" | "organization_id" => only(&mut query.organization_id),
        "brand" | "brand_id" => only(&mut query.brand_id),
        "updated" | "updated_at" => updated(query, compare, value),
        _ => Err(format!("query: {KNOWN}")),
    }
}

/// Values of one name are alternatives; the names are in order.
fn among<T>(wanted: &mut Vec<T>, all: &[T], compare: Compare, value: &str) -> Result<(), String>
where
    T: FromStr<Err = String> + Copy + Ord,
{
    let value: T = value.parse().map_err(|problem| format!("query: {problem}"))?;
    let fits = |one: &T| match compare {
        Compare::Is => *one == value,
        Compare::Below => *one < value,
        Compare::AtMost => *one <= value,
        Compare::Above => *one > value,
        Compare::AtLeast => *one >= value,
    };
    let fitting: Vec<T> = all.iter().copied().filter(fits).collect();
    if fitting.is_empty() {
        return Err("query: no value is beyond that one".into());
    }
    wanted.extend(fitting);
    Ok(())
}

/// A moment, or a whole day: what is after a day is after its end.
fn updated(query: &mut Query, compare: Compare, value: &str) -> Result<(), String> {
    let day = Timestamp::parse(&format!("{value}T00:00:00Z")).map(|at| (at.0, at.0.saturating_add(DAY)));
    let moment = || Timestamp::parse(value).map(|at| (at.0, at.0.saturating_add(1)));
    let (first, beyond) = day.or_else(moment).ok_or("query: updated takes 2026-10-05 or 2026-10-05T08:12:44Z")?;
    let (since, before) = match compare {
        Compare::Is => (Some(first), Some(beyond)),
        Compare::Above => (Some(beyond), None),
        Compare::AtLeast => (Some(first), None),
        Compare::Below => (None, Some(first)),
        Compare::AtMost => (None, Some(beyond)),
    };
    query.updated_since = query.updated_since.max(since);
    query.updated_before = match (query.updated_before, before) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Ok(())
}

/// Reads a search for people: a whole address or number, or an organization's id.
pub(super) fn people(text: &str) -> Result<FindBy, String> {
    let known = "query: expected email:<address>, phone:<number> or organization:<id>, whole; a bare address will do";
    let text = text.trim();
    let (name, value) = match text.split_once(':') {
        Some((name, value)) => (name, value.trim_matches('"')),
        None if text.contains('@') => ("email", text),
        None => return Err(known.into()),
    };
    match name {
        "email" => Ok(FindBy::Email(value.to_owned())),
        "phone" => Ok(FindBy::Phone(value.to_owned())),
        "organization" | "organization_id" => Ok(FindBy::Organization(value.to_owned())),
        _ => Err(known.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_can_be_answered() {
        let query = tickets(
            r#"type:ticket status<solved priority:high tags:card tags:"gift" updated>2026-10-05 "lost voucher" x"#,
        );
        let query = query.unwrap();
        assert_eq!(query.status, [Status::New, Status::Open, Status::Pending, Status::Hold]);
        assert_eq!(query.priority, [Priority::High]);
        assert_eq!(query.tags, ["card", "gift"]);
        assert_eq!(query.words, ["lost voucher", "x"]);
        assert_eq!(query.updated_since, Some(Timestamp::parse("2026-10-06T00:00:00Z").unwrap().0));
        assert_eq!(tickets("  ").unwrap(), Query::default());
        let between = tickets("updated>=2026-10-05T00:00:00Z updated<2026-10-06").unwrap();
        let at = |text: &str| Some(Timestamp::parse(text).unwrap().0);
        assert_eq!(
            (between.updated_since, between.updated_before),
            (at("2026-10-05T00:00:00Z"), at("2026-10-06T00:00:00Z"))
        );
    }

    #[test]
    fn refuses_what_it_cannot() {
        for bad in [
            "-x",
            "type:user",
            "status:opne",
            "status>closed",
            "subject:x",
            "created>2026-10-05",
            "updated:x",
            "\"x",
            "requester:1 requester:2",
            "assignee>5",
            "tags>x",
            "group:5",
            "fieldvalue:1",
            "status:",
        ] {
            assert!(tickets(bad).unwrap_err().starts_with("query: "), "{bad}");
        }
    }

    #[test]
    fn finds_people_by_what_is_whole() {
        assert_eq!(people("a@b.example").unwrap(), FindBy::Email("a@b.example".into()));
        assert_eq!(people("phone:\"+31 20\"").unwrap(), FindBy::Phone("+31 20".into()));
        assert_eq!(people("organization:5").unwrap(), FindBy::Organization("5".into()));
        assert!(people("ann").is_err() && people("name:ann").is_err());
    }
}
