//! `[audit]` and `[tenants.<name>.audit]`: how long entries of the audit log are kept (DAT-8, MON-3), and who is sent
//! them.

use std::time::Duration;

use anyhow::{Result, anyhow};
use serde::Deserialize;

use super::outlets::{OtlpOutlet, SyslogOutlet};

/// The longest period that can be said: a century.
const LONGEST: u64 = 36_500;
const DAY: u64 = 24 * 60 * 60;

/// How long entries are kept, and who is sent them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Audit {
    /// Days after which entries are disposed of: those that belong to no tenant, and those of tenants that say nothing else. Absent: never.
    pub keep_days: Option<u64>,
    /// The fewest days that anybody may set, and that anybody may dispose of by hand.
    pub minimum_days: u64,
    /// How many days before that it is announced.
    pub warn_days: u64,
    /// A receiver of syslog over TLS.
    pub syslog: Option<SyslogOutlet>,
    /// A collector of OpenTelemetry logs.
    pub otlp: Option<OtlpOutlet>,
}

impl Default for Audit {
    fn default() -> Self {
        Self { keep_days: None, minimum_days: 90, warn_days: 14, syslog: None, otlp: None }
    }
}

/// How long a tenant's entries are kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct TenantAudit {
    /// Days after which they are disposed of. Absent: as `[audit]` says.
    pub keep_days: Option<u64>,
}

/// What holds for one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How long entries are kept.
    pub keep: Duration,
    /// How long before their end that is announced.
    pub warn: Duration,
}

impl Audit {
    /// Checks both sections; `tenants` are those that say something of their own.
    pub(super) fn check<'a>(&self, tenants: impl Iterator<Item = &'a TenantAudit>) -> Result<()> {
        if !(1..=LONGEST).contains(&self.minimum_days) {
            return Err(anyhow!("audit.minimum-days: expected 1 to {LONGEST}"));
        }
        self.syslog.as_ref().map_or(Ok(()), SyslogOutlet::check)?;
        if let Some(otlp) = &self.otlp {
            otlp.endpoint()?;
        }
        for days in tenants.map(|tenant| tenant.keep_days).chain([self.keep_days]).flatten() {
            if !(self.minimum_days..=LONGEST).contains(&days) {
                return Err(anyhow!(
                    "audit.keep-days: {days} is not from {} (audit.minimum-days) to {LONGEST}",
                    self.minimum_days
                ));
            }
            if self.warn_days >= days {
                return Err(anyhow!(
                    "audit.warn-days: {} is not less than the {days} days that are kept",
                    self.warn_days
                ));
            }
        }
        Ok(())
    }

    /// What holds for a view; None: it is kept for ever.
    pub fn retention(&self, tenant: Option<&TenantAudit>) -> Option<Retention> {
        let days = tenant.and_then(|tenant| tenant.keep_days).or(self.keep_days)?;
        Some(Retention { keep: Duration::from_secs(days * DAY), warn: Duration::from_secs(self.warn_days * DAY) })
    }

    /// How old an entry must be before anybody may dispose of it.
    pub fn minimum(&self) -> Duration {
        Duration::from_secs(self.minimum_days * DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_keeps_less_than_the_minimum_or_warns_too_late() {
        let tenant = |days| TenantAudit { keep_days: Some(days) };
        let audit = Audit { keep_days: Some(400), ..Audit::default() };
        assert!(audit.check([tenant(90)].iter()).is_ok());
        let error = audit.check([tenant(89)].iter()).unwrap_err().to_string();
        assert!(error.contains("from 90 (audit.minimum-days)"), "{error}");
        let error = Audit { warn_days: 400, ..audit.clone() }.check([].iter()).unwrap_err().to_string();
        assert!(error.contains("warn-days"), "{error}");
        assert_eq!(audit.retention(Some(&tenant(90))).unwrap().keep, Duration::from_secs(90 * DAY));
        assert_eq!(audit.retention(Some(&TenantAudit::default())).unwrap().keep, Duration::from_secs(400 * DAY));
        assert_eq!(Audit::default().retention(None), None, "for ever, where nobody says otherwise");
    }
}
