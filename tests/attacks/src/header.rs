//! The lines that a guest begins with, and what they say.
//!
//! ```text
//! //! tries: to read a ticket of another tenant      what it attempts, as the table shows it
//! //! stands-for: DAT-11                             a duty or an advisory; several, or with commas
//! //! asks: tickets:read fields=subject              a scope of its manifest; several
//! //! grants: log:write                              what is granted of them; absent: all
//! //! limit: cpu-ms=100                              a limit of its manifest; several; absent: 5 s of CPU time, 60 s in all
//! //! calls: own, sibling, stranger                  who is called, in this order; absent: own
//! //! event: zendesk                                 the form of the event; absent: cloudevents
//! //! connects: yes                                  a credential is connected for api.example.test
//! //! expect: ok                                     how each call ends; one for all, or one a call
//! //! denies: tickets.get                            an act that must stand denied in the audit log; several
//! //! afterwards: tenants                            the file of `tests/corpus` with a function of the guest's name
//! ```
//!
//! In `.wat` files each line begins with `;;`.

use std::fmt;

/// The facts of a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What it attempts.
    pub tries: String,
    /// Ids of duties and advisories.
    pub stands_for: Vec<String>,
    /// Scopes of its manifest.
    pub asks: Vec<String>,
    /// What is granted of them; `None`: all.
    pub grants: Option<Vec<String>>,
    /// Limits of its manifest, as its lines.
    pub limits: Vec<String>,
    /// Who is called.
    pub calls: Vec<Who>,
    /// Whether the event is a Zendesk one.
    pub zendesk: bool,
    /// Whether a credential is connected.
    pub connects: bool,
    /// How the calls end: one for all of them, or one for each.
    pub expect: Vec<Expect>,
    /// Acts that must stand denied.
    pub denies: Vec<String>,
    /// Where more is held against what happened.
    pub afterwards: Option<String>,
}

/// Which installation of the guest is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The first.
    Own,
    /// Another in the same tenant.
    Sibling,
    /// Another in another tenant.
    Stranger,
}

/// How a call ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The handler returned: it tried everything, and was refused each time.
    Ok,
    /// A limit of this name ended it.
    Limit(String),
    /// It trapped, and the reason has this in it.
    Trapped(String),
    /// The handler returned this error, and the message has this in it.
    Failed(String, String),
    /// It was not installed or not started, and the reason has this in it.
    Refused(String),
    /// It has to wait.
    Held,
    /// It is many things at once, and each was refused or ended without harm.
    Contained,
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Limit(name) => write!(f, "limit {name}"),
            Self::Trapped(part) => write!(f, "trapped {part}"),
            Self::Failed(error, part) => write!(f, "failed {error} {part}"),
            Self::Refused(part) => write!(f, "refused {part}"),
            Self::Held => f.write_str("held"),
            Self::Contained => f.write_str("contained"),
        }
    }
}

/// How many duties each group of the catalogue has.
const DUTIES: &[(&str, u32)] = &[("ACC", 9), ("INT", 14), ("DAT", 14), ("MON", 7), ("MNT", 7), ("INC", 7)];

/// The advisories that the corpus may speak of.
const ADVISORIES: &[&str] = &[
    "GHSA-5qpp-g3j2-8frx",
    "GHSA-r8xh-cgf7-392j",
    "GHSA-h4wp-g4x3-7398",
    "GHSA-jxcf-8qw5-5c33",
    "RUSTSEC-2026-0020",
    "RUSTSEC-2026-0021",
];

fn is_known(id: &str) -> bool {
    let duty = id.split_once('-').is_some_and(|(group, number)| {
        let most = DUTIES.iter().find(|(name, _)| *name == group).map(|(_, most)| *most);
        number.parse().is_ok_and(|number: u32| most.is_some_and(|most| (1..=most).contains(&number)))
    });
    duty || ADVISORIES.contains(&id)
}

impl Header {
    /// Reads the first lines of a guest's source, or says what is wrong with them.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut header = Self::default();
        for line in source.lines().map_while(|line| line.strip_prefix("//!").or_else(|| line.strip_prefix(";;"))) {
            let (key, value) = line.split_once(':').ok_or_else(|| format!("'{line}': expected 'key: value'"))?;
            header.take(key.trim(), value.trim())?;
        }
        header.check()
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), String> {
        let many = || value.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty());
        match key {
            "tries" => self.tries = value.to_owned(),
            "stands-for" => self.stands_for.extend(many()),
            "asks" => self.asks.push(value.to_owned()),
            "grants" => {
                self.grants.get_or_insert_default().extend(Some(value.to_owned()).filter(|one| one != "nothing"))
            }
            "limit" => self.limits.push(value.replacen('=', " = ", 1)),
            "calls" => self.calls = many().map(|one| who(&one)).collect::<Result<_, _>>()?,
            "event" => self.zendesk = one_of(value, "zendesk", "cloudevents")?,
            "connects" => self.connects = one_of(value, "yes", "no")?,
            "expect" => self.expect.push(expect(value)?),
            "denies" => self.denies.push(value.to_owned()),
            "afterwards" => self.afterwards = Some(value.to_owned()),
            other => return Err(format!("no key '{other}'")),
        }
        Ok(())
    }

    fn check(mut self) -> Result<Self, String> {
        if self.tries.is_empty() || self.stands_for.is_empty() || self.expect.is_empty() {
            return Err("a guest begins with 'tries:', 'stands-for:' and 'expect:'".to_owned());
        }
        if let Some(unknown) = self.stands_for.iter().find(|id| !is_known(id)) {
            return Err(format!("'{unknown}' is neither a duty of the catalogue nor an advisory that is known here"));
        }
        if self.tries.contains('|') {
            return Err("'tries' stands in a table: no '|'".to_owned());
        }
        if self.calls.is_empty() {
            self.calls.push(Who::Own);
        }
        if self.expect.len() != 1 && self.expect.len() != self.calls.len() {
            return Err("'expect' stands once, or once a call".to_owned());
        }
        Ok(self)
    }

    /// How the call of this number, from 0, must end.
    pub fn expected(&self, number: usize) -> &Expect {
        &self.expect[if self.expect.len() == 1 { 0 } else { number }]
    }
}

fn one_of(value: &str, yes: &str, no: &str) -> Result<bool, String> {
    if value == yes {
        return Ok(true);
    }
    if value == no { Ok(false) } else { Err(format!("'{value}': expected {yes} or {no}")) }
}

fn who(text: &str) -> Result<Who, String> {
    match text {
        "own" => Ok(Who::Own),
        "sibling" => Ok(Who::Sibling),
        "stranger" => Ok(Who::Stranger),
        other => Err(format!("'{other}': expected own, sibling or stranger")),
    }
}

fn expect(text: &str) -> Result<Expect, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim().to_owned();
    match word {
        "ok" => Ok(Expect::Ok),
        "limit" if !rest.is_empty() => Ok(Expect::Limit(rest)),
        "trapped" => Ok(Expect::Trapped(rest)),
        "failed" => {
            let (error, part) = rest.split_once(' ').unwrap_or((&rest, ""));
            Ok(Expect::Failed(error.to_owned(), part.to_owned()))
        }
        "refused" => Ok(Expect::Refused(rest)),
        "held" => Ok(Expect::Held),
        "contained" => Ok(Expect::Contained),
        _ => Err(format!("'expect: {text}' is none of ok, limit, trapped, failed, refused, held, contained")),
    }
}
