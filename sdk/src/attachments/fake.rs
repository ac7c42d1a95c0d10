//! The help desk's files of plain tests: a map that keeps the real host's rules.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::{Attachment, CHUNK, Scan};
use crate::testing::{Facts, Host, Need, print_bytes, with_host};
use crate::tickets::fake as tickets;
use crate::types::WitError;

const READ: &str = "attachments:read";
const PAGE: usize = 100;

#[derive(Default)]
struct Files(BTreeMap<(u64, String), File>);

#[derive(Clone)]
struct File {
    known: Attachment,
    content: Vec<u8>,
}

/// For [`Host::with_attachment`]. Only off wasm.
impl Attachment {
    /// A file of a ticket that the scan found nothing in, of no particular type.
    pub fn new(ticket: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            ticket: ticket.into(),
            comment: "1".to_owned(),
            name: "file".to_owned(),
            content_type: "application/octet-stream".to_owned(),
            size: 0,
            scan: Scan::Clean,
        }
    }

    /// Sets the name that its sender gave it.
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Sets the media type that its sender claimed.
    pub fn with_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: content_type.into(), ..self }
    }

    /// Sets what the scan said.
    pub fn with_scan(self, scan: Scan) -> Self {
        Self { scan, ..self }
    }
}

impl Host {
    /// Puts a file on a ticket, which is made if need be. Its size is its content's.
    pub fn with_attachment(self, attachment: Attachment, content: impl Into<Vec<u8>>) -> Self {
        tickets::ensure(&self, &attachment.ticket);
        let content = content.into();
        let known = Attachment { size: content.len() as u64, ..attachment };
        self.part(|files: &mut Files| files.0.insert(place(&known.id), File { known, content }));
        self
    }
}

#[derive(Debug)]
pub(super) struct Reader {
    file: Attachment,
    offset: Cell<usize>,
}

/// Ids in their order: numbers as numbers.
fn place(id: &str) -> (u64, String) {
    (id.parse().unwrap_or(0), id.to_owned())
}

pub(super) fn list(ticket: &str, after: Option<&str>) -> Result<Vec<Attachment>, WitError> {
    with_host(|host| {
        host.require(READ, &[])?;
        let facts = tickets::within(host, READ, &[], ticket)?;
        let typed = |file: &Attachment| host.reaches(READ, &[("types", &file.content_type)], &facts);
        let mut all: Vec<Attachment> = host.part(|files: &mut Files| {
            let later = files.0.iter().filter(|(own, _)| after.is_none_or(|after| **own > place(after)));
            later.map(|(_, file)| file.known.clone()).filter(|file| file.ticket == ticket).collect()
        });
        all.retain(typed);
        all.truncate(PAGE);
        Ok(all)
    })
}

pub(super) fn open(id: &str) -> Result<Reader, WitError> {
    with_host(|host| {
        host.require(READ, &[])?;
        let file = host.part(|files: &mut Files| files.0.get(&place(id)).cloned()).ok_or(WitError::NotFound)?;
        let facts = tickets::within(host, READ, &[], &file.known.ticket)?;
        decide(host, &file.known, &facts)?;
        Ok(Reader { file: file.known, offset: Cell::new(0) })
    })
}

/// Holds type, size and scan against the grants.
fn decide(host: &Host, file: &Attachment, facts: &Facts) -> Result<(), WitError> {
    let scan = match file.scan {
        Scan::Clean => "clean",
        Scan::Unscanned => "unscanned",
        Scan::Infected => "infected",
    };
    let bytes = print_bytes(file.size.max(1));
    let needs = [("bytes", bytes.as_str()), ("scan", scan), ("types", file.content_type.as_str())];
    let named = &[("scan", scan), ("types", file.content_type.as_str())];
    let fits = |facts| file.scan != Scan::Infected && host.reaches_size(READ, named, facts, file.size);
    match fits(None) {
        true if fits(Some(facts)) => Ok(()),
        true => Err(WitError::NotFound),
        false => {
            let needs = needs.map(|(key, value)| Need { key, value });
            let reason = match file.scan {
                Scan::Infected => "the scan found something in this file; nobody may open it".to_owned(),
                _ => format!(
                    "reading a file of type {} with {} bytes, {scan}, is not granted",
                    file.content_type, file.size
                ),
            };
            Err(host.deny(READ, &needs, Some(reason)))
        }
    }
}

impl Reader {
    pub(super) fn read(&self, most: u32) -> Result<Option<Vec<u8>>, WitError> {
        with_host(|host| {
            let id = place(&self.file.id);
            let file = host.part(|files: &mut Files| files.0.get(&id).cloned()).ok_or(WitError::NotFound)?;
            let facts = tickets::within(host, READ, &[], &self.file.ticket)?;
            decide(host, &self.file, &facts)?;
            let start = self.offset.get().min(file.content.len());
            let end = file.content.len().min(start + most.clamp(1, CHUNK) as usize);
            self.offset.set(end);
            Ok((start < end).then(|| file.content[start..end].to_vec()))
        })
    }
}
