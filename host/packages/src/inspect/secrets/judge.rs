//! Whether a value looks random, and whether it is a stand-in that documentation uses.
//!
//! Invariant: what is judged here is short: a value, never a whole section.

/// Values that stand in documentation all over the world, and give access to nothing.
const EXAMPLES: &[&str] = &[
    "AKIAIOSFODNN7EXAMPLE",
    "AKIAI44QH8DHBEXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
    // The token that jwt.io shows to everybody.
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ",
    "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
];

/// Words that say of a value that another one belongs there.
const STAND_INS: &[&str] = &[
    "example",
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "redacted",
    "your-",
    "your_",
    "yourtoken",
    "xxxxx",
    "*****",
    "dummy",
    "sample",
];

/// Whether these bytes begin with an example that everybody knows.
pub(super) fn is_example(rest: &[u8]) -> bool {
    EXAMPLES.iter().any(|example| rest.starts_with(example.as_bytes()))
}

/// Whether the value says itself that it is none.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    STAND_INS.iter().any(|word| lower.windows(word.len()).any(|window| window == word.as_bytes()))
}

/// Shannon's entropy of the bytes, in bits a byte.
pub(super) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in value {
        counts[usize::from(*byte)] += 1;
    }
    let total = value.len().max(1) as f64;
    let share = |count: &u32| f64::from(*count) / total;
    counts.iter().filter(|count| **count > 0).map(share).map(|p| -p * p.log2()).sum()
}

/// Whether it counts up, as the alphabet does.
pub(super) fn is_sequence(value: &[u8]) -> bool {
    let steps = value.windows(2).filter(|pair| pair[1] == pair[0].wrapping_add(1)).count();
    steps * 2 >= value.len()
}

/// Whether a value of a known shape is more than a stand-in for one: `ghp_xxxxxxxx`.
pub(super) fn is_worth_telling(body: &[u8]) -> bool {
    entropy(body) >= 2.5 && !is_sequence(body)
}

/// Whether it has both small letters and capitals, more than a few of each, as names in programs seldom have.
pub(super) fn is_mixed(body: &[u8]) -> bool {
    let small = body.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let capitals = body.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    small * 6 >= body.len() && capitals * 6 >= body.len()
}

/// Whether a value without a shape looks random: hexadecimal, a UUID, or letters and digits that mix as chance mixes them.
pub(super) fn looks_random(value: &[u8]) -> bool {
    if is_stand_in(value) || is_example(value) || is_sequence(value) {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hex: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'-').collect();
    let uuid = value.len() == 36 && [8, 13, 18, 23].iter().all(|at| value[*at] == b'-');
    if hex.iter().all(u8::is_ascii_hexdigit) && (uuid || hex.len() == value.len()) {
        return hex.len() >= 32 && digits >= 4 && digits < hex.len() && entropy(&hex) >= 3.0;
    }
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    value.len() >= 20 && digits >= 2 && letters >= 6 && entropy(value) >= 3.5 && mixes(value)
}

/// Whether small letters, capitals and digits follow each other as in random text: words change their kind seldom.
fn mixes(value: &[u8]) -> bool {
    let kind = |byte: u8| (byte.is_ascii_lowercase(), byte.is_ascii_digit());
    let kinds: Vec<_> = value.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|byte| kind(*byte)).collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    changes * 10 >= value.len() * 3
}
