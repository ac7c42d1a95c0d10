//! The line that is posted. The subject is a customer's text, and must not be able to call a whole room.

use portcullis_sdk::tickets::Priority;

/// The most of a subject that is posted, in characters.
const SUBJECT: usize = 120;

/// `[URGENT] Ticket 1042: Printer on fire`.
pub fn line(ticket: &str, priority: Priority, subject: &str) -> String {
    let priority = if priority == Priority::Urgent { "URGENT" } else { "HIGH" };
    format!("[{priority}] Ticket {ticket}: {}", harmless(subject))
}

/// One line of at most [`SUBJECT`] characters, with the three characters escaped that chat services give a meaning to
/// (`<!channel>`, `<https://...>`).
fn harmless(subject: &str) -> String {
    let words = subject.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    let cut = line.chars().count() > SUBJECT;
    let mut text = String::new();
    for c in line.chars().take(SUBJECT) {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            _ => text.push(c),
        }
    }
    if cut {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_harmless_line() {
        assert_eq!(
            line("1", Priority::High, "Hi\n<!channel> A&B\u{7}"),
            "[HIGH] Ticket 1: Hi &lt;!channel&gt; A&amp;B"
        );
        let long = line("1", Priority::Urgent, &"x".repeat(500));
        assert_eq!(long, format!("[URGENT] Ticket 1: {}…", "x".repeat(120)));
    }
}
