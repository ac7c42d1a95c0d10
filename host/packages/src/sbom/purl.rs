//! Package URLs (<https://github.com/package-url/purl-spec>).

use crate::inspect::dependencies::{Dependency, Ecosystem, Source};

/// The package URL of a dependency; none for what does not come from the ecosystem's own registry, since it would name another
/// package.
pub fn purl(one: &Dependency) -> Option<String> {
    if one.source != Source::Registry || one.root {
        return None;
    }
    let kind = match one.ecosystem {
        Ecosystem::CratesIo => "cargo",
        Ecosystem::Npm => "npm",
        Ecosystem::PyPi => "pypi",
    };
    // A scope of npm is the URL's namespace.
    let name: Vec<String> = one.name.split('/').map(encoded).collect();
    let version = one.version.as_ref().map(|version| format!("@{}", encoded(version))).unwrap_or_default();
    Some(format!("pkg:{kind}/{}{version}", name.join("/")))
}

fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}
