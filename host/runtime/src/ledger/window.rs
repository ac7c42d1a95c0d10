//! A sliding hour of one resource, in minutes.
//!
//! Invariant: what was added stays for 60 full minutes at least, so that no hour, wherever it begins, holds more than a bound
//! that [`Window::total`] was kept under.

use std::collections::VecDeque;

use portcullis_model::time::Timestamp;

/// How many minutes count: the present one, which is not over, and 60 before it.
pub(super) const MINUTES: i64 = 61;
const MILLIS: i64 = 60_000;

/// The minute of a moment, counted from 1970.
pub(super) fn minute_of(at: Timestamp) -> i64 {
    at.0.div_euclid(MILLIS)
}

/// When what is used in this minute no longer counts.
pub(super) fn end_of(minute: i64) -> Timestamp {
    Timestamp(minute.saturating_add(MINUTES).saturating_mul(MILLIS))
}

/// What was used in each minute that counts, oldest first; minutes without use have no place in it.
#[derive(Debug, Default)]
pub(super) struct Window {
    minutes: VecDeque<(i64, u64)>,
    total: u64,
}

impl Window {
    /// What counts in this minute.
    pub fn total(&mut self, now: i64) -> u64 {
        while let Some((minute, amount)) = self.minutes.front().copied()
            && minute <= now - MINUTES
        {
            self.total = self.total.saturating_sub(amount);
            self.minutes.pop_front();
        }
        self.bring_back(now);
        self.total
    }

    /// Where the clock was set back: what lies in its future counts as of now, or it would never end.
    fn bring_back(&mut self, now: i64) {
        let mut ahead = 0u64;
        while let Some((minute, amount)) = self.minutes.back().copied()
            && minute > now
        {
            ahead = ahead.saturating_add(amount);
            self.minutes.pop_back();
        }
        if ahead > 0 {
            self.total = self.total.saturating_sub(ahead);
            self.add(now, ahead);
        }
    }

    /// Counts a use in this minute.
    pub fn add(&mut self, now: i64, amount: u64) {
        if amount == 0 {
            return;
        }
        self.total = self.total.saturating_add(amount);
        match self.minutes.back_mut() {
            Some((minute, there)) if *minute >= now => *there = there.saturating_add(amount),
            _ => self.minutes.push_back((now, amount)),
        }
    }

    /// Takes back what was counted in this minute and turned out not to be used.
    pub fn take_back(&mut self, minute: i64, amount: u64) {
        let Some(place) = self.minutes.iter().rposition(|(m, _)| *m == minute) else { return };
        let taken = self.minutes[place].1.min(amount);
        self.minutes[place].1 -= taken;
        self.total -= taken;
        if self.minutes[place].1 == 0 {
            self.minutes.remove(place);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_counts_for_a_full_hour_and_then_no_more() {
        let mut window = Window::default();
        window.add(100, 5);
        window.add(130, 7);
        assert_eq!([window.total(130), window.total(160), window.total(161)], [12, 12, 7]);
        assert_eq!([window.total(190), window.total(191)], [7, 0]);
        assert_eq!(end_of(100), Timestamp(161 * 60_000));
        assert_eq!(minute_of(end_of(100)), 161, "the first minute without it");
    }

    #[test]
    fn what_was_not_used_is_taken_back_from_where_it_was_counted() {
        let mut window = Window::default();
        window.add(100, 5);
        window.add(101, 5);
        window.take_back(100, 3);
        window.take_back(100, 9);
        window.take_back(99, 9);
        assert_eq!(window.total(101), 5);
        assert_eq!(window.total(161), 5);
        assert_eq!(window.total(162), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_nothing_and_keeps_nothing_for_ever() {
        let mut window = Window::default();
        window.add(1_000_000, 5);
        assert_eq!(window.total(100), 5);
        window.add(100, 1);
        assert_eq!(window.total(160), 6);
        assert_eq!(window.total(161), 0);
    }
}
