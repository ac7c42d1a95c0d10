use std::fmt::Write as _;

use wasmtime::{Config, Engine, component::Component};

use super::{super::imports::KNOWN, *};

/// Each interface with something that only a linked one has. `$in`, `$out`, `$error`: resources of `wasi:io`, which others use.
const EACH: &[(&str, &str)] = &[
    ("cli/environment", r#"(export "get-arguments" (func (result (list string))))"#),
    ("cli/exit", r#"(export "exit" (func (param "status" (result))))"#),
    ("cli/stderr", r#"(alias outer 1 $out (type $t)) (export "get-stderr" (func (result (own $t))))"#),
    ("cli/stdin", r#"(alias outer 1 $in (type $t)) (export "get-stdin" (func (result (own $t))))"#),
    ("cli/stdout", r#"(alias outer 1 $out (type $t)) (export "get-stdout" (func (result (own $t))))"#),
    ("cli/terminal-input", r#"(export "terminal-input" (type (sub resource)))"#),
    ("cli/terminal-output", r#"(export "terminal-output" (type (sub resource)))"#),
    ("cli/terminal-stderr", TERMINAL_STDERR),
    ("cli/terminal-stdin", TERMINAL_STDIN),
    ("cli/terminal-stdout", TERMINAL_STDOUT),
    ("clocks/monotonic-clock", r#"(export "now" (func (result u64)))"#),
    (
        "clocks/wall-clock",
        r#"(type $d (record (field "seconds" u64) (field "nanoseconds" u32)))
        (export "datetime" (type $e (eq $d))) (export "now" (func (result $e)))"#,
    ),
    (
        "filesystem/preopens",
        r#"(alias outer 1 $descriptor (type $t))
        (export "get-directories" (func (result (list (tuple (own $t) string)))))"#,
    ),
    ("filesystem/types", r#"(export "descriptor" (type (sub resource)))"#),
    ("io/error", r#"(export "error" (type (sub resource)))"#),
    ("io/poll", r#"(export "pollable" (type (sub resource)))"#),
    ("io/streams", r#"(export "input-stream" (type (sub resource)))"#),
    ("random/insecure", r#"(export "get-insecure-random-u64" (func (result u64)))"#),
    ("random/insecure-seed", r#"(export "insecure-seed" (func (result (tuple u64 u64))))"#),
    ("random/random", r#"(export "get-random-u64" (func (result u64)))"#),
];

const TERMINAL_STDERR: &str =
    r#"(alias outer 1 $to (type $t)) (export "get-terminal-stderr" (func (result (option (own $t)))))"#;
const TERMINAL_STDIN: &str =
    r#"(alias outer 1 $ti (type $t)) (export "get-terminal-stdin" (func (result (option (own $t)))))"#;
const TERMINAL_STDOUT: &str =
    r#"(alias outer 1 $to (type $t)) (export "get-terminal-stdout" (func (result (option (own $t)))))"#;

/// Where the resources that interfaces borrow from each other come from.
const BORROWED: &[(&str, &str, &str)] = &[
    ("$in", "io/streams", "input-stream"),
    ("$out", "io/streams", "output-stream"),
    ("$ti", "cli/terminal-input", "terminal-input"),
    ("$to", "cli/terminal-output", "terminal-output"),
    ("$descriptor", "filesystem/types", "descriptor"),
];

fn engine() -> Engine {
    let mut config = Config::new();
    config.wasm_component_model(true).concurrency_support(false);
    Engine::new(&config).unwrap()
}

/// A component that imports the interface, and what that one borrows from.
fn importing(engine: &Engine, name: &str, body: &str) -> (Component, Imports) {
    let mut text = "(component\n".to_owned();
    let mut imports = Imports::default();
    for (symbol, from, resource) in BORROWED.iter().filter(|(symbol, ..)| body.contains(&format!("{symbol} "))) {
        imports.add(&format!("wasi:{from}@0.2.3")).unwrap();
        writeln!(text, r#"(import "wasi:{from}@0.2.3" (instance $i (export "{resource}" (type (sub resource)))))"#)
            .unwrap();
        writeln!(text, r#"(alias export $i "{resource}" (type {symbol}))"#).unwrap();
    }
    imports.add(&format!("wasi:{name}@0.2.3")).unwrap();
    writeln!(text, r#"(import "wasi:{name}@0.2.3" (instance {body})))"#).unwrap();
    let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
    (Component::from_binary(engine, &bytes).unwrap(), imports)
}

#[test]
fn each_interface_is_linked_where_it_is_imported_and_not_elsewhere() {
    let engine = engine();
    let mut all = Linker::<CallStore<()>>::new(&engine);
    let none = Linker::<CallStore<()>>::new(&engine);
    for (name, body) in EACH {
        let (component, imports) = importing(&engine, name, body);
        let mut linker = Linker::<CallStore<()>>::new(&engine);
        link(&mut linker, &imports, &[]).unwrap();
        linker.instantiate_pre(&component).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(none.instantiate_pre(&component).is_err(), "{name} without any");
        // What this component's linker has is no more than it imports.
        for (other, body) in EACH.iter().filter(|(other, _)| !imports.has(&format!("wasi:{other}"))) {
            let (component, _) = importing(&engine, other, body);
            assert!(linker.instantiate_pre(&component).is_err(), "{other} came along with {name}");
        }
    }
    let every: Vec<_> = EACH.iter().map(|(name, _)| format!("wasi:{name}@0.2.0")).collect();
    let mut imports = Imports::default();
    every.iter().for_each(|name| assert!(imports.add(name).is_some()));
    link(&mut all, &imports, &[]).unwrap();
}

#[test]
fn every_listed_interface_is_linked_here_or_by_its_capability() {
    for (name, _) in KNOWN {
        let tested = EACH.iter().any(|(each, _)| name.strip_prefix("wasi:") == Some(each));
        assert_eq!(tested, !name.starts_with("wasi:http/"), "{name}");
    }
}

#[test]
fn the_files_of_a_grant_are_not_linked_here() {
    let engine = engine();
    for name in ["filesystem/types", "filesystem/preopens"] {
        let body = EACH.iter().find(|(each, _)| *each == name).unwrap().1;
        let (component, imports) = importing(&engine, name, body);
        let mut linker = Linker::<CallStore<()>>::new(&engine);
        link(&mut linker, &imports, &["files"]).unwrap();
        assert!(linker.instantiate_pre(&component).is_err(), "{name}");
    }
}
