//! Components that are not built from Rust: wrapped core modules, sections that are added, and chance that can be had again.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use portcullis_e2e::{examples, root};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

static CONTRACT: LazyLock<(Resolve, WorldId)> = LazyLock::new(|| {
    let mut contract = Resolve::default();
    let (package, _) = contract.push_dir(root().join("wit")).unwrap();
    let world = contract.select_world(&[package], Some("integration")).unwrap();
    (contract, world)
});

/// What guests are made of: the components that were built from Rust, and those of the other guests.
pub struct Base {
    built: BTreeMap<String, Arc<[u8]>>,
}

impl Base {
    /// Builds the Rust guests.
    pub fn build() -> Self {
        Self { built: examples("tests/attacks/guests") }
    }

    /// Another guest's component.
    pub fn guest(&self, name: &str) -> Arc<[u8]> {
        if let Some(built) = self.built.get(name) {
            return built.clone();
        }
        let guest = crate::guest::GUESTS.iter().find(|guest| guest.name == name);
        match guest.map(|guest| &guest.source) {
            Some(crate::guest::Source::Wat(text)) => written(text).into(),
            _ => panic!("there is no guest '{name}' of one component"),
        }
    }
}

/// A component of its text; a core module is wrapped.
pub fn written(text: &str) -> Vec<u8> {
    let bytes = wat(text);
    if wasm_is_component(&bytes) { bytes } else { wrapped(&bytes).unwrap() }
}

fn wasm_is_component(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(b"\x0d\0\x01\0")
}

/// The binary of a text. It is not validated.
pub fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// A component around a core module that imports and exports as the contract says.
pub fn wrapped(module: &[u8]) -> Result<Vec<u8>, String> {
    let mut module = module.to_vec();
    let (contract, world) = &*CONTRACT;
    let embedded = embed_component_metadata(&mut module, contract, *world, StringEncoding::UTF8);
    let encoded =
        embedded.and_then(|()| ComponentEncoder::default().module(&module)).and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| format!("{error:#}"))
}

/// The bytes with a custom section behind them.
pub fn with_section(bytes: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    use wasm_encoder::{CustomSection, Encode as _, Section as _};
    let section = CustomSection { name: name.into(), data: data.into() };
    let mut bytes = bytes.to_vec();
    bytes.push(section.id());
    section.encode(&mut bytes);
    bytes
}

/// SplitMix64 with a fixed seed: the same each time.
pub struct Chance(u64);

impl Chance {
    /// From this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below this one.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
