//! What did this token do, or all of a client's, or of a family?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    Entry, Field, Filter, Found, Span, StoreError, Tally, Tokens, Walk, by, call_of, single,
    touched::{count, findings},
};
use crate::audit::Kind;

const ACTS: [&str; 3] = ["act.outcome", "act.denied", "act.unknown"];
/// The most tokens of a family that are asked for at once.
const TOKENS_AT_ONCE: usize = 50;

pub(super) async fn answer(walk: &mut Walk<'_>, tokens: &Tokens, span: Span) -> Result<Found, StoreError> {
    let mut seen = Seen::default();
    let (field, value) = match tokens {
        Tokens::Client(client) => (Field::Client, client),
        Tokens::Family(family) => (Field::Family, family),
        Tokens::One(token) => (Field::Token, token),
    };
    let within = |filter: Filter| filter.within(span.since, span.until);
    let filter = within(Filter::default().and(field, value));
    walk.each(&filter, |index, entry| seen.take(index, entry)).await?;
    if let Tokens::Family(_) = tokens {
        // What was done with a token names the token, and not its family.
        let all: Vec<String> = seen.tokens.iter().cloned().collect();
        for some in all.chunks(TOKENS_AT_ONCE) {
            let filter = some.iter().fold(Filter::default(), |filter, token| filter.and(Field::Token, token));
            walk.each(&within(filter), |index, entry| seen.take(index, entry)).await?;
        }
    }
    let calls: Vec<String> = seen.calls.iter().cloned().collect();
    let mut tally = Tally::new();
    walk.each_of_calls(&calls, &ACTS, |index, entry| count(&mut tally, index, entry)).await?;
    let mut found: Vec<_> = seen.events.into_values().collect();
    found.extend(findings(tally));
    Ok((found, Vec::new()))
}

/// What became of the tokens, and which requests they were used for.
#[derive(Default)]
struct Seen {
    tokens: BTreeSet<String>,
    calls: BTreeSet<String>,
    events: BTreeMap<u64, super::Finding>,
}

impl Seen {
    fn take(&mut self, index: u64, entry: &Entry) {
        self.tokens.extend(entry.text("token").map(str::to_owned));
        match entry.kind {
            Kind::VisitBegan => self.calls.extend(call_of(entry).map(str::to_owned)),
            Kind::VisitEnded | Kind::ActPermitted | Kind::ActOutcome | Kind::ActDenied | Kind::ActUnknown => {}
            kind => {
                let who = by(entry);
                let mut facts = BTreeMap::from([("kind", json!(kind.name())), ("by", json!(who))]);
                let mut what = format!("{} by {who}", kind.name());
                for name in ["token", "grant", "scope", "expires", "reason", "decision"] {
                    if let Some(text) = entry.text(name) {
                        what.push_str(&format!(", {name} {text}"));
                        facts.insert(name, json!(text));
                    }
                }
                self.events.insert(index, single(index, entry, what, facts));
            }
        }
    }
}
