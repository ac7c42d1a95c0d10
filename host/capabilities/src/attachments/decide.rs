//! Which attachment scopes cover which acts.

use portcullis_model::{
    helpdesk::{Attachment, ListAttachments, ReadAttachment, Scan, StatAttachment},
    scope::{Allows, Grant, Scope as _, ScopeText, Within},
};

use super::scope::{AttachmentsScope, MediaType};

/// The tickets whose files may be seen.
pub(super) fn visible(grant: &Grant<AttachmentsScope>) -> Within {
    Within::of(grant.scopes().map(|scope| scope.filter().clone()))
}

/// The tickets of which this file may be read.
pub(super) fn readable(grant: &Grant<AttachmentsScope>, file: &Attachment) -> Within {
    Within::of(grant.scopes().filter(|scope| scope.opens(file)).map(|scope| scope.filter().clone()))
}

fn any() -> ScopeText {
    ScopeText::new(AttachmentsScope::CAPABILITY, "read")
}

fn seeing(grant: &Grant<AttachmentsScope>, within: &Within) -> Result<(), String> {
    match visible(grant) {
        none if none.0.is_empty() => Err("reading files of tickets is not granted".to_owned()),
        some if some.covers(within) => Ok(()),
        _ => Err("files of tickets outside of 'where=' are not granted".to_owned()),
    }
}

impl Allows<ListAttachments> for AttachmentsScope {
    fn needed(_: &ListAttachments) -> ScopeText {
        any()
    }

    fn decide(grant: &Grant<Self>, act: &ListAttachments) -> Result<(), String> {
        seeing(grant, &act.within)
    }
}

impl Allows<StatAttachment> for AttachmentsScope {
    fn needed(_: &StatAttachment) -> ScopeText {
        any()
    }

    fn decide(grant: &Grant<Self>, act: &StatAttachment) -> Result<(), String> {
        seeing(grant, &act.within)
    }
}

impl Allows<ReadAttachment> for AttachmentsScope {
    fn needed(act: &ReadAttachment) -> ScopeText {
        let file = &act.file;
        // Its sender named the type: what could be read back as more than one is left to the admin.
        let named = MediaType::exactly(&file.content_type).map(|of| of.to_string());
        let scope = match named {
            Some(of) => any().with("types", [of]),
            None => any(),
        };
        scope
            .with("bytes", [portcullis_model::scope::print_bytes(file.size.max(1))])
            .with("scan", [file.scan.name().to_owned()])
    }

    fn decide(grant: &Grant<Self>, act: &ReadAttachment) -> Result<(), String> {
        let file = &act.file;
        let allowed = readable(grant, file);
        match allowed.0.is_empty() {
            _ if file.scan == Scan::Infected => {
                Err("the scan found something in this file; nobody may open it".to_owned())
            }
            true => Err(format!(
                "reading a file of type {} with {} bytes, {}, is not granted",
                file.content_type,
                file.size,
                file.scan.name()
            )),
            false if allowed.covers(&act.within) => Ok(()),
            false => Err("files of tickets outside of 'where=' are not granted".to_owned()),
        }
    }
}
