//! The parts of a release, under the names that they have in a directory and in a bundle.

use portcullis_model::id::Digest;

use super::{ENVELOPE_NAME, MAX_REPORT, MAX_STATEMENTS, REPORTS, STATEMENTS};
use crate::{
    dsse::MAX_ENVELOPE,
    inspect::MAX_COMPONENT,
    manifest::MAX_MANIFEST,
    statement::{COMPONENT_NAME, MANIFEST_NAME},
};

/// One part, in the order in which they stand in a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// What form a bundle has; in bundles alone.
    Format,
    Component,
    Manifest,
    /// The publisher's statement.
    Envelope,
    /// Somebody else's, counted from 1.
    Statement(u16),
    /// A report, by its own digest.
    Report(Digest),
}

/// The file that a bundle begins with.
pub(crate) const FORMAT_NAME: &str = "portcullis-bundle.json";

/// What it holds.
pub(crate) const FORMAT: &[u8] = b"{\"format\":1}\n";

impl Part {
    /// The part of this name. `None`: there is none. A name has one form: numbers have four digits, digests lower case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let part = match name.split_once('/') {
            None if name == FORMAT_NAME => Self::Format,
            None if name == COMPONENT_NAME => Self::Component,
            None if name == MANIFEST_NAME => Self::Manifest,
            None if name == ENVELOPE_NAME => Self::Envelope,
            Some((STATEMENTS, file)) => Self::Statement(file.strip_suffix(".dsse.json")?.parse().ok()?),
            Some((REPORTS, file)) => Self::Report(file.strip_suffix(".json")?.parse().ok()?),
            _ => return None,
        };
        (part != Self::Statement(0) && part.name() == name).then_some(part)
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Format => FORMAT_NAME.to_owned(),
            Self::Component => COMPONENT_NAME.to_owned(),
            Self::Manifest => MANIFEST_NAME.to_owned(),
            Self::Envelope => ENVELOPE_NAME.to_owned(),
            Self::Statement(number) => format!("{STATEMENTS}/{number:04}.dsse.json"),
            Self::Report(digest) => format!("{REPORTS}/{}.json", digest.hex()),
        }
    }

    /// The most bytes that it may have.
    pub(crate) fn most(self) -> usize {
        match self {
            Self::Format => FORMAT.len(),
            Self::Component => MAX_COMPONENT,
            Self::Manifest => MAX_MANIFEST,
            Self::Envelope | Self::Statement(_) => MAX_ENVELOPE,
            Self::Report(_) => MAX_REPORT,
        }
    }
}

/// The number of the statement after the one with this number, where there may be one more.
pub(crate) fn next_statement(last: u16) -> Option<u16> {
    (usize::from(last) < MAX_STATEMENTS).then_some(last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_form() {
        let report = Part::Report(Digest::of(b"report"));
        let parts = [Part::Format, Part::Component, Part::Manifest, Part::Envelope, Part::Statement(7), report];
        for part in parts {
            assert_eq!(Part::parse(&part.name()), Some(part));
        }
        assert!(parts.is_sorted());
        let digits = Digest::of(b"report").hex();
        for name in [
            "statements/1.dsse.json".to_owned(),
            "statements/00001.dsse.json".to_owned(),
            "statements/+001.dsse.json".to_owned(),
            "statements/0000.dsse.json".to_owned(),
            "statements/0001.json".to_owned(),
            "statements/../plugin.wasm".to_owned(),
            format!("reports/{}.json", digits.to_uppercase()),
            format!("reports/sha256:{digits}.json"),
            format!("reports/{digits}"),
            "./plugin.wasm".to_owned(),
            "/plugin.wasm".to_owned(),
            "plugin.wasm/".to_owned(),
            "PLUGIN.WASM".to_owned(),
            String::new(),
        ] {
            assert_eq!(Part::parse(&name), None, "{name}");
        }
    }
}
