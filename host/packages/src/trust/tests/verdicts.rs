//! Reviewers: how many, who, when, and about what.

use super::*;

fn trust() -> Trust {
    Stored::new(&platform()).load().unwrap()
}

fn changed(change: impl FnOnce(&mut Verdict)) -> Verdict {
    let mut verdict = verdict(Decision::Approve);
    change(&mut verdict);
    verdict
}

/// One approval, and this beside it.
fn beside(other: String) -> Vec<String> {
    vec![said(REVIEWERS[0], verdict(Decision::Approve)), other]
}

#[test]
fn risk_says_how_many() {
    let mut root = platform();
    let needs = |root: &Root, statements: &[String]| {
        judged(&Stored::new(root).load().unwrap(), &[PUBLISHER], statements, NOW).map(|held| held.reviewed)
    };
    assert!(needs(&root, &[]).unwrap_err().to_string().contains("0 of 2 reviewers that 'platform' asks for"));
    root.reviews.high = 0;
    assert_eq!(needs(&root, &[]).unwrap(), None, "nobody has to, and nobody did");
    root.reviews.high = 3;
    assert!(needs(&root, &approved()).unwrap_err().to_string().contains("2 of 3"));
}

#[test]
fn those_who_do_not_count() {
    let trust = trust();
    let approve = || verdict(Decision::Approve);
    let twice = Statement::about(&release(), approve()).signed(&key(REVIEWERS[0])).unwrap();
    let twice = twice.signed_also(&key(REVIEWERS[0])).unwrap().to_json();
    let other = ReleaseId { manifest: Digest::of(b"another manifest"), ..release() };
    let about_other = Statement::about(&other, approve()).signed(&key(REVIEWERS[1])).unwrap().to_json();
    let component = ReleaseId { component: Digest::of(b"another component"), ..release() };
    let about_component = Statement::about(&component, approve()).signed(&key(REVIEWERS[1])).unwrap().to_json();
    let later = changed(|one| one.issued = Timestamp(NOW.0 - 5));
    for (what, statement) in [
        ("one key twice in an envelope", twice),
        ("one key with two verdicts", said(REVIEWERS[0], later)),
        ("the publisher's own key", said(PUBLISHER, approve())),
        ("a stranger", said(STRANGER, approve())),
        ("a keeper of the root", said(KEEPER, approve())),
        ("about another manifest", about_other),
        ("about another component", about_component),
        ("dated in the future", said(REVIEWERS[1], changed(|one| one.issued = Timestamp(NOW.0 + 600_000)))),
        ("no envelope", "{}".to_owned()),
    ] {
        let error = refused(&trust, &[PUBLISHER], &beside(statement));
        assert!(error.contains("1 of 2 reviewers"), "{what}: {error}");
    }
    let expired = said(REVIEWERS[1], changed(|one| one.expires = NOW));
    let error = refused(&trust, &[PUBLISHER], &beside(expired));
    assert!(error.contains("1 of 2 reviewers") && error.contains("vetted again"), "{error}");
    let slack = said(REVIEWERS[1], changed(|one| one.issued = Timestamp(NOW.0 + 60_000)));
    assert!(judged(&trust, &[PUBLISHER], &beside(slack), NOW).is_ok(), "clocks differ by minutes");
}

#[test]
fn a_verdict_of_the_future_bounds_the_judgement_of_today() {
    let at = Timestamp(NOW.0 + 600_000);
    let mut all = approved();
    all.push(said(REVIEWERS[2], Verdict { issued: at, ..verdict(Decision::Reject) }));
    let held = judged(&trust(), &[PUBLISHER], &all, NOW).unwrap();
    assert_eq!(held.until, Timestamp(NOW.0 + 300_000), "it is looked at again when that one counts");
    assert!(judged(&trust(), &[PUBLISHER], &all, held.until).is_err());
}

/// Four eyes: whoever can publish it does not vet it, with another of the publisher's keys either.
#[test]
fn no_key_of_the_publisher_reviews() {
    let mut root = platform();
    let id = root.know(&key(OTHER_PUBLISHER).public(), "a second publisher");
    root.publishers.as_mut().unwrap()[0].role.keys.insert(id.clone());
    root.reviewers.insert(id);
    let trust = Stored::new(&root).load().unwrap();
    let error = refused(&trust, &[PUBLISHER], &beside(said(OTHER_PUBLISHER, verdict(Decision::Approve))));
    assert!(error.contains("1 of 2 reviewers"), "{error}");
}

#[test]
fn a_later_word_replaces_an_earlier_one_and_a_tie_refuses() {
    let trust = trust();
    let at = |millis: i64, decision| Verdict { issued: Timestamp(NOW.0 - 1_000 + millis), ..verdict(decision) };
    let with = |last: Verdict| {
        let mut all = approved();
        // Whichever is stored first.
        all.insert(0, said(REVIEWERS[1], last));
        judged(&trust, &[PUBLISHER], &all, NOW)
    };
    for decision in [Decision::Reject, Decision::RequestChanges] {
        let error = with(at(1, decision)).unwrap_err().to_string();
        assert!(error.contains("reviewer reviewer 21 decided"), "{error}");
        assert!(with(at(0, decision)).is_err(), "at the same time the one that refuses");
        assert!(with(at(-1, decision)).is_ok(), "they approved it after that");
    }
    // Of one that is not needed: no is no.
    let mut all = approved();
    all.push(said(REVIEWERS[2], verdict(Decision::Reject)));
    assert!(refused(&trust, &[PUBLISHER], &all).contains("decided 'reject'"));
    // Its time is over, and it is still no.
    all.pop();
    all.push(said(REVIEWERS[2], Verdict { expires: NOW, ..verdict(Decision::Reject) }));
    assert!(refused(&trust, &[PUBLISHER], &all).contains("decided 'reject'"));
}

#[test]
fn a_reviewer_who_is_removed_or_revoked_counts_no_more() {
    let first = platform();
    let id = key(REVIEWERS[1]).public().keyid();
    let removed = next(&first, |root| {
        root.reviewers.remove(&id);
    });
    let revoked = next(&first, |root| {
        root.revoked.keys.insert(id.clone());
    });
    for second in [removed, revoked] {
        let trust = Stored::new(&first).root(&second, &[KEEPER]).load().unwrap();
        assert!(refused(&trust, &[PUBLISHER], &approved()).contains("1 of 2 reviewers"));
    }
}

#[test]
fn maxima_meet() {
    let most = |fields: &str| vec![format!("tickets:read fields={fields}").parse().unwrap()];
    let all = vec![
        said(REVIEWERS[0], changed(|one| one.at_most = most("comments,subject"))),
        said(REVIEWERS[1], changed(|one| one.at_most = most("subject,status"))),
    ];
    let held = judged(&trust(), &[PUBLISHER], &all, NOW).unwrap();
    assert_eq!(held.reviewed.unwrap(), most("subject"));
    let nothing = vec![all[0].clone(), said(REVIEWERS[1], changed(|one| one.at_most = Vec::new()))];
    assert_eq!(
        judged(&trust(), &[PUBLISHER], &nothing, NOW).unwrap().reviewed,
        Some(Vec::new()),
        "nothing is not anything"
    );
    let unknown = changed(|one| one.at_most = vec!["mail:send to=x".parse().unwrap()]);
    assert!(refused(&trust(), &[PUBLISHER], &beside(said(REVIEWERS[1], unknown))).contains("maximum cannot be read"));
}

#[test]
fn a_tenants_reviewers_come_on_top() {
    let mut own = tenants();
    let id = own.know(&key(60).public(), "acme's reviewer");
    own.reviewers.insert(id);
    own.reviews.high = 1;
    let trust = Stored::new(&platform()).root(&own, &[TENANT_KEEPER, KEEPER]).load().unwrap();
    assert!(refused(&trust, &[PUBLISHER], &approved()).contains("0 of 1 reviewers that 'tenant:acme' asks for"));
    let mut all = approved();
    all.push(said(60, changed(|one| one.at_most = Vec::new())));
    assert_eq!(
        judged(&trust, &[PUBLISHER], &all, NOW).unwrap().reviewed,
        Some(Vec::new()),
        "the more restrictive holds"
    );
    let alone = vec![all[2].clone()];
    assert!(refused(&trust, &[PUBLISHER], &alone).contains("0 of 2 reviewers that 'platform' asks for"));
}

/// Where nobody has to review, an approval that has expired still says the most that was ever approved.
#[test]
fn time_widens_nothing() {
    let mut root = platform();
    root.reviews.high = 0;
    let trust = Stored::new(&root).load().unwrap();
    let narrow = said(REVIEWERS[0], changed(|one| one.expires = Timestamp(NOW.0 + 10)));
    let at = |now| judged(&trust, &[PUBLISHER], std::slice::from_ref(&narrow), now).unwrap().reviewed;
    let before = at(NOW);
    assert!(before.is_some());
    assert_eq!(at(Timestamp(NOW.0 + 10)), before);
}
