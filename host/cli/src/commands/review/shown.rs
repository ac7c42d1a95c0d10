//! A review as the API answers it.

use portcullis_model::review::Submission;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::review::name;

/// How a review stands.
#[derive(Debug, Deserialize)]
pub(in crate::commands) struct Shown {
    /// Which release.
    #[serde(flatten)]
    pub submission: Submission,
    /// Its state; none where it cannot be said.
    pub state: Option<String>,
    /// How many approvals hold.
    pub approvals: usize,
    /// How many must.
    pub needed: usize,
    /// Who is to look at it.
    pub assigned: Vec<String>,
    /// What stands between it and running.
    pub missing: Vec<String>,
    /// Why its state cannot be said.
    pub fault: Option<String>,
}

impl Shown {
    /// Where a submission is, below `/admin/v1`.
    pub fn at(of: &Submission) -> String {
        format!("/reviews/{}/{}", of.component, of.manifest)
    }

    /// For a list.
    pub fn value(&self) -> Value {
        let mut value = json!({
            "submission": self.submission, "state": self.state, "approvals": self.approvals, "needed": self.needed,
            "assigned": self.assigned, "missing": self.missing,
        });
        if let Some(fault) = &self.fault {
            value["fault"] = json!(fault);
        }
        value
    }

    /// The release in a few words.
    pub fn name(&self) -> String {
        name(&self.submission)
    }

    /// The state for people, with how many approved it of how many who must.
    pub fn state_words(&self) -> String {
        let state = match (&self.state, &self.fault) {
            (Some(state), _) => state.clone(),
            (None, Some(fault)) => format!("in no state that can be said: {fault}"),
            (None, None) => "not submitted".to_owned(),
        };
        match (self.approvals, self.needed) {
            (0, 0) => state,
            (approvals, needed) => format!("{state} ({approvals} of {needed} approved)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::id::Digest;

    use super::*;

    #[test]
    fn a_review_is_told_as_it_was_answered() {
        let answered = |state: Value, needed: usize, fault: Value| -> Shown {
            let value = json!({
                "component": Digest::of(b"c"), "manifest": Digest::of(b"m"), "plugin": "com.example.a",
                "publisher": "com.example", "version": "1.0.0", "number": 1, "state": state, "approvals": 0,
                "needed": needed, "assigned": [], "missing": [], "last": "2026-11-23T00:00:00.000Z", "fault": fault,
            });
            serde_json::from_value(value).unwrap()
        };
        let one = answered(json!("in-review"), 2, Value::Null);
        assert_eq!(one.state_words(), "in-review (0 of 2 approved)");
        assert_eq!((&one.value()["submission"]["number"], &one.value()["fault"]), (&json!(1), &Value::Null));
        assert!(one.name().starts_with("com.example.a@1 (1.0.0, "), "{}", one.name());
        assert_eq!(answered(json!("submitted"), 0, Value::Null).state_words(), "submitted");
        let broken = answered(Value::Null, 0, json!("it is not there")).state_words();
        assert_eq!(broken, "in no state that can be said: it is not there");
    }
}
