//! From a fuzzer's bytes to a component, or to something that is nearly one.
//!
//! By the first byte: `(` or `;` is a component's text form, `m` bytes as they are, `h` bytes behind a component's header; any
//! other is food for a generator: `c` wasm-smith's components, `b` (and the rest) our own builder, which names what plugins
//! import. Of the text form and the generators, a part is damaged: after the text's last line `;;!`, or as drawn.

use arbitrary::Unstructured;
use wasm_smith::{Component, Config};

use super::build;

const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
const DAMAGE: &[u8] = b"\n;;!";

/// The bytes to inspect; nothing where the input makes none.
pub fn component(data: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = data.split_first()?;
    match first {
        b'(' | b';' => text(data),
        b'm' => Some(rest.to_vec()),
        b'h' => Some([HEADER, rest].concat()),
        b'c' => generated(rest, |u| Ok(Component::new(config(), u)?.to_bytes())),
        _ => generated(rest, build::component),
    }
}

fn text(data: &[u8]) -> Option<Vec<u8>> {
    let cut = data.windows(DAMAGE.len()).rposition(|window| window == DAMAGE);
    let (text, edits) = cut.map_or((data, &[][..]), |at| (&data[..at], &data[at + DAMAGE.len()..]));
    let mut bytes = wat::parse_str(std::str::from_utf8(text).ok()?).ok()?;
    damage(&mut bytes, edits);
    Some(bytes)
}

fn generated(data: &[u8], make: impl Fn(&mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>>) -> Option<Vec<u8>> {
    let mut u = Unstructured::new(data);
    let edits = match u.arbitrary::<u8>().ok()? % 4 {
        0 => u.bytes(3).ok()?,
        1 => u.bytes(9).ok()?,
        _ => &[],
    };
    let mut bytes = make(&mut u).ok()?;
    damage(&mut bytes, edits);
    Some(bytes)
}

/// Each edit is three bytes: a position and a value.
fn damage(bytes: &mut [u8], edits: &[u8]) {
    for edit in edits.chunks_exact(3).take(64) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]]));
        if !bytes.is_empty() {
            let at = at % bytes.len();
            bytes[at] = edit[2];
        }
    }
}

/// What the host runs, and a little of what it does not.
pub fn config() -> Config {
    Config {
        max_type_size: 100,
        max_instructions: 20,
        max_funcs: 5,
        max_data_segments: 3,
        max_memories: 2,
        max_tables: 2,
        gc_enabled: false,
        exceptions_enabled: false,
        ..Config::default()
    }
}
