//! Finding tickets in plain tests.

use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};

use toml::value::{Date, Datetime, Offset};

use super::super::{Page, Query, Sort};
use super::{Desk, PAGE, READ, Ticket, check_names, facts, show};
use crate::testing::with_host;
use crate::types::WitError;

const WORDS_BYTES: usize = 200;

fn invalid<T>(what: &str) -> Result<T, WitError> {
    Err(WitError::Invalid(what.to_owned()))
}

pub(crate) fn search(
    query: &Query,
    order: Sort,
    fields: &[String],
    most: u32,
    after: Option<&str>,
) -> Result<Page, WitError> {
    with_host(|host| {
        let words = query.words.as_deref().unwrap_or_default();
        if words.len() > WORDS_BYTES || words.chars().any(char::is_control) {
            return invalid("query.words: expected at most 200 bytes without control characters");
        }
        let since = match query.updated_since.as_deref().map(millis) {
            Some(None) => return invalid("query.updated-since: expected RFC 3339, such as 2026-10-05T08:12:44Z"),
            known => known.flatten(),
        };
        check_names(fields)?;
        let start = match after.map(|cursor| read(query, order, cursor)) {
            Some(None) => return invalid("after: not a cursor of this query"),
            known => known.flatten(),
        };
        let asked_by = asked_by(query, order);
        host.require_asking(READ, fields, &asked_by)?;
        let mut found: Vec<Ticket> =
            host.part(|desk: &mut Desk| desk.0.values().map(|entry| entry.ticket.clone()).collect());
        found.retain(|ticket| {
            let facts = facts(ticket);
            let seen = host.shows_clear(READ, &asked_by, &facts) && host.shows_any(READ, fields, &facts);
            seen && fits(ticket, query, words, since)
        });
        found.sort_by_key(|ticket| Reverse(place(ticket, order)));
        let mut rest: Vec<Ticket> = found
            .into_iter()
            .filter(|ticket| start.as_ref().is_none_or(|start| place(ticket, order) < *start))
            .collect();
        let most = (most as usize).clamp(1, PAGE);
        let more = rest.len() > most;
        rest.truncate(most);
        let next = rest.last().filter(|_| more).map(|last| write(query, order, last));
        Ok(Page { tickets: rest.iter().map(|ticket| show(host, ticket, fields)).collect(), next })
    })
}

/// What must be readable in the clear.
fn asked_by(query: &Query, order: Sort) -> Vec<&'static str> {
    let words = query.words.as_deref().is_some_and(|words| !words.trim().is_empty());
    [
        (words, "subject"),
        (!query.status.is_empty(), "status"),
        (!query.priority.is_empty(), "priority"),
        (!query.tags.is_empty(), "tags"),
        (query.requester_id.is_some(), "requester_id"),
        (query.assignee_id.is_some(), "assignee_id"),
        (query.organization_id.is_some(), "organization_id"),
        (query.brand_id.is_some(), "brand_id"),
        (query.updated_since.is_some() || order == Sort::Updated, "updated_at"),
    ]
    .into_iter()
    .filter_map(|(used, field)| used.then_some(field))
    .collect()
}

fn fits(ticket: &Ticket, query: &Query, words: &str, since: Option<i64>) -> bool {
    let subject = ticket.subject.as_deref().unwrap_or_default().to_lowercase();
    let is = |asked: &Option<String>, own: &Option<String>| asked.is_none() || asked == own;
    let tags = ticket.tags.as_deref().unwrap_or_default();
    words.split_whitespace().all(|word| subject.contains(&word.to_lowercase()))
        && (query.status.is_empty() || ticket.status.is_some_and(|own| query.status.contains(&own)))
        && (query.priority.is_empty() || ticket.priority.is_some_and(|own| query.priority.contains(&own)))
        && query.tags.iter().all(|tag| tags.contains(&tag.to_lowercase()))
        && is(&query.requester_id, &ticket.requester_id)
        && is(&query.assignee_id, &ticket.assignee_id)
        && is(&query.organization_id, &ticket.organization_id)
        && is(&query.brand_id, &ticket.brand_id)
        && since.is_none_or(|since| ticket.updated_at.as_deref().and_then(millis).is_some_and(|own| own >= since))
}

/// Where a ticket stands in the order: by change or not, then by id, numbers as numbers.
type Place = (i64, u64, String);

fn place(ticket: &Ticket, order: Sort) -> Place {
    let changed = ticket.updated_at.as_deref().and_then(millis).filter(|_| order == Sort::Updated);
    (changed.unwrap_or(0), ticket.id.parse().unwrap_or(0), ticket.id.clone())
}

fn seal(query: &Query, order: Sort, place: &Place) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{query:?} {order:?} {place:?}").hash(&mut hasher);
    hasher.finish()
}

fn write(query: &Query, order: Sort, last: &Ticket) -> String {
    let place = place(last, order);
    format!("{:016x}.{}.{}.{}", seal(query, order, &place), place.0, place.1, place.2)
}

fn read(query: &Query, order: Sort, cursor: &str) -> Option<Place> {
    let mut parts = cursor.splitn(4, '.');
    let own = u64::from_str_radix(parts.next()?, 16).ok()?;
    let place = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.to_owned());
    (seal(query, order, &place) == own).then_some(place)
}

/// A moment in RFC 3339, in milliseconds since 1970.
fn millis(text: &str) -> Option<i64> {
    let Datetime { date: Some(Date { year, month, day }), time: Some(time), offset: Some(offset) } =
        text.parse().ok()?
    else {
        return None;
    };
    let minutes_east = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    // Days since 1970, by the calendar whose year begins in March.
    let (year, month) =
        if month > 2 { (i64::from(year), i64::from(month) - 3) } else { (i64::from(year) - 1, i64::from(month) + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + i64::from(day) - 719_469;
    let minutes = (days * 24 + i64::from(time.hour)) * 60 + i64::from(time.minute) - minutes_east;
    Some((minutes * 60 + i64::from(time.second)) * 1000 + i64::from(time.nanosecond / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn moments_are_compared_as_moments() {
        assert_eq!(millis("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(millis("2026-10-05T08:12:44.5Z"), Some(1_791_187_964_500));
        assert_eq!(millis("2026-10-05T10:12:44.5+02:00"), millis("2026-10-05T08:12:44.5Z"));
        for wrong in ["", "yesterday", "2026-10-05", "2026-10-05T08:12:44"] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }
}
