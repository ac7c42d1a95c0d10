//! A rotation that is under way, followed until it has come to its end: a bar at a terminal, or a line of JSON for each item.
//!
//! It is carried out by the operation, in this process; here it is only looked at.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use portcullis_broker::rotation::Report;
use portcullis_model::{
    id::RotationId,
    rotation::{Act, Line, Mode, Outcome},
    time::Timestamp,
};
use serde_json::json;

use super::{super::rotation::Seen, named};
use crate::{admin::Keyboard, output::Output};

/// How often it is looked; where a look takes long, more rarely.
const LOOK: Duration = Duration::from_millis(100);
/// How much of the time is spent on looking at most, as one part of so many.
const SHARE: u32 = 10;

/// Somebody who looks on.
pub(super) struct Following {
    output: Output,
    bar: ProgressBar,
    /// How many items are before it; none where all are.
    items: Option<usize>,
    /// When it ended before, where it goes on now.
    before: Option<Timestamp>,
    announced: bool,
    /// Of what was told already, when it had its outcome.
    told: BTreeMap<String, Timestamp>,
}

impl Following {
    /// One that begins.
    pub(super) fn new(output: Output) -> Self {
        let (bar, told) = (output.bar(0, "rotating"), BTreeMap::new());
        Self { output, bar, items: None, before: None, announced: false, told }
    }

    /// One that goes on from here.
    pub(super) fn from(before: &Seen, output: Output) -> Self {
        let ended = |line: &Line| Some((line.item.to_string(), line.ended?));
        let items = before.lines.iter().filter(|line| line.is_open()).count();
        Self {
            // What it has was not listed yet, where it was cut off before.
            items: before.act.listed.then_some(items),
            before: before.act.ended,
            told: before.lines.iter().filter_map(ended).collect(),
            ..Self::new(output)
        }
    }

    /// Looks until it is through. Fails where it was cut off.
    pub(super) async fn until_through(mut self, keyboard: &Keyboard, id: &RotationId) -> Result<Report> {
        loop {
            let asked = Instant::now();
            let seen = Seen::of(keyboard, id).await?;
            if seen.act.ended.is_some() && seen.act.ended != self.before {
                // Once more: its pages may be from before its end.
                return Ok(self.whole(Seen::of(keyboard, id).await?));
            }
            self.look(&seen);
            if let Some(why) = seen.cut_off {
                self.bar.finish_and_clear();
                bail!("{why}; 'portcullis rotate --resume {id}' goes on with it");
            }
            tokio::time::sleep(LOOK.max(asked.elapsed() * SHARE)).await;
        }
    }

    /// Tells the rest of one that is through.
    pub(super) fn whole(mut self, seen: Seen) -> Report {
        self.look(&seen);
        self.bar.finish_and_clear();
        Report::new(seen.act, seen.lines)
    }

    /// Tells what is new.
    fn look(&mut self, seen: &Seen) {
        if !seen.act.listed {
            return;
        }
        if !self.announced {
            self.announced = true;
            self.begun(&seen.act, self.items.unwrap_or(seen.lines.len()));
        }
        for line in seen.lines.iter().filter(|line| line.outcome != Outcome::Open) {
            let Some(ended) = line.ended else { continue };
            if self.told.insert(line.item.to_string(), ended) != Some(ended) {
                self.line(line);
            }
        }
    }

    fn begun(&self, act: &Act, lines: usize) {
        self.bar.set_length(lines as u64);
        if self.output.json {
            drop(self.output.item(
                &json!({ "rotation": act.id, "freeze": act.freeze, "reached": act.reached, "items": lines }),
                String::new,
            ));
        } else if act.mode == Mode::Rehearsal {
            self.bar.suspend(|| eprintln!("{}: {lines} items are rehearsed; nothing is frozen", act.id));
        } else if let (Some(freeze), Some(reached)) = (act.freeze, act.reached) {
            let state = match (reached.host_runs, reached.left) {
                (false, _) => "no host runs, nothing was under way".to_owned(),
                (true, 0) => format!("{} requests ended, nothing goes out any more", reached.ended),
                (true, _) => "the running host has NOT confirmed it".to_owned(),
            };
            self.bar.suspend(|| eprintln!("{}: frozen (freeze {freeze}); {state}; {lines} items", act.id));
        } else {
            self.bar.suspend(|| eprintln!("{}: {lines} items", act.id));
        }
    }

    fn line(&self, line: &Line) {
        self.bar.inc(1);
        if self.output.json {
            drop(self.output.item(line, String::new));
        } else if matches!(line.outcome, Outcome::Failed | Outcome::PersonNeeded) {
            let why = line.why.as_deref().unwrap_or("nothing can mint it anew");
            self.bar.suspend(|| eprintln!("{}: {}: {why}", line.item, named(&line.outcome)));
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::rotation::{Held, Item, Nature, Renewal};

    use super::*;

    fn seen(ended: Option<i64>, lines: &[(&str, Outcome, Option<i64>)]) -> Seen {
        let line = |(name, outcome, ended): &(&str, Outcome, Option<i64>)| {
            let key = portcullis_model::connection::ConnectionKey {
                tenant: "acme".parse().unwrap(),
                installation: "ins_1".parse().unwrap(),
                name: (*name).to_owned(),
            };
            let nature =
                Nature { renewal: Renewal::Own, renewal_ends_old: false, refresh_once: false, revocable: true };
            let held = Held {
                item: Item::connection(key),
                plugin: None,
                provider: None,
                generation: 1,
                issued: None,
                nature,
                needs_person: false,
            };
            Line { outcome: *outcome, ended: ended.map(Timestamp), ..Line::new(&held, Vec::new()) }
        };
        let act = Act {
            id: "rot_0123456789abcdef".parse().unwrap(),
            mode: Mode::Emergency,
            extent: portcullis_model::freeze::Extent::All,
            reason: "x".into(),
            by: "dana".into(),
            started: Timestamp(0),
            freeze: None,
            reached: None,
            overlap: 0,
            listed: true,
            ended: ended.map(Timestamp),
        };
        Seen { act, lines: lines.iter().map(line).collect(), cut_off: None }
    }

    #[test]
    fn each_line_is_told_once_and_of_one_that_goes_on_what_is_new() {
        let output = Output { json: false };
        let mut begins = Following::new(output);
        begins.look(&seen(None, &[("a", Outcome::Open, None), ("b", Outcome::Open, None)]));
        assert_eq!((begins.bar.length(), begins.bar.position()), (Some(2), 0));
        let half = [("a", Outcome::Failed, Some(5)), ("b", Outcome::Open, None)];
        begins.look(&seen(None, &half));
        begins.look(&seen(None, &half));
        assert_eq!(begins.bar.position(), 1);
        let failed = [("a", Outcome::Failed, Some(5)), ("b", Outcome::Renewed, Some(6))];
        let mut goes_on = Following::from(&seen(Some(7), &failed), output);
        goes_on.look(&seen(Some(7), &failed));
        assert_eq!((goes_on.bar.length(), goes_on.bar.position()), (Some(1), 0), "nothing is new");
        goes_on.look(&seen(Some(9), &[("a", Outcome::Renewed, Some(8)), ("b", Outcome::Renewed, Some(6))]));
        assert_eq!(goes_on.bar.position(), 1);
    }
}
