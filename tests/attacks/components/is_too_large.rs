//! tries: to be larger than the host takes, by one byte and by much, in a section that says nothing
//! stands-for: INC-6, MNT-6
//! expect: refused the most is

use crate::component::{Base, with_section};

pub fn make(base: &Base) -> Vec<Vec<u8>> {
    let most = portcullis_packages::inspect::MAX_COMPONENT;
    let whole = base.guest("allocates_one_place_for_all");
    [most, most * 2].map(|length| with_section(&whole, "filler", &vec![0; length])).to_vec()
}
