//! What becomes of a data subject's request after a plugin was asked (DAT-9).
//!
//! Invariants: a plugin is asked until it answers finally or the deadline is over, and once more at the deadline; what fails is asked
//! again with the pauses of the policy, whatever it was, since the duty does not end with a plugin's mistake.

use std::time::Duration;

use portcullis_model::{
    audit::{Entry, Kind},
    invoke::{CallEnd, CallReport},
    privacy::{PrivacyAnswer, PrivacyAsk},
    queue::{Lease, Verdict},
    time::{Rng, Timestamp},
};

use crate::RetryPolicy;

/// What becomes of the delivery, and the entry about it where it ends.
pub(crate) fn verdict(
    lease: &Lease,
    report: &CallReport,
    now: Timestamp,
    policy: RetryPolicy,
    rng: &dyn Rng,
) -> (Verdict, Option<Entry>) {
    let entry = |kind| {
        Entry::of_call(now, kind, &report.call)
            .about(format!("privacy:{}", lease.event.id))
            .with("type", lease.event.kind.as_str())
            .with("attempt", lease.tries())
    };
    // A request that nobody can read has no deadline: it is not asked again.
    let deadline = serde_json::from_value::<PrivacyAsk>(lease.event.data.clone()).map_or(now, |ask| ask.deadline);
    let (at, error) = match (&report.end, &report.answer) {
        (CallEnd::Ok, Some(PrivacyAnswer::Later { seconds })) => {
            (now.plus(Duration::from_secs(u64::from(*seconds))), None)
        }
        (CallEnd::Ok, Some(answer)) => {
            let entry = match answer {
                PrivacyAnswer::Done { records, .. } => {
                    entry(Kind::PrivacyAnswered).with("answer", "done").with("records", *records)
                }
                _ => entry(Kind::PrivacyAnswered).with("answer", "nothing-held"),
            };
            return (Verdict::Answered { at: now, answer: answer.clone() }, Some(entry));
        }
        (CallEnd::Ok, None) => (again(lease, now, policy, rng), Some("it gave no answer".to_owned())),
        (end, _) => (again(lease, now, policy, rng), Some(end.to_string())),
    };
    if now >= deadline {
        let error = error.unwrap_or_else(|| "it put the request off beyond the deadline".to_owned());
        let entry = entry(Kind::PrivacyFailed).with_personal("reason", &error);
        return (Verdict::Unanswered { at: now, error }, Some(entry));
    }
    (Verdict::Later { at: at.min(deadline), error }, None)
}

/// The next try: with the longest of the policy's pauses where it has no more.
fn again(lease: &Lease, now: Timestamp, policy: RetryPolicy, rng: &dyn Rng) -> Timestamp {
    let attempt = lease.tries().min(policy.attempts.saturating_sub(1)).max(1);
    policy.next(attempt, now, rng).unwrap_or_else(|| now.plus(policy.longest))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portcullis_model::{
        call::Call,
        event::{Event, EventForm},
        id::Digest,
        invoke::Usage,
        limits::Limits,
        privacy::{Identity, ORIGIN, PrivacyKind, event_kind},
    };

    use super::*;

    struct Most;

    impl Rng for Most {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(255);
        }
    }

    const DEADLINE: Timestamp = Timestamp(100_000_000);

    fn lease(attempt: u32, asked: u32) -> Lease {
        let who = Identity { user: "7".into(), names: vec![], emails: vec![], phones: vec![] };
        let asks = PrivacyAsk { kind: PrivacyKind::Erase, who, deadline: DEADLINE, correction: None };
        let event = Event {
            tenant: "acme".parse().unwrap(),
            origin: ORIGIN.parse().unwrap(),
            id: "dsr_1".into(),
            kind: event_kind(PrivacyKind::Erase),
            source: "/privacy".into(),
            subject: None,
            time: Timestamp(0),
            form: EventForm::Privacy,
            data: serde_json::to_value(asks).unwrap(),
            trace: None,
        };
        Lease { delivery: 1, event, installation: "ins_1".parse().unwrap(), attempt, asked }
    }

    fn report(end: CallEnd, answer: Option<PrivacyAnswer>) -> CallReport {
        let call = Call::new(
            "call_1".parse().unwrap(),
            "acme".parse().unwrap(),
            "ins_1".parse().unwrap(),
            "com.example.plugin".parse().unwrap(),
            Digest::of(b"component"),
            "privacy/dsr_1".to_owned(),
            1,
            Limits::default(),
        );
        CallReport { call: Arc::new(call), end, usage: Usage::default(), log: vec![], answer }
    }

    fn judged(lease: &Lease, end: CallEnd, answer: Option<PrivacyAnswer>, now: i64) -> (Verdict, Option<Entry>) {
        verdict(lease, &report(end, answer), Timestamp(now), RetryPolicy::default(), &Most)
    }

    #[test]
    fn it_is_asked_until_it_answers_and_once_more_at_the_deadline() {
        let one = lease(1, 0);
        let failed = || CallEnd::Trapped("a bug".into());
        let (verdict, entry) = judged(&one, failed(), None, 0);
        assert_eq!(
            (verdict, entry),
            (Verdict::Later { at: Timestamp(5_000), error: Some("trapped: a bug".into()) }, None)
        );
        let many = lease(1, 500);
        let (verdict, _) = judged(&many, failed(), None, 0);
        assert_eq!(verdict, Verdict::Later { at: Timestamp(21_600_000), error: Some("trapped: a bug".into()) });
        let (verdict, _) = judged(&many, failed(), None, DEADLINE.0 - 1);
        assert_eq!(verdict, Verdict::Later { at: DEADLINE, error: Some("trapped: a bug".into()) });
        let (verdict, entry) = judged(&many, failed(), None, DEADLINE.0);
        assert_eq!(verdict, Verdict::Unanswered { at: DEADLINE, error: "trapped: a bug".into() });
        let entry = entry.unwrap();
        assert_eq!((entry.kind, entry.resource.as_deref()), (Kind::PrivacyFailed, Some("privacy:dsr_1")));
        assert_eq!(entry.detail["attempt"], 501);
    }

    #[test]
    fn later_is_no_failure_and_ends_at_the_deadline_too() {
        let later = || Some(PrivacyAnswer::Later { seconds: 60 });
        assert_eq!(
            judged(&lease(1, 0), CallEnd::Ok, later(), 0).0,
            Verdict::Later { at: Timestamp(60_000), error: None }
        );
        let late = judged(&lease(1, 9), CallEnd::Ok, later(), DEADLINE.0 + 1);
        assert!(matches!(late.0, Verdict::Unanswered { .. }) && late.1.unwrap().kind == Kind::PrivacyFailed);
    }

    #[test]
    fn an_answer_is_final_also_when_it_is_late_and_no_data_is_in_its_entry() {
        let held = PrivacyAnswer::Done { records: 3, data: Some("secret".into()), note: Some("there".into()) };
        let (verdict, entry) = judged(&lease(1, 0), CallEnd::Ok, Some(held.clone()), DEADLINE.0 + 5);
        assert_eq!(verdict, Verdict::Answered { at: Timestamp(DEADLINE.0 + 5), answer: held });
        let entry = entry.unwrap();
        assert_eq!((entry.kind, &entry.detail["records"]), (Kind::PrivacyAnswered, &3.into()));
        assert!(!serde_json::to_string(&entry).unwrap().contains("secret"));
    }
}
