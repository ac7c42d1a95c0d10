//! How fast the followers of the log are served, so that they do not slow down those who write it.
//!
//! Invariants: over any second, what is read and what is handed out are at most what the settings say, and one look's worth more; where
//! less is written than that, nothing waits for longer than one look.

use std::time::Duration;

use portcullis_model::audit::reader::LARGEST_PAGE;

use super::LiveSettings;

/// How much is read at once, and how long is paused after it.
pub(super) struct Pace {
    settings: LiveSettings,
    /// What one entry came to, in bytes to all followers together, the last time that there were any.
    each: f64,
}

impl Pace {
    pub fn of(settings: LiveSettings) -> Self {
        Self { settings, each: 0.0 }
    }

    /// How many entries are to be read now: as many as may be handed out until the next look.
    pub fn most(&self) -> usize {
        let LiveSettings { look, entries_a_second, bytes_a_second, .. } = self.settings;
        let by_bytes = f64::from(bytes_a_second) / self.each.max(1.0);
        let most = f64::from(entries_a_second).min(by_bytes) * look.as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to a page")]
        let most = most.clamp(1.0, LARGEST_PAGE as f64) as usize;
        most
    }

    /// How long to wait after so many entries of at most so many came to so many bytes.
    pub fn pause(&mut self, most: usize, entries: usize, bytes: usize) -> Duration {
        let (entries_in, bytes_in) = (entries as f64, bytes as f64);
        if entries > 0 {
            self.each = bytes_in / entries_in;
        }
        let LiveSettings { look, entries_a_second, bytes_a_second, .. } = self.settings;
        let seconds = (entries_in / f64::from(entries_a_second)).max(bytes_in / f64::from(bytes_a_second));
        let due = Duration::try_from_secs_f64(seconds).unwrap_or(look);
        if entries < most { due.max(look) } else { due }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        let look = Duration::from_millis(100);
        Pace::of(LiveSettings { look, entries_a_second: 5_000, bytes_a_second: 10_000_000, ..Default::default() })
    }

    #[test]
    fn what_comes_slowly_waits_for_one_look() {
        let mut pace = pace();
        assert_eq!(pace.most(), 500);
        assert_eq!(pace.pause(500, 0, 0), Duration::from_millis(100));
        assert_eq!(pace.pause(500, 100, 70_000), Duration::from_millis(100));
    }

    #[test]
    fn a_flood_is_handed_out_at_the_rate_of_the_settings() {
        let mut pace = pace();
        assert_eq!(pace.pause(500, 500, 500), Duration::from_millis(100), "so many entries");
        // A hundred followers, 700 bytes an entry.
        assert_eq!(pace.pause(500, 500, 35_000_000), Duration::from_millis(3_500), "so many bytes");
        let (mut entries, mut time) = (0, Duration::ZERO);
        while time < Duration::from_secs(1) {
            let most = pace.most();
            entries += most;
            time += pace.pause(most, most, most * 70_000);
        }
        assert!((140..=160).contains(&entries), "{entries} of 70 kB in {time:?}");
    }
}
