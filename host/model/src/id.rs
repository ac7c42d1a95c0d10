//! Names of things. Each is text, checked when it comes in, and of a type of its own so that one cannot be
//! passed for another.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::time::Rng;

/// Why a text is not an id.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("'{text}' is not a {what}: {rule}")]
pub struct IdError {
    what: &'static str,
    text: String,
    rule: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $ok:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let ok: fn(&str) -> bool = $ok;
                if ok(text) { return Ok(Self(text.into())); }
                Err(IdError { what: $what, text: text.chars().take(80).collect(), rule: $rule })
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> { text.parse() }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.0.as_ref().to_owned() }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )*};
}

fn label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn reverse_dns(text: &str) -> bool {
    text.len() <= 128 && text.contains('.') && text.split('.').all(label)
}

fn token(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b))
}

fn duty(text: &str) -> bool {
    text.split_once('-').is_some_and(|(section, number)| {
        let digits = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
        section.len() == 3
            && section.bytes().all(|b| b.is_ascii_uppercase())
            && (1..=3).contains(&number.len())
            && digits
    })
}

ids! {
    /// A subscriber: the unit of isolation (DAT-11).
    TenantId, "tenant", "1 to 63 of a-z, 0-9 and '-'", label;
    /// A plugin, in reverse-DNS form such as `com.example.card-guard`.
    PluginId, "plugin id", "reverse DNS, such as com.example.card-guard", reverse_dns;
    /// Who publishes plugins, in reverse-DNS form. Its plugins' ids begin with it.
    PublisherId, "publisher id", "reverse DNS, such as com.example", reverse_dns;
    /// One installation of a plugin in one tenant.
    InstallationId, "installation id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// One call into a plugin.
    CallId, "call id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// One permit or denial within a call: the call's id, a dot and a number.
    ActId, "act id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// One report of misbehaviour.
    ReportId, "report id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// An OAuth client of the host's own authorization server: one an installation (INT-1).
    ClientId, "client id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// What was granted to an OAuth client at one time: the tokens that come from it end with it.
    GrantId, "grant id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// A provider of upstream credentials, such as `zendesk`.
    ProviderId, "provider", "1 to 63 of a-z, 0-9 and '-'", label;
    /// One time that a person is asked to consent to a connection.
    ConsentId, "consent id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// One act of rotating credentials.
    RotationId, "rotation id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// One incident.
    IncidentId, "incident id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// One request of a data subject.
    PrivacyId, "data subject's request", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// A place that events come from, such as `acme-support`.
    SourceName, "source name", "1 to 63 of a-z, 0-9 and '-'", label;
    /// A person with an account here.
    PersonId, "person id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// One session of a person: from a sign-in to its end.
    SessionId, "session id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// What a person proves to be that person with: a passkey, a TOTP device, recovery codes.
    FactorId, "factor id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// One time that somebody is invited.
    InvitationId, "invitation id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// One time that a tenant lets the platform's support in.
    SupportId, "support grant id", "1 to 128 of A-Z a-z 0-9 . _ : -", token;
    /// A role, built in or a tenant's own.
    RoleName, "role", "1 to 63 of a-z, 0-9 and '-'", label;
    /// A duty of the catalogue, such as `INT-3`.
    DutyId, "duty", "three capital letters, '-' and a number, such as INT-3", duty;
    /// A set of thresholds that a tenant turns on, such as `healthcare`.
    ProfileName, "profile", "1 to 63 of a-z, 0-9 and '-'", label;
}

impl InstallationId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("ins", rng).into())
    }
}

impl ReportId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("rep", rng).into())
    }
}

impl IncidentId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("inc", rng).into())
    }
}

impl ConsentId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("con", rng).into())
    }
}

impl RotationId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("rot", rng).into())
    }
}

impl PrivacyId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("dsr", rng).into())
    }
}

impl ClientId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("cli", rng).into())
    }
}

impl GrantId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("grt", rng).into())
    }
}

impl PersonId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("per", rng).into())
    }
}

impl SessionId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("ses", rng).into())
    }
}

impl FactorId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("fac", rng).into())
    }
}

impl InvitationId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("inv", rng).into())
    }
}

impl SupportId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("sup", rng).into())
    }
}

impl ActId {
    /// The call that the act is of, as [`CallId::act`] put it there; `None` where the id names none.
    pub fn call(&self) -> Option<&str> {
        self.as_str().rsplit_once('.').map(|(call, _)| call)
    }
}

impl CallId {
    /// A fresh, unguessable one.
    pub fn random(rng: &dyn Rng) -> Self {
        Self(random("call", rng).into())
    }

    /// The id of this call's `n`th act, counted from 1.
    pub fn act(&self, n: u32) -> ActId {
        ActId(format!("{self}.{n}").into())
    }
}

fn random(prefix: &str, rng: &dyn Rng) -> String {
    let mut bytes = [0u8; 12];
    rng.fill(&mut bytes);
    format!("{prefix}_{}", hex::encode(bytes))
}

/// A SHA-256 digest: what a release is (idea 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// One that was worked out elsewhere, a part at a time.
    pub const fn from_sha256(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// As 64 hexadecimal digits, without the algorithm's name.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let mut bytes = [0u8; 32];
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        match hex::decode_to_slice(digits, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(IdError {
                what: "digest",
                text: text.chars().take(80).collect(),
                rule: "'sha256:' and 64 hexadecimal digits",
            }),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_say_what_they_expect() {
        let error = "No Such".parse::<TenantId>().unwrap_err();
        assert_eq!(error.to_string(), "'No Such' is not a tenant: 1 to 63 of a-z, 0-9 and '-'");
        assert!("com.example.card-guard".parse::<PluginId>().is_ok());
        for bad in ["card-guard", "com..x", "com.example.-x", "COM.example", "com/example.x", ""] {
            assert!(bad.parse::<PluginId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_digest_reads_what_it_prints() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse::<Digest>(), Ok(digest));
        assert!("sha256:00".parse::<Digest>().is_err());
    }
}
