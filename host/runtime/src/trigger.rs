//! What a component can be called through: the interfaces that it exports, and what is handed in and out through each.
//!
//! Invariant: what a plugin answers is cut to its output limit before anything is kept of it.

use portcullis_model::{
    event::{Event, EventForm},
    limits::Limits,
    privacy::{PrivacyAnswer, PrivacyKind, PrivacyShown},
};
use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use crate::{
    invoke::CallStore,
    wit::{events, privacy, types},
};

/// The longest that a plugin may put a request off at once, in seconds: a day.
const LATER: u32 = 86_400;

/// The triggers of a component. At least one of them is there.
pub(crate) struct Triggers {
    events: Option<events::GuestIndices>,
    privacy: Option<privacy::GuestIndices>,
}

/// What a call is asked for.
pub(crate) enum Asked {
    /// To handle an event.
    Event(events::Event),
    /// To answer a data subject's request.
    Privacy(privacy::Request),
}

/// What came of it: an answer, where one was asked for.
pub(crate) type Answered = Result<Option<PrivacyAnswer>, types::Error>;

impl Triggers {
    /// Those that a component has; `None` where it has none.
    pub fn of<T>(pre: &InstancePre<T>) -> Option<Self> {
        let found = Self { events: events::GuestIndices::new(pre).ok(), privacy: privacy::GuestIndices::new(pre).ok() };
        (found.events.is_some() || found.privacy.is_some()).then_some(found)
    }

    /// The interface that would be needed for this and is not exported.
    pub fn lacks(&self, form: EventForm) -> Option<&'static str> {
        let (there, name) = match form {
            EventForm::Privacy => (self.privacy.is_some(), "privacy"),
            EventForm::Zendesk | EventForm::Github | EventForm::CloudEvents => (self.events.is_some(), "events"),
        };
        (!there).then_some(name)
    }

    /// Calls the handler.
    pub async fn call<S: Send>(
        &self,
        store: &mut Store<CallStore<S>>,
        instance: &Instance,
        asked: &Asked,
    ) -> wasmtime::Result<Answered> {
        let missing = || wasmtime::Error::msg("the component lacks the interface that it was called through");
        match asked {
            Asked::Event(event) => {
                let guest = self.events.as_ref().ok_or_else(missing)?.load(&mut *store, instance)?;
                Ok(guest.call_handle(store, event).await?.map(|()| None))
            }
            Asked::Privacy(request) => {
                let guest = self.privacy.as_ref().ok_or_else(missing)?.load(&mut *store, instance)?;
                Ok(guest.call_handle(store, request).await?.map(|answer| Some(answered(answer))))
            }
        }
    }
}

impl Asked {
    /// What is handed in: the event with its data narrowed to `data`, or the request that the narrowed data is.
    pub fn of(event: &Event, data: String, attempt: u32) -> Result<Self, String> {
        if event.form == EventForm::Privacy {
            let shown: PrivacyShown =
                serde_json::from_str(&data).map_err(|error| format!("the request cannot be read: {error}"))?;
            return Ok(Self::Privacy(request(event, shown, attempt)));
        }
        Ok(Self::Event(events::Event {
            id: event.id.clone(),
            kind: event.kind.clone(),
            source: event.source.clone(),
            subject: event.subject.clone(),
            time: event.time.to_string(),
            data,
            attempt,
        }))
    }
}

fn request(event: &Event, shown: PrivacyShown, attempt: u32) -> privacy::Request {
    privacy::Request {
        id: event.id.clone(),
        kind: match shown.kind {
            PrivacyKind::Access => privacy::Kind::Access,
            PrivacyKind::Correct => privacy::Kind::Correct,
            PrivacyKind::Erase => privacy::Kind::Erase,
            PrivacyKind::Restrict => privacy::Kind::Restrict,
        },
        user: shown.user,
        identifiers: shown.identifiers,
        deadline: shown.deadline.to_string(),
        correction: shown.correction.map(|value| value.to_string()),
        attempt,
    }
}

fn answered(answer: privacy::Answer) -> PrivacyAnswer {
    match answer {
        privacy::Answer::NothingHeld => PrivacyAnswer::NothingHeld,
        privacy::Answer::Done(privacy::Outcome { records, data, note }) => PrivacyAnswer::Done { records, data, note },
        privacy::Answer::Later(seconds) => PrivacyAnswer::Later { seconds: seconds.clamp(1, LATER) },
    }
}

/// Whether an answer is longer than the call may put out.
pub(crate) fn too_long(answer: &PrivacyAnswer, limits: Limits) -> bool {
    let PrivacyAnswer::Done { data, note, .. } = answer else { return false };
    let long = [data, note].into_iter().flatten().map(String::len).sum::<usize>();
    long as u64 > limits.output_kib * 1024
}
