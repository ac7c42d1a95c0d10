use super::*;
use crate::{duty::Party, rotation::Reached, time::Timestamp};

fn telling(tenants: &[&str], told: &[Option<&str>]) -> Telling {
    let tenant = |name: &str| name.parse().unwrap();
    Telling {
        key: "subscriber".into(),
        whom: "x".into(),
        by: Party::Platform,
        due: Some(Timestamp(100)),
        rule: "x".into(),
        tenants: tenants.iter().map(|name| tenant(name)).collect(),
        told: told
            .iter()
            .map(|name| Told { by: "dana".into(), at: Timestamp(1), to: "x".into(), tenant: name.map(tenant) })
            .collect(),
    }
}

#[test]
fn a_telling_is_open_until_each_tenant_is_told() {
    let open = |one: &Telling| one.open().len();
    assert_eq!(open(&telling(&[], &[])), 1);
    assert_eq!(open(&telling(&[], &[None])), 0);
    assert_eq!(open(&telling(&["acme", "beta"], &[])), 2);
    let half = telling(&["acme", "beta"], &[Some("acme"), Some("acme")]);
    assert_eq!(half.open(), [Some(&"beta".parse().unwrap())]);
    assert_eq!(open(&telling(&["acme", "beta"], &[None])), 0, "all of them at once");
    assert!(half.is_overdue(Timestamp(101)) && !half.is_overdue(Timestamp(100)));
    assert!(!telling(&[], &[None]).is_overdue(Timestamp(101)));
}

fn containment() -> Containment {
    Containment {
        at: Timestamp(1_000),
        log_index: 7,
        by: "dana".into(),
        platform: true,
        left_to_host: false,
        suspended: 2,
        already: 0,
        freezes: vec![(1, Extent::All)],
        rotates: Vec::new(),
        holders: Vec::new(),
        reach: None,
        egress: None,
        through: None,
        given_up: None,
        lifted: None,
    }
}

#[test]
fn it_is_reached_only_when_nothing_runs_and_nothing_goes_out() {
    let mut one = containment();
    let reach = Reach { at: Timestamp(1_300), log_index: 9, host_runs: true, calls_ended: 3, calls_left: 0 };
    one.reach = Some(reach);
    assert!(!one.is_reached(), "nobody said that the freeze holds");
    one.egress = Some(Reached { at: Timestamp(1_500), host_runs: true, ended: 1, left: 0 });
    assert_eq!((one.is_reached(), one.took_ms()), (true, Some(500)), "the later of the two counts");
    one.reach = Some(Reach { calls_left: 1, ..reach });
    assert!(!one.is_reached(), "a call goes on");
    one.reach = Some(reach);
    one.egress = Some(Reached { at: Timestamp(1_500), host_runs: true, ended: 1, left: 1 });
    assert!(!one.is_reached(), "a request goes on");
}

#[test]
fn subjects_are_read_as_they_are_written() {
    for text in ["plugin:com.example.a", "publisher:com.example", "provider:zendesk", "installation:ins_1"] {
        let about: About = text.parse().unwrap();
        let (kind, name) = about.parts();
        assert_eq!(format!("{kind}:{name}"), text);
    }
    assert!("plugin".parse::<About>().is_err() && "tenant:acme".parse::<About>().is_err());
    let subject = |about: &str, tenant: Option<&str>| Subject {
        about: about.parse().unwrap(),
        tenant: tenant.map(|name| name.parse().unwrap()),
    };
    assert_eq!(subject("plugin:com.example.a", None).extent(), Some(Extent::Plugin("com.example.a".parse().unwrap())));
    assert_eq!(subject("plugin:com.example.a", Some("acme")).extent(), None, "not those of others");
    let found = subject("publisher:com.example", Some("acme")).filter(Timestamp(0)).unwrap();
    assert_eq!(found, "plugin=com.example.* tenant=acme since=1970-01-01T00:00:00.000Z");
    assert!(found.parse::<crate::audit::query::Filter>().is_ok());
}
