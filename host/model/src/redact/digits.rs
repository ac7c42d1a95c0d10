//! The decimal digits of every script, so that a number is a number however it is written.
//!
//! Invariant: the table is in order, and each entry stands for ten characters of which none is in another's ten.

/// The zeros of Unicode 17's decimal digits (category `Nd`) beyond ASCII; each is followed by its 1 to 9.
#[rustfmt::skip]
const ZEROS: [u32; 75] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0,
    0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950,
    0x11BF0, 0x11C50, 0x11D50, 0x11DA0, 0x11DE0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE,
    0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

/// The value of a decimal digit, 0 to 9.
pub fn value(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.is_ascii_digit().then(|| c as u8 - b'0');
    }
    let code = u32::from(c);
    let after = ZEROS.partition_point(|&zero| zero <= code);
    let zero = ZEROS[after.checked_sub(1)?];
    u8::try_from(code - zero).ok().filter(|&value| value < 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_many_scripts_have_values() {
        for text in ["0189", "０１８９", "٠١٨٩", "۰۱۸۹", "०१८९", "০১৮৯", "๐๑๘๙", "𝟎𝟏𝟖𝟗", "𝟶𝟷𝟾𝟿"]
        {
            assert_eq!(text.chars().map(value).collect::<Vec<_>>(), [0, 1, 8, 9].map(Some), "{text}");
        }
    }

    #[test]
    fn other_characters_have_none() {
        for c in ['a', ' ', '/', ':', '\u{65f}', '\u{66a}', '①', '½', '²', '一', '\u{10ffff}', '\u{0}'] {
            assert_eq!(value(c), None, "{c:?}");
        }
    }

    #[test]
    fn the_table_is_in_order_and_of_numerals() {
        assert!(ZEROS.windows(2).all(|two| two[0] + 10 <= two[1]));
        for c in ZEROS.iter().flat_map(|&zero| zero..zero + 10) {
            assert!(char::from_u32(c).unwrap().is_numeric(), "{c:x}");
        }
    }
}
