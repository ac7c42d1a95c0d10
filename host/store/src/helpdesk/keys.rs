//! The forms in which texts are compared: folded, where case does not count, and digits only.
//!
//! Invariant: two texts that are the same for a person but for case have the same folded form. Composed and decomposed
//! characters stay different.

/// The text without differences of case; `None` where it is empty.
pub(super) fn folded(text: &str) -> Option<String> {
    // By way of the upper case, so that what shares one (`ß` and `SS`, `ς` and `σ`) is the same.
    let folded: String = text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    (!folded.is_empty()).then_some(folded)
}

/// The digits of a number; `None` where there are none.
pub(super) fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_count() {
        for (one, other) in [("STRASSE", "straße"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("Ünïted", "ÜNÏTED"), ("\u{212a}", "k")]
        {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("a%"), folded("ab"));
        assert_eq!(folded(""), None);
    }

    #[test]
    fn only_digits_count() {
        assert_eq!(digits("+1 (503) 555-0102"), Some("15035550102".into()));
        assert_eq!(digits("by mail"), None);
    }
}
