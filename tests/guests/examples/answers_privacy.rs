//! Keeps a note a person in `kv`, and answers data subjects about it: gives it out, erases it, puts a restriction off, and fails to
//! correct. Must be called through `privacy` without any scope for that, and be told only what its grant lets it read.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use portcullis_sdk::privacy::{Answer, Kind, Request};

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let user = event.json()?["user"].as_str().unwrap_or_default().to_owned();
        kv::open("notes")?.set(&user, "likes tea")
    }
}

impl Privacy for Guest {
    fn handle(request: Request) -> Result<Answer, Error> {
        log::info!("asked: {:?} {} {:?}", request.kind, request.user, request.identifiers);
        let notes = kv::open("notes")?;
        let Some(note) = notes.get_str(&request.user)? else { return Ok(Answer::NothingHeld) };
        match request.kind {
            Kind::Access => Ok(Answer::held(1, format!("{{\"note\":\"{note}\"}}"))),
            Kind::Erase => notes.delete(&request.user).map(|_| Answer::done(1)),
            Kind::Restrict => Ok(Answer::Later(60)),
            Kind::Correct => match request.correction.as_deref() {
                Some("huge") | None => Ok(Answer::held(1, "x".repeat(2 << 20))),
                Some(right) => Err(Error::invalid(right.to_owned())),
            },
        }
    }
}

portcullis_sdk::export!(Guest: Events, Privacy);
