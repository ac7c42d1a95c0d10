//! Calls every function of `kv` once and logs each result.
//! Must be refused at load without a grant for `kv`, and at each call that the grant does not cover.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        let bucket = match kv::open("guest") {
            Ok(bucket) => bucket,
            Err(error) => {
                log::info!("open: {error:?}");
                return Ok(());
            }
        };
        log::info!("open: ok");
        log::info!("set: {:?}", bucket.set("key", "value"));
        log::info!("get: {:?}", bucket.get_str("key"));
        log::info!("list-keys: {:?}", bucket.list_keys("k", None));
        log::info!("delete: {:?}", bucket.delete("key"));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
