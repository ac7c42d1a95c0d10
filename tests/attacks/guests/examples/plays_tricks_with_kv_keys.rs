//! tries: to reach other keys than it names: wildcards, nulls, separators, text that is the same to the eye
//! stands-for: MNT-5, DAT-11
//! asks: kv:read
//! asks: kv:write bytes=64KiB
//! limit: cpu-ms=2000
//! expect: ok

use portcullis_attack_guests::*;

attack!(|_| {
    let bucket = works("a bucket", kv::open("keys"))?;
    works("a value", bucket.set("caf\u{e9}", b"composed", None))?;
    works("a value", bucket.set("Key", b"upper", None))?;
    for key in ["cafe\u{301}", "key", "KEY", "Key ", "Ke_", "K%", "*", "K??", "[Kk]ey"] {
        must(bucket.get(key)?.is_none(), format!("{key:?} means another key"))?;
    }
    for prefix in ["%", "_", "*", "K%y", "k", "cafe", "?", "[K]", "\u{10ffff}", "' OR 1=1 --"] {
        let found = bucket.list_keys(prefix, None)?;
        must(found.is_empty(), format!("prefix {prefix:?}: {found:?}"))?;
    }
    let long = "x".repeat(257);
    for key in ["", "a\0b", "a\nb", "\u{1b}[0m", "a\u{7f}", "\u{85}", long.as_str()] {
        invalid("get", bucket.get(key))?;
        invalid("set", bucket.set(key, b"x", None))?;
        invalid("compare-and-set", bucket.compare_and_set(key, None, b"x", None))?;
        invalid("delete", bucket.delete(key))?;
    }
    for name in ["", "a/b", "..", ".", "A", "a b", "a\0", "é", &"x".repeat(65), "a:b", "a%b", "a.b"] {
        invalid("open", kv::open(name))?;
    }
    Ok(())
});
