//! The state machine, as tables.

use portcullis_model::{
    id::Digest,
    review::{Note, Step, Submission},
    scope::Risk,
    time::Timestamp,
    trust::RootScope,
};

use super::world::DAY;
use crate::{
    manifest::Manifest,
    review::{Act, Case, State},
    statement::{Decision, Verdict},
    testing::MANIFEST,
    trust::{Distrust, Given, Standing},
};

const NOW: i64 = 100 * DAY;

fn note(step: Step) -> Note {
    Note { at: Timestamp(0), by: "sam".into(), root: RootScope::Platform, step }
}

fn steps(text: &str) -> Vec<Note> {
    let step = |word: &str| match word {
        "submitted" => Step::Submitted,
        "withdrawn" => Step::Withdrawn { reason: "x".into() },
        "assigned" => Step::Assigned { key: "ann".into(), owner: "Ann".into() },
        "commented" => Step::Commented { text: "x".into() },
        "attached" => Step::Attached { report: Digest::of(b"r") },
        other => panic!("{other}"),
    };
    text.split_whitespace().map(|word| note(step(word))).collect()
}

/// Such as `ann:approve bob:expired`.
fn given(text: &str) -> Vec<Given> {
    let one = |word: &str| {
        let (key, what) = word.split_once(':').unwrap();
        let (decision, expires) = match what {
            "approve" => (Decision::Approve, NOW + 1),
            "expired" => (Decision::Approve, NOW),
            "change" => (Decision::RequestChanges, NOW + 1),
            // A refusal does not expire.
            "reject" => (Decision::Reject, NOW - 1),
            other => panic!("{other}"),
        };
        let verdict = Verdict {
            decision,
            at_most: Vec::new(),
            issued: Timestamp(NOW - DAY),
            expires: Timestamp(expires),
            report: None,
            reason: "x".into(),
        };
        Given { key: key.into(), owner: key.to_uppercase(), verdict }
    };
    text.split_whitespace().map(one).collect()
}

fn case(notes: &str, verdicts: &str, needed: usize) -> Case {
    let reviewers = [("ann", "Ann"), ("bob", "Bob"), ("cat", "Cat")];
    let manifest = Manifest::parse(MANIFEST).unwrap();
    Case {
        submission: Submission {
            component: Digest::of(b"c"),
            manifest: manifest.digest,
            plugin: manifest.id.clone(),
            publisher: manifest.publisher.clone(),
            version: manifest.version.clone(),
            number: manifest.release,
        },
        manifest,
        notes: steps(notes),
        written: steps(notes).len(),
        standing: Standing {
            scope: RootScope::Platform,
            risk: Some(Risk::High),
            needed,
            given: given(verdicts),
            reviewers: reviewers.into_iter().map(|(key, owner)| (key.into(), owner.into())).collect(),
            publishers: ["pub".to_owned()].into(),
            against: None,
        },
        now: Timestamp(NOW),
    }
}

/// What was said and done | the verdicts | how many it takes | the state.
const STATES: &[(&str, &str, usize, Option<State>)] = &[
    ("", "", 2, None),
    ("", "ann:approve bob:approve", 2, None),
    ("submitted", "", 2, Some(State::Submitted)),
    ("submitted commented attached", "", 2, Some(State::Submitted)),
    ("submitted assigned", "", 2, Some(State::InReview)),
    ("submitted", "ann:approve", 2, Some(State::InReview)),
    ("submitted", "ann:approve bob:approve", 2, Some(State::Approved)),
    ("submitted", "ann:approve", 1, Some(State::Approved)),
    // Where nobody must, it is still not approved before somebody did.
    ("submitted", "", 0, Some(State::Submitted)),
    ("submitted", "ann:approve", 0, Some(State::Approved)),
    ("submitted", "ann:expired", 0, Some(State::Expired)),
    ("submitted", "ann:expired", 1, Some(State::Expired)),
    ("submitted assigned", "ann:expired bob:approve", 2, Some(State::Expired)),
    ("submitted", "ann:expired bob:approve", 1, Some(State::Approved)),
    ("submitted", "ann:change", 1, Some(State::ChangesRequested)),
    ("submitted", "ann:change bob:approve cat:approve", 2, Some(State::ChangesRequested)),
    ("submitted", "ann:reject bob:approve cat:approve", 2, Some(State::Rejected)),
    ("submitted", "ann:reject bob:change", 1, Some(State::Rejected)),
    ("submitted withdrawn", "", 2, Some(State::Withdrawn)),
    ("submitted withdrawn assigned commented", "", 2, Some(State::Withdrawn)),
    ("submitted withdrawn", "ann:reject", 2, Some(State::Withdrawn)),
    // Handing it in again washes nothing off.
    ("submitted withdrawn submitted", "", 2, Some(State::Submitted)),
    ("submitted withdrawn submitted", "ann:change", 2, Some(State::ChangesRequested)),
    ("submitted withdrawn submitted", "ann:reject", 2, Some(State::Rejected)),
];

#[test]
fn the_state_follows_from_what_was_said_signed_and_the_time() {
    for (notes, verdicts, needed, expected) in STATES {
        assert_eq!(case(notes, verdicts, *needed).state(), *expected, "{notes} | {verdicts} | {needed}");
    }
    for state in State::ALL {
        assert!(STATES.iter().any(|row| row.3 == Some(state)), "no row for {state}");
    }
}

fn decide(decision: Decision, key: &str) -> Act<'_> {
    Act::Decide { decision, key }
}

const APPROVE: Decision = Decision::Approve;
const CHANGE: Decision = Decision::RequestChanges;
const REJECT: Decision = Decision::Reject;

#[test]
fn what_may_happen_in_each_state_and_what_may_not() {
    let own = Act::Withdraw { by: "sam" };
    let assign = Act::Assign { key: "ann" };
    // In which state (and with which verdicts) | what | what the refusal says; "" where it may.
    let rows: &[(&str, &str, Act<'_>, &str)] = &[
        ("", "", Act::Submit, ""),
        ("submitted withdrawn", "", Act::Submit, ""),
        ("submitted", "", Act::Submit, "is submitted: it was handed in already"),
        ("submitted assigned", "", Act::Submit, "is in-review: it was handed in already"),
        ("submitted", "ann:change", Act::Submit, "is changes-requested: it was handed in already"),
        ("submitted", "ann:approve", Act::Submit, "is approved: it was handed in already"),
        ("submitted", "ann:reject", Act::Submit, "is rejected: it was handed in already"),
        ("submitted", "ann:expired", Act::Submit, "is expired: it was handed in already"),
        ("", "", Act::Comment, "was not handed in"),
        ("", "", Act::Attach, "was not handed in"),
        ("", "", assign, "was not handed in"),
        ("", "", own, "was not handed in"),
        ("", "", decide(APPROVE, "ann"), "was not handed in"),
        ("submitted", "", Act::Comment, ""),
        ("submitted", "ann:reject", Act::Comment, ""),
        ("submitted", "ann:approve", Act::Attach, ""),
        ("submitted withdrawn", "", Act::Comment, "is withdrawn: hand it in again first"),
        ("submitted withdrawn", "", Act::Attach, "is withdrawn: hand it in again first"),
        ("submitted withdrawn", "", assign, "is withdrawn: hand it in again first"),
        ("submitted withdrawn", "", own, "is withdrawn: hand it in again first"),
        ("submitted withdrawn", "", decide(APPROVE, "ann"), "is withdrawn: hand it in again first"),
        ("submitted withdrawn", "", decide(REJECT, "ann"), "is withdrawn: hand it in again first"),
        ("submitted", "", own, ""),
        ("submitted assigned", "", own, ""),
        ("submitted", "ann:change", own, ""),
        ("submitted", "ann:expired", own, ""),
        ("submitted", "", Act::Withdraw { by: "eve" }, "sam handed it in; nobody else"),
        ("submitted", "ann:approve", own, "is approved: it may run"),
        ("submitted", "ann:reject", own, "is rejected: that stands"),
        ("submitted", "", assign, ""),
        ("submitted", "ann:expired", assign, ""),
        ("submitted", "ann:approve", assign, ""),
        ("submitted", "ann:change", assign, ""),
        ("submitted", "bob:reject", assign, "is rejected: whoever rejected it decides anew"),
        ("submitted", "", Act::Assign { key: "pub" }, "the key pub is the publisher's own"),
        (
            "submitted",
            "",
            Act::Assign { key: "eve" },
            "key eve is no reviewer by the root of 'platform'; its reviewers: Ann",
        ),
        ("submitted", "", decide(APPROVE, "ann"), ""),
        ("submitted", "", decide(CHANGE, "ann"), ""),
        ("submitted", "", decide(REJECT, "ann"), ""),
        ("submitted", "ann:approve", decide(APPROVE, "ann"), ""),
        ("submitted", "ann:approve", decide(REJECT, "bob"), ""),
        ("submitted", "ann:expired", decide(APPROVE, "ann"), ""),
        ("submitted", "ann:change", decide(APPROVE, "ann"), ""),
        ("submitted", "ann:change", decide(APPROVE, "bob"), ""),
        ("submitted", "ann:reject", decide(APPROVE, "ann"), ""),
        ("submitted", "ann:reject", decide(REJECT, "bob"), ""),
        ("submitted", "ann:reject", decide(APPROVE, "bob"), "is rejected: whoever rejected it decides anew first"),
        ("submitted", "ann:reject", decide(CHANGE, "bob"), "is rejected: whoever rejected it decides anew first"),
        ("submitted", "", decide(APPROVE, "pub"), "the key pub is the publisher's own"),
        ("submitted", "", decide(REJECT, "pub"), "the key pub is the publisher's own"),
        ("submitted", "", decide(APPROVE, "eve"), "key eve is no reviewer"),
    ];
    for (notes, verdicts, act, refusal) in rows {
        let found = case(notes, verdicts, 1).may(*act);
        match (found, *refusal) {
            (Ok(()), "") => {}
            (Ok(()), _) => panic!("{notes} | {verdicts} | {act:?} may happen"),
            (Err(error), expected) => {
                let error = error.to_string();
                assert!(!expected.is_empty() && error.contains(expected), "{notes} | {verdicts} | {act:?}: {error}");
            }
        }
    }
}

#[test]
fn a_verdict_that_would_not_count_is_not_signed() {
    let mut case = case("submitted", "ann:approve", 1);
    case.now = Timestamp(NOW - DAY);
    let error = case.may(decide(REJECT, "ann")).unwrap_err().to_string();
    assert!(error.contains("is not older than the present moment"), "{error}");
    assert!(case.may(decide(REJECT, "bob")).is_ok());
}

#[test]
fn what_may_not_run_anyway_can_be_refused_and_not_approved() {
    let mut case = case("submitted", "", 1);
    let plugin = "com.example.card-guard".to_owned();
    case.standing.against = Some(Distrust::NoPublisher { scope: RootScope::Platform, plugin });
    let error = case.may(decide(APPROVE, "ann")).unwrap_err().to_string();
    assert!(error.contains("cannot be approved: the root of 'platform' lets nobody publish"), "{error}");
    assert!(case.may(decide(REJECT, "ann")).is_ok());
    assert!(case.missing()[0].starts_with("it may not run whatever reviewers say"), "{:?}", case.missing());
}

#[test]
fn says_what_is_missing() {
    let missing = |verdicts: &str, needed| case("submitted", verdicts, needed).missing();
    assert_eq!(missing("ann:approve", 2), ["1 more of 2 reviewers must approve it"]);
    assert!(missing("ann:approve bob:approve", 2).is_empty());
    assert_eq!(
        missing("ann:expired bob:reject cat:change", 2),
        [
            "BOB rejected it",
            "CAT wants it changed",
            "2 more of 2 reviewers must approve it (1 approved it and that has expired: it must be vetted again)"
        ]
    );
    assert_eq!(case("submitted", "ann:approve", 2).state_words(), "in-review (1 of 2 approved)");
    assert_eq!(case("submitted", "", 0).state_words(), "submitted");
}
