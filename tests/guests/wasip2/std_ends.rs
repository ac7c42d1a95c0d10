//! Built for `wasm32-wasip2`: ends, or does not end, in the way that the event's data names (`{"how":"exit"}`). The host must
//! end each of these calls by itself, with the right reason.

#![forbid(unsafe_code)]

use std::{
    process, thread,
    time::{Duration, Instant},
};

use portcullis_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Asked {
    how: String,
}

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let asked: Asked = event.data()?;
        println!("how {}", asked.how);
        match asked.how.as_str() {
            "exit" => process::exit(3),
            "exit-well" => process::exit(0),
            "abort" => process::abort(),
            "sleep" => thread::sleep(Duration::from_secs(1_000_000)),
            "ask-the-time" => {
                let start = Instant::now();
                while start.elapsed() < Duration::from_secs(1_000_000) {}
            }
            "print" => loop {
                println!("{}", "x".repeat(1000));
            },
            other => return Err(Error::invalid(format!("how: no '{other}'"))),
        }
        println!("not reached");
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
