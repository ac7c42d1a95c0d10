//! tries: to follow links that somebody put into its directory, out to other files of the machine
//! stands-for: DAT-11
//! asks: files:read
//! asks: files:write bytes=1MiB
//! calls: own, own
//! expect: ok
//! afterwards: files

use portcullis_attack_guests::*;

attack!(|event| {
    if About::of(&event)?.call() == 1 {
        // After this the links are planted beside it.
        return works("a file", files::write("marker", b"here"));
    }
    for path in ["to-file", "to-directory/host.db", "to-directory/secret.txt", "to-root/etc/passwd", "dangling"] {
        fails(path, files::read(path))?;
        fails(path, files::write(path, b"escaped"))?;
    }
    for path in ["to-directory", "to-root", "to-file"] {
        fails(path, files::list(path))?;
    }
    // The host may go on, or have nothing to do with a directory that somebody has been at.
    match files::read("marker") {
        Ok(content) => must(content == b"here", "its own file was changed"),
        Err(error) => must(error == Error::Unavailable, format!("MISSED: {error:?}")),
    }
});
