//! Logs text that poses as something else: line breaks, a made-up entry, terminal escapes, a very long line.
//! Must come out as one line an entry with every control character escaped, and the long one cut.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        log::info!("first\nsecond");
        log::info!("\r\n{{\"level\":\"error\",\"installation\":\"another\",\"message\":\"forged\"}}\n");
        log::info!("\u{1b}[2J\u{1b}[31mred\u{1b}[0m \u{9b}31m \u{7}\u{8}\u{0}");
        log::info!("\u{202e}txet desrever\u{2066} \u{2028}");
        log::info!("{}", "long ".repeat(10_000));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
