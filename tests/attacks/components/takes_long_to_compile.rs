//! tries: to keep the host's compiler busy before any limit of a call holds: many locals, deep blocks, wide tables of jumps
//! stands-for: INC-6, MNT-6
//! expect: contained

use std::fmt::Write as _;

use crate::component::{Base, wat, wrapped};

const HANDLE: &str = r#"(memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "portcullis:plugin/events@0.1.0#handle")
        (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 0))"#;

pub fn make(_: &Base) -> Vec<Vec<u8>> {
    let mut locals = String::from("(func (local");
    locals.push_str(&" i64".repeat(2_000));
    locals.push(')');
    for number in 0..400 {
        let at = number * 5 % 2_000;
        write!(
            locals,
            "(loop (local.set {at} (i64.add (local.get {at}) (i64.const 1))) (br_if 0 (i64.eqz (local.get {at}))))"
        )
        .ok();
    }
    locals.push(')');
    let blocks = format!("(func {} {})", "(block ".repeat(5_000), "(br 7)".to_owned() + &")".repeat(5_000));
    let jumps = format!(
        "(func {} (br_table {} (i32.const 1)) {})",
        "(block ".repeat(200),
        "0 7 199 ".repeat(10_000),
        ")".repeat(200)
    );
    let functions = "(func (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))".repeat(20_000);
    [locals, blocks, jumps, functions]
        .iter()
        .filter_map(|text| wrapped(&wat(&format!("(module {HANDLE} {text})"))).ok())
        .collect()
}
