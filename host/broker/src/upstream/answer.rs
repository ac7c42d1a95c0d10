//! Answers for what a provider's answer means: a credential, or which of four errors.
//!
//! Invariants: an error code is told only by the definition's lists; whatever is not understood after the provider may have acted is
//! `Unknown`; no text holds what was sent or what was issued.

use std::time::Duration;

use portcullis_model::{audit::plain, secret::Secret, time::Timestamp};
use serde_json::Value;

use super::{
    call::{Reply, Unanswered},
    params::wipe,
};
use crate::{
    issue::{IssueError, Issued},
    leaks::{MIN_PATTERN, Needles},
    providers::Definition,
    vault::MAX_SECRET,
};

/// A lifetime beyond this is none: ten years.
const LONGEST: u64 = 315_360_000;

/// The most that is shown of what a provider says, in characters.
const MAX_WORDS: usize = 300;

/// Kinds of token that requests do not carry by showing them.
const NOT_SHOWN: [&str; 3] = ["dpop", "mac", "n_a"];

/// JSON that is overwritten when it is dropped.
struct Wiped(Value);

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// What came back, and what was sent that must not be repeated.
pub(super) struct Heard<'a> {
    pub definition: &'a Definition,
    pub secrets: Vec<&'a Secret>,
    pub now: Timestamp,
}

/// What an answer amounts to.
pub(super) enum Said {
    /// It is good.
    Fine,
    /// It is an error of this code, perhaps none.
    Error(String, IssueError),
}

impl Heard<'_> {
    /// The credential in a token endpoint's answer.
    pub fn issued(&self, answered: Result<Reply, Unanswered>) -> Result<Issued, IssueError> {
        let reply = answered.map_err(|unanswered| self.unanswered(unanswered))?;
        let json = parsed(&reply);
        if let Said::Error(_, error) = self.judge(&reply, json.as_ref()) {
            return Err(error);
        }
        let Some(json) = json else { return Err(IssueError::Unknown("its answer is not JSON".to_owned())) };
        self.read(&json.0)
    }

    /// Whether an answer is good, whatever is in it; and of an error its code.
    pub fn said(&self, answered: Result<Reply, Unanswered>) -> Result<Said, IssueError> {
        let reply = answered.map_err(|unanswered| self.unanswered(unanswered))?;
        let json = parsed(&reply);
        Ok(self.judge(&reply, json.as_ref()))
    }

    fn unanswered(&self, unanswered: Unanswered) -> IssueError {
        match unanswered {
            Unanswered::NotSent(why) => IssueError::NotReached { why: self.clean(&why), retry_after: None },
            Unanswered::Sent(why) => IssueError::Unknown(self.clean(&why)),
        }
    }

    fn judge(&self, reply: &Reply, json: Option<&Wiped>) -> Said {
        let errors = &self.definition.errors;
        let (code, text) = json.map(|json| told(&json.0, errors.flag.as_deref())).unwrap_or_default();
        let words = match (code.as_str(), text.as_str()) {
            ("", "") => format!("status {}", reply.status),
            ("", text) => format!("status {}: {text}", reply.status),
            (code, "") => format!("status {}, {code}", reply.status),
            (code, text) => format!("status {}, {code}: {text}", reply.status),
        };
        let words = self.clean(&words);
        let is_in = |list: &[String]| list.iter().any(|one| one == &code);
        let busy = |why: String| IssueError::NotReached { why, retry_after: reply.retry_after };
        let error = match reply.status {
            429 => busy(words),
            503 if reply.retry_after.is_some() => busy(words),
            500.. | 0..200 | 408 => IssueError::Unknown(words),
            200..300 if code.is_empty() => return Said::Fine,
            300..400 => IssueError::Refused(format!("{words}: a redirect, which is not followed")),
            _ if code == "invalid_grant" || is_in(&errors.gone) => IssueError::GrantGone(words),
            _ if is_in(&errors.busy) => busy(words),
            // No answer of an authorization server, but of something before it.
            _ if code.is_empty() && !matches!(reply.status, 400 | 401) => busy(words),
            _ => IssueError::Refused(words),
        };
        Said::Error(code, error)
    }

    fn read(&self, json: &Value) -> Result<Issued, IssueError> {
        let form = &self.definition.token.as_ref().map(|token| token.answer.clone()).unwrap_or_default();
        let unknown = |what: &str| IssueError::Unknown(format!("its answer is not understood: {what}"));
        let within = form.within.iter().filter_map(|pointer| json.pointer(pointer));
        let mut with_token = within.filter(|object| object.get(&form.access).is_some_and(Value::is_string));
        let object = with_token.next().ok_or_else(|| unknown("there is no access token in it"))?;
        if let Some(kind) = object.get("token_type").and_then(Value::as_str)
            && NOT_SHOWN.contains(&kind.to_ascii_lowercase().as_str())
        {
            return Err(IssueError::Refused(format!("it issues tokens of the type {kind}, which cannot be used")));
        }
        let secret = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let access = secret(&form.access).ok_or_else(|| unknown("the access token is empty"))?;
        let refresh = secret(&form.refresh);
        for text in [Some(access), refresh].into_iter().flatten() {
            let fit =
                (MIN_PATTERN..=MAX_SECRET).contains(&text.len()) && text.bytes().all(|b| (0x20..0x7f).contains(&b));
            if !fit {
                return Err(unknown("a token is too short, too long or no printable ASCII"));
            }
        }
        let own = |text: &str| Secret::new(text.as_bytes().to_vec());
        Ok(Issued {
            access: own(access),
            refresh: refresh.map(own),
            lifetime: self.lifetime(object, &form.expires_in, form.expires_at.as_deref()),
            scopes: object.get(&form.scope).and_then(scopes),
        })
    }

    fn lifetime(&self, object: &Value, expires_in: &str, expires_at: Option<&str>) -> Option<Duration> {
        let seconds = match object.get(expires_in) {
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        let until = || {
            let end = Timestamp::parse(object.get(expires_at?)?.as_str()?)?;
            (end > self.now).then(|| self.now.distance(end))
        };
        let fallback = || self.definition.conduct.lifetime_seconds.map(Duration::from_secs);
        let told = seconds.filter(|seconds| (1..=LONGEST).contains(seconds)).map(Duration::from_secs);
        told.or_else(until).or_else(fallback)
    }

    /// A text from outside, fit to be shown: without what was sent.
    fn clean(&self, text: &str) -> String {
        // Cut last: half a secret would not be found.
        let cut = |text: &str| plain(&text.chars().take(MAX_WORDS).collect::<String>());
        match Needles::new(self.secrets.iter().copied()) {
            Ok(needles) => match needles.redact(text.as_bytes()) {
                Some(clean) => cut(&String::from_utf8_lossy(&clean)),
                None => cut(text),
            },
            Err(_) => "(its words cannot be shown)".to_owned(),
        }
    }
}

fn parsed(reply: &Reply) -> Option<Wiped> {
    serde_json::from_slice(&reply.body).ok().filter(Value::is_object).map(Wiped)
}

/// An error's code and its words, as far as an answer has them.
fn told(json: &Value, flag: Option<&str>) -> (String, String) {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let error = json.get("error");
    let (code, nested) = match error {
        Some(Value::String(code)) => (code.clone(), String::new()),
        Some(Value::Object(object)) => ("error".to_owned(), text(object.get("message").or(object.get("title")))),
        _ => (String::new(), String::new()),
    };
    let failed = flag.is_some_and(|flag| json.get(flag) == Some(&Value::Bool(false)));
    let code = if code.is_empty() && failed { "error".to_owned() } else { code };
    let words = ["error_description", "message"].into_iter().map(|name| text(json.get(name)));
    let words = words.chain([nested]).find(|words| !words.is_empty());
    (code.chars().take(64).collect(), words.unwrap_or_default())
}

/// Some providers put commas between what was asked for with spaces.
fn scopes(value: &Value) -> Option<Vec<String>> {
    let all: Vec<String> = match value {
        Value::String(text) => text.split([' ', ',']).filter(|one| !one.is_empty()).map(str::to_owned).collect(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return None,
    };
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
fn reply(status: u16, body: &str) -> Reply {
    Reply { status, retry_after: None, body: body.as_bytes().to_vec().into() }
}

#[cfg(test)]
mod tests;
