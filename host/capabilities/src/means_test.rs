//! Every function of `wit/` has its words, and every word its function.

use std::{collections::BTreeSet, path::Path};

use portcullis_model::catalogue::{Catalogue as _, Interface, WasiImport};
use wit_parser::Resolve;

use crate::Catalogue;

/// The functions of each interface of `wit/`, in the component model's spelling.
fn wit() -> Vec<(String, BTreeSet<String>)> {
    let mut resolve = Resolve::default();
    resolve.push_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
    let named = resolve.interfaces.iter().filter_map(|(_, one)| Some((one.name.clone()?, one)));
    named.map(|(name, one)| (name, one.functions.keys().cloned().collect())).collect()
}

fn named(interface: &Interface) -> impl Iterator<Item = &'static str> {
    let able = interface.abilities.iter().flat_map(|ability| ability.functions);
    able.chain(interface.openers).copied()
}

#[test]
fn every_function_has_its_words() {
    let all = wit();
    for capability in Catalogue.names() {
        let interface = Catalogue.interface(capability).unwrap();
        let (_, functions) = all.iter().find(|(name, _)| name == capability).unwrap();
        let named: BTreeSet<String> = named(interface).map(str::to_owned).collect();
        assert_eq!(&named, functions, "{capability}");
    }
    assert_eq!(Catalogue.interface("events"), None);
}

#[test]
fn every_action_that_is_named_is_one() {
    for capability in Catalogue.names() {
        let interface = Catalogue.interface(capability).unwrap();
        let actions = interface.abilities.iter().flat_map(|ability| ability.actions).chain(interface.in_events);
        for action in actions {
            let scope = format!("{capability}:{action}").parse().unwrap();
            let error = Catalogue.describe(&scope).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(!error.contains("has no action"), "{error}");
        }
        assert!(interface.abilities.iter().all(|ability| !ability.words.is_empty() && !ability.functions.is_empty()));
    }
}

/// What WASI gives of a capability is said to be another way to it.
#[test]
fn every_other_way_is_named() {
    for import in [
        "wasi:clocks/monotonic-clock",
        "wasi:clocks/wall-clock",
        "wasi:filesystem/preopens",
        "wasi:filesystem/types",
        "wasi:http/outgoing-handler",
        "wasi:http/types",
        "wasi:random/insecure",
        "wasi:random/insecure-seed",
        "wasi:random/random",
    ] {
        let capability = Catalogue.wasi(&format!("{import}@0.2.0")).and_then(WasiImport::capability).unwrap();
        let interface = Catalogue.interface(capability).unwrap();
        assert!(interface.is_also(&format!("{import}@0.2.0")), "{import}");
        assert!(Catalogue.names().iter().all(|other| {
            other == &capability || !Catalogue.interface(other).unwrap().is_also(&format!("{import}@0.2.0"))
        }));
    }
    assert!(Catalogue.interface("log").unwrap().is_also("wasi:cli/stdout@0.2.6"));
    assert!(!Catalogue.interface("log").unwrap().is_also("wasi:cli/stdin@0.2.6"));
    assert!(!Catalogue.interface("http").unwrap().is_also("wasi:httpx/types@0.2.6"));
}
