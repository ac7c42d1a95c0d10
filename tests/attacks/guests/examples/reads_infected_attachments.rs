//! tries: to open attachments outside of the granted types, sizes and scan results, and those of other tickets
//! stands-for: INT-14, DAT-2
//! asks: attachments:read types=text/* bytes=1MiB scan=clean where=organization:361001
//! limit: host-calls=3000
//! limit: cpu-ms=5000
//! limit: wall-ms=30000
//! limit: records-read=2000
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    let mut opened = 0;
    for ticket in 1001..=1060 {
        let inside = ticket <= 1008;
        match attachments::list(&ticket.to_string(), None) {
            Ok(found) => {
                must(inside || found.is_empty(), format!("of a ticket outside: {found:?}"))?;
                for file in found {
                    must(file.content_type.starts_with("text/"), format!("another type: {file:?}"))?;
                    let fine = file.scan == attachments::Scan::Clean && file.size <= 1024 * 1024;
                    match attachments::open(&file.id) {
                        Ok(_) => must(fine, format!("opened: {file:?}"))?,
                        Err(error) => must(!fine, format!("MISSED: {file:?}: {error:?}"))?,
                    }
                    opened += 1;
                }
            }
            Err(Error::NotFound) => must(!inside, "MISSED: a ticket inside is not found")?,
            Err(error) => return Err(missed(format!("{ticket}: {error:?}"))),
        }
    }
    say(&format!("{opened} files were tried"));
    for id in ["", "1", "../1", "http://127.0.0.1/", "file:///etc/passwd", "77990002", "\0"] {
        fails(id, attachments::open(id))?;
    }
    Ok(())
});
