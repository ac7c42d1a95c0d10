//! What a running host does about duties by itself: it looks at every posture all the time (MON-7), writes down what changed and what
//! is over, and takes up what other processes changed.
//!
//! Invariants: one entry a line and change; a line that is seen for the first time is no change; what cannot be looked at now is looked
//! at again.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Result;
use portcullis_duties::{book::Book, posture::Line};
use portcullis_model::{
    audit::{Actor, Entry, Kind, reader::AuditReader},
    duty::{DutyStore as _, PostureLine, TenantRules as _},
    id::TenantId,
    time::Timestamp,
};
use tokio::sync::watch;

use crate::{host::Host, reading::LogReader};

/// The line that says when a tenant's posture was looked at last.
pub(super) const LOOKED: &str = "looked";
/// How soon a change of profiles and risks by another process is in force for what is under way.
const FOLLOW: Duration = Duration::from_millis(100);
/// How often what is over is written down, and how often everything is looked at.
const TICK: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_secs(60);

/// Keeps the book in step with storage, until `stop` turns true.
pub async fn follow(book: Arc<Book>, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = book.refresh().await {
            tracing::error!(%error, "profiles and accepted risks cannot be read; what held before goes on");
        }
        tokio::select! {
            () = tokio::time::sleep(FOLLOW) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Looks at everything until `stop` turns true: each minute, and soon after something changed.
pub async fn run(host: Arc<Host>, reader: Arc<LogReader>, mut stop: watch::Receiver<bool>) {
    let (mut seen, mut last) = (None, None::<Timestamp>);
    loop {
        let looked = async {
            super::desk(&host).lapse().await?;
            let (revision, now) = (host.store.duty_revision().await?, host.clock.now());
            let due = last.is_none_or(|last| now.distance(last) >= LOOK);
            if due || seen != Some(revision) {
                look(&host, reader.as_ref()).await?;
                (seen, last) = (Some(revision), Some(now));
            }
            anyhow::Ok(())
        };
        if let Err(error) = looked.await {
            tracing::error!(%error, "postures cannot be looked at; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// One look at every tenant. Gives how many lines changed.
pub async fn look(host: &Host, reader: &dyn AuditReader) -> Result<usize> {
    let mut count = 0;
    for tenant in super::tenants(host).await? {
        // First: that it is looked at is itself a line of the posture.
        let looked = PostureLine { key: LOOKED.to_owned(), state: String::new(), since: host.clock.now() };
        host.store.put_postures(tenant.clone(), vec![(looked, None)]).await?;
        let posture = super::posture(host, reader, &tenant).await?;
        let before = host.store.postures(tenant.clone()).await?;
        let lines = changed(&tenant, posture.lines(), &before, host.clock.now());
        count += lines.iter().filter(|(_, entry)| entry.is_some()).count();
        host.store.put_postures(tenant, lines).await?;
    }
    Ok(count)
}

/// What is to be kept of a look, with an entry for each line that stands otherwise than before.
fn changed<'a>(
    tenant: &TenantId,
    lines: impl Iterator<Item = &'a Line>,
    before: &[PostureLine],
    now: Timestamp,
) -> Vec<(PostureLine, Option<Entry>)> {
    let before: BTreeMap<&str, &str> = before.iter().map(|line| (line.key.as_str(), line.state.as_str())).collect();
    let mut all = Vec::new();
    for line in lines {
        let state = line.state.name();
        let was = before.get(line.key.as_str());
        if was == Some(&state) {
            continue;
        }
        let entry = was.map(|was| {
            Entry::new(now, Kind::PostureChanged, Actor::Host, Some(tenant.clone()))
                .about(format!("duty:{}", line.duty))
                .with("line", line.key.as_str())
                .with("was", *was)
                .with("is", state)
                .with("party", line.party.name())
        });
        all.push((PostureLine { key: line.key.clone(), state: state.to_owned(), since: now }, entry));
    }
    all
}

#[cfg(test)]
mod tests {
    use portcullis_duties::posture::State;
    use portcullis_model::duty::Party;

    use super::*;

    #[test]
    fn a_change_is_one_entry_and_a_first_look_is_none() {
        let tenant: TenantId = "acme".parse().unwrap();
        let line = |state| Line {
            key: "healthcare/INT-3/oauth-only".into(),
            duty: "INT-3".parse().unwrap(),
            title: "OAuth".into(),
            party: Party::Subscriber,
            asks: "OAuth alone".into(),
            state,
            evidence: Vec::new(),
            entries: Vec::new(),
        };
        let look = |state, before: &[PostureLine]| changed(&tenant, [&line(state)].into_iter(), before, Timestamp(5));
        let first = look(State::Holds, &[]);
        assert!(first.iter().all(|(_, entry)| entry.is_none()) && first.len() == 1);
        let kept: Vec<PostureLine> = first.into_iter().map(|(line, _)| line).collect();
        assert!(look(State::Holds, &kept).is_empty());
        let second = look(State::Open { moves: Vec::new() }, &kept);
        let entry = second[0].1.as_ref().unwrap();
        assert_eq!(
            (entry.kind, entry.text("was"), entry.text("is")),
            (Kind::PostureChanged, Some("holds"), Some("open"))
        );
    }
}
