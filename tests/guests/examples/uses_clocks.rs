//! Reads the time, waits by reading it again, and logs what it saw.
//! Must be refused at load without a grant for `clocks`; the time must go on, and begin at 0 for each call.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        let (now, began) = (clocks::now(), clocks::elapsed());
        let mut looks = 0;
        while clocks::elapsed() < began + std::time::Duration::from_millis(3) && looks < 100_000 {
            looks += 1;
        }
        log::info!("now: {now}");
        log::info!("began: {}", began.as_millis());
        log::info!("passed: {}", (clocks::elapsed() - began).as_millis());
        log::info!("later: {}", clocks::now() >= now + 2);
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
