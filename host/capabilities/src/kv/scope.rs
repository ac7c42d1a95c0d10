//! `kv:read` and `kv:write bytes=...`.

use portcullis_model::{
    kv::{KvDelete, KvGet, KvList, KvSet},
    scope::{Allows, Grant, Risk, Scope, ScopeError, ScopeText},
};

/// What may be done with the installation's own storage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KvScope {
    /// Read and list.
    Read,
    /// Write and delete, up to this many bytes of keys and values together.
    Write(u64),
}

const UNITS: [(&str, u64); 3] = [("MiB", 1024 * 1024), ("KiB", 1024), ("B", 1)];

fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = UNITS.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let bytes = number.parse::<u64>().ok().filter(|_| plain)?.checked_mul(*unit)?;
    (1..=1 << 40).contains(&bytes).then_some(bytes)
}

fn print_bytes(bytes: u64) -> String {
    let fits = UNITS.iter().find(|(_, unit)| bytes.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{bytes}B"), |(name, unit)| format!("{}{name}", bytes / unit))
}

impl Scope for KvScope {
    const CAPABILITY: &'static str = "kv";

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        match text.action() {
            "read" => text.expect_keys(&[]).map(|()| vec![Self::Read]),
            "write" => {
                text.expect_keys(&["bytes"])?;
                let size = parse_bytes(text.value("bytes")?);
                let wrong = || text.error("'bytes' is a whole number with B, KiB or MiB, such as 64KiB");
                Ok(vec![Self::Write(size.ok_or_else(wrong)?)])
            }
            _ => Err(text.unknown_action(&["read", "write"])),
        }
    }

    fn text(&self) -> ScopeText {
        match self {
            Self::Read => ScopeText::new("kv", "read"),
            Self::Write(bytes) => ScopeText::new("kv", "write").with("bytes", [print_bytes(*bytes)]),
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Read, Self::Read) => Some(Self::Read),
            (Self::Write(a), Self::Write(b)) => Some(Self::Write(*a.min(b))),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Read => "reads what it has stored itself".to_owned(),
            Self::Write(bytes) => format!("stores up to {} of its own", print_bytes(*bytes)),
        }
    }

    fn risk(&self) -> Risk {
        Risk::Low
    }
}

/// The largest quota that the grant gives; 0 where it gives none.
pub(super) fn quota(grant: &Grant<KvScope>) -> u64 {
    let sizes = grant.scopes().filter_map(|s| if let KvScope::Write(bytes) = s { Some(*bytes) } else { None });
    sizes.max().unwrap_or(0)
}

fn reading(grant: &Grant<KvScope>) -> Result<(), String> {
    match grant.scopes().any(|s| *s == KvScope::Read) {
        true => Ok(()),
        false => Err("reading stored values is not granted".to_owned()),
    }
}

fn writing(grant: &Grant<KvScope>, bytes: u64) -> Result<(), String> {
    match quota(grant) {
        0 => Err("storing values is not granted".to_owned()),
        most if most < bytes => Err(format!("storing more than {} is not granted", print_bytes(most))),
        _ => Ok(()),
    }
}

macro_rules! allows {
    ($($act:ident => $needed:expr, $decide:expr;)*) => {$(
        impl Allows<$act> for KvScope {
            fn needed(act: &$act) -> ScopeText {
                let needed: fn(&$act) -> KvScope = $needed;
                needed(act).text()
            }
            fn decide(grant: &Grant<Self>, act: &$act) -> Result<(), String> {
                let decide: fn(&Grant<Self>, &$act) -> Result<(), String> = $decide;
                decide(grant, act)
            }
        }
    )*};
}

allows! {
    KvGet => |_| KvScope::Read, |grant, _| reading(grant);
    KvList => |_| KvScope::Read, |grant, _| reading(grant);
    KvSet => |act| KvScope::Write(act.quota.max(1)), |grant, act| writing(grant, act.quota);
    KvDelete => |_| KvScope::Write(1), |grant, _| writing(grant, 1);
}

#[cfg(test)]
mod tests {
    use portcullis_model::scope::check_meet_laws;
    use proptest::prelude::*;

    use super::*;

    fn scopes() -> impl Strategy<Value = Vec<KvScope>> {
        let one = prop_oneof![Just(KvScope::Read), (1u64..5000).prop_map(KvScope::Write)];
        proptest::collection::vec(one, 0..4)
    }

    proptest! {
        #[test]
        fn meet_is_a_meet(a in scopes(), b in scopes(), c in scopes()) {
            check_meet_laws(&a, &b, &c).map_err(TestCaseError::fail)?;
        }

        #[test]
        fn meet_allows_what_both_allow(a in scopes(), b in scopes(), quota in 1u64..5000) {
            let (a, b) = (Grant::new(a), Grant::new(b));
            let act = KvSet { bucket: String::new(), key: String::new(), value: vec![], quota };
            let both = KvScope::decide(&a, &act).is_ok() && KvScope::decide(&b, &act).is_ok();
            prop_assert_eq!(KvScope::decide(&a.meet(&b), &act).is_ok(), both);
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [("64KiB", Some(65_536)), ("1MiB", Some(1_048_576)), ("10B", Some(10))] {
            assert_eq!(parse_bytes(text), bytes);
            assert_eq!(bytes.map(print_bytes).as_deref(), Some(text));
        }
        for text in ["64", "KiB", "-1KiB", "+1KiB", "0B", "1.5MiB", "99999999999999MiB"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}
