//! What is counted of the log by its index alone: no entry is read for it.
//!
//! Invariant: what is counted is what a search for the same filter would find.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_model::{
    audit::{
        query::{Field, Filter},
        reader::{Tally, Window, day_of},
    },
    time::Timestamp,
};

use super::{
    bits::{Bits, CHUNK},
    file::{File, Try},
    meeting,
};

/// Everything before `end`.
fn all(end: u64) -> Window {
    Window { from: 0, to: end, backwards: false, most: 1 }
}

/// The last place of a set.
fn last(bits: &Bits) -> Option<u64> {
    bits.places().into_iter().next_back()
}

/// The newest entries before `end` that a filter means and that have these values of a field, chunk by chunk until each is found.
pub(super) fn newest(
    file: &File,
    filter: &Filter,
    (field, values): (Field, &[String]),
    end: u64,
) -> Try<BTreeMap<String, (u64, Timestamp)>> {
    let mut left: BTreeSet<&str> = values.iter().map(String::as_str).collect();
    let mut found = BTreeMap::new();
    for chunk in (0..end.div_ceil(CHUNK)).rev() {
        if left.is_empty() {
            break;
        }
        let meant = meeting(file, filter, all(end), chunk)?;
        if meant.is_empty() {
            continue;
        }
        for (value, mut both) in file.among(chunk, field, &left)? {
            both.and(&meant);
            let Some(place) = last(&both) else { continue };
            let index = chunk * CHUNK + place;
            left.remove(value.as_str());
            found.insert(value, (index, file.moment(index)?));
        }
    }
    Ok(found)
}

/// How many entries before `end` a filter means of each value of a field that begins so.
pub(super) fn of_values(
    file: &File,
    filter: &Filter,
    (field, begins): (Field, &str),
    end: u64,
) -> Try<BTreeMap<String, Tally>> {
    let mut found = BTreeMap::<String, (u64, u64)>::new();
    for chunk in 0..end.div_ceil(CHUNK) {
        let meant = meeting(file, filter, all(end), chunk)?;
        if meant.is_empty() {
            continue;
        }
        for (value, mut both) in file.beginning(chunk, field, begins)? {
            both.and(&meant);
            if let Some(place) = last(&both) {
                let (count, newest) = found.entry(value).or_default();
                (*count, *newest) = (*count + both.count(), chunk * CHUNK + place);
            }
        }
    }
    let mut all = BTreeMap::new();
    for (value, (count, newest)) in found {
        all.insert(value, Tally { count, newest, last: file.moment(newest)? });
    }
    Ok(all)
}

/// How many entries before `end` a filter means on each day.
pub(super) fn of_days(file: &File, filter: &Filter, end: u64) -> Try<BTreeMap<i64, u64>> {
    let mut days = BTreeMap::new();
    for chunk in 0..end.div_ceil(CHUNK) {
        let meant = meeting(file, filter, all(end), chunk)?;
        if meant.is_empty() {
            continue;
        }
        match file.span(chunk)? {
            // Most chunks are of one day.
            Some((earliest, latest)) if day_of(earliest) == day_of(latest) => {
                *days.entry(day_of(earliest)).or_default() += meant.count();
            }
            _ => {
                for place in meant.places() {
                    *days.entry(day_of(file.moment(chunk * CHUNK + place)?)).or_default() += 1;
                }
            }
        }
    }
    Ok(days)
}
