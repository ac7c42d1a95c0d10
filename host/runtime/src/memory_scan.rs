//! Looking for secrets in guest memory after a call: proof for INT-7 where an operator asks for it.
//!
//! The embedder's interface gives no way to a component's core memories, but a trap's core dump does. So after the handler
//! has returned, or was cut off, a second instance is made in the same store with its time used up: it traps at its first
//! instruction, and the dump shows every memory of the store, the first instance's as the handler left it. Expensive, so off
//! unless configured.
//!
//! Where whoever looks wants it, the same dump is handed over whole, in the form that other tools read (the tool conventions'
//! `Coredump.md`): memories, globals, and the frames of the stack. What the compiler keeps in registers and on the native stack
//! is not in it; a guest has nothing there that did not come through its memory.

use portcullis_model::id::CallId;
use wasmtime::{AsContext, AsContextMut, WasmCoreDump};

/// Finds secrets in bytes.
pub trait FindSecrets: Send + Sync {
    /// Whether any current secret, in any usual encoding, is in these bytes.
    fn found_in(&self, bytes: &[u8]) -> bool;

    /// Whether [`Self::take_dump`] is to be called.
    fn wants_dumps(&self) -> bool {
        false
    }

    /// Takes the core dump of the guest's side of a call, which has ended. May block for as long as writing a file takes.
    fn take_dump(&self, _call: &CallId, _dump: &[u8]) {}
}

/// Searches the memories in a trap's core dump. `None` where the error carries no dump with a memory in it.
pub(crate) fn search(error: &wasmtime::Error, store: impl AsContext, secrets: &dyn FindSecrets) -> Option<bool> {
    let dump = error.downcast_ref::<WasmCoreDump>()?;
    let memories = dump.memories();
    if memories.is_empty() {
        return None;
    }
    Some(memories.iter().any(|memory| found(memory.data(&store), secrets)))
}

/// Hands over what a trap's core dump shows, where it is wanted.
pub(crate) fn hand_over(error: &wasmtime::Error, store: impl AsContextMut, call: &CallId, to: &dyn FindSecrets) {
    if let Some(dump) = error.downcast_ref::<WasmCoreDump>().filter(|_| to.wants_dumps()) {
        to.take_dump(call, &dump.serialize(store, call.as_str()));
    }
}

/// Searches what is between pages of zeros: most of a memory was never touched, and no secret has a zero byte in it.
fn found(memory: &[u8], secrets: &dyn FindSecrets) -> bool {
    const PAGE: usize = 4096;
    const ZEROS: [u8; PAGE] = [0; PAGE];
    let mut from = None;
    for (number, page) in memory.chunks(PAGE).enumerate() {
        let at = number * PAGE;
        match (page == &ZEROS[..page.len()], from) {
            (false, None) => from = Some(at),
            (true, Some(start)) => {
                if secrets.found_in(&memory[start..at]) {
                    return true;
                }
                from = None;
            }
            _ => {}
        }
    }
    from.is_some_and(|start| secrets.found_in(&memory[start..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Needle;

    impl FindSecrets for Needle {
        fn found_in(&self, bytes: &[u8]) -> bool {
            bytes.windows(6).any(|window| window == b"secret")
        }
    }

    #[test]
    fn finds_a_secret_wherever_it_lies() {
        for at in [0, 1, 4090, 4093, 4096, 8189, 12_000, 65_536 - 6] {
            let mut memory = vec![0u8; 65_536];
            assert!(!found(&memory, &Needle));
            memory[at..at + 6].copy_from_slice(b"secret");
            assert!(found(&memory, &Needle), "at {at}");
        }
    }
}
