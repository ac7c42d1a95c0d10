//! What must hold after guests that write to tickets: just what they may was written.

use portcullis_model::{
    helpdesk::{Comment, Status, Ticket},
    installation::Installation,
};

use crate::run::Ran;

async fn ticket(ran: &Ran<'_>, of: &Installation, id: &str) -> Result<Option<Ticket>, String> {
    ran.world.lab.desk.ticket_row(&of.tenant, id).await.map_err(|error| format!("{error:?}"))
}

async fn comments(ran: &Ran<'_>, of: &Installation, id: &str) -> Result<Vec<Comment>, String> {
    ran.world.lab.desk.comments_of(&of.tenant, id).await.map_err(|error| format!("{error:?}"))
}

async fn status(ran: &Ran<'_>, id: &str) -> Result<Option<Status>, String> {
    Ok(ticket(ran, ran.own(), id).await?.and_then(|ticket| ticket.status))
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} instead of {expected:?}")) }
}

/// Only the one open ticket was changed.
pub async fn updates_outside_of_where(ran: &Ran<'_>) -> Result<(), String> {
    for (id, expected) in
        [("1001", Status::Hold), ("1005", Status::Open), ("1006", Status::Solved), ("1013", Status::Hold)]
    {
        same(id, &status(ran, id).await?, &Some(expected))?;
        let tags = ticket(ran, ran.own(), id).await?.and_then(|ticket| ticket.tags).unwrap_or_default();
        if tags.contains(&"mine".to_owned()) {
            return Err(format!("{id} has its tag"));
        }
    }
    Ok(())
}

/// Only the closed ticket of the one organization is gone.
pub async fn deletes_outside_of_where(ran: &Ran<'_>) -> Result<(), String> {
    for (id, there) in [("1033", true), ("1039", true), ("1005", true), ("1035", false), ("1037", true)] {
        same(id, &ticket(ran, ran.own(), id).await?.is_some(), &there)?;
    }
    same("comments of the deleted one", &comments(ran, ran.own(), "1035").await.is_err(), &true)
}

/// Only the comment inside was covered.
pub async fn redacts_outside_of_where(ran: &Ran<'_>) -> Result<(), String> {
    let covered = |all: &[Comment]| all.iter().filter(|comment| comment.body.contains('\u{2587}')).count();
    same("of the ticket outside", &covered(&comments(ran, ran.own(), "1019").await?), &0)?;
    same("of the ticket inside", &covered(&comments(ran, ran.own(), "1016").await?), &1)
}

/// Only the two that it may are there.
pub async fn comments_outside_of_where(ran: &Ran<'_>) -> Result<(), String> {
    for (id, expected) in [("1005", vec![]), ("1009", vec!["inside"]), ("1017", vec!["inside"])] {
        same(id, &ran.world.lab.comments_by(ran.own(), id).await, &expected.into_iter().map(str::to_owned).collect())?;
    }
    Ok(())
}

/// Nothing was written.
pub async fn writes_without_a_grant(ran: &Ran<'_>) -> Result<(), String> {
    same("status", &status(ran, "1005").await?, &Some(Status::Open))?;
    same("comments", &ran.world.lab.comments_by(ran.own(), "1005").await, &Vec::new())
}

/// Each installation has one comment of its own.
pub async fn abuses_idempotency_keys(ran: &Ran<'_>) -> Result<(), String> {
    for (_, installation) in &ran.installations {
        let own = ran.world.lab.comments_by(installation, "1005").await;
        same("comments", &own, &vec!["The same for all.".to_owned()])?;
    }
    Ok(())
}

/// As many as it may write, and no more.
pub async fn bombs_comments(ran: &Ran<'_>) -> Result<(), String> {
    same("comments", &ran.world.lab.comments_by(ran.own(), "1005").await.len(), &20)
}
