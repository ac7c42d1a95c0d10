//! Calls every function of `files` once, tries to leave its directory, and logs each result.
//! Must be refused at load without a grant for `files`, and at each call that the grant does not cover; no path may lead out.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        log::info!("write: {:?}", files::write("notes/today.txt", "hello"));
        log::info!("read: {:?}", files::read_str("notes/today.txt"));
        let names =
            |entries: Vec<files::Entry>| entries.into_iter().map(|e| (e.name, e.directory, e.size)).collect::<Vec<_>>();
        log::info!("list: {:?}", files::list("").map(names));
        log::info!("list below: {:?}", files::list("notes").map(names));
        log::info!("too full: {:?}", files::write("notes/large", vec![0; 8 * 1024]));
        log::info!("remove full: {:?}", files::remove("notes"));
        log::info!("remove: {:?}", files::remove("notes/today.txt").and_then(|()| files::remove("notes")));
        for out in ["../x", "/etc/passwd", "notes/../../x", ".", "..", "a//b", "a\\..\\b", "a\0b", ""] {
            let tried = [files::read(out).map(drop), files::write(out, "x"), files::remove(out)];
            if !tried.iter().all(|result| matches!(result, Err(Error::Invalid(_)))) {
                log::info!("out: {out:?}: {tried:?}");
            }
        }
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
