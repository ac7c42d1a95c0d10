//! Inspection of components.
//!
//! Input: see [`shape`]: bytes, the text form of a component, or what a generator makes of bytes, damaged or not.
//!
//! Holds: an error is short, readable and of the right kind, and the validator with the host's features refuses what is called
//! invalid; of what is taken, imports, exports, counts and depth are what an independent walk finds (see [`walk`]), own and
//! foreign imports make up all of them, and the hints (producers, URLs) are bounded and readable. The report's size is bounded
//! by the component's; libFuzzer's own limits bound time and memory.

mod build;
mod shape;
mod walk;

use portcullis_capabilities::Catalogue;
use portcullis_model::catalogue::Catalogue as _;
use portcullis_packages::inspect::{FEATURES, InspectError, Inspection, MAX_FUNCTIONS, MAX_FUNCTIONS_NAMED, PLUGIN_VERSION, TRIGGERS};
use wasmparser::Validator;

use crate::text::assert_readable;

const OURS: &str = "portcullis:plugin/";

/// Checks one input.
pub fn check(data: &[u8]) {
    let Some(bytes) = shape::component(data) else { return };
    match Inspection::of(&bytes) {
        Ok(found) => {
            let seen = walk::walk(&bytes);
            same(&found, &seen, bytes.len());
            imports(&found, &seen);
            hints(&found);
            bounded(&found, bytes.len());
        }
        Err(error) => refused(&error, &bytes),
    }
}

fn same(found: &Inspection, seen: &walk::Seen, size: usize) {
    let pairs = |list: &[portcullis_packages::inspect::Extern]| -> Vec<(String, String)> {
        list.iter().map(|one| (one.name.clone(), one.kind.to_owned())).collect()
    };
    assert_eq!(found.size, size);
    assert_eq!(pairs(&found.imports), seen.imports);
    assert_eq!(pairs(&found.exports), seen.exports);
    assert_eq!(found.core_modules, seen.core_modules);
    assert_eq!(found.depth, seen.depth);
    assert_eq!(found.start_functions, seen.start_functions);
    assert!(seen.functions <= MAX_FUNCTIONS);
    let memories: Vec<_> = found.memories.iter().map(|memory| (memory.initial, memory.maximum)).collect();
    assert_eq!(memories, seen.memories);
    let tables: Vec<_> = found.tables.iter().map(|table| (table.initial, table.maximum)).collect();
    assert_eq!(tables, seen.tables);
}

/// The permission list: each import is one of ours, in the version that the host speaks, or foreign.
fn imports(found: &Inspection, seen: &walk::Seen) {
    let own = |name: &str, kind: &str| -> Option<String> {
        let short = name.strip_prefix(OURS)?.strip_suffix(PLUGIN_VERSION)?.strip_suffix('@')?;
        (kind == "instance").then(|| short.to_owned())
    };
    let (mut capabilities, mut foreign) = (Vec::new(), Vec::new());
    for (name, kind) in &seen.imports {
        match own(name, kind) {
            Some(short) => capabilities.push(short),
            None => foreign.push(name.as_str()),
        }
    }
    capabilities.retain(|name| name != "types");
    capabilities.sort();
    capabilities.dedup();
    assert_eq!(found.capabilities().into_iter().collect::<Vec<_>>(), capabilities);
    assert_eq!(found.foreign_imports(), foreign);
    offered(found, seen, &foreign);
    let exported: Vec<String> = seen.exports.iter().filter_map(|(name, kind)| own(name, kind)).collect();
    assert!(found.triggers().iter().all(|one| TRIGGERS.contains(one) && exported.iter().any(|name| name == one)));
    for (name, _) in seen.imports.iter().chain(&seen.exports).filter(|(name, _)| name.starts_with(OURS)) {
        assert!(name.ends_with(&format!("@{PLUGIN_VERSION}")), "{name} is of another version");
    }
}

/// Of foreign imports the host offers interfaces of WASI 0.2 alone, each harmless or behind a capability that it has.
fn offered(found: &Inspection, seen: &walk::Seen, foreign: &[&str]) {
    let meanings = found.foreign(&Catalogue);
    assert_eq!(meanings.iter().map(|(name, _)| *name).collect::<Vec<_>>(), foreign);
    for (name, meaning) in meanings.into_iter().filter_map(|(name, meaning)| Some((name, meaning?))) {
        assert!(name.starts_with("wasi:") && name.contains("@0.2."), "{name} is offered");
        assert!(seen.imports.iter().any(|(other, kind)| other == name && kind == "instance"), "{name} is no interface");
        let capability = meaning.capability();
        assert!(capability.is_none_or(|one| Catalogue.names().contains(&one)), "{name} is behind {capability:?}");
        assert!(
            capability.is_none_or(|one| found.usable(&Catalogue).contains(one)),
            "{name} is not among what it can use"
        );
    }
}

fn hints(found: &Inspection) {
    assert!(found.urls.len() <= 50 && found.producers.len() <= 50);
    for url in &found.urls {
        assert!(url.len() <= 200 && url.bytes().all(|b| b.is_ascii_graphic()), "{url:?}");
        assert!(url.starts_with("https://") || url.starts_with("http://"), "{url:?}");
    }
    for producer in &found.producers {
        assert!(["language", "sdk", "processed-by"].contains(&producer.role.as_str()), "{producer:?}");
        if !producer.tool.is_empty() {
            assert_readable(&producer.tool, 8 * 1024, "a producer");
        }
    }
    for one in found.imports.iter().chain(&found.exports) {
        assert_readable(&one.name, 100 * 1024, "a name");
        assert!(one.kind == "instance" || one.functions.is_empty(), "{one:?}");
        assert!(one.functions.is_sorted() && one.functions.len() <= MAX_FUNCTIONS_NAMED, "{one:?}");
    }
    assert!(found.hosts.len() <= 100 && found.hosts.iter().all(|host| host.contains('.')), "{:?}", found.hosts);
    assert!(found.custom_sections.len() <= 200);
    for section in found.custom_sections.iter().filter(|section| !section.name.is_empty()) {
        assert_readable(&section.name, 8 * 1024, "a section's name");
    }
}

fn bounded(found: &Inspection, size: usize) {
    let report = serde_json::to_string(found).unwrap_or_else(|e| panic!("{found:?}: {e}"));
    let most = 64 * size + 512 * 1024;
    assert!(report.len() <= most, "a report of {} bytes on {size} bytes", report.len());
}

fn refused(error: &InspectError, bytes: &[u8]) {
    assert_readable(&error.to_string(), 8 * 1024, "the error");
    let component = bytes.starts_with(b"\0asm\x0d\0\x01\0");
    match error {
        InspectError::TooLarge(size) => assert_eq!(*size, bytes.len()),
        InspectError::TooManyFunctions(_) => assert!(walk::walk(bytes).functions > MAX_FUNCTIONS),
        // One name costs a few bytes, if many imports do not share its type.
        InspectError::TooManyImports => assert!(component && bytes.len() > 64, "{} bytes", bytes.len()),
        InspectError::Patterns(why) => panic!("{why}"),
        InspectError::CoreModule => assert!(bytes.starts_with(b"\0asm\x01\0\0\0")),
        InspectError::NotWasm => assert!(!component),
        InspectError::Invalid { .. } => {
            let verdict = Validator::new_with_features(FEATURES).validate_all(bytes);
            let cut_off = error.to_string().contains("longer than the rest of the file");
            assert!(component && (verdict.is_err() || cut_off), "valid, but refused: {error}");
        }
        InspectError::Version(version) => {
            let seen = walk::walk(bytes);
            let other = |name: &str| {
                let rest = name.strip_prefix(OURS)?;
                Some(rest.split_once('@').map(|(_, version)| version.to_owned()))
            };
            let mut named = seen.imports.iter().chain(&seen.exports).filter_map(|(name, _)| other(name));
            assert!(named.any(|one| one == *version), "no import or export is of version {version:?}");
            assert_ne!(version.as_deref(), Some(PLUGIN_VERSION));
        }
    }
}
