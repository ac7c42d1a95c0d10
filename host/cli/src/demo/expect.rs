//! What must be true at the end. Each expectation says what was seen.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use portcullis_store::helpdesk::SqliteHelpDesk;
use serde::Serialize;

use super::{
    account::Account,
    chat::CHAT,
    recorded::{Comment, Recorded},
    secrets,
    stage::Stage,
};

/// Something that must be true.
#[derive(Debug, Serialize)]
pub struct Expectation {
    /// What.
    pub what: String,
    /// Whether it was.
    pub held: bool,
    /// What was seen.
    pub saw: String,
}

/// One that was checked.
pub fn expect(what: &str, held: bool, saw: impl Into<String>) -> Expectation {
    Expectation { what: what.to_owned(), held, saw: saw.into() }
}

/// Checks all of them.
pub async fn check(
    stage: &Stage,
    recorded: &Recorded,
    account: &Account,
    desk: &SqliteHelpDesk,
) -> Result<Vec<Expectation>> {
    let mut all = vec![sent(recorded, account)];
    all.extend(cards(stage, recorded, desk).await?);
    all.push(escalations(stage, recorded, desk).await?);
    all.push(posts(stage, recorded));
    all.extend(overreach(stage, account, stage.got_through().await?));
    all.extend(secrets::expectations(stage, account));
    let log = &account.log;
    all.push(expect(
        "the audit log verifies offline, every entry of it",
        log.verified,
        if log.verified { format!("{} entries, root {}", log.entries, log.root) } else { log.faults.join("; ") },
    ));
    Ok(all)
}

fn sent(recorded: &Recorded, account: &Account) -> Expectation {
    let sent = account.sent;
    let right = sent.accepted == recorded.events.len() as u64 && sent.refused == 3 && sent.unexpected == 0;
    let saw = format!("{} accepted, {} duplicates dropped, {} refused", sent.accepted, sent.duplicates, sent.refused);
    expect("every signed event is accepted once; wrong signatures, old timestamps, unknown sources are not", right, saw)
}

async fn body_of(stage: &Stage, desk: &SqliteHelpDesk, comment: &Comment) -> Result<String> {
    let comments = desk.comments_of(&stage.tenant, &comment.ticket).await?;
    Ok(comments.into_iter().find(|c| c.id == comment.comment).map(|c| c.body).unwrap_or_default())
}

async fn cards(stage: &Stage, recorded: &Recorded, desk: &SqliteHelpDesk) -> Result<[Expectation; 2]> {
    let (mut redacted, mut untouched) = (0, 0);
    for comment in &recorded.expected.cards {
        redacted += usize::from(Some(body_of(stage, desk, comment).await?) == comment.redacted);
    }
    for comment in &recorded.expected.look_alikes {
        untouched += usize::from(body_of(stage, desk, comment).await? == comment.body);
    }
    let (cards, alike) = (recorded.expected.cards.len(), recorded.expected.look_alikes.len());
    Ok([
        expect(
            "card-guard covers every card number, down to first six and last four",
            redacted == cards,
            format!("{redacted} of {cards} comments read exactly as they must"),
        ),
        expect(
            "card-guard leaves order numbers, phone numbers and links alone",
            untouched == alike,
            format!("{untouched} of {alike} look-alikes are unchanged"),
        ),
    ])
}

async fn escalations(stage: &Stage, recorded: &Recorded, desk: &SqliteHelpDesk) -> Result<Expectation> {
    let author = stage.installed.get("vip-escalator").map(ToString::to_string).unwrap_or_default();
    let mut right = 0;
    let tickets: Vec<_> = recorded.expected.escalations.iter().chain(&recorded.expected.not_escalated).collect();
    for escalation in &tickets {
        let ticket = desk.ticket_row(&stage.tenant, &escalation.ticket).await?.unwrap_or_default();
        let comments = desk.comments_of(&stage.tenant, &escalation.ticket).await?;
        let notes = comments.iter().filter(|c| c.author_id == author && !c.public).count();
        let priority = ticket.priority.map(|p| p.name().to_owned());
        right += usize::from(match &escalation.to {
            Some(to) => priority.as_ref() == Some(to) && notes == 1,
            None => notes == 0,
        });
    }
    Ok(expect(
        "vip-escalator raises the right tickets, with exactly one note each",
        right == tickets.len(),
        format!("{right} of {} tickets are as they must be", tickets.len()),
    ))
}

fn posts(stage: &Stage, recorded: &Recorded) -> Expectation {
    let mut delivered: BTreeMap<String, u64> = BTreeMap::new();
    let mut busy = 0;
    for received in stage.chat.received().into_iter().filter(|r| r.host == CHAT) {
        match (received.status, received.key) {
            (200, Some(key)) => *delivered.entry(key).or_default() += 1,
            (429, _) => busy += 1,
            _ => {}
        }
    }
    let wanted: BTreeSet<&str> = recorded.expected.posts.iter().map(|p| p.event.as_str()).collect();
    let got: BTreeSet<&str> = delivered.keys().map(String::as_str).collect();
    let missing = wanted.difference(&got).count();
    let more = got.difference(&wanted).count();
    let twice = delivered.values().filter(|n| **n > 1).count();
    expect(
        "chat-notifier's messages arrive once each, with a token that it never had; busy answers are tried again",
        missing == 0 && more == 0 && twice == 0 && busy > 0,
        format!("{} delivered, {missing} missing, {more} too many, {twice} twice; {busy} tried again", got.len()),
    )
}

/// What the overreacher may do: all else must have been denied or ended.
fn overreach(stage: &Stage, account: &Account, through: usize) -> Vec<Expectation> {
    let Some(plugin) = account.plugins.get("overreacher") else { return vec![] };
    let denied =
        |prefix: &str| plugin.denials.iter().filter(|d| d.scope.starts_with(prefix)).map(|d| d.count).sum::<u64>();
    let ended = |name: &str| plugin.calls.get(name).copied().unwrap_or(0);
    let (fields, comments) = (denied("tickets:read fields=description"), denied("tickets:read fields=comments"));
    let hosts = denied("http:send");
    // Each request carries what the host put there, or is refused.
    let metrics = stage.chat.received().into_iter().filter(|r| r.host != CHAT && r.status != 200).count();
    vec![
        expect(
            "overreacher is denied fields, comments and hosts that it was not granted",
            fields > 0 && comments > 0 && hosts > 0,
            format!("{} denials: {fields} of fields, {comments} of comments, {hosts} of hosts", denied("")),
        ),
        expect(
            "overreacher's endless loops, memory and recursion each end at a limit",
            ended("limit: cpu-ms") > 0 && ended("limit: memory-mib") > 0 && ended("limit: stack") > 0,
            format!(
                "{} at the CPU limit, {} at the memory limit, {} at the stack limit",
                ended("limit: cpu-ms"),
                ended("limit: memory-mib"),
                ended("limit: stack")
            ),
        ),
        expect(
            "nothing that overreacher tried got through, and its own credentials never left",
            through == 0 && metrics == 0,
            format!("{through} got through, {metrics} credentials of its own sent"),
        ),
    ]
}
