//! Lists the files of the event's ticket, or of the one in its data (`{"ticket":"..","after":".."}`), opens each and reads
//! it to its end, and then opens the one that the data names (`{"open":".."}`). Logs what is known about each file, the
//! sizes of the chunks and a checksum of the content, or the error.
//! Must be refused at load without a grant for `attachments`, and for each file that the grant does not cover.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        let ticket = match data["ticket"].as_str() {
            Some(ticket) => ticket,
            None => event.ticket_id()?,
        };
        log::info!("page: {:?}", ids(attachments::list_after(ticket, data["after"].as_str())));
        let listed = attachments::list(ticket);
        log::info!("list: {:?}", ids(listed.clone()));
        for file in listed.unwrap_or_default() {
            let attachments::Attachment { id, ticket, comment, name, content_type, size, scan } = &file;
            log::info!("file {id}: {ticket} {comment} {name:?} {content_type} {size} {scan:?}");
            log::info!("read {id}: {:?}", read(id));
        }
        if let Some(id) = data["open"].as_str() {
            log::info!("open {id}: {:?}", read(id));
        }
        Ok(())
    }
}

fn ids(files: Result<Vec<attachments::Attachment>, Error>) -> Result<Vec<String>, Error> {
    Ok(files?.into_iter().map(|file| file.id).collect())
}

/// The sizes of the chunks, FNV-1a of the content, and the content where it is short text.
fn read(id: &str) -> Result<(Vec<usize>, String, Option<String>), Error> {
    let mut reader = attachments::open(id)?;
    let (mut sizes, mut sum, mut text) = (Vec::new(), 0xcbf2_9ce4_8422_2325_u64, Vec::new());
    while let Some(chunk) = reader.read_chunk()? {
        sizes.push(chunk.len());
        sum = chunk.iter().fold(sum, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        if text.len() < 1024 {
            text.extend(chunk);
        }
    }
    let text = String::from_utf8(text).ok().filter(|text| text.len() < 1024);
    Ok((sizes, format!("{sum:016x}"), text))
}

portcullis_sdk::export!(Guest: Events);
