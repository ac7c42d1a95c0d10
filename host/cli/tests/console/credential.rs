//! A credential that somebody stored by hand, for the walk to rotate and end.

use std::{io::Write as _, process::Stdio, time::Duration};

use portcullis_cli::system::SystemClock;
use portcullis_model::time::Clock as _;

use super::Place;

/// What it is called.
const NAME: &str = "chat";

impl Place {
    /// Stores one for this installation, and gives its name.
    pub fn with_a_credential(&self, installation: &str) -> &'static str {
        let words = ["connection", "add", installation, NAME, "--to", "hooks.chat.example"];
        // Sixty days, as somebody would accept it.
        let until = SystemClock.now().plus(Duration::from_secs(60 * 86_400)).to_string();
        let risk = ["--accept-risk", "the chat service has no OAuth", "--until", until.get(..10).unwrap()];
        let mut command = self.command(&words);
        command.args(risk).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"a-token-of-the-chat-service").unwrap();
        assert!(child.wait().unwrap().success(), "the credential was not stored");
        NAME
    }
}
