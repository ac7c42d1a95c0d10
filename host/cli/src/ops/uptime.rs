//! Availability, from what was recorded of it.

use portcullis_api::ops::Day;
use portcullis_model::time::Timestamp;

use super::SHOWN;

const DAY: i64 = 24 * 3600 * 1000;

/// The last days, and all of them together. `known`: from when on there are records.
pub(super) fn days(
    runs: &[(Timestamp, Timestamp)],
    known: Option<Timestamp>,
    now: Timestamp,
) -> (Vec<Day>, Option<f64>) {
    let count = i64::try_from(SHOWN.as_millis()).unwrap_or(i64::MAX) / DAY;
    let today = now.0.div_euclid(DAY);
    let (mut up, mut all, mut days) = (0, 0, Vec::new());
    for day in today - count + 1..=today {
        let from = known.map_or(i64::MAX, |known| known.0.max(day * DAY));
        let to = now.0.min((day + 1) * DAY);
        let known = (to - from.min(to)).max(0);
        let ran: i64 = runs.iter().map(|(since, seen)| (seen.0.min(to) - since.0.max(from.min(to))).max(0)).sum();
        let text = Timestamp(day * DAY).to_string();
        days.push(Day { day: text.chars().take(10).collect(), available_percent: percent(ran, known) });
        up += ran;
        all += known;
    }
    (days, percent(up, all))
}

fn percent(up: i64, known: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of some days, for people")]
    (known > 0).then(|| (up as f64 / known as f64 * 100.0).min(100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: f64) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "a test")]
        Timestamp(20_000 * DAY + (days * DAY as f64) as i64)
    }

    #[test]
    fn a_day_is_as_available_as_what_is_known_of_it() {
        // Set up at noon, down from 18:00 to 6:00, up since.
        let runs = [(at(0.5), at(0.75)), (at(1.25), at(2.5))];
        let (days, all) = days(&runs, Some(at(0.5)), at(2.5));
        let last: Vec<_> = days.iter().rev().take(4).map(|day| day.available_percent).collect();
        assert_eq!(last, [Some(100.0), Some(75.0), Some(50.0), None]);
        assert_eq!((days.len(), all), (90, Some(75.0)));
        assert_eq!(days.last().unwrap().day.len(), 10);
    }

    #[test]
    fn where_nothing_is_known_nothing_is_said() {
        let (days, all) = days(&[], None, at(3.0));
        assert!(all.is_none() && days.iter().all(|day| day.available_percent.is_none()));
    }

    #[test]
    fn a_host_that_went_down_and_stayed_down_is_not_available() {
        let (days, _) = days(&[(at(0.0), at(1.0))], Some(at(0.0)), at(2.0));
        let last: Vec<_> = days.iter().rev().take(3).map(|day| day.available_percent).collect();
        assert_eq!(last, [None, Some(0.0), Some(100.0)], "today has just begun");
    }
}
