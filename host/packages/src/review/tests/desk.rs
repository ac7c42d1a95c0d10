//! The desk, from end to end, on signed verdicts.

use portcullis_model::{
    audit::Kind,
    behaviour::Report,
    id::{Digest, TenantId},
    release::ReleaseError,
    review::{Note, ReviewStore as _, Step, Submission},
    scope::ScopeText,
};

use super::world::{DAY, World, files};
use crate::{
    keys::SecretKey,
    review::{Choice, ReviewError, Seen, State},
    statement::Decision,
    testing::MANIFEST,
};

const READ: &str = "tickets:read fields=comments";
const RECEIVE: &str = "events:receive types=ticket.created";

pub(super) fn approve(scopes: Option<&[&str]>) -> Choice {
    Choice {
        decision: Decision::Approve,
        at_most: scopes.map(texts),
        days: 30,
        seen: Seen::Without("a test".into()),
        reason: "does what it says".into(),
    }
}

fn refuse(decision: Decision) -> Choice {
    Choice { decision, seen: Seen::Unsaid, ..approve(None) }
}

fn texts(scopes: &[&str]) -> Vec<ScopeText> {
    scopes.iter().map(|scope| scope.parse().unwrap()).collect()
}

pub(super) async fn submitted(world: &World) -> Submission {
    world.desk().submit(&world.files).await.unwrap().submission
}

impl World {
    async fn decide(&self, of: &Submission, choice: Choice, key: &SecretKey) -> Result<State, ReviewError> {
        self.pass(1);
        let (desk, id) = (self.desk(), key.public().keyid());
        let prepared = desk.prepare(of, &choice, &id).await?;
        let (case, _) = desk.file(of, &choice, &id, &prepared.statement.signed(key)?).await?;
        Ok(case.state().unwrap())
    }

    /// The most that may be granted, or why it may not run.
    async fn runs(&self) -> Result<Vec<ScopeText>, String> {
        let tenant: TenantId = "acme".parse().unwrap();
        match self.registry.examined(&self.files.stored.id(), &tenant).await {
            Ok(examined) => Ok(examined.release.reviewed.unwrap_or(examined.release.asked)),
            Err(ReleaseError::Refused { reason, .. }) => Err(reason),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn four_eyes_count_keys_and_what_is_left_is_the_meet() {
    let world = World::needing(2);
    let of = submitted(&world).await;
    assert!(world.runs().await.unwrap_err().contains("0 of 2 reviewers"));
    assert_eq!(world.decide(&of, approve(None), &world.ann).await.unwrap(), State::InReview);
    assert!(world.runs().await.unwrap_err().contains("1 of 2 reviewers"));
    assert_eq!(world.decide(&of, approve(Some(&[READ])), &world.ann).await.unwrap(), State::InReview);
    assert!(world.runs().await.unwrap_err().contains("1 of 2 reviewers"), "the same key twice is one");
    let own = world.decide(&of, approve(None), &world.publisher).await.unwrap_err().to_string();
    assert!(own.contains("is the publisher's own"), "{own}");
    let nobody = world.decide(&of, approve(None), &world.eve).await.unwrap_err().to_string();
    assert!(nobody.contains("is no reviewer by the root of 'platform'; its reviewers: "), "{nobody}");
    assert_eq!(world.decide(&of, approve(Some(&[READ, RECEIVE])), &world.bob).await.unwrap(), State::Approved);
    assert_eq!(world.runs().await.unwrap(), texts(&[READ]));
}

#[tokio::test]
async fn a_refusal_stands_until_its_reviewer_decides_anew() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    assert_eq!(world.decide(&of, approve(None), &world.bob).await.unwrap(), State::Approved);
    let changes = world.decide(&of, refuse(Decision::RequestChanges), &world.ann).await.unwrap();
    assert_eq!(changes, State::ChangesRequested);
    assert!(world.runs().await.unwrap_err().contains("reviewer ann decided 'request-changes'"));
    assert_eq!(world.decide(&of, refuse(Decision::Reject), &world.ann).await.unwrap(), State::Rejected);
    let error = world.decide(&of, approve(None), &world.bob).await.unwrap_err().to_string();
    assert!(error.contains("is rejected: whoever rejected it decides anew first"), "{error}");
    assert_eq!(world.decide(&of, approve(None), &world.ann).await.unwrap(), State::Approved);
    assert!(world.runs().await.is_ok());
}

#[tokio::test]
async fn what_was_approved_is_vetted_again() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    world.decide(&of, approve(None), &world.ann).await.unwrap();
    world.pass(30 * DAY - 1);
    assert_eq!(world.desk().case(&of).await.unwrap().state(), Some(State::Approved));
    world.pass(1);
    assert_eq!(world.desk().case(&of).await.unwrap().state(), Some(State::Expired));
    assert!(world.runs().await.unwrap_err().contains("it must be vetted again"));
    assert_eq!(world.decide(&of, approve(None), &world.ann).await.unwrap(), State::Approved);
}

#[tokio::test]
async fn what_is_approved_lies_within_what_is_asked_for() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    for (scopes, error) in [
        (
            ["tickets:read fields=comments,tags"],
            "goes beyond what the manifest asks for; approve at most: tickets:read fields=comments",
        ),
        (["tickets:read fields=tags"], "approve at most: tickets:read fields=comments"),
        (["http:send to=evil.example"], "approve at most: http:send to=chat.example.test"),
        (["kv:read x=y"], "no such capability"),
    ] {
        let found = world.decide(&of, approve(Some(&scopes)), &world.ann).await.unwrap_err().to_string();
        assert!(found.contains(error), "{found}");
    }
    for days in [0, 366, u64::MAX] {
        let found = world.decide(&of, Choice { days, ..approve(None) }, &world.ann).await.unwrap_err().to_string();
        assert!(found.contains("1 to 365 days"), "{found}");
    }
    for reason in ["", "  ", "a\nb", "\u{202e}x", &"x".repeat(501)] {
        let choice = Choice { reason: reason.into(), ..approve(None) };
        let found = world.decide(&of, choice, &world.ann).await.unwrap_err().to_string();
        assert!(found.contains("the reason must be one line"), "{found}");
    }
    assert!(world.memory.statements.lock().unwrap().is_empty(), "nothing was signed and kept");
    assert_eq!(world.rows.kinds(), [Kind::ReviewSubmitted], "and nothing else noted");
    assert_eq!(world.decide(&of, approve(Some(&[])), &world.ann).await.unwrap(), State::Approved);
    assert_eq!(world.runs().await.unwrap(), [], "nothing at all can be approved");
}

#[tokio::test]
async fn what_is_risky_is_approved_on_a_report_or_with_a_reason() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    let with = |seen| Choice { seen, ..approve(None) };
    let unsaid = world.decide(&of, with(Seen::Unsaid), &world.ann).await.unwrap_err().to_string();
    assert!(unsaid.contains("a release of high risk is approved on a behaviour report"), "{unsaid}");
    let bytes = world.report().encode().unwrap();
    let digest = Digest::of(&bytes);
    let early = world.decide(&of, with(Seen::Report(digest)), &world.ann).await.unwrap_err().to_string();
    assert!(early.contains("is attached to this release"), "{early}");
    for _ in 0..2 {
        assert_eq!(world.desk().attach(&of, &bytes).await.unwrap(), digest);
    }
    assert_eq!(world.desk().case(&of).await.unwrap().reports(), [digest], "once");
    world.rows.damage();
    let damaged = world.decide(&of, with(Seen::Report(digest)), &world.ann).await.unwrap_err().to_string();
    assert!(damaged.contains("the store was damaged"), "{damaged}");
    world.desk().attach(&of, &bytes).await.unwrap();
    assert_eq!(world.decide(&of, with(Seen::Report(digest)), &world.ann).await.unwrap(), State::Approved);
    let case = world.desk().case(&of).await.unwrap();
    assert_eq!(case.standing.given[0].verdict.report, Some(digest));

    let refusal = world.decide(&of, refuse(Decision::Reject), &world.bob).await.unwrap();
    assert_eq!(refusal, State::Rejected, "no report is needed to say no");
    let waived = world.rows.kinds().iter().filter(|kind| **kind == Kind::ReviewWaived).count();
    assert_eq!(waived, 0);
    let world = World::needing(1);
    let of = submitted(&world).await;
    world.decide(&of, approve(None), &world.ann).await.unwrap();
    let verdict = &world.desk().case(&of).await.unwrap().standing.given[0].verdict;
    assert_eq!(verdict.reason, "does what it says; without a behaviour report: a test");
    assert_eq!(world.rows.kinds(), [Kind::ReviewSubmitted, Kind::ReviewWaived]);
}

#[tokio::test]
async fn a_report_is_about_this_very_release() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    let error =
        async |report: Report| world.desk().attach(&of, &report.encode().unwrap()).await.unwrap_err().to_string();
    let mut other = world.report();
    other.release.manifest = Digest::of(b"other");
    assert!(error(other).await.contains("the behaviour report is about"));
    let mut other = world.report();
    other.release.component = Digest::of(b"other");
    assert!(error(other).await.contains("the behaviour report is about"));
    let mut bytes = world.report().encode().unwrap();
    bytes.push(b'\n');
    let changed = world.desk().attach(&of, &bytes).await.unwrap_err().to_string();
    assert!(changed.contains("canonical form"), "{changed}");
}

#[tokio::test]
async fn what_would_not_be_installed_is_not_taken_in() {
    let world = World::needing(2);
    let stranger = files(MANIFEST, &world.eve);
    let error = world.desk().submit(&stranger).await.unwrap_err().to_string();
    assert!(error.contains("publisher com.example"), "{error}");
    let mut flipped = files(MANIFEST, &world.publisher);
    let mut bytes = flipped.component.to_vec();
    bytes[40] ^= 1;
    flipped.component = bytes.into();
    let error = world.desk().submit(&flipped).await.unwrap_err().to_string();
    assert!(error.contains("component digest mismatch"), "{error}");
    assert!(world.rows.submissions().await.unwrap().is_empty());
    assert!(world.memory.releases.lock().unwrap().is_empty());

    submitted(&world).await;
    let error = world.desk().submit(&world.files).await.unwrap_err().to_string();
    assert!(error.contains("it was handed in already"), "{error}");
    let other = files(&MANIFEST.replace("to tell the team", "to tell the boss"), &world.publisher);
    let error = world.desk().submit(&other).await.unwrap_err().to_string();
    assert!(error.contains("a change needs a new release number"), "{error}");
}

#[tokio::test]
async fn whoever_handed_it_in_takes_it_back_and_hands_it_in_again() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    world.decide(&of, refuse(Decision::RequestChanges), &world.ann).await.unwrap();
    let error = world.desk_of("eve").withdraw(&of, "mine").await.unwrap_err().to_string();
    assert!(error.contains("sam handed it in"), "{error}");
    let case = world.desk().withdraw(&of, "a mistake").await.unwrap();
    assert_eq!(case.state(), Some(State::Withdrawn));
    assert!(world.decide(&of, approve(None), &world.ann).await.is_err());
    let case = world.desk().submit(&world.files).await.unwrap();
    assert_eq!(case.state(), Some(State::ChangesRequested), "that washes nothing off");
}

#[tokio::test]
async fn reviewers_are_named_by_owner_or_key() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    let ann = world.ann.public().keyid();
    for text in ["ann", &ann, &ann[..8]] {
        let case = world.desk().assign(&of, text).await.unwrap();
        assert_eq!(case.assigned(), [(ann.as_str(), "ann")]);
        assert_eq!(case.state(), Some(State::InReview));
    }
    for (text, error) in [
        (&ann[..7], "is no reviewer"),
        ("", "is no reviewer"),
        ("carl", "is no reviewer"),
        (&world.publisher.public().keyid()[..], "is the publisher's own"),
    ] {
        let found = world.desk().assign(&of, text).await.unwrap_err().to_string();
        assert!(found.contains(error), "{text}: {found}");
    }
    let case = world.desk().comment(&of, " reads more than it needs ").await.unwrap();
    assert_eq!(case.notes.len(), 5);
    assert!(world.desk().comment(&of, "two\nlines").await.is_err());
    *world.rows.race.lock().unwrap() = true;
    assert!(world.desk().comment(&of, "late").await.unwrap_err().to_string().contains("look at it again"));
}

#[tokio::test]
async fn what_is_said_by_one_root_is_not_read_by_another() {
    let world = World::needing(1);
    let of = submitted(&world).await;
    let case = world.desk().comment(&of, "said by the platform's").await.unwrap();
    let own = case.notes.last().unwrap().clone();
    let tenants = ["tenant:acme", "tenant:other"];
    for root in tenants {
        let step = Step::Commented { text: format!("said by {root}") };
        let note = Note { step, root: root.parse().unwrap(), ..own.clone() };
        let (written, entry) =
            (world.rows.notes(&of.release()).await.unwrap().len(), world.rows.entries.lock().unwrap()[0].clone());
        assert!(note.is_for(&note.root));
        assert!(world.rows.put_note(of.clone(), written, note, entry).await.unwrap());
    }
    let case = world.desk().case(&of).await.unwrap();
    assert_eq!(case.notes.last(), Some(&own), "none of the tenants'");
    assert_eq!(case.written, case.notes.len() + 2, "and the next note comes after all");
}
