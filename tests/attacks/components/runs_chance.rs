//! tries: to break the engine at run time: 80 handlers of code that wasm-smith made up, each with a memory and a table
//! stands-for: INC-6, DAT-11
//! limit: cpu-ms=50
//! limit: memory-mib=8
//! expect: contained

use arbitrary::Unstructured;
use wasm_smith::{Config, Module};

use crate::component::{Base, Chance, wrapped};

/// What each of them must export, so that it can be a handler.
const EXPORTS: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "portcullis:plugin/events@0.1.0#handle")
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable))"#;

pub fn make(_: &Base) -> Vec<Vec<u8>> {
    let mut chance = Chance::new(0x5eed_0003);
    let exports = wat::parse_str(EXPORTS).unwrap_or_default();
    let one = |_| {
        let bytes = chance.bytes(8_192);
        let config = Config {
            exports: Some(exports.clone()),
            max_imports: 0,
            // Beside the memory that is exported.
            max_memories: 0,
            max_tables: 1,
            max_memory32_bytes: 2 << 20,
            // Of these the engine here has no part that outlives a call.
            reference_types_enabled: false,
            gc_enabled: false,
            exceptions_enabled: false,
            memory64_enabled: false,
            tail_call_enabled: false,
            relaxed_simd_enabled: false,
            threads_enabled: false,
            shared_everything_threads_enabled: false,
            wide_arithmetic_enabled: false,
            custom_page_sizes_enabled: false,
            ..Config::default()
        };
        let made = Module::new(config, &mut Unstructured::new(&bytes)).map(|module| module.to_bytes());
        made.ok().and_then(|module| wrapped(&module).ok())
    };
    (0..80).filter_map(one).collect()
}
