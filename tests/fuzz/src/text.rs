//! What a text must be before a person reads it.

/// Characters that end lines or turn the direction of text around without being control characters.
const TURNS: &[char] = &[
    '\u{061c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
    '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
];

/// Not empty, of at most this many bytes, and without characters that mislead who reads it.
pub fn assert_readable(text: &str, most: usize, what: &str) {
    assert!(!text.is_empty(), "{what} is empty");
    assert!(text.len() <= most, "{what} has {} bytes, more than {most}", text.len());
    let bad = text.chars().find(|c| c.is_control() || TURNS.contains(c));
    assert!(bad.is_none(), "{what} holds {bad:?}: {text:?}");
}

/// Not empty, of at most this many bytes, and without control characters.
pub fn assert_plain(text: &str, most: usize, what: &str) {
    assert!(!text.is_empty(), "{what} is empty");
    assert!(text.len() <= most, "{what} has {} bytes, more than {most}", text.len());
    assert!(!text.contains(char::is_control), "{what} holds control characters: {text:?}");
}
