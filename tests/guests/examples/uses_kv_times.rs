//! Stores values for a time, and compares before it stores.
//! Must see a value as long as its time lasts and not after, be denied a time that is longer than the grant's, and get
//! `conflict` where another value is there than it expects.

#![forbid(unsafe_code)]

use std::time::Duration;

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let bucket = kv::open("times")?;
        if event.data.contains("look") {
            log::info!("short: {:?}", bucket.get_str("short"));
            log::info!("long: {:?}", bucket.get_str("long"));
            log::info!("keys: {:?}", bucket.list_keys("", None));
            return Ok(());
        }
        log::info!("none: {:?}", bucket.set_for("none", "x", Duration::ZERO));
        log::info!("for ever: {:?}", bucket.set_for("for ever", "x", Duration::from_secs(u64::MAX)));
        log::info!("too long: {:?}", bucket.set_for("too-long", "x", Duration::from_secs(3_601)));
        log::info!("short: {:?}", bucket.set_for("short", "s", Duration::from_secs(1)));
        log::info!("long: {:?}", bucket.set("long", "l"));
        log::info!("first: {:?}", bucket.compare_and_set("swapped", None, "1", None));
        log::info!("first again: {:?}", bucket.compare_and_set("swapped", None, "2", None));
        log::info!("swap: {:?}", bucket.compare_and_set("swapped", Some(b"1"), "2", None));
        log::info!("swapped: {:?}", bucket.get_str("swapped"));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
