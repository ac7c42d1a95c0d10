//! tries: to reach files outside of its own directory by their paths
//! stands-for: DAT-11, MNT-5
//! asks: files:read
//! asks: files:write bytes=1MiB
//! limit: cpu-ms=2000
//! expect: ok
//! afterwards: files

use portcullis_attack_guests::*;

attack!(|_| {
    works("a file", files::write("own/file", b"mine"))?;
    let deep = ["a"; 9].join("/");
    let long = "x".repeat(129);
    for path in [
        "..",
        "../..",
        "../../host.db",
        "/etc/passwd",
        "//etc/passwd",
        "own/../../x",
        "own/..",
        "./own",
        ".",
        "own/.",
        "own//file",
        "own/",
        "/own/file",
        "..\\x",
        "own\\..\\..\\x",
        "C:\\x",
        "own/file\0",
        "\0",
        "own\n",
        "own/\u{7f}",
        "\u{1b}",
        &deep,
        &long,
        "own/./file",
        "own/../own/file",
    ] {
        invalid(path, files::read(path))?;
        invalid(path, files::write(path, b"escaped"))?;
        invalid(path, files::remove(path))?;
        invalid(path, files::list(path))?;
    }
    // Names that look like a way out and are none: what is written under them stays inside.
    for path in [
        "...",
        ". .",
        "%2e%2e",
        "..%2f..%2fetc",
        "\u{2025}",
        "\u{ff0e}\u{ff0e}",
        "~",
        "~root",
        "proc",
        "$HOME",
        "con",
        "NUL",
    ] {
        match files::write(path, b"inside") {
            Ok(()) => must(files::read(path)? == b"inside", format!("{path}: something else was there"))?,
            Err(error) => invalid::<()>(path, Err(error))?,
        }
    }
    must(files::read("own/file")? == b"mine", "its own file was changed")
});
