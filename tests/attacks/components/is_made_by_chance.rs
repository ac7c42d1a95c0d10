//! tries: to break checks, compiler and engine with 120 components that wasm-smith made up
//! stands-for: MNT-6, INC-6
//! limit: cpu-ms=50
//! expect: contained

use arbitrary::Unstructured;
use wasm_smith::{Component, Config};

use crate::component::{Base, Chance};

pub fn make(_: &Base) -> Vec<Vec<u8>> {
    let mut chance = Chance::new(0x5eed_0002);
    let one = |_| {
        let bytes = chance.bytes(4_096);
        let made =
            Component::new(Config { max_memory32_bytes: 1 << 20, ..Config::default() }, &mut Unstructured::new(&bytes));
        made.map(|made| made.to_bytes()).unwrap_or_default()
    };
    (0..120).map(one).collect()
}
