//! tries: to read what another installation of the same plugin keeps in kv, in the same tenant and in another
//! stands-for: DAT-11, INT-12
//! asks: kv:read
//! asks: kv:write bytes=64KiB
//! calls: own, sibling, stranger
//! expect: ok

use portcullis_attack_guests::*;

attack!(|event| {
    let about = About::of(&event)?;
    let bucket = works("a bucket", kv::open("shared"))?;
    if about.call() == 1 {
        works("a value", bucket.set("secret", b"of the first", None))?;
        say(&about.fact("installation"));
        return Ok(());
    }
    let other = about.first_loot()?;
    must(bucket.get("secret")?.is_none(), "another installation's value")?;
    must(bucket.list_keys("", None)?.is_empty(), "another installation's keys")?;
    let none = bucket.compare_and_set("secret", Some(b"of the first"), b"mine", None);
    fails("to set what another has", none)?;
    works("deleting what is not there", bucket.delete("secret"))?;
    for name in [format!("{other}/shared"), format!("../{other}/shared"), format!("victim/{other}"), other] {
        match kv::open(&name) {
            Err(Error::Invalid(_)) => {}
            Err(error) => return Err(missed(format!("{name}: {error:?}"))),
            Ok(bucket) => must(bucket.list_keys("", None)?.is_empty(), format!("keys in {name}"))?,
        }
    }
    Ok(())
});
