use super::*;
use crate::testing::{Fake, component, importing};

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

#[test]
fn derives_what_a_component_is() {
    let bytes = component();
    let found = Inspection::of(&bytes).unwrap();
    assert_eq!(found.size, bytes.len());
    assert_eq!(found.imports[1], Extern { name: "portcullis:plugin/tickets@0.1.0".into(), kind: "instance" });
    assert_eq!(found.capabilities().into_iter().collect::<Vec<_>>(), ["tickets"]);
    assert_eq!(found.triggers().into_iter().collect::<Vec<_>>(), ["events"]);
    assert!(found.foreign_imports().is_empty());
    assert_eq!((found.core_modules, found.depth, found.start_functions), (1, 0, 0));
    assert_eq!(found.memories, [Extent { initial: 1, maximum: Some(4) }]);
    assert_eq!(found.urls, ["https://api.example.test/v1", "https://x.test"]);
    assert_eq!(found.cannot(&Fake), ["cannot use http: the component does not import portcullis:plugin/http"]);
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
    let mut urls = Vec::new();
    urls::collect(b"https:// http://a.test\"http://a.test'xhttps://b.test\\ httpx https", &mut urls);
    assert_eq!(urls, ["http://a.test", "https://b.test"]);
    let many: String = (0..200).map(|n| format!("https://{n}.test ")).collect();
    urls::collect(many.as_bytes(), &mut urls);
    assert_eq!(urls.len(), 50);
    let mut long = Vec::new();
    urls::collect(format!("https://{}", "x".repeat(5_000)).as_bytes(), &mut long);
    assert_eq!(long[0].len(), 200);
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
