//! Who must be told of an incident, by whom and by when (INC-3).
//!
//! Times are those of the rule that each line names, counted from when the incident was opened: the earliest moment at which anybody
//! here can be said to know of it. A rule without a number of hours ("without undue delay") has none here either, but where this
//! product sets one of its own; it says so.
//!
//! Invariant: what may concern personal data is told of as if it did, until somebody says that it does not.

use std::time::Duration;

use portcullis_model::{
    alert::AlertSeverity,
    duty::Party,
    id::{ProfileName, TenantId},
    incident::{About, Subject, Telling},
    time::Timestamp,
};

/// A tenant that the subject reaches, and the profiles that are on in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concerned {
    /// Which.
    pub tenant: TenantId,
    /// What is on.
    pub profiles: Vec<ProfileName>,
}

/// When a line of the table applies.
#[derive(Clone, Copy)]
enum When {
    /// Always.
    Always,
    /// Where personal data may be concerned.
    Personal,
    /// Where a tenant has this profile on; that tenant alone.
    Profile(&'static str),
    /// From this severity on.
    Severity(AlertSeverity),
    /// Where it is about what somebody publishes.
    Published,
    /// Where it is about a provider of credentials.
    Provided,
}

/// A line of the table.
struct Line {
    key: &'static str,
    whom: &'static str,
    by: Party,
    hours: Option<u64>,
    rule: &'static str,
    when: When,
    each: bool,
}

const DAY: u64 = 24;

/// The table.
const LINES: &[Line] = &[
    Line {
        key: "subscriber",
        whom: "the admins of each subscriber that it reaches: what is known, what was contained, and whom to ask",
        by: Party::Platform,
        hours: Some(DAY),
        rule: "GDPR Art. 33(2), the processor without undue delay; 24 hours are this table's own",
        when: When::Always,
        each: true,
    },
    Line {
        key: "publisher",
        whom: "the publisher of what it is about: what was found, and what they must answer",
        by: Party::Platform,
        hours: Some(DAY),
        rule: "INT-10; 24 hours are this table's own",
        when: When::Published,
        each: false,
    },
    Line {
        key: "provider",
        whom: "the provider of the credentials: which were revoked, and which it must revoke itself",
        by: Party::Platform,
        hours: Some(DAY),
        rule: "INT-6; 24 hours are this table's own",
        when: When::Provided,
        each: false,
    },
    Line {
        key: "status-page",
        whom: "everybody who relies on the service, on the status page, without naming a subscriber",
        by: Party::Platform,
        hours: Some(4),
        rule: "MON-5; 4 hours are this table's own",
        when: When::Severity(AlertSeverity::High),
        each: false,
    },
    Line {
        key: "authority",
        whom: "the supervisory authority, where the breach is likely to be a risk to people",
        by: Party::Subscriber,
        hours: Some(72),
        rule: "GDPR Art. 33(1), the controller within 72 hours of knowing",
        when: When::Personal,
        each: true,
    },
    Line {
        key: "people",
        whom: "the people whose data it is, where the risk to them is high",
        by: Party::Subscriber,
        hours: None,
        rule: "GDPR Art. 34(1), the controller without undue delay",
        when: When::Personal,
        each: true,
    },
    Line {
        key: "health-authority",
        whom: "the individuals, and the Secretary of HHS, where unsecured health information was breached",
        by: Party::Subscriber,
        hours: Some(60 * DAY),
        rule: "45 CFR 164.404 and 164.408, the covered entity within 60 days at the latest",
        when: When::Profile("healthcare"),
        each: true,
    },
    Line {
        key: "card-brands",
        whom: "the acquirer and the payment brands, where card data may have been seen",
        by: Party::Subscriber,
        hours: None,
        rule: "PCI DSS 12.10.1, as the contract with the acquirer says; most say at once",
        when: When::Profile("payment"),
        each: true,
    },
];

/// Who must be told, in the order of their times.
pub fn table(
    subject: &Subject,
    severity: AlertSeverity,
    personal_data: bool,
    concerned: &[Concerned],
    aware: Timestamp,
) -> Vec<Telling> {
    let mut all: Vec<Telling> = LINES
        .iter()
        .filter_map(|line| {
            let tenants: Vec<TenantId> =
                concerned.iter().filter(|one| line.reaches(one)).map(|one| one.tenant.clone()).collect();
            let applies = match line.when {
                When::Always => true,
                When::Personal => personal_data,
                When::Profile(_) => personal_data && !tenants.is_empty(),
                When::Severity(least) => severity >= least,
                When::Published => !matches!(subject.about, About::Provider(_)),
                When::Provided => matches!(subject.about, About::Provider(_)),
            };
            // What each tenant is told is nobody's where there is none.
            (applies && !(line.each && tenants.is_empty())).then(|| line.telling(tenants, aware))
        })
        .collect();
    all.sort_by_key(|one| one.due.unwrap_or(Timestamp(i64::MAX)));
    all
}

impl Line {
    fn reaches(&self, one: &Concerned) -> bool {
        match self.when {
            When::Profile(name) => one.profiles.iter().any(|profile| profile.as_str() == name),
            _ => true,
        }
    }

    fn telling(&self, tenants: Vec<TenantId>, aware: Timestamp) -> Telling {
        Telling {
            key: self.key.to_owned(),
            whom: self.whom.to_owned(),
            by: self.by,
            due: self.hours.map(|hours| aware.plus(Duration::from_secs(hours * 3_600))),
            rule: self.rule.to_owned(),
            tenants: if self.each { tenants } else { Vec::new() },
            told: Vec::new(),
        }
    }
}
