//! What helps: commands that can be given as they are printed, and words after them.
//!
//! Invariant: a command is a list of arguments until it is printed, and a shell reads these from the line again.

use std::fmt;

/// What to do about a notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Help {
    /// Commands, one after the other, without the program's name.
    commands: Vec<Vec<String>>,
    words: String,
}

impl Help {
    /// Nothing but words.
    pub(super) fn say(words: impl Into<String>) -> Self {
        Self { commands: Vec::new(), words: words.into() }
    }

    /// This command.
    pub(super) fn run<I: IntoIterator<Item: Into<String>>>(command: I) -> Self {
        Self::default().then(command)
    }

    /// After that this command.
    pub(super) fn then<I: IntoIterator<Item: Into<String>>>(mut self, command: I) -> Self {
        self.commands.push(command.into_iter().map(Into::into).collect());
        self
    }

    /// With these words.
    pub(super) fn but(self, words: impl Into<String>) -> Self {
        Self { words: words.into(), ..self }
    }

    /// Whether no command helps.
    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// The commands, to be read as the shell would hand them over.
    #[cfg(test)]
    pub(super) fn commands(&self) -> &[Vec<String>] {
        &self.commands
    }
}

/// An argument as a shell reads it.
fn quoted(argument: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    match !argument.is_empty() && argument.chars().all(bare) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', r"'\''")),
    }
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |command: &Vec<String>| {
            let arguments: Vec<String> = command.iter().map(|argument| quoted(argument)).collect();
            format!("portcullis {}", arguments.join(" "))
        };
        let lines: Vec<String> = self.commands.iter().map(line).collect();
        match (lines.is_empty(), self.words.is_empty()) {
            (true, _) => f.write_str(&self.words),
            (false, true) => f.write_str(&lines.join("; ")),
            // A shell takes it for a comment.
            (false, false) => write!(f, "{}  # {}", lines.join("; "), self.words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_line_for_a_shell() {
        assert_eq!(Help::say("wait").to_string(), "wait");
        let help =
            Help::run(["freeze", "list"]).then(["plugin", "grant", "ins_1", "http:send to=a.test"]).but("or not");
        assert_eq!(
            help.to_string(),
            "portcullis freeze list; portcullis plugin grant ins_1 'http:send to=a.test'  # or not"
        );
    }

    #[test]
    fn a_shell_reads_what_was_meant() {
        for argument in ["it's", "$(id)", "a b", "", "`id`", "*", "a;b", "# x", "\"", "\\"] {
            let line = format!("printf %s {}", quoted(argument));
            let said = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), argument);
        }
    }
}
