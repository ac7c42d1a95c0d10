use super::{urls::Links, *};
use crate::testing::{component, importing};

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn derives_what_a_component_is() {
    let bytes = component();
    let found = Inspection::of(&bytes).unwrap();
    assert_eq!(found.size, bytes.len());
    assert_eq!(
        found.imports[1],
        Extern { name: "portcullis:plugin/tickets@0.1.0".into(), kind: "instance", functions: vec!["get".into()] }
    );
    assert_eq!(found.capabilities().into_iter().collect::<Vec<_>>(), ["tickets"]);
    assert_eq!(found.triggers().into_iter().collect::<Vec<_>>(), ["events"]);
    assert!(found.foreign_imports().is_empty());
    assert_eq!((found.core_modules, found.depth, found.start_functions), (1, 0, 0));
    assert_eq!(found.memories, [Extent { initial: 1, maximum: Some(4) }]);
    assert_eq!(found.urls, ["https://api.example.test/v1", "https://x.test"]);
    assert!(serde_json::to_string(&found).unwrap().contains(r#""memories":[{"initial":1,"maximum":4}]"#));
}

#[test]
fn looks_into_what_is_nested_but_takes_only_the_outer_imports() {
    let found = Inspection::of(&wat(r#"(component
            (component
                (import "portcullis:plugin/http@0.1.0" (instance))
                (component (core module (table 2 funcref) (func $s) (start $s) (memory 3))))
            (core module))"#))
    .unwrap();
    assert!(found.imports.is_empty());
    assert_eq!((found.core_modules, found.depth, found.start_functions), (2, 2, 1));
    assert_eq!(found.tables, [Extent { initial: 2, maximum: None }]);
    assert_eq!(found.memories, [Extent { initial: 3, maximum: None }]);
}

#[test]
fn what_is_not_an_instance_of_ours_is_foreign() {
    let found = Inspection::of(&wat(r#"(component
            (import "wasi:cli/environment@0.2.0" (instance))
            (import "portcullis:pluginx/tickets@0.1.0" (instance))
            (import "log" (func)))"#))
    .unwrap();
    let foreign = ["wasi:cli/environment@0.2.0", "portcullis:pluginx/tickets@0.1.0", "log"];
    assert_eq!(found.foreign_imports(), foreign);
    assert!(found.capabilities().is_empty());
}

#[test]
fn another_version_is_told_apart() {
    let error = |names: &[&str]| Inspection::of(&importing(names)).unwrap_err().to_string();
    assert_eq!(
        error(&["portcullis:plugin/tickets@0.2.0"]),
        "built against portcullis:plugin@0.2.0; this host speaks 0.1.0: rebuild with SDK 0.1"
    );
    assert!(error(&["portcullis:plugin/tickets"]).starts_with("built against portcullis:plugin without a version"));
    let exporting = r#"(component (instance $i) (export "portcullis:plugin/events@0.1.1" (instance $i)))"#;
    assert_eq!(Inspection::of(&wat(exporting)), Err(InspectError::Version(Some("0.1.1".into()))));
}

#[test]
fn what_the_host_does_not_run_is_refused() {
    for (text, error) in [
        ("(component (core module (memory i64 1)))", "memory64 must be enabled"),
        ("(component (core module (memory 1 1 shared)))", "threads must be enabled"),
        ("(component (core module (tag)))", "exceptions proposal not enabled"),
        ("(component (core module (type (struct))))", "without the gc feature"),
        ("(component (core module (memory 1) (memory 1)))", "multiple memories"),
        ("(component (type (stream u8)))", "async"),
        ("(component (core module (func (result i32))))", "type mismatch"),
    ] {
        let found = Inspection::of(&wat(text)).unwrap_err().to_string();
        assert!(found.contains("not valid for this host") && found.contains(error), "{text}: {found}");
    }
}

#[test]
fn other_bytes_are_told_apart() {
    let of = |bytes: &[u8]| Inspection::of(bytes).unwrap_err();
    assert_eq!(of(&wat("(module)")), InspectError::CoreModule);
    assert!(of(&wat("(module)")).to_string().contains("wasm-tools component new"));
    assert_eq!(of(b"#!/bin/sh"), InspectError::NotWasm);
    assert_eq!(of(b""), InspectError::NotWasm);
    assert_eq!(of(&vec![0; MAX_COMPONENT + 1]), InspectError::TooLarge(MAX_COMPONENT + 1));
    let cut = component();
    assert!(matches!(of(&cut[..cut.len() - 3]), InspectError::Invalid { .. }));
}

#[test]
fn what_is_nested_must_be_there_whole() {
    let whole = b"\0asm\x0d\0\x01\0\x01\x08\0asm\x01\0\0\0";
    assert_eq!(Inspection::of(whole).unwrap().core_modules, 1);
    for kind in [1, 4] {
        let mut cut = whole.to_vec();
        (cut[8], cut[9], cut[14]) = (kind, 9, if kind == 1 { 1 } else { 13 });
        cut[16] = u8::from(kind == 4);
        let error = Inspection::of(&cut).unwrap_err().to_string();
        assert!(error.contains("longer than the rest of the file (at byte 10)"), "{kind}: {error}");
    }
}

#[test]
fn says_who_made_it() {
    let mut bytes = wat("(component)");
    let section = b"\x09producers\x01\x08language\x01\x04Rust\x041.95";
    bytes.extend([0, u8::try_from(section.len()).unwrap()]);
    bytes.extend(section);
    let producer = Producer { role: "language".into(), tool: "Rust 1.95".into() };
    assert_eq!(Inspection::of(&bytes).unwrap().producers, [producer]);
}

#[test]
fn urls_are_bounded_and_found_once() {
    let mut links = Links::default();
    links.collect(b"https:// http://a.test\"http://a.test'xhttps://b.test\\ httpx https");
    assert_eq!(links.urls, ["http://a.test", "https://b.test"]);
    let many: String = (0..200).map(|n| format!("https://{n}.test ")).collect();
    links.collect(many.as_bytes());
    assert_eq!((links.urls.len(), links.hosts.len()), (50, 100));
    let mut long = Links::default();
    long.collect(format!("https://{}", "x".repeat(5_000)).as_bytes());
    assert_eq!((long.urls[0].len(), long.hosts.len()), (200, 0));
}

mod never_panics {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn on_damage(at in 0usize..400, byte in any::<u8>()) {
            let mut bytes = component();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Inspection::of(&bytes);
        }
    }
}

#[test]
fn a_component_of_too_many_functions_is_refused_before_anybody_compiles_it() {
    let of = |functions: usize| {
        let module = format!("(component (core module {}))", "(func)".repeat(functions));
        Inspection::of(&wat::parse_str(module).unwrap()).map(drop)
    };
    assert!(of(50_000).is_ok());
    let error = of(50_001).unwrap_err().to_string();
    assert!(error.contains("50001 functions; the most is 50000"), "{error}");
}

#[test]
fn references_to_the_hosts_own_objects_are_refused() {
    let module = "(component (core module (func (param externref))))";
    assert!(Inspection::of(&wat::parse_str(module).unwrap()).is_err());
}

#[test]
fn hosts_are_those_that_urls_name() {
    let mut links = Links::default();
    links.collect(
        b"https://A.Example.test:8443/x http://b.example.test. https://localhost https://c..test https://d.test:x",
    );
    links.collect(b"see https://e.test/?next=https%3A//f.test, https://a.example.test:8443/y https://g.test:443");
    let hosts: Vec<String> = links.hosts.into_iter().collect();
    assert_eq!(hosts, ["a.example.test:8443", "b.example.test", "d.test", "e.test", "g.test:443"]);
}

#[test]
fn counts_functions_data_and_sections_and_names_packages() {
    let mut bytes = wat(r#"(component
            (import "wasi:io/poll@0.2.6" (instance $poll
                (export "pollable" (type $p (sub resource)))
                (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))
                (export "poll" (func (param "in" (list (borrow $p))) (result (list u32))))))
            (import "portcullis:plugin/log@0.1.0" (instance
                (export "deep" (instance (export "write" (func))))))
            (core module (memory 1) (func) (func) (data (i32.const 0) "abc") (data "library/core/src/x.rs"))
            (core module (func)))"#);
    bytes.extend(b"\0\x07\x04not\x1bab");
    let found = Inspection::of(&bytes).unwrap();
    assert_eq!(found.digest, Digest::of(&bytes));
    assert_eq!((found.functions, found.data_bytes), (3, 24));
    assert_eq!(found.packages, ["portcullis:plugin@0.1.0", "wasi:io@0.2.6"]);
    assert_eq!(found.imports[0].functions, ["[method]pollable.ready", "poll"]);
    assert_eq!(found.imports[1].functions, ["deep/write"]);
    let last = found.custom_sections.last().unwrap();
    assert_eq!((last.name.as_str(), last.size), ("not\\u{1b}", 2));
    let rust = Language { name: "Rust", sign: "its data has 'library/core/src/'".into() };
    assert_eq!(found.languages, [rust]);
}

#[test]
fn no_function_of_an_import_goes_unnamed() {
    let of = |functions: usize| {
        let exports: String = (0..functions).map(|n| format!("(export \"f{n}\" (func))")).collect();
        Inspection::of(&wat(&format!(r#"(component (import "portcullis:plugin/http@0.1.0" (instance {exports})))"#)))
    };
    assert_eq!(of(MAX_FUNCTIONS_NAMED).unwrap().imports[0].functions.len(), MAX_FUNCTIONS_NAMED);
    assert_eq!(of(MAX_FUNCTIONS_NAMED + 1), Err(InspectError::TooManyImports));
    // The same type many times over: cheap to write, and each one counts.
    let exports: String = (0..100).map(|n| format!("(export \"f{n}\" (func))")).collect();
    let imports: String = (0..60).map(|n| format!("(import \"a:b/i{n}\" (instance (type $t)))")).collect();
    let many = wat(&format!("(component (type $t (instance {exports})) {imports})"));
    assert_eq!(Inspection::of(&many), Err(InspectError::TooManyImports));
}

#[test]
fn producers_name_languages_before_strings_do() {
    let mut bytes = wat(r#"(component (core module (memory 1) (data "library/std/src/ QuickJS")))"#);
    let section = b"\x09producers\x01\x0cprocessed-by\x01\x05rustc\x041.95";
    bytes.extend([0, u8::try_from(section.len()).unwrap()]);
    bytes.extend(section);
    let found = Inspection::of(&bytes).unwrap().languages;
    let told: Vec<(&str, &str)> = found.iter().map(|one| (one.name, one.sign.as_str())).collect();
    assert_eq!(told, [("JavaScript", "its data has 'QuickJS'"), ("Rust", "its producers name 'rustc 1.95'")]);
}
