use portcullis_model::{
    connection::ConnectionKey,
    duty::{Approval, Factors, RiskAbout, TurnedOn},
    risk::AcceptedRisk,
};

use super::{
    facts::{At, LastCall, Observations, On, PlainHost, SheetGaps, StaticToken},
    *,
};

const DAY: i64 = 86_400_000;

fn facts(on: &[&str]) -> Facts {
    let turned = |name: &&str| On {
        turned: TurnedOn {
            tenant: "acme".parse().unwrap(),
            profile: name.parse().unwrap(),
            by: "Dana".into(),
            reason: "data about health".into(),
            since: Timestamp(DAY),
        },
        entry: Some(7),
    };
    Facts {
        now: Timestamp(100 * DAY),
        tenant: "acme".parse().unwrap(),
        on: on.iter().map(turned).collect(),
        attestations: Vec::new(),
        risks: Vec::new(),
        statics: Vec::new(),
        plain: Vec::new(),
        barred: Vec::new(),
        ai: Vec::new(),
        jwt_minutes: 5,
        observations: Observations::default(),
    }
}

fn posture(facts: &Facts) -> Posture {
    Posture::new(&Catalogue::built_in().unwrap(), facts).unwrap()
}

fn state(facts: &Facts, key: &str) -> State {
    posture(facts).lines().find(|line| line.key == key).unwrap_or_else(|| panic!("no line {key}")).state.clone()
}

fn act(state: &State) -> String {
    match state {
        State::Open { moves } => moves.iter().filter_map(|one| one.act.clone()).collect::<Vec<_>>().join("; "),
        other => panic!("not open: {other:?}"),
    }
}

fn token() -> StaticToken {
    let key =
        ConnectionKey { tenant: "acme".parse().unwrap(), installation: "ins_1".parse().unwrap(), name: "crm".into() };
    let own =
        AcceptedRisk { reason: "it has no OAuth yet".into(), accepted_by: "Lee".into(), until: Timestamp(200 * DAY) };
    StaticToken { key, plugin: "com.example.crm".parse().unwrap(), own: Some(own) }
}

fn risk(duty: &str, about: RiskAbout, approved: bool, until: i64) -> Risk {
    let by =
        Approval { by: "Erin".into(), party: Party::Subscriber, factors: Factors::default(), at: Timestamp(2 * DAY) };
    Risk {
        number: 3,
        duty: duty.parse().unwrap(),
        about,
        reason: "replaced in spring".into(),
        by: "Dana".into(),
        actor: None,
        since: Timestamp(DAY),
        until: Timestamp(until),
        approved: approved.then_some(by),
        ended: None,
    }
}

#[test]
fn every_duty_has_a_line_and_a_profile_only_where_it_is_on() {
    let without = posture(&facts(&[]));
    let duties = Catalogue::built_in().unwrap().duties;
    for duty in &duties {
        assert!(without.lines().any(|line| line.key == format!("baseline/{}", duty.id)), "{}", duty.id);
    }
    assert_eq!(without.profiles.len(), 1);
    let with = posture(&facts(&["healthcare", "payment"]));
    let names: Vec<&str> = with.profiles.iter().map(|one| one.profile.as_str()).collect();
    assert_eq!(names, ["baseline", "healthcare", "payment"]);
    let keys: Vec<&String> = with.lines().map(|line| &line.key).collect();
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(keys.len(), different.len(), "a key names one line: {keys:?}");
    assert!(with.lines().filter(|line| line.key.starts_with("healthcare/")).all(|line| line.entries == [7]));
}

#[test]
fn what_the_host_does_not_do_is_open_and_the_platforms_to_bring() {
    for duty in Catalogue::built_in().unwrap().duties.iter().filter(|duty| duty.missing.is_some()) {
        let State::Open { moves } = state(&facts(&[]), &format!("baseline/{}", duty.id)) else {
            panic!("{} is held to hold", duty.id)
        };
        assert!(moves.iter().all(|one| one.party == Party::Platform && !one.what.is_empty()));
    }
}

#[test]
fn a_static_token_is_answered_for_in_the_baseline_and_open_under_healthcare_until_somebody_else_approves() {
    let mut facts = facts(&["healthcare"]);
    assert_eq!(state(&facts, "healthcare/INT-3/oauth-only"), State::Holds);
    facts.statics.push(token());
    let State::Accepted { risks } = state(&facts, "baseline/INT-3") else { panic!("somebody answers for it") };
    assert_eq!((risks[0].by.as_str(), risks[0].until), ("Lee", Timestamp(200 * DAY)));
    let open = state(&facts, "healthcare/INT-3/oauth-only");
    assert!(act(&open).contains("portcullis risk propose INT-3 --connection ins_1/crm"), "{open:?}");
    let about = RiskAbout::Connection(token().key);
    facts.risks.push(risk("INT-3", about.clone(), false, 150 * DAY));
    let State::Open { moves } = state(&facts, "healthcare/INT-3/oauth-only") else { panic!("it is only proposed") };
    assert!(moves[0].act.as_deref().unwrap().contains("risk approve 3") && moves[0].who.contains("other than Dana"));
    facts.risks[0] = risk("INT-3", about.clone(), true, 150 * DAY);
    let State::Accepted { risks } = state(&facts, "healthcare/INT-3/oauth-only") else { panic!("it is approved") };
    assert_eq!((risks[0].by.as_str(), risks[0].until), ("Erin", Timestamp(150 * DAY)));
    facts.now = Timestamp(150 * DAY);
    assert_eq!(state(&facts, "healthcare/INT-3/oauth-only").name(), "open", "at its very end");
}

#[test]
fn a_host_without_tls_matters_where_something_is_granted_it() {
    let mut facts = facts(&["payment"]);
    let risk_of =
        AcceptedRisk { reason: "no TLS there".into(), accepted_by: "Lee".into(), until: Timestamp(101 * DAY) };
    facts.plain.push(PlainHost { host: "pbx.example".into(), risk: risk_of, granted: Vec::new() });
    assert_eq!(state(&facts, "payment/DAT-5/tls-only"), State::Holds);
    assert_eq!(state(&facts, "baseline/DAT-5").name(), "accepted");
    facts.plain[0].granted.push("ins_1".parse().unwrap());
    let open = state(&facts, "payment/DAT-5/tls-only");
    assert!(act(&open).contains("risk propose DAT-5 --host pbx.example --tenant acme"), "{open:?}");
    let about = RiskAbout::Host { tenant: "acme".parse().unwrap(), host: "pbx.example".into() };
    facts.risks.push(risk("DAT-5", about, true, 150 * DAY));
    assert_eq!(state(&facts, "payment/DAT-5/tls-only").name(), "accepted");
    facts.now = Timestamp(101 * DAY);
    facts.risks.clear();
    assert_eq!(state(&facts, "baseline/DAT-5"), State::Holds, "the operator's risk is over: the host is refused");
}

#[test]
fn a_word_counts_until_its_end_and_what_is_shared_takes_both() {
    let mut facts = facts(&[]);
    let word = |duty: &str, party, until| Attestation {
        number: 1,
        duty: duty.parse().unwrap(),
        tenant: None,
        party,
        by: "Dana".into(),
        statement: "looked through".into(),
        since: Timestamp(90 * DAY),
        until: Timestamp(until),
    };
    assert!(
        act(&state(&facts, "baseline/ACC-8")).contains("portcullis duty attest ACC-8 --tenant acme --party subscriber")
    );
    facts.attestations.push(word("ACC-8", Party::Subscriber, 101 * DAY));
    assert_eq!(state(&facts, "baseline/ACC-8"), State::Holds);
    facts.attestations.push(word("INC-7", Party::Subscriber, 101 * DAY));
    assert!(act(&state(&facts, "baseline/INC-7")).contains("--party platform"));
    facts.attestations.push(word("INC-7", Party::Platform, 101 * DAY));
    assert_eq!(state(&facts, "baseline/INC-7"), State::Holds);
    facts.now = Timestamp(101 * DAY);
    let State::Open { moves } = state(&facts, "baseline/ACC-8") else { panic!("its time is over") };
    assert_eq!(moves[0].who, "Dana, who said so last");
}

#[test]
fn what_is_observed_says_what_it_rests_on_and_whose_move_it_is() {
    let mut facts = facts(&[]);
    let plugin = "com.example.crm".parse::<portcullis_model::id::PluginId>().unwrap();
    let call =
        |at| LastCall { installation: "ins_1".parse().unwrap(), plugin: plugin.clone(), since: Some(Timestamp(0)), at };
    facts.observations.calls = vec![call(Some(Timestamp(70 * DAY)))];
    assert_eq!(state(&facts, "baseline/INT-13"), State::Holds);
    facts.observations.calls = vec![call(Some(Timestamp(70 * DAY - 1)))];
    assert!(act(&state(&facts, "baseline/INT-13")).contains("plugin uninstall ins_1"));
    assert_eq!(state(&facts, "baseline/MON-3").name(), "open");
    facts.observations.exported = Some(At { entry: 9, time: Timestamp(69 * DAY) });
    assert_eq!(state(&facts, "baseline/MON-3"), State::Holds);
    assert!(act(&state(&facts, "baseline/MON-7")).contains("portcullis serve"));
    facts.observations.looked = Some(facts.now);
    assert_eq!(state(&facts, "baseline/MON-7"), State::Holds);
    let gaps =
        SheetGaps { plugin, publisher: "com.example".parse().unwrap(), gaps: vec!["how long it keeps data".into()] };
    facts.observations.sheets = vec![gaps];
    let State::Open { moves } = state(&facts, "baseline/DAT-12") else { panic!("the sheet is not whole") };
    assert_eq!((moves[0].party, moves[0].who.as_str()), (Party::Developer, "com.example"));
    assert!(act(&state(&facts, "baseline/INC-5")).contains("portcullis backup --to"));
    facts.observations.backed_up = Some(At { entry: 1, time: Timestamp(93 * DAY) });
    assert_eq!(act(&state(&facts, "baseline/INC-5")), "portcullis restore FILE --identity KEY --test");
    facts.observations.restored = Some(At { entry: 2, time: Timestamp(69 * DAY) });
    assert_eq!(state(&facts, "baseline/INC-5"), State::Holds);
    facts.now = Timestamp(100 * DAY + 1);
    assert_eq!(state(&facts, "baseline/INC-5").name(), "open");
    facts.jwt_minutes = 16;
    assert_eq!(state(&facts, "baseline/INT-8/jwt-minutes").name(), "open");
}

#[test]
fn who_must_do_what_is_listed_once_a_move() {
    let mut facts = facts(&["healthcare"]);
    facts.statics.push(token());
    let posture = posture(&facts);
    let moves = posture.moves();
    let attest =
        moves.iter().filter(|(one, _)| one.act.as_deref().is_some_and(|act| act.contains("attest ACC-8"))).count();
    assert_eq!(attest, 1, "the baseline and the profile ask for the same");
    let (holds, open, accepted) = posture.counts();
    assert_eq!(holds + open + accepted, posture.lines().count());
    assert!(moves.iter().any(|(one, duties)| one.what.contains("static token") && duties[0].as_str() == "INT-3"));
}
