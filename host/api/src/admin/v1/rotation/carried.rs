//! A rotation that is carried out whether or not anybody waits for it, and why one did not come to its end.
//!
//! Invariant: a rotation that was begun here either goes on, has ended, or says why it does not go on.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use portcullis_broker::rotation::{Progress, RotateError, StepError};
use portcullis_model::{
    audit::plain,
    id::RotationId,
    rotation::{Act, Line},
    time::Timestamp,
};
use tokio::sync::oneshot;

use super::refused;
use crate::{admin::unavailable, problem::Problem};

/// Of how many it is known why they were cut off.
const KNOWN: u64 = 100;

/// What was waited for in vain.
pub(super) const LATE: &str = "rotations of tenants do not come to their end; go on with it later";

/// Why rotations that were carried out here do not go on.
#[derive(Clone, Default)]
pub struct CutOff(Arc<Mutex<Notes>>);

/// Of each why it was cut off.
#[derive(Default)]
struct Notes {
    latest: u64,
    by_id: BTreeMap<RotationId, Note>,
}

struct Note {
    /// Later ones have larger numbers.
    number: u64,
    /// When it had ended before it went on here.
    ended: Option<Timestamp>,
    why: String,
}

impl CutOff {
    /// Why this one does not go on; `None` where it goes on, has ended, or was carried out elsewhere.
    pub(super) fn why(&self, act: &Act) -> Option<String> {
        // Another process may have ended it since.
        let known = self.known();
        known.by_id.get(&act.id).filter(|note| note.ended == act.ended).map(|note| note.why.clone())
    }

    fn goes_on(&self, id: &RotationId) {
        self.known().by_id.remove(id);
    }

    fn note(&self, id: &RotationId, ended: Option<Timestamp>, why: String) {
        let mut known = self.known();
        known.latest += 1;
        let number = known.latest;
        known.by_id.insert(id.clone(), Note { number, ended, why });
        // The oldest goes; ids say nothing of that.
        known.by_id.retain(|_, note| note.number + KNOWN > number);
    }

    fn known(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells once that a rotation has begun.
struct Begun {
    tell: Mutex<Option<oneshot::Sender<Act>>>,
    /// What it is, and when it had ended before.
    act: OnceLock<(RotationId, Option<Timestamp>)>,
    cut_off: CutOff,
}

impl Progress for Begun {
    fn frozen(&self, act: &Act, _: usize) {
        self.cut_off.goes_on(&act.id);
        let _ = self.act.set((act.id.clone(), act.ended));
        if let Some(tell) = self.tell.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = tell.send(act.clone());
        }
    }

    fn line(&self, _: &Line) {}
}

/// While it is carried out: notes why it was cut off, also where it broke.
struct Carried {
    begun: Arc<Begun>,
    why: Option<String>,
}

impl Drop for Carried {
    fn drop(&mut self) {
        if let (Some((id, ended)), Some(why)) = (self.begun.act.get(), self.why.take()) {
            self.begun.cut_off.note(id, *ended, why);
        }
    }
}

fn told(error: &RotateError) -> String {
    match error {
        RotateError::Store(_) | RotateError::List(StepError::Store(_)) => {
            "the storage failed; the host's log says why".to_owned()
        }
        RotateError::CutOff(why) if why != LATE => "a part of it broke; the host's log says why".to_owned(),
        other => plain(&other.to_string()),
    }
}

/// Carries something out whether or not anybody waits, and gives what it is as soon as it has begun.
pub(super) async fn background<F>(cut_off: &CutOff, work: impl FnOnce(Arc<dyn Progress>) -> F) -> Result<Act, Problem>
where
    F: Future<Output = Result<(Act, Vec<Line>), RotateError>> + Send + 'static,
{
    let (tell, told_of) = oneshot::channel();
    let begun = Arc::new(Begun { tell: Mutex::new(Some(tell)), act: OnceLock::new(), cut_off: cut_off.clone() });
    let work = work(begun.clone());
    let carried = Carried { begun, why: Some("it broke; the host's log says why".to_owned()) };
    let running = tokio::spawn(async move {
        // All of it goes with the work.
        let mut carried = carried;
        let done = work.await;
        carried.why = done.as_ref().err().map(told);
        if let Err(error) = &done {
            tracing::error!(%error, "a rotation did not come to its end");
        }
        done
    });
    if let Ok(act) = told_of.await {
        return Ok(act);
    }
    match running.await {
        Ok(Ok((act, _))) => Ok(act),
        Ok(Err(error)) => Err(refused(&error)),
        Err(error) => Err(unavailable(&error)),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::error::StoreError;

    use super::*;

    #[test]
    fn no_tenant_reads_what_the_storage_or_a_broken_part_said() {
        let raw = "disk I/O error: /srv/home/host.db";
        for error in [
            RotateError::Store(StoreError(raw.to_owned())),
            RotateError::List(StepError::Store(raw.to_owned())),
            RotateError::CutOff(raw.to_owned()),
        ] {
            let told = told(&error);
            assert!(!told.contains("host.db") && told.contains("the host's log says why"), "{told}");
        }
        assert!(told(&RotateError::CutOff(LATE.to_owned())).contains("do not come to their end"));
    }

    #[test]
    fn of_many_that_were_cut_off_the_oldest_is_forgotten() {
        let (cut_off, id) = (CutOff::default(), |n: u64| format!("rot_{n:024x}").parse::<RotationId>().unwrap());
        // The latest has the smallest id.
        (0..=KNOWN).rev().for_each(|n| cut_off.note(&id(n), None, "it broke".to_owned()));
        let known = cut_off.known();
        assert!(known.by_id.contains_key(&id(0)) && !known.by_id.contains_key(&id(KNOWN)));
    }
}
