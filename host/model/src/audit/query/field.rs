//! What entries can be looked for by.

/// What of an entry is compared. Its number stands in indices that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Field {
    /// What happened, such as `act.denied`.
    Kind = 1,
    /// In whose data.
    Tenant = 2,
    /// What did it: `host`, `person`, `source`, `client` or `plugin`.
    Actor = 3,
    /// A person who did it, or whom it names.
    Person = 4,
    /// On behalf of which installation, or about which.
    Installation = 5,
    /// Which plugin.
    Plugin = 6,
    /// The digest of a release.
    Release = 7,
    /// What it was about, such as `ticket:1042`.
    Record = 8,
    /// The host that something was sent to, or was to be.
    Host = 9,
    /// A scope: the whole text, or its name, such as `tickets:read`.
    Scope = 10,
    /// What was decided: `permitted`, `denied`, `refused`, or what a person said.
    Decision = 11,
    /// How it ended, such as `ok` or `unavailable`.
    Outcome = 12,
    /// In which call.
    Call = 13,
    /// An act: its name, such as `http.send`, or its id.
    Act = 14,
    /// An OAuth client.
    Client = 15,
    /// An access token, as the log calls it.
    Token = 16,
    /// The grant that tokens come from: a family of them.
    Family = 17,
    /// A duty that it bears witness to, such as `MON-1`.
    Duty = 18,
    /// A trace.
    Trace = 19,
    /// A word of its text.
    Text = 20,
}

/// Those that have a name in a filter.
const NAMED: [(Field, &str); 19] = [
    (Field::Kind, "kind"),
    (Field::Tenant, "tenant"),
    (Field::Actor, "actor"),
    (Field::Person, "person"),
    (Field::Installation, "installation"),
    (Field::Plugin, "plugin"),
    (Field::Release, "release"),
    (Field::Record, "record"),
    (Field::Host, "host"),
    (Field::Scope, "scope"),
    (Field::Decision, "decision"),
    (Field::Outcome, "outcome"),
    (Field::Call, "call"),
    (Field::Act, "act"),
    (Field::Client, "client"),
    (Field::Token, "token"),
    (Field::Family, "family"),
    (Field::Duty, "duty"),
    (Field::Trace, "trace"),
];

impl Field {
    /// Its name in a filter.
    pub fn name(self) -> &'static str {
        NAMED.iter().find(|(field, _)| *field == self).map_or("text", |(_, name)| name)
    }

    /// The field of this name.
    pub fn named(name: &str) -> Option<Self> {
        NAMED.iter().find(|(_, known)| *known == name).map(|(field, _)| *field)
    }

    /// All names, in the order of help texts.
    pub fn names() -> Vec<&'static str> {
        NAMED.iter().map(|(_, name)| *name).collect()
    }

    /// The number that it has in an index.
    pub fn number(self) -> u8 {
        self as u8
    }
}
