//! Reads the subjects of tickets one after the other (`{"first":1001,"count":220}`) and goes on where it is refused; then
//! writes to `kv`. Logs how many it got, why the first was refused, and how `kv` went.
//! Must get exactly what the records budgets leave, call for call and hour for hour, and keep its other capabilities.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::Field;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        let (first, count) = (data["first"].as_u64().unwrap_or(1001), data["count"].as_u64().unwrap_or(220));
        let (mut got, mut refused) = (0, None);
        for id in first..first + count {
            match tickets::get(&id.to_string(), &[Field::Subject]) {
                Ok(_) => got += 1,
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        log::info!("got {got}");
        log::info!("refused: {refused:?}");
        log::info!("kv: {:?}", kv::open("loot").and_then(|bucket| bucket.set("got", got.to_string().as_bytes())));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
