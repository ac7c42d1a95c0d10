//! The log of plain tests: lines in a list.

use super::Level;
use crate::testing::{Host, with_host};

#[derive(Default)]
struct Lines(Vec<(Level, String)>);

impl Host {
    /// What the plugin logged so far, oldest first.
    pub fn log_lines(&self) -> Vec<(Level, String)> {
        self.part(|lines: &mut Lines| lines.0.clone())
    }
}

pub(super) fn write(level: Level, message: &str) {
    with_host(|host| {
        // The call cannot fail, so a refusal shows up only among the denials.
        if host.require("log:write", &[]).is_ok() {
            host.part(|lines: &mut Lines| lines.0.push((level, message.to_owned())));
        }
    });
}
