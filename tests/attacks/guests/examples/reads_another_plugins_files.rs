//! tries: to read and list the files of another installation, in the same tenant and in another
//! stands-for: DAT-11
//! asks: files:read
//! asks: files:write bytes=1MiB
//! calls: own, sibling, stranger
//! expect: ok

use portcullis_attack_guests::*;

attack!(|event| {
    let about = About::of(&event)?;
    if about.call() == 1 {
        works("a file", files::write("secret.txt", b"of the first"))?;
        say(&about.fact("installation"));
        return Ok(());
    }
    let other = about.first_loot()?;
    not_found("the same name", files::read("secret.txt"))?;
    must(files::list("")?.is_empty(), "another installation's files")?;
    for path in
        [format!("{other}/secret.txt"), format!("../{other}/secret.txt"), format!("../../victim/{other}/secret.txt")]
    {
        nothing(&path, files::read(&path))?;
    }
    Ok(())
});
