//! The host's side of each function in `wit/attachments.wit`.

use portcullis_model::{
    helpdesk::{Attachment, ListAttachments, PAGE, ReadAttachment, Scan, Seen, StatAttachment},
    redact::ByteRedactor,
    scope::Facts,
};
use portcullis_runtime::{
    gate::HostResult,
    wasmtime::{self, component::Resource},
    wit::types,
};

use super::{Reader, State, decide, wit};

const MAX_ID: usize = 128;
/// The most bytes that one call reads.
const CHUNK: u32 = 64 * 1024;

fn check_id(name: &str, id: &str) -> Result<(), types::Error> {
    match (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)) {
        true => Ok(()),
        false => Err(types::Error::Invalid(format!("{name}: expected 1 to 128 of A-Z a-z 0-9 - _ . :"))),
    }
}

fn convert(file: Attachment) -> wit::Attachment {
    wit::Attachment {
        id: file.id,
        ticket: file.ticket,
        comment: file.comment,
        name: file.name,
        content_type: file.content_type,
        size: file.size,
        scan: match file.scan {
            Scan::Clean => wit::Scan::Clean,
            Scan::Unscanned => wit::Scan::Unscanned,
            Scan::Infected => wit::Scan::Infected,
        },
    }
}

impl State {
    fn shown(&self, file: &Attachment, facts: &Facts) -> bool {
        self.authority.effective().scopes().any(|scope| scope.shows(file, facts))
    }

    /// The next files of a ticket, those included that other scopes than the ticket's own speak of.
    async fn page(&mut self, ticket: &str, after: Option<String>) -> HostResult<Vec<Seen<Attachment>>> {
        let grant = self.authority.effective();
        let types = grant.scopes().map(super::scope::AttachmentsScope::types).collect();
        let (most, within) = (self.gate.page(PAGE), decide::visible(grant));
        let act = ListAttachments { ticket: ticket.to_owned(), after, most, types, within };
        let desk = self.desk.clone();
        self.gate.act(&self.authority, act, |spent| async move { desk.attachments(spent).await }).await
    }

    /// Reads a stretch of the file, if the grant covers it as it was when it was opened.
    async fn stretch(&mut self, file: &Attachment, offset: u64, most: u32) -> HostResult<Vec<u8>> {
        let within = decide::readable(self.authority.effective(), file);
        let act = ReadAttachment { file: file.clone(), offset, most, within };
        let desk = self.desk.clone();
        let read =
            self.gate.act(&self.authority, act, |spent| async move { desk.read_attachment(spent).await }).await?;
        Ok(read.map(|chunk| chunk.0))
    }

    /// Text is what card numbers are covered in; of other types nobody knows where their text is.
    fn redactor(&self, file: &Attachment) -> Option<ByteRedactor> {
        let text = file.content_type.starts_with("text/")
            || ["application/json", "application/xml"].contains(&file.content_type.as_str());
        (self.veil.covers_cards() && text).then(ByteRedactor::new)
    }
}

impl wit::Host for State {
    async fn list(&mut self, ticket: String, after: Option<String>) -> HostResult<Vec<wit::Attachment>> {
        self.gate.count()?;
        let after_is_fine = after.as_deref().map_or(Ok(()), |id| check_id("after", id));
        if let Err(error) = check_id("ticket", &ticket).and(after_is_fine) {
            return self.gate.refuse(error);
        }
        let mut after = after;
        loop {
            let page = match self.page(&ticket, after.clone()).await? {
                Ok(page) => page,
                Err(error) => return self.gate.refuse(error),
            };
            after = page.last().map(|seen| seen.record.id.clone());
            let show = |seen: Seen<Attachment>| self.shown(&seen.record, &seen.facts).then(|| self.named(seen.record));
            let shown: Vec<_> = page.into_iter().filter_map(show).map(convert).collect();
            // A page of which nothing may be seen has no last id for the guest to go on from.
            if !shown.is_empty() || after.is_none() {
                return Ok(Ok(shown));
            }
        }
    }

    async fn open(&mut self, id: String) -> HostResult<Resource<Reader>> {
        self.gate.count()?;
        if let Err(error) = check_id("id", &id) {
            return self.gate.refuse(error);
        }
        let act = StatAttachment { id, within: decide::visible(self.authority.effective()) };
        let desk = self.desk.clone();
        let seen = self.gate.act(&self.authority, act, |spent| async move { desk.attachment(spent).await }).await?;
        let file = match seen {
            Ok(seen) => seen.record,
            Err(error) => return self.gate.refuse(error),
        };
        // Nothing is read yet: this is where type, size and scan are held against the grant.
        if let Err(error) = self.stretch(&file, 0, 0).await? {
            return self.gate.refuse(error);
        }
        let redactor = self.redactor(&file);
        match self.readers.push(Reader { file, offset: 0, redactor, pending: Vec::new() }) {
            Ok(reader) => Ok(Ok(reader)),
            Err(_) => Ok(Err(self.gate.too_many_handles())),
        }
    }
}

impl State {
    /// The file with its name as it may be seen: a name is text from outside as well.
    fn named(&self, file: Attachment) -> Attachment {
        Attachment { name: self.veil.text(file.name), ..file }
    }
}

impl wit::HostReader for State {
    async fn read(&mut self, reader: Resource<Reader>, most: u32) -> HostResult<Option<Vec<u8>>> {
        self.gate.count()?;
        let most = most.clamp(1, CHUNK);
        loop {
            let open = self.readers.get_mut(&reader)?;
            if !open.pending.is_empty() {
                let rest = open.pending.split_off(open.pending.len().min(most as usize));
                return Ok(Ok(Some(std::mem::replace(&mut open.pending, rest))));
            }
            let (file, offset) = (open.file.clone(), open.offset);
            if offset >= file.size {
                return Ok(Ok(None));
            }
            let bytes = match self.stretch(&file, offset, most).await? {
                Ok(bytes) => bytes,
                Err(error) => return self.gate.refuse(error),
            };
            let open = self.readers.get_mut(&reader)?;
            open.offset = if bytes.is_empty() { file.size } else { offset + bytes.len() as u64 };
            open.pending = match &mut open.redactor {
                None => bytes,
                Some(redactor) => {
                    let mut covered = redactor.push(&bytes);
                    if open.offset >= file.size {
                        covered.extend(open.redactor.take().map(ByteRedactor::finish).unwrap_or_default());
                    }
                    covered
                }
            };
        }
    }

    async fn drop(&mut self, reader: Resource<Reader>) -> wasmtime::Result<()> {
        self.readers.delete(reader)?;
        Ok(())
    }
}
