use portcullis_model::scope::check_meet_laws;
use proptest::prelude::*;

use super::*;

fn write(bytes: u64, ttl: Option<u64>) -> KvScope {
    KvScope::Write { bytes, ttl }
}

fn ttls() -> impl Strategy<Value = Option<u64>> {
    proptest::option::of(1u64..9)
}

fn scopes() -> impl Strategy<Value = Vec<KvScope>> {
    let one = prop_oneof![1 => Just(KvScope::Read), 3 => (1u64..9, ttls()).prop_map(|(bytes, ttl)| write(bytes, ttl))];
    proptest::collection::vec(one, 0..5)
}

fn act(quota: u64, ttl: Option<u64>, expected: Expected) -> KvSet {
    KvSet { bucket: String::new(), key: "k".into(), value: vec![], quota, ttl, expected }
}

proptest! {
    #[test]
    fn meet_is_a_meet(a in scopes(), b in scopes(), c in scopes()) {
        check_meet_laws(&a, &b, &c).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn meet_allows_what_both_allow(
        a in scopes(), b in scopes(), quota in 1u64..9, ttl in ttls(), compares in any::<bool>()
    ) {
        let (a, b) = (Grant::new(a), Grant::new(b));
        let act = act(quota, ttl, if compares { Expected::Nothing } else { Expected::Anything });
        let both = KvScope::decide(&a, &act).is_ok() && KvScope::decide(&b, &act).is_ok();
        prop_assert_eq!(KvScope::decide(&a.meet(&b), &act).is_ok(), both);
    }

    #[test]
    fn the_needed_scope_allows_it_and_nothing_less_does(quota in 1u64..9, ttl in ttls()) {
        let act = act(quota, ttl, Expected::Anything);
        let needed = Grant::new(KvScope::parse(&KvScope::needed(&act)).unwrap());
        prop_assert!(KvScope::decide(&needed, &act).is_ok());
        let less = [write(quota - 1, ttl), write(quota, Some(ttl.unwrap_or(9) - 1))];
        for less in less {
            prop_assert!(KvScope::decide(&Grant::new([less]), &act).is_err());
        }
    }

    /// What a call may write, it may write on the terms that the host finds for it, and on none that are larger.
    #[test]
    fn the_terms_are_those_of_one_scope(granted in scopes(), asked in ttls()) {
        let grant = Grant::new(granted);
        let (ttl, quota) = terms(&grant, asked);
        let allowed = KvScope::decide(&grant, &act(quota, ttl, Expected::Anything)).is_ok();
        let covered = writes(&grant).any(|(_, most)| asked.is_none() || within(asked, most));
        prop_assert_eq!(allowed, covered);
        if allowed {
            let own = writes(&grant).any(|(bytes, most)| bytes == quota && within(ttl, most));
            prop_assert!(own);
            prop_assert!(KvScope::decide(&grant, &act(quota + 1, ttl, Expected::Anything)).is_err());
        }
    }
}

#[test]
fn a_quota_goes_with_its_own_time() {
    let grant = Grant::new([write(1 << 20, Some(86_400)), write(1 << 10, None)]);
    assert_eq!(terms(&grant, None), (None, 1 << 10));
    assert_eq!(terms(&grant, Some(86_400)), (Some(86_400), 1 << 20));
    assert_eq!(terms(&grant, Some(86_401)), (Some(86_401), 1 << 10));
    let bounded = Grant::new([write(1 << 20, Some(60)), write(1 << 10, Some(3_600))]);
    assert_eq!(terms(&bounded, None), (Some(3_600), 1 << 10));
    let refused = |ttl| KvScope::decide(&bounded, &act(terms(&bounded, ttl).1, ttl, Expected::Anything)).unwrap_err();
    assert_eq!(refused(Some(3_601)), "keeping a value for 3601s is not granted");
    let refused = KvScope::decide(&bounded, &act(1 << 10, None, Expected::Anything)).unwrap_err();
    assert_eq!(refused, "keeping a value until it is removed is not granted");
    let both = KvScope::decide(&bounded, &act(1 << 20, Some(3_600), Expected::Anything)).unwrap_err();
    assert_eq!(both, "storing up to 1MiB and keeping it for 1h is not granted");
}

#[test]
fn comparing_needs_reading_too() {
    let act = act(1, None, Expected::Value(b"v".to_vec()));
    let refused = KvScope::decide(&Grant::new([write(10, None)]), &act).unwrap_err();
    assert_eq!(refused, "comparing with stored values is not granted");
    assert!(KvScope::decide(&Grant::new([write(10, None), KvScope::Read]), &act).is_ok());
}

#[test]
fn says_what_is_wrong_with_a_text() {
    for (text, problem) in [
        ("kv:write", "'bytes=...' is missing"),
        ("kv:write bytes=1", "'bytes' is a whole number with"),
        ("kv:write bytes=1KiB ttl=1d", "did you mean 'ttl<='?"),
        ("kv:write bytes=1KiB ttl<=1w", "'ttl<=' is a whole number with"),
        ("kv:write bytes=1KiB ttl<=1d,2d", "exactly one value"),
        ("kv:read ttl<=1d", "unknown constraint 'ttl<='"),
        ("kv:erase", "no action 'erase'"),
    ] {
        let error = KvScope::parse(&text.parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(problem), "{text}: {error}");
    }
    for text in KvScope::EXAMPLES {
        let scopes = KvScope::parse(&text.parse().unwrap()).unwrap();
        assert_eq!(scopes[0].text().to_string(), *text);
    }
}
