//! What is over by itself: ended on record though nobody comes back to it, and forgotten a while after.
//!
//! Invariants: a session past its limits is ended with its entry, whoever looks; what has not ended is not forgotten.

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    oauth::Put,
    people::{Invitation, PeopleChange},
    time::Timestamp,
};

use crate::{Access, AccessError, sessions::ended};

/// How many are looked at in one go.
const MOST: usize = 200;
/// How long what is left of a session or a link is kept after its end, in milliseconds: as long as anybody asks who was signed in from
/// where. The log keeps that each of them was, beyond that.
const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions that were ended.
    pub sessions: usize,
    /// Links that nobody used in time.
    pub invitations: usize,
    /// What was left of sessions and links, and of tokens of automation.
    pub forgotten: u64,
}

impl Access {
    /// Ends what is past its limits, and forgets what ended long ago.
    ///
    /// # Errors
    /// Storage. What was done until then is done.
    pub async fn sweep(&self) -> Result<Swept, AccessError> {
        let (now, mut swept) = (self.clock.now(), Swept::default());
        for session in self.store.sessions_over(now, MOST).await? {
            // By itself each: whoever was faster has ended it, and no other is held up by that.
            let change = ended([session], &Actor::Host, None, now, "past its limits");
            swept.sessions += usize::from(self.store.change_people(change).await?);
        }
        for invitation in self.store.invitations_over(now, MOST).await? {
            let entry = Entry::new(now, Kind::PersonInvited, Actor::Host, invitation.tenant.clone())
                .about(format!("invitation:{}", invitation.id))
                .with("lapsed", true);
            let expected = Some(invitation.version);
            let row = Invitation { ended: Some(now), version: invitation.version + 1, ..invitation };
            let change =
                PeopleChange { invitation: Some(Put { row, expected }), entries: vec![entry], ..Default::default() };
            swept.invitations += usize::from(self.store.change_people(change).await?);
        }
        let entry = Entry::new(now, Kind::PeopleSwept, Actor::Host, None);
        let (sessions, links) = self.store.forget_ended(Timestamp(now.0 - KEPT_MS), entry).await?;
        swept.forgotten = sessions + links + self.store.sweep_automation(now).await?;
        Ok(swept)
    }
}
