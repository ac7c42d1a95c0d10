//! Lists the guests, so that the tests do not compile while one of them is not run: `every_guest!(each)` expands to
//! `each! { name }` for every file in `tests/guests/examples`.

use std::{env, fmt::Write as _, fs, io, path::Path};

fn main() -> io::Result<()> {
    let examples = Path::new("../guests/examples");
    println!("cargo::rerun-if-changed={}", examples.display());
    let mut names = Vec::new();
    for file in fs::read_dir(examples)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    let mut text = "/// Expands a macro once for each guest, with its name.\n#[macro_export]\nmacro_rules! every_guest {\n    ($each:ident) => {\n".to_owned();
    for name in names {
        writeln!(text, "        $each! {{ {name} }}").map_err(io::Error::other)?;
    }
    text.push_str("    };\n}\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("every_guest.rs"), text)
}
