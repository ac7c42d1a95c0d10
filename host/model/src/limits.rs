//! What one call may use. Limits meet like grants do: the smallest value of every layer holds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($($(#[$doc:meta])* $field:ident : $name:literal = $default:literal, $ceiling:literal;)*) => {
        /// The limits of one call. All of them hold at once.
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

            /// The smaller of both, limit by limit.
            #[must_use]
            pub fn meet(self, other: Self) -> Self {
                Self { $($field: self.$field.min(other.$field),)* }
            }

            /// Name and value of each.
            pub fn entries(&self) -> Vec<(&'static str, u64)> {
                vec![$(($name, self.$field)),*]
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
    /// What a handler may give back (an error's text), in KiB.
    output_kib: "output-kib" = 64, 1_024;
    /// Log lines of one call, in KiB.
    log_kib: "log-kib" = 64, 1_024;
    /// Calls into the host.
    host_calls: "host-calls" = 1_000, 100_000;
    /// Outbound requests.
    http_requests: "http-requests" = 20, 1_000;
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_value_holds_on_either_side() {
        let a = Limits { cpu_ms: 5, ..Limits::default() };
        let b = Limits { memory_mib: 1, ..Limits::default() };
        assert_eq!(a.meet(b), Limits { cpu_ms: 5, memory_mib: 1, ..Limits::default() });
        assert_eq!(a.meet(b), b.meet(a));
        assert_eq!(a.meet(a), a);
    }
}
