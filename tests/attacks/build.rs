//! Lists the guests, so that none can be there and not run: every file of `guests/examples` and `components` is in the list
//! that the test goes through. A file without a right header, an example that Cargo.toml does not name, or a missing function
//! for `afterwards:` fails the build.

#[expect(dead_code, reason = "the tests use what this script does not")]
#[path = "src/header.rs"]
mod header;

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use header::Header;

/// The guest that behaves, and is run beside each of the others.
const NEIGHBOUR: &str = "neighbour";

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let (mut list, mut modules, mut names) = (String::new(), String::new(), Vec::new());
    for folder in ["guests/examples", "components"] {
        println!("cargo::rerun-if-changed={folder}");
        let mut files: Vec<PathBuf> =
            fs::read_dir(here.join(folder))?.map(|file| Ok(file?.path())).collect::<Result<_, std::io::Error>>()?;
        files.sort();
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if name == NEIGHBOUR {
                continue;
            }
            let source = fs::read_to_string(&file)?;
            let header = Header::parse(&source).map_err(|error| format!("{}: {error}", file.display()))?;
            writeln!(list, "{}", entry(&here, folder, &file, &name, &header, &mut modules)?)?;
            if names.contains(&name) {
                return Err(format!("two guests are called '{name}'").into());
            }
            names.push(name);
        }
    }
    named_in_cargo(&here)?;
    let text = format!("{modules}\n/// Every guest.\npub const GUESTS: &[Guest] = &[\n{list}];\n");
    fs::write(Path::new(&env::var("OUT_DIR")?).join("every_guest.rs"), text)?;
    Ok(())
}

fn entry(
    here: &Path,
    folder: &str,
    file: &Path,
    name: &str,
    header: &Header,
    modules: &mut String,
) -> Result<String, Box<dyn Error>> {
    let path = file.display();
    let source = match (folder, file.extension().and_then(|extension| extension.to_str())) {
        ("guests/examples", Some("rs")) => "Source::Rust".to_owned(),
        ("components", Some("wat")) => format!("Source::Wat(include_str!(\"{path}\"))"),
        ("components", Some("rs")) => {
            writeln!(modules, "#[path = \"{path}\"]\nmod {name};")?;
            format!("Source::Made({name}::make)")
        }
        _ => return Err(format!("{path}: expected a .rs or, among the components, a .wat").into()),
    };
    let afterwards = match &header.afterwards {
        None => "None".to_owned(),
        Some(theme) if here.join(format!("tests/corpus/{theme}.rs")).is_file() => {
            format!("Some(|ran| Box::pin(crate::{theme}::{name}(ran)))")
        }
        Some(theme) => return Err(format!("{path}: there is no tests/corpus/{theme}.rs").into()),
    };
    Ok(format!(
        "    Guest {{ name: \"{name}\", text: include_str!(\"{path}\"), source: {source}, afterwards: {afterwards} }},"
    ))
}

/// Only what is an `[[example]]` of type cdylib is built as a guest.
fn named_in_cargo(here: &Path) -> Result<(), Box<dyn Error>> {
    let manifest = here.join("guests/Cargo.toml");
    println!("cargo::rerun-if-changed={}", manifest.display());
    let text = fs::read_to_string(&manifest)?;
    for file in fs::read_dir(here.join("guests/examples"))? {
        let file = file?.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !text.contains(&format!("[[example]]\nname = \"{name}\"\ncrate-type = [\"cdylib\"]\n")) {
            return Err(format!(
                "{}: is no [[example]] with crate-type cdylib in {}",
                file.display(),
                manifest.display()
            )
            .into());
        }
    }
    Ok(())
}
