//! tries: to slow the host down with custom sections: one of 24 MiB, and 20,000 of nothing
//! stands-for: INC-6
//! expect: contained

use crate::component::{Base, with_section};

pub fn make(base: &Base) -> Vec<Vec<u8>> {
    let whole = base.guest("allocates_one_place_for_all");
    let many = (0..20_000).map(|number| format!("section-{number}"));
    let sections: Vec<u8> = many.flat_map(|name| with_section(&[], &name, &[])).collect();
    vec![with_section(&whole, "name", &vec![b'x'; 24 << 20]), [&whole[..], &sections].concat()]
}
