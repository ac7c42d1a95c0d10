//! Which WASI interfaces this host knows, and which of them a component imports.

use std::collections::BTreeSet;

use portcullis_model::catalogue::WasiImport::{self, Needs, Virtual, VirtualUnless};

/// All that is let in. An interface's name here has no version; every 0.2 is the same.
pub(super) const KNOWN: &[(&str, WasiImport)] = &[
    ("wasi:cli/environment", Virtual),
    ("wasi:cli/exit", Virtual),
    ("wasi:cli/stderr", Virtual),
    ("wasi:cli/stdin", Virtual),
    ("wasi:cli/stdout", Virtual),
    ("wasi:cli/terminal-input", Virtual),
    ("wasi:cli/terminal-output", Virtual),
    ("wasi:cli/terminal-stderr", Virtual),
    ("wasi:cli/terminal-stdin", Virtual),
    ("wasi:cli/terminal-stdout", Virtual),
    ("wasi:clocks/monotonic-clock", VirtualUnless("clocks")),
    ("wasi:clocks/wall-clock", VirtualUnless("clocks")),
    ("wasi:filesystem/preopens", VirtualUnless("files")),
    ("wasi:filesystem/types", VirtualUnless("files")),
    ("wasi:http/outgoing-handler", Needs("http")),
    ("wasi:http/types", Needs("http")),
    ("wasi:io/error", Virtual),
    ("wasi:io/poll", Virtual),
    ("wasi:io/streams", Virtual),
    ("wasi:random/insecure", VirtualUnless("random")),
    ("wasi:random/insecure-seed", VirtualUnless("random")),
    ("wasi:random/random", VirtualUnless("random")),
];

/// The entry for an import's full name, such as `wasi:io/poll@0.2.3`; none where this host does not offer it.
fn entry(import: &str) -> Option<(&'static str, WasiImport)> {
    let (name, version) = import.split_once('@')?;
    let patch = version.strip_prefix("0.2.")?;
    if !(1..=3).contains(&patch.len()) || !patch.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    KNOWN.iter().find(|(known, _)| *known == name).copied()
}

/// What an import's full name, such as `wasi:io/poll@0.2.3`, means on this host; none where it is not offered.
pub fn known(import: &str) -> Option<WasiImport> {
    entry(import).map(|(_, meaning)| meaning)
}

/// The WASI interfaces that one component imports and this host knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports(BTreeSet<&'static str>);

impl Imports {
    /// Takes one in by its full name, and says what it means; none where this host does not offer it.
    pub(crate) fn add(&mut self, import: &str) -> Option<WasiImport> {
        let (name, meaning) = entry(import)?;
        self.0.insert(name);
        Some(meaning)
    }

    /// Whether the component imports this interface, such as `wasi:http/types`, in any version.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Whether it imports none at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of them that the runtime itself links when these capabilities are granted.
    pub(super) fn own<'a>(&'a self, granted: &'a [&str]) -> impl Iterator<Item = &'static str> + 'a {
        self.0.iter().copied().filter(|name| {
            let meaning = KNOWN.iter().find(|(known, _)| known == name).map(|(_, meaning)| *meaning);
            match meaning {
                Some(Needs(_)) | None => false,
                Some(VirtualUnless("files")) => !granted.contains(&"files"),
                Some(Virtual | VirtualUnless(_)) => true,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_in_what_is_listed_in_any_patch_of_0_2() {
        for (name, meaning) in KNOWN {
            for version in ["0.2.0", "0.2.6", "0.2.12"] {
                assert_eq!(known(&format!("{name}@{version}")), Some(*meaning), "{name}@{version}");
            }
        }
    }

    #[test]
    fn refuses_everything_else() {
        for import in [
            "wasi:sockets/tcp@0.2.0",
            "wasi:sockets/network@0.2.0",
            "wasi:sockets/ip-name-lookup@0.2.0",
            "wasi:http/incoming-handler@0.2.0",
            "wasi:keyvalue/store@0.2.0",
            "wasi:config/store@0.2.0",
            "wasi:io/poll",
            "wasi:io/poll@",
            "wasi:io/poll@0.2",
            "wasi:io/poll@0.2.",
            "wasi:io/poll@0.3.0",
            "wasi:io/poll@1.2.0",
            "wasi:io/poll@0.20.0",
            "wasi:io/poll@0.2.0-rc-2023-11-10",
            "wasi:io/poll@0.2.0+x",
            "wasi:io/poll@0.2.1000",
            "wasi:io/poll@0.2.0@0.2.0",
            "wasi:io/pollx@0.2.0",
            "wasi:iox/poll@0.2.0",
            "wasi:io@0.2.0",
            "WASI:io/poll@0.2.0",
            "wasi:cli/run@0.2.0",
            "wasi_snapshot_preview1",
            "",
        ] {
            assert_eq!(known(import), None, "{import}");
        }
    }

    #[test]
    fn names_are_sorted_and_once_each() {
        assert!(KNOWN.is_sorted_by(|a, b| a.0 < b.0));
    }
}
