//! The card brands: which first six digits and lengths their numbers have.
//!
//! Invariant: no two ranges overlap, so that a number has one brand at most.

use std::ops::RangeInclusive;

/// A range of the first six digits.
pub struct Brand {
    first: RangeInclusive<u32>,
    lengths: &'static [usize],
    common: &'static [usize],
}

impl Brand {
    /// Of which brand a number with these first six digits is.
    pub fn of(first_six: u32) -> Option<&'static Self> {
        BRANDS.iter().find(|brand| brand.first.contains(&first_six))
    }

    /// Whether any number of the brand is this long.
    pub fn has(&self, length: usize) -> bool {
        self.lengths.contains(&length)
    }

    /// Whether numbers of the brand are commonly this long.
    pub fn commonly_has(&self, length: usize) -> bool {
        self.common.contains(&length)
    }
}

const fn brand(first: RangeInclusive<u32>, lengths: &'static [usize], common: &'static [usize]) -> Brand {
    Brand { first, lengths, common }
}

const LONG: &[usize] = &[16, 17, 18, 19];
const DINERS: &[usize] = &[14, 15, 16, 17, 18, 19];
const MAESTRO: &[usize] = &[12, 13, 14, 15, 16, 17, 18, 19];

static BRANDS: [Brand; 19] = [
    // Visa
    brand(400_000..=499_999, &[13, 16, 19], &[16]),
    // Mastercard
    brand(510_000..=559_999, &[16], &[16]),
    brand(222_100..=272_099, &[16], &[16]),
    // American Express
    brand(340_000..=349_999, &[15], &[15]),
    brand(370_000..=379_999, &[15], &[15]),
    // Discover; its 622126 to 622925 lie in UnionPay's range, with the same lengths
    brand(601_100..=601_199, LONG, &[16]),
    brand(644_000..=659_999, LONG, &[16]),
    // Diners Club
    brand(300_000..=305_999, DINERS, &[14, 16]),
    brand(309_500..=309_599, DINERS, &[14, 16]),
    brand(360_000..=369_999, DINERS, &[14, 16]),
    brand(380_000..=399_999, DINERS, &[14, 16]),
    // JCB
    brand(352_800..=358_999, LONG, &[16]),
    // UnionPay
    brand(620_000..=629_999, LONG, &[16, 19]),
    brand(810_000..=817_199, LONG, &[16, 19]),
    // Maestro
    brand(500_000..=509_999, MAESTRO, &[16]),
    brand(560_000..=589_999, MAESTRO, &[16]),
    brand(630_400..=630_499, MAESTRO, &[16]),
    brand(639_000..=639_099, MAESTRO, &[16]),
    brand(670_000..=679_999, MAESTRO, &[16]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_six_digits_decide() {
        for inside in [
            400_000, 499_999, 222_100, 272_099, 510_000, 559_999, 340_000, 379_999, 601_100, 644_000, 659_999, 622_126,
            300_000, 305_999, 309_500, 369_999, 399_999, 352_800, 358_999, 620_000, 810_000, 817_199, 500_000, 589_999,
            630_400, 639_099, 670_000, 679_999,
        ] {
            assert!(Brand::of(inside).is_some(), "{inside}");
        }
        for outside in [
            0, 199_999, 222_099, 272_100, 299_999, 306_000, 309_499, 309_600, 339_999, 350_000, 352_799, 359_000,
            590_000, 601_099, 601_200, 619_999, 630_399, 630_500, 643_999, 660_000, 680_000, 809_999, 817_200, 999_999,
        ] {
            assert!(Brand::of(outside).is_none(), "{outside}");
        }
    }

    #[test]
    fn no_two_brands_overlap_and_lengths_are_in_bounds() {
        for (at, brand) in BRANDS.iter().enumerate() {
            assert!(
                BRANDS[at + 1..]
                    .iter()
                    .all(|other| other.first.end() < brand.first.start() || brand.first.end() < other.first.start())
            );
            assert!(brand.lengths.iter().all(|&length| (12..=19).contains(&length)));
            assert!(brand.common.iter().all(|&length| brand.has(length)));
        }
    }
}
