//! Budgets: what can be used up, what an act costs, and the port behind which uses outlive the process.
//!
//! Amounts are counted in a resource's own [unit](Resource::unit): microseconds where a limit is in milliseconds, bytes where
//! it is in KiB.
//!
//! Invariants: an act's [`Cost`] is an upper bound, reserved before the effect; what it turns out to have used is never more.
//! A suspension names one capability of one installation, and ends by itself.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::Entry,
    error::{ServiceError, StoreError},
    id::{InstallationId, TenantId},
    limits::Limits,
    time::Timestamp,
};

/// The name under which an installation's own calls are suspended: its events wait.
pub const EVENTS: &str = "events";

macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $hourly:literal, $field:ident, $unit:literal $(, $call:ident)?;)*) => {
        /// Something that can be used up.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Resource { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl Resource {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name, which is also that of its limit in one call, where it has one.
            pub fn name(self) -> &'static str { match self { $(Self::$name => $text,)* } }

            /// The name of its limit in an hour.
            pub fn hourly(self) -> &'static str { match self { $(Self::$name => $hourly,)* } }

            /// How many of what is counted make one of what the limit names.
            pub fn unit(self) -> u64 { match self { $(Self::$name => $unit,)* } }

            /// The limit in an hour, as it is written.
            pub fn in_hour(self, limits: &Limits) -> u64 { match self { $(Self::$name => limits.$field,)* } }

            /// The limit in one call, as it is written; `None` where there is none.
            pub fn in_call(self, limits: &Limits) -> Option<u64> {
                let _ = limits;
                match self { $(Self::$name => resources!(@call limits $($call)?),)* }
            }
        }

        impl FromStr for Resource {
            type Err = String;
            /// Reads the name.
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$name),)*
                    other => Err(format!("there is no resource '{other}'")),
                }
            }
        }
    };
    (@call $limits:ident $call:ident) => { Some($limits.$call) };
    (@call $limits:ident) => { None };
}

resources! {
    /// Calls into the plugin.
    Calls = "calls", "calls-per-hour", calls_per_hour, 1;
    /// CPU time, in microseconds.
    Cpu = "cpu-ms", "cpu-ms-per-hour", cpu_ms_per_hour, 1_000, cpu_ms;
    /// Time in calls, in microseconds.
    Wall = "wall-ms", "wall-ms-per-hour", wall_ms_per_hour, 1_000, wall_ms;
    /// Calls into the host.
    HostCalls = "host-calls", "host-calls-per-hour", host_calls_per_hour, 1, host_calls;
    /// Log lines, in bytes.
    Log = "log-kib", "log-kib-per-hour", log_kib_per_hour, 1_024, log_kib;
    /// Outbound requests.
    HttpRequests = "http-requests", "http-requests-per-hour", http_requests_per_hour, 1, http_requests;
    /// Bodies of outbound requests, in bytes.
    HttpOut = "http-out-kib", "http-out-kib-per-hour", http_out_kib_per_hour, 1_024, http_out_kib;
    /// Bodies of their answers, in bytes.
    HttpIn = "http-in-kib", "http-in-kib-per-hour", http_in_kib_per_hour, 1_024, http_in_kib;
    /// Records read.
    RecordsRead = "records-read", "records-read-per-hour", records_read_per_hour, 1, records_read;
    /// Records written.
    RecordsWritten = "records-written", "records-written-per-hour", records_written_per_hour, 1, records_written;
}

impl Resource {
    /// The name of the fact in an [`Effect`](crate::permit::Effect) that says how much of it was really used. Without such
    /// a fact all that was reserved counts.
    pub fn fact(self) -> Option<&'static str> {
        match self {
            Self::HttpOut => Some("bytes-out"),
            Self::HttpIn => Some("bytes-in"),
            Self::RecordsRead => Some("records"),
            Self::RecordsWritten => Some("records-written"),
            Self::Calls | Self::Cpu | Self::Wall | Self::HostCalls | Self::Log | Self::HttpRequests => None,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much of each resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost([u64; Resource::ALL.len()]);

impl Cost {
    /// Nothing.
    pub const NONE: Self = Self([0; Resource::ALL.len()]);

    /// So much of one resource.
    #[inline]
    pub fn of(resource: Resource, amount: u64) -> Self {
        Self::NONE.and(resource, amount)
    }

    /// And so much of another.
    #[must_use]
    #[inline]
    pub fn and(mut self, resource: Resource, amount: u64) -> Self {
        self.0[resource as usize] = amount;
        self
    }

    /// How much of this one.
    #[inline]
    pub fn get(&self, resource: Resource) -> u64 {
        self.0[resource as usize]
    }

    /// The resources of which there is any, and how much.
    #[inline]
    pub fn entries(&self) -> impl Iterator<Item = (Resource, u64)> {
        Resource::ALL.iter().map(|resource| (*resource, self.get(*resource))).filter(|(_, amount)| *amount > 0)
    }

    /// Whether there is none of anything.
    #[inline]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// Both together.
    #[must_use]
    #[inline]
    pub fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at].saturating_add(other.0[at])))
    }

    /// What is left of this when the other is taken out.
    #[must_use]
    #[inline]
    pub fn minus(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at].saturating_sub(other.0[at])))
    }

    /// What an effect that was reserved at this cost has really used, by its facts. Never more than was reserved.
    #[must_use]
    pub fn used(self, facts: &[(&'static str, u64)]) -> Self {
        let mut used = self;
        for (resource, reserved) in self.entries() {
            let fact = resource.fact().and_then(|name| facts.iter().find(|(fact, _)| *fact == name));
            used.0[resource as usize] = fact.map_or(reserved, |(_, amount)| reserved.min(*amount));
        }
        used
    }

    /// What counts as used where the effect failed. An attempt to send counts always. What a refusal leaves undone was not
    /// used; where it is not known how far the effect got, all of it counts, except records read: none reached the plugin.
    #[must_use]
    pub fn failed(self, error: &ServiceError) -> Self {
        use ServiceError::{Frozen, Limited, Unavailable};
        let known = !matches!(error, Unavailable(_) | Frozen(_) | Limited { .. });
        let mut used = self.and(Resource::RecordsRead, 0);
        if known {
            let nothing = [Resource::HttpOut, Resource::HttpIn, Resource::RecordsWritten];
            used = nothing.into_iter().fold(used, |used, resource| used.and(resource, 0));
        }
        used
    }
}

/// Whose budget ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// The installation's own.
    Installation,
    /// That of all of its tenant's installations together.
    Tenant,
}

impl Whose {
    /// The name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Tenant => "tenant",
        }
    }
}

impl FromStr for Whose {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "installation" => Ok(Self::Installation),
            "tenant" => Ok(Self::Tenant),
            other => Err(format!("nobody is called '{other}'")),
        }
    }
}

/// One capability of one installation, suspended because a budget ran out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// In which tenant.
    pub tenant: TenantId,
    /// Of which installation.
    pub installation: InstallationId,
    /// Which capability; [`EVENTS`] for the installation's calls.
    pub capability: String,
    /// What ran out.
    pub resource: Resource,
    /// Whose budget.
    pub whose: Whose,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Which budget ran out, until when, and who can change that.
    pub reason: String,
}

/// What an installation used of a resource in one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// In which tenant.
    pub tenant: TenantId,
    /// Which installation.
    pub installation: InstallationId,
    /// Of what.
    pub resource: Resource,
    /// In which minute since 1970.
    pub minute: i64,
    /// How much. In a [`Flush`] a change, which may be negative where a reservation was given back.
    pub amount: i64,
    /// How much of it an admin has forgiven: it counts for the tenant, and no longer for the installation.
    pub forgiven: i64,
}

/// What the store knows when a host starts.
#[derive(Clone, Debug, Default)]
pub struct Budgets {
    /// Uses of the last hour.
    pub uses: Vec<Use>,
    /// Suspensions that have not ended.
    pub suspensions: Vec<Suspension>,
}

/// What a running host writes, in one transaction and in this order.
#[derive(Clone, Debug, Default)]
pub struct Flush {
    /// Suspensions that an admin has lifted, and that the host no longer holds to: what was used until then is forgiven.
    pub lifted: Vec<Suspension>,
    /// Changes of uses.
    pub uses: Vec<Use>,
    /// New suspensions, each with its audit entry.
    pub suspended: Vec<(Suspension, Entry)>,
}

impl Flush {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.lifted.is_empty() && self.uses.is_empty() && self.suspended.is_empty()
    }
}

/// Where uses and suspensions outlive the process.
#[async_trait]
pub trait BudgetStore: Send + Sync {
    /// Uses from this minute on, and the suspensions that have not ended.
    async fn load_budgets(&self, since_minute: i64, now: Timestamp) -> Result<Budgets, StoreError>;

    /// Writes, deletes what lies before `since_minute` or has ended, and gives the suspensions that hold now: those that an
    /// admin has lifted meanwhile are not among them. Durable when it returns.
    async fn flush_budgets(
        &self,
        flush: Flush,
        since_minute: i64,
        now: Timestamp,
    ) -> Result<Vec<Suspension>, StoreError>;

    /// What one installation used of each resource from this minute on, less what an admin has forgiven.
    async fn used_by(
        &self,
        tenant: &TenantId,
        installation: &InstallationId,
        since_minute: i64,
    ) -> Result<Vec<(Resource, u64)>, StoreError> {
        let all = self.load_budgets(since_minute, Timestamp(0)).await?.uses;
        let mut used = std::collections::BTreeMap::<Resource, i64>::new();
        for one in all.into_iter().filter(|one| one.tenant == *tenant && one.installation == *installation) {
            *used.entry(one.resource).or_default() += one.amount - one.forgiven;
        }
        Ok(used.into_iter().map(|(resource, amount)| (resource, u64::try_from(amount).unwrap_or(0))).collect())
    }

    /// The suspensions that hold now.
    async fn suspensions(&self, now: Timestamp) -> Result<Vec<Suspension>, StoreError>;

    /// Lifts a suspension, forgives the installation what it used of the resource that ran out, and writes the entry. False
    /// where there is no such suspension (any more).
    async fn lift_suspension(&self, suspension: &Suspension, entry: Entry) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_that_of_its_limits() {
        let limits = Limits::CEILING.entries();
        let value = |name: &str| limits.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        for resource in Resource::ALL {
            assert_eq!(value(resource.hourly()), Some(resource.in_hour(&Limits::CEILING)), "{resource}");
            assert_eq!(value(resource.name()), resource.in_call(&Limits::CEILING), "{resource}");
            assert_eq!(resource.name().parse(), Ok(*resource));
        }
    }

    #[test]
    fn what_is_used_is_never_more_than_was_reserved() {
        let cost = Cost::of(Resource::RecordsRead, 100).and(Resource::HttpRequests, 1);
        assert_eq!(cost.used(&[("records", 7)]), cost.and(Resource::RecordsRead, 7));
        assert_eq!(cost.used(&[("records", 700)]), cost);
        assert_eq!(cost.used(&[("bytes-in", 3)]), cost);
        assert_eq!(cost.minus(cost.used(&[("records", 7)])), Cost::of(Resource::RecordsRead, 93));
    }

    #[test]
    fn a_refusal_costs_an_attempt_and_a_broken_connection_all_that_it_may_have_moved() {
        let send = Cost::of(Resource::HttpRequests, 1).and(Resource::HttpOut, 9).and(Resource::HttpIn, 99);
        assert_eq!(send.failed(&ServiceError::Invalid("no".into())), Cost::of(Resource::HttpRequests, 1));
        assert_eq!(send.failed(&ServiceError::Unavailable("broken".into())), send);
        let write = Cost::of(Resource::RecordsWritten, 1).and(Resource::RecordsRead, 1);
        assert_eq!(write.failed(&ServiceError::Conflict), Cost::NONE);
        assert_eq!(write.failed(&ServiceError::Unavailable("?".into())), Cost::of(Resource::RecordsWritten, 1));
    }
}
