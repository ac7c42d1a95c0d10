//! `attachments:read types=image/*,application/pdf bytes=10MiB scan=clean where=...`.

use std::{collections::BTreeSet, fmt};

use portcullis_model::{
    class::Class,
    helpdesk::{Attachment, Scan, TICKET_ATTRIBUTES},
    scope::{Facts, Filter, Only, Risk, Scope, ScopeError, ScopeText, nearest, parse_bytes, print_bytes},
};

/// Which media types are meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MediaType {
    /// All, what claims to be none included.
    Any,
    /// All of one sort: `image/*`.
    Under(String),
    /// Just this one.
    Exact(String),
}

impl MediaType {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'types={text}': expected a media type such as image/png, image/* or *");
        if text == "*" {
            return Ok(Self::Any);
        }
        let token = |part: &str| {
            let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&-^_.+".contains(&b);
            (1..=64).contains(&part.len()) && part.bytes().all(fine)
        };
        match text.split_once('/') {
            Some((sort, "*")) if token(sort) => Ok(Self::Under(sort.to_owned())),
            Some((sort, one)) if token(sort) && token(one) => Ok(Self::Exact(text.to_owned())),
            _ => Err(wrong()),
        }
    }

    /// Just this type, where it is one.
    pub(super) fn exactly(content_type: &str) -> Option<Self> {
        Self::parse(content_type).ok().filter(|of| matches!(of, Self::Exact(_)))
    }

    fn has(&self, content_type: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Under(sort) => content_type.split_once('/').is_some_and(|(of, _)| of == sort),
            Self::Exact(exact) => exact == content_type,
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, one) | (one, Self::Any) => Some(one.clone()),
            (Self::Exact(exact), of) | (of, Self::Exact(exact)) => of.has(exact).then(|| Self::Exact(exact.clone())),
            (Self::Under(a), Self::Under(b)) => (a == b).then(|| self.clone()),
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Under(sort) => write!(f, "{sort}/*"),
            Self::Exact(exact) => f.write_str(exact),
        }
    }
}

/// Which files may be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttachmentsScope {
    types: MediaType,
    /// The largest file, in bytes.
    bytes: u64,
    scan: Only<Scan>,
    filter: Filter,
}

const SCANS: [&str; 2] = ["clean", "unscanned"];

fn scan(name: &str) -> Result<Scan, String> {
    match name {
        "clean" => Ok(Scan::Clean),
        "unscanned" => Ok(Scan::Unscanned),
        "infected" => Err("'scan=infected' cannot be granted: such a file is never opened".to_owned()),
        other => Err(format!("no scan result '{other}'; {}", nearest(other, &SCANS))),
    }
}

impl AttachmentsScope {
    /// The types that it speaks of, as the port takes them.
    pub(super) fn types(&self) -> String {
        self.types.to_string()
    }

    /// The tickets that it speaks of.
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether what is known about a file may be seen.
    pub(super) fn shows(&self, file: &Attachment, facts: &Facts) -> bool {
        self.types.has(&file.content_type) && self.filter.fits(facts)
    }

    /// Whether a file may be read, wherever it hangs.
    pub(super) fn opens(&self, file: &Attachment) -> bool {
        let harmless = file.scan != Scan::Infected && self.scan.has(&file.scan);
        harmless && file.size <= self.bytes && self.types.has(&file.content_type)
    }
}

impl Scope for AttachmentsScope {
    const CAPABILITY: &'static str = "attachments";
    const EXAMPLES: &'static [&'static str] =
        &["attachments:read types=image/*,application/pdf bytes=10MiB scan=clean"];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        if text.action() != "read" {
            return Err(text.unknown_action(&["read"]));
        }
        text.expect(&["types", "bytes", "scan"], &["where"])?;
        let wrong = |problem: String| text.error(problem);
        let bytes = parse_bytes(text.value("bytes")?);
        let bytes = bytes.ok_or_else(|| wrong("'bytes' is a whole number with a unit, such as 10MiB".into()))?;
        if text.values("scan") == ["*"] {
            return Err(wrong("'scan' names what is allowed: clean, or clean,unscanned".into()));
        }
        let scan = Only::parse(text.values("scan"), scan).map_err(wrong)?;
        let filter = Filter::parse(text, TICKET_ATTRIBUTES)?;
        let one = |types: &String| {
            let types = MediaType::parse(types).map_err(wrong)?;
            Ok(Self { types, bytes, scan: scan.clone(), filter: filter.clone() })
        };
        text.values("types").iter().map(one).collect()
    }

    fn text(&self) -> ScopeText {
        let text = ScopeText::new("attachments", "read")
            .with("types", [self.types()])
            .with("bytes", [print_bytes(self.bytes)])
            .with("scan", self.scan.values(|scan| scan.name().to_owned()));
        self.filter.write(text)
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        Some(Self {
            types: self.types.meet(&other.types)?,
            bytes: self.bytes.min(other.bytes),
            scan: self.scan.meet(&other.scan)?,
            filter: self.filter.meet(&other.filter)?,
        })
    }

    fn describe(&self) -> String {
        let of = match &self.types {
            MediaType::Any => "of any type".to_owned(),
            some => format!("of type {some}"),
        };
        let unscanned = if self.scan.has(&Scan::Unscanned) { ", those that nobody has scanned included" } else { "" };
        let size = print_bytes(self.bytes);
        format!("reads files of tickets {of} up to {size}{unscanned}{}", self.filter.describe())
    }

    fn risk(&self) -> Risk {
        Risk::High
    }

    fn classes(&self) -> BTreeSet<Class> {
        [Class::Personal].into()
    }
}

#[cfg(test)]
#[path = "scope_test.rs"]
mod tests;
