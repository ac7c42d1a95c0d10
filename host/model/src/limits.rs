//! What an installation may use: in one call, in an hour, at once. Limits meet like grants do: the smallest value of every
//! layer holds.
//!
//! The same limits bound a tenant: there those of a call hold for each call in it, and the others for all of its
//! installations together.

use std::time::Duration;

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($($(#[$doc:meta])* $field:ident : $name:literal = $default:literal, $ceiling:literal;)*) => {
        /// The limits. All of them hold at once.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct Limits { $($(#[$doc])* pub $field: u64,)* }

        impl Default for Limits {
            /// What holds where nobody asked for anything else.
            fn default() -> Self { Self { $($field: $default,)* } }
        }

        impl Limits {
            /// The most that the platform gives unless its configuration says otherwise.
            pub const CEILING: Self = Self { $($field: $ceiling,)* };

            /// No bound at all: what a layer says that leaves everything to the others.
            pub const UNBOUNDED: Self = Self { $($field: u64::MAX,)* };

            /// The name of each, in the order of [`Limits::entries`].
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The smaller of both, limit by limit.
            #[must_use]
            pub fn meet(self, other: Self) -> Self {
                Self { $($field: self.$field.min(other.$field),)* }
            }

            /// Name and value of each.
            pub fn entries(&self) -> Vec<(&'static str, u64)> {
                vec![$(($name, self.$field)),*]
            }

            /// Sets the limit of this name. False where there is none.
            pub fn set(&mut self, name: &str, value: u64) -> bool {
                match name {
                    $($name => self.$field = value,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

limits! {
    /// CPU time inside the guest, in milliseconds. Kept by epochs of 10 ms.
    cpu_ms: "cpu-ms" = 100, 10_000;
    /// Time from the start of the call to its end, calls into the host included, in milliseconds.
    wall_ms: "wall-ms" = 5_000, 60_000;
    /// Linear memory of all of the component's memories together, in MiB.
    memory_mib: "memory-mib" = 16, 64;
    /// Elements of all of the component's tables together. The largest language runtime measured needs 7,700.
    table_elements: "table-elements" = 10_000, 20_000;
    /// Resources of one capability that a call holds open at once.
    handles: "handles" = 256, 4_096;
    /// What a handler may give back (an error's text), in KiB.
    output_kib: "output-kib" = 64, 1_024;
    /// Log lines of one call, in KiB.
    log_kib: "log-kib" = 64, 1_024;
    /// Calls into the host.
    host_calls: "host-calls" = 1_000, 100_000;
    /// Outbound requests.
    http_requests: "http-requests" = 20, 1_000;
    /// Bodies of outbound requests, in KiB.
    http_out_kib: "http-out-kib" = 1_024, 65_536;
    /// Bodies of their answers, in KiB.
    http_in_kib: "http-in-kib" = 4_096, 65_536;
    /// Records of the help desk that are read: each ticket, comment, person, organization or attachment counts.
    records_read: "records-read" = 200, 100_000;
    /// Records of the help desk that are written.
    records_written: "records-written" = 100, 10_000;
    /// Calls at once.
    concurrent_calls: "concurrent-calls" = 16, 4_096;
    /// Calls in an hour.
    calls_per_hour: "calls-per-hour" = 100_000, 100_000_000;
    /// CPU time in an hour, in milliseconds.
    cpu_ms_per_hour: "cpu-ms-per-hour" = 3_600_000, 360_000_000;
    /// Time in calls in an hour, in milliseconds: of calls at the same time, all of them.
    wall_ms_per_hour: "wall-ms-per-hour" = 36_000_000, 36_000_000_000;
    /// Calls into the host in an hour.
    host_calls_per_hour: "host-calls-per-hour" = 2_000_000, 1_000_000_000;
    /// Log lines in an hour, in KiB.
    log_kib_per_hour: "log-kib-per-hour" = 65_536, 16_777_216;
    /// Outbound requests in an hour.
    http_requests_per_hour: "http-requests-per-hour" = 5_000, 10_000_000;
    /// Bodies of outbound requests in an hour, in KiB.
    http_out_kib_per_hour: "http-out-kib-per-hour" = 1_048_576, 1_073_741_824;
    /// Bodies of their answers in an hour, in KiB. As many as the requests can bring.
    http_in_kib_per_hour: "http-in-kib-per-hour" = 5_120_000, 1_073_741_824;
    /// Records read in an hour: what bounds a mass export.
    records_read_per_hour: "records-read-per-hour" = 20_000, 100_000_000;
    /// Records written in an hour.
    records_written_per_hour: "records-written-per-hour" = 10_000, 100_000_000;
}

impl Limits {
    /// The CPU limit as a duration.
    pub fn cpu(&self) -> Duration {
        Duration::from_millis(self.cpu_ms)
    }

    /// The wall-clock limit as a duration.
    pub fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }

    /// The most linear memory in bytes.
    pub fn memory(&self) -> usize {
        usize::try_from(self.memory_mib.saturating_mul(1024 * 1024)).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_limits() -> impl Strategy<Value = Limits> {
        proptest::collection::vec(any::<u64>(), Limits::NAMES.len()).prop_map(|values| {
            let mut limits = Limits::default();
            for (name, value) in Limits::NAMES.iter().zip(values) {
                assert!(limits.set(name, value));
            }
            limits
        })
    }

    proptest! {
        #[test]
        fn meet_is_a_meet(a in any_limits(), b in any_limits(), c in any_limits()) {
            prop_assert_eq!(a.meet(b), b.meet(a));
            prop_assert_eq!(a.meet(b).meet(c), a.meet(b.meet(c)));
            prop_assert_eq!(a.meet(a), a);
            prop_assert_eq!(a.meet(Limits::UNBOUNDED), a);
            for (((_, met), (_, one)), (_, other)) in a.meet(b).entries().iter().zip(a.entries()).zip(b.entries()) {
                prop_assert!(*met <= one && *met <= other && (*met == one || *met == other));
            }
        }
    }

    #[test]
    fn every_name_is_the_one_that_is_written_and_read() {
        let written = serde_json::to_value(Limits::CEILING).unwrap();
        let mut names: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        let mut known = Limits::NAMES.to_vec();
        known.sort_unstable();
        assert_eq!(names, known);
        assert!(!Limits::default().set("cpu_ms", 1));
    }

    #[test]
    fn what_is_asked_for_by_default_is_given() {
        assert_eq!(Limits::default().meet(Limits::CEILING), Limits::default());
    }

    #[test]
    fn what_was_stored_before_a_limit_was_thought_of_can_be_read() {
        let old: Limits = serde_json::from_str(r#"{"cpu-ms":5,"host-calls":7}"#).unwrap();
        assert_eq!(old, Limits { cpu_ms: 5, host_calls: 7, ..Limits::default() });
    }
}
