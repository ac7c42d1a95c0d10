//! `kv:read` and `kv:write bytes=... ttl<=...`.

use std::collections::BTreeSet;

use portcullis_model::{
    class::Class,
    kv::{Expected, KvDelete, KvGet, KvList, KvSet},
    scope::{
        Allows, Grant, Risk, Scope, ScopeError, ScopeText, parse_bytes, parse_seconds, print_bytes, print_seconds,
    },
};

/// What may be done with the installation's own storage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KvScope {
    /// Read and list.
    Read,
    /// Write and delete.
    Write {
        /// What all keys and values may take together, in bytes.
        bytes: u64,
        /// For how many seconds a value is kept at most; `None`: until it is removed.
        ttl: Option<u64>,
    },
}

/// The shorter of two times, of which `None` is the longest.
fn shorter(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// Whether a value that is kept for `asked` is kept no longer than `allowed`.
fn within(asked: Option<u64>, allowed: Option<u64>) -> bool {
    shorter(asked, allowed) == asked
}

impl Scope for KvScope {
    const CAPABILITY: &'static str = "kv";
    const EXAMPLES: &'static [&'static str] =
        &["kv:read", "kv:write bytes=64KiB", "kv:write bytes=1MiB ttl<=30d", "kv:write bytes=64KiB ttl<=12h"];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        match text.action() {
            "read" => text.expect_keys(&[]).map(|()| vec![Self::Read]),
            "write" => {
                text.expect(&["bytes"], &["ttl<"])?;
                let wrong = || text.error("'bytes' is a whole number with B, KiB, MiB or GiB, such as 64KiB");
                let bytes = parse_bytes(text.value("bytes")?).ok_or_else(wrong)?;
                let wrong = || text.error("'ttl<=' is a whole number with s, m, h or d, such as 30d");
                let ttl = match text.values("ttl<") {
                    [] => None,
                    _ => Some(parse_seconds(text.value("ttl<")?).ok_or_else(wrong)?),
                };
                Ok(vec![Self::Write { bytes, ttl }])
            }
            _ => Err(text.unknown_action(&["read", "write"])),
        }
    }

    fn text(&self) -> ScopeText {
        match self {
            Self::Read => ScopeText::new("kv", "read"),
            Self::Write { bytes, ttl } => {
                let text = ScopeText::new("kv", "write").with("bytes", [print_bytes(*bytes)]);
                ttl.iter().fold(text, |text, ttl| text.with("ttl<", [print_seconds(*ttl)]))
            }
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Read, Self::Read) => Some(Self::Read),
            (Self::Write { bytes: a, ttl: s }, Self::Write { bytes: b, ttl: t }) => {
                Some(Self::Write { bytes: *a.min(b), ttl: shorter(*s, *t) })
            }
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Read => "reads what it has stored itself".to_owned(),
            Self::Write { bytes, ttl: None } => format!("stores up to {} of its own", print_bytes(*bytes)),
            Self::Write { bytes, ttl: Some(ttl) } => {
                format!(
                    "stores up to {} of its own, each value for {} at most",
                    print_bytes(*bytes),
                    print_seconds(*ttl)
                )
            }
        }
    }

    fn risk(&self) -> Risk {
        Risk::Low
    }

    fn classes(&self) -> BTreeSet<Class> {
        [Class::Internal].into()
    }
}

/// The scopes for writing: bytes, and for how long.
fn writes(grant: &Grant<KvScope>) -> impl Iterator<Item = (u64, Option<u64>)> {
    grant.scopes().filter_map(|scope| match scope {
        KvScope::Write { bytes, ttl } => Some((*bytes, *ttl)),
        KvScope::Read => None,
    })
}

/// What a write under this grant is held to: for how long the value is kept, and the quota of a scope that covers that. Where
/// no time is asked for it is the longest that is granted. Where nothing covers it the quota is the largest of the grant, 0 if
/// it has none: such an act is denied.
pub(super) fn terms(grant: &Grant<KvScope>, asked: Option<u64>) -> (Option<u64>, u64) {
    let longest =
        || if writes(grant).any(|(_, ttl)| ttl.is_none()) { None } else { writes(grant).filter_map(|w| w.1).max() };
    let ttl = asked.or_else(longest);
    let covering = writes(grant).filter(|(_, most)| within(ttl, *most)).map(|(bytes, _)| bytes).max();
    let quota = covering.or_else(|| writes(grant).map(|(bytes, _)| bytes).max());
    (ttl, quota.unwrap_or(0))
}

fn reading(grant: &Grant<KvScope>, what: &str) -> Result<(), String> {
    match grant.scopes().any(|s| *s == KvScope::Read) {
        true => Ok(()),
        false => Err(format!("{what} stored values is not granted")),
    }
}

fn writing(grant: &Grant<KvScope>, act: &KvSet) -> Result<(), String> {
    let kept = |ttl: Option<u64>| {
        ttl.map_or_else(|| "until it is removed".to_owned(), |ttl| format!("for {}", print_seconds(ttl)))
    };
    if writes(grant).any(|(bytes, ttl)| act.quota <= bytes && within(act.ttl, ttl)) {
        return Ok(());
    }
    let Some(most) = writes(grant).map(|(bytes, _)| bytes).max() else {
        return Err("storing values is not granted".to_owned());
    };
    match writes(grant).any(|(_, ttl)| within(act.ttl, ttl)) {
        false => Err(format!("keeping a value {} is not granted", kept(act.ttl))),
        true if most < act.quota => Err(format!("storing more than {} is not granted", print_bytes(most))),
        true => {
            Err(format!("storing up to {} and keeping it {} is not granted", print_bytes(act.quota), kept(act.ttl)))
        }
    }
}

impl Allows<KvGet> for KvScope {
    fn needed(_: &KvGet) -> ScopeText {
        Self::Read.text()
    }

    fn decide(grant: &Grant<Self>, _: &KvGet) -> Result<(), String> {
        reading(grant, "reading")
    }
}

impl Allows<KvList> for KvScope {
    fn needed(_: &KvList) -> ScopeText {
        Self::Read.text()
    }

    fn decide(grant: &Grant<Self>, _: &KvList) -> Result<(), String> {
        reading(grant, "reading")
    }
}

impl Allows<KvSet> for KvScope {
    fn needed(act: &KvSet) -> ScopeText {
        let own = (act.key.len() + act.value.len()) as u64;
        let bytes = if act.quota == 0 { own.max(1) } else { act.quota };
        Self::Write { bytes, ttl: act.ttl }.text()
    }

    fn decide(grant: &Grant<Self>, act: &KvSet) -> Result<(), String> {
        if act.expected != Expected::Anything {
            reading(grant, "comparing with")?;
        }
        writing(grant, act)
    }
}

impl Allows<KvDelete> for KvScope {
    fn needed(_: &KvDelete) -> ScopeText {
        Self::Write { bytes: 1, ttl: None }.text()
    }

    fn decide(grant: &Grant<Self>, _: &KvDelete) -> Result<(), String> {
        match writes(grant).next() {
            Some(_) => Ok(()),
            None => Err("removing values is not granted".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
