//! How duties stand that are answered from live state and the log.

use std::{collections::BTreeSet, time::Duration};

use portcullis_model::{duty::Party, time::Timestamp};

use super::{Judge, Move, NAMED, State, facts::LastCall};
use crate::catalogue::{Duty, Query};

/// How a duty stands, what that rests on, and which entries.
type Seen = (State, Vec<String>, Vec<u64>);

/// How old the newest backup may be, in days.
const BACKUP_DAYS: u32 = 7;
/// After so long without a look the host does not look: it does so every minute.
const STALE: Duration = Duration::from_secs(600);

impl Judge<'_> {
    pub(super) fn observed(&self, duty: &Duty, query: Query) -> Seen {
        let seen = &self.facts.observations;
        match query {
            Query::UnusedInstallations => self.unused(duty),
            Query::Sheets => {
                let gap = |one: &super::facts::SheetGaps| Move {
                    party: Party::Developer,
                    who: one.publisher.to_string(),
                    what: format!("say of {}: {}", one.plugin, one.gaps.join("; ")),
                    act: Some(format!(
                        "in its next release's manifest; 'portcullis plugin sheet {}' shows it",
                        one.plugin
                    )),
                };
                let moves = seen.sheets.iter().filter(|one| !one.gaps.is_empty()).map(gap).collect();
                (open_if(moves), vec![format!("sheets of {} plugins can be produced", seen.plugins)], Vec::new())
            }
            Query::LogExports => self.exports(duty),
            Query::HostStarts => {
                let says = seen.started.map(|at| format!("the host started last at {}", at.time));
                (State::Holds, says.into_iter().collect(), seen.started.map(|at| at.entry).into_iter().collect())
            }
            Query::PostureChanges => self.looks(),
            Query::VulnerableReleases => self.vulnerable(),
            Query::UnknownOutcomes => {
                let says = format!("{} acts have an end that nobody knows", seen.unknown.len());
                (State::Holds, vec![says], seen.unknown.iter().map(|at| at.entry).take(10).collect())
            }
            Query::Backups => self.backups(duty),
            Query::NewDevices => {
                let (count, last) = seen.new_devices;
                let says = format!("{count} sign-ins from devices that were not seen before, in the last 30 days");
                (State::Holds, vec![says], last.map(|at| at.entry).into_iter().collect())
            }
            Query::SecurityContact => self.contact(),
        }
    }

    fn unused(&self, duty: &Duty) -> Seen {
        let days = duty.days.unwrap_or(30);
        let since = before(self.facts.now, days);
        let calls = &self.facts.observations.calls;
        let idle = |one: &&LastCall| one.at.or(one.since).is_none_or(|at| at < since);
        let idle: Vec<&LastCall> = calls.iter().filter(idle).collect();
        let moves = idle.iter().take(NAMED).map(|one| {
            let last = one.at.map_or_else(|| "never".to_owned(), |at| format!("last at {at}"));
            let what = format!("{} was called {last}: remove it, or let it be used", one.plugin);
            self.subscriber(what, format!("portcullis plugin uninstall {}", one.installation))
        });
        let others = idle.len().saturating_sub(NAMED);
        let rest = (others > 0).then(|| {
            let what = format!(
                "{others} other installations were not called in {days} days: remove them, or let them be used"
            );
            self.subscriber(what, "portcullis plugin list".to_owned())
        });
        let moves = moves.chain(rest);
        let evidence = vec![format!("{} installations, by their calls of the last {days} days", calls.len())];
        (open_if(moves.collect()), evidence, Vec::new())
    }

    fn exports(&self, duty: &Duty) -> Seen {
        let days = duty.days.unwrap_or(31);
        let last = self.facts.observations.exported;
        match last.filter(|at| at.time >= before(self.facts.now, days)) {
            Some(at) => (State::Holds, vec![format!("last exported at {}", at.time)], vec![at.entry]),
            None => {
                let said = last
                    .map_or_else(|| "it was never exported".to_owned(), |at| format!("last exported at {}", at.time));
                let what = format!("export the log, at least every {days} days: {said}");
                let act = format!("portcullis audit export tenant={} --out log.ndjson", self.facts.tenant);
                (open_if(vec![self.subscriber(what, act)]), Vec::new(), last.map(|at| at.entry).into_iter().collect())
            }
        }
    }

    fn backups(&self, duty: &Duty) -> Seen {
        let (seen, tested) = (&self.facts.observations, duty.days.unwrap_or(31));
        let move_of = |what: String, act: &str| Move {
            party: Party::Platform,
            who: self.role(Party::Platform),
            what,
            act: Some(act.to_owned()),
        };
        let (mut evidence, mut moves) = (Vec::new(), Vec::new());
        for (at, days, done, what, act) in [
            (
                seen.backed_up,
                BACKUP_DAYS,
                "backed up",
                "make a backup",
                "portcullis backup --to DIRECTORY --recipient KEY",
            ),
            (
                seen.restored,
                tested,
                "restored as a test",
                "restore one as a test",
                "portcullis restore FILE --identity KEY --test",
            ),
        ] {
            evidence.push(at.map_or_else(|| format!("never {done}"), |at| format!("last {done} at {}", at.time)));
            if at.is_none_or(|at| at.time < before(self.facts.now, days)) {
                moves.push(move_of(format!("{what}, at least every {days} days"), act));
            }
        }
        let entries = seen.backed_up.iter().chain(&seen.restored).map(|at| at.entry).collect();
        (open_if(moves), evidence, entries)
    }

    fn contact(&self) -> Seen {
        match self.facts.observations.security_contact {
            Some(until) => {
                let says = format!("/.well-known/security.txt says whom to write to, until {until}");
                (State::Holds, vec![says], Vec::new())
            }
            None => {
                let name = Move {
                    party: Party::Platform,
                    who: self.role(Party::Platform),
                    what: "publish how to report a vulnerability: nobody is named, or the file's day is over"
                        .to_owned(),
                    act: Some("name a contact and a day under [security] in portcullis.toml".to_owned()),
                };
                (open_if(vec![name]), Vec::new(), Vec::new())
            }
        }
    }

    fn looks(&self) -> Seen {
        let (count, last) = self.facts.observations.changes;
        let looked = self.facts.observations.looked;
        let evidence = vec![
            looked.map_or_else(|| "no host has looked yet".to_owned(), |at| format!("looked at last at {at}")),
            format!("{count} lines changed so far"),
        ];
        let entries = last.map(|at| at.entry).into_iter().collect();
        let stale = looked.is_none_or(|at| at.plus(STALE) < self.facts.now);
        let run = || Move {
            party: Party::Platform,
            who: self.role(Party::Platform),
            what: "run the host: it looks at every posture each minute".to_owned(),
            act: Some("portcullis serve".to_owned()),
        };
        (open_if(stale.then(run).into_iter().collect()), evidence, entries)
    }

    fn vulnerable(&self) -> Seen {
        let seen = &self.facts.observations;
        let mut moves: Vec<Move> = seen
            .vulnerable
            .iter()
            .map(|one| Move {
                party: Party::Developer,
                who: one.publisher.to_string(),
                what: format!("{} has {} known vulnerabilities: publish a release without them", one.plugin, one.count),
                act: Some(format!("'portcullis plugin rescan {}' shows them", one.plugin)),
            })
            .collect();
        if !seen.advisories {
            moves.push(Move {
                party: Party::Platform,
                who: self.role(Party::Platform),
                what: "nobody looks for known vulnerabilities: give the host a file of them".to_owned(),
                act: Some("portcullis advisories update --from DIRECTORY".to_owned()),
            });
        }
        (open_if(moves), vec![format!("{} plugins have known vulnerabilities", seen.vulnerable.len())], Vec::new())
    }
}

fn open_if(mut moves: Vec<Move>) -> State {
    // What is to be done about a plugin is to be done once, however often it is installed.
    let mut seen = BTreeSet::new();
    moves.retain(|one| seen.insert(one.clone()));
    if moves.is_empty() { State::Holds } else { State::Open { moves } }
}

fn before(now: Timestamp, days: u32) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::from(days) * 86_400_000))
}
