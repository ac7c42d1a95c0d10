//! tries: to be read to its end where there is none: a right component, cut at each of 160 places
//! stands-for: MNT-6, MNT-5
//! asks: kv:read
//! expect: refused

use crate::component::Base;

pub fn make(base: &Base) -> Vec<Vec<u8>> {
    let whole = base.guest("asks_in_what_is_no_text");
    let places = (1..=160).map(|number| (whole.len() - 1) * number / 160);
    places.map(|length| whole[..length].to_vec()).collect()
}
