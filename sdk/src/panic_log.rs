//! Makes a panic readable: without this, all that is left of one is a trap with no message.

/// Logs each panic's place and message before the trap. Does nothing off wasm or without the feature `panic-log`.
#[cfg(all(target_family = "wasm", feature = "panic-log"))]
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("(a payload that is no text)");
        let text = match info.location() {
            Some(at) => format!("panicked at {}:{}: {message}", at.file(), at.line()),
            None => format!("panicked: {message}"),
        };
        crate::log::write(crate::log::Level::Error, &text);
    }));
}

#[cfg(not(all(target_family = "wasm", feature = "panic-log")))]
pub(crate) fn install() {}
