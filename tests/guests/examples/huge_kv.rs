//! Stores a value one byte too large, then fills the quota in steps of 16 KiB, at most 10 MiB.
//! Must get `invalid` for the first, then `limited` (`kv-bytes`) where the grant ends, and must be able to delete then.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        let bucket = kv::open("hoard")?;
        log::info!("too large: {:?}", bucket.set("too-large", vec![b'x'; 64 * 1024 + 1]));
        let value = vec![b'x'; 16 * 1024];
        for step in 0..640 {
            if let Err(error) = bucket.set(&format!("step-{step:03}"), &value) {
                log::info!("full after {step}: {error:?}");
                break;
            }
        }
        log::info!("delete: {:?}", bucket.delete("step-000"));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
