//! `portcullis advisories`

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use portcullis_model::{
    audit::{Kind, Recorder as _},
    id::Digest,
};
use portcullis_packages::advisories::{Collected, Collector, Database, MAX_DATABASE, MAX_RECORD, Summary};
use serde_json::{Value, json};

use crate::{
    home::Home,
    host::{Host, person},
    output::Output,
    rescan::rescan,
};

/// The most files that are read, and the most bytes of all together.
const MAX_FILES: usize = 2_000_000;
const MAX_BYTES: u64 = 8 * 1024 * 1024 * 1024;
const MAX_DEPTH: usize = 8;

/// Known vulnerabilities of what plugins are made of.
#[derive(Debug, Subcommand)]
pub enum Advisories {
    /// Make the file of advisories anew from records in OSV's form.
    Update(Update),
    /// Show what the file has in it.
    #[command(after_help = "Examples:\n  portcullis advisories show\n  portcullis advisories show --json")]
    Show,
}

/// Make the file of advisories anew from records in OSV's form.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis advisories update --from advisory-db/osv\n  \
    portcullis advisories update --from all.ndjson --from more/\n\n\
    Bring the records from where they are published, such as the unpacked archives of osv.dev for crates.io, npm and PyPI, or\n\
    RustSec's branch 'osv'. Nothing is fetched. The file is made anew: give all sources at once.")]
pub struct Update {
    /// A directory with .json and .ndjson files in it, or such a file; may be given several times.
    #[arg(long, required = true, value_name = "PATH")]
    pub from: Vec<PathBuf>,
}

impl Advisories {
    pub(super) async fn run(self, home: &Home, output: Output) -> Result<()> {
        match self {
            Self::Update(update) => {
                let host = Host::open(home.clone()).await?;
                let (database, became) = update.read(output)?;
                // On record before it is there.
                let entry = host.entry(Kind::AdvisoriesUpdated, None).about("advisories");
                let entry =
                    entry.with("digest", Digest::of(&database.to_bytes()?).to_string()).with("kept", became.kept);
                host.store.record(vec![entry]).await?;
                let (mut value, words) = keep(home, &database, &became)?;
                let found = rescan(&host, &database, person()).await?;
                super::publish(&host).await?;
                value["rescan"] = json!(found);
                output.result(&value, || format!("{words}\n{}", found.words()))
            }
            Self::Show => {
                let Some(database) = load(home)? else { bail!("{}", absent(home)) };
                let summary = database.summary();
                let path = home.advisories();
                output.result(&json!({ "file": path, "advisories": summary }), || words(&path, &summary))
            }
        }
    }
}

/// Where there is none: what to do.
pub(crate) fn absent(home: &Home) -> String {
    format!(
        "there is no file of advisories ({}), so nothing is known about vulnerabilities; make one with 'portcullis advisories \
         update --from ...'",
        home.advisories().display()
    )
}

/// Reads the file of advisories; `None` where there is none.
pub(crate) fn load(home: &Home) -> Result<Option<Database>> {
    let path = home.advisories();
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_DATABASE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(Database::parse(&bytes).with_context(|| format!("{}", path.display()))?))
}

fn words(path: &Path, summary: &Summary) -> String {
    let each: Vec<String> = summary.ecosystems.iter().map(|(name, count)| format!("{count} of {name}")).collect();
    format!(
        "{}: {} advisories ({}), the newest changed at {}\n{}",
        path.display(),
        summary.count,
        each.join(", "),
        summary.newest.as_deref().unwrap_or("no time"),
        summary.digest
    )
}

impl Update {
    /// Reads what the file is made of.
    fn read(self, output: Output) -> Result<(Database, Collected)> {
        let spinner = output.spinner("reading advisories");
        let mut reading = Reading::default();
        for path in &self.from {
            // A link that was named is followed; links that are met are not.
            let kind = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
            if kind.is_dir() { reading.directory(path, 0)? } else { reading.file(path)? }
        }
        let (database, became) = reading.collector.finish()?;
        spinner.finish_and_clear();
        if became.kept == 0 {
            bail!("no advisory was found, and the file stays as it is. {}", told(&became));
        }
        Ok((database, became))
    }
}

/// Writes the file. Gives what is in it, as JSON and for people.
fn keep(home: &Home, database: &Database, became: &Collected) -> Result<(Value, String)> {
    write(home, &database.to_bytes()?)?;
    let (path, summary) = (home.advisories(), database.summary());
    let value = json!({
        "file": path, "advisories": summary, "passed-over": became.passed_over, "broken": became.broken,
        "reasons": became.reasons,
    });
    Ok((value, format!("{}\n{}", words(&path, &summary), told(became))))
}

fn told(became: &Collected) -> String {
    let reasons: String = became.reasons.iter().map(|reason| format!("\n  {reason}")).collect();
    format!(
        "Passed over: {} (withdrawn, or of other ecosystems). Not readable: {}.{reasons}",
        became.passed_over, became.broken
    )
}

/// In place of the file that was there: wholly or not at all.
fn write(home: &Home, bytes: &[u8]) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(home.dir())?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(home.advisories())?;
    Ok(())
}

/// Reads files, within bounds.
#[derive(Default)]
struct Reading {
    collector: Collector,
    files: usize,
    bytes: u64,
}

impl Reading {
    fn directory(&mut self, dir: &Path, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            bail!(
                "{} lies more than {MAX_DEPTH} directories deep; give a directory nearer to the records",
                dir.display()
            );
        }
        for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                self.directory(&path, depth + 1)?;
            } else if kind.is_file() && matches!(extension(&path), "json" | "ndjson" | "jsonl") {
                self.file(&path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        self.files += 1;
        if self.files > MAX_FILES {
            bail!("more than {MAX_FILES} files; keep to the ecosystems that plugins are made of");
        }
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let place = path.display().to_string();
        if matches!(extension(path), "ndjson" | "jsonl") {
            return self.lines(&place, BufReader::new(file));
        }
        let mut text = Vec::new();
        file.take(MAX_RECORD as u64 + 1).read_to_end(&mut text)?;
        self.add(&place, &text)
    }

    /// A record a line. Of a line that is too long no more is kept than is needed to say so.
    fn lines(&mut self, place: &str, mut from: BufReader<File>) -> Result<()> {
        for number in 1.. {
            let mut line = Vec::new();
            from.by_ref().take(MAX_RECORD as u64 + 1).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                break;
            }
            if line.len() > MAX_RECORD && line.last() != Some(&b'\n') {
                from.skip_until(b'\n')?;
            }
            let text = line.trim_ascii();
            if !text.is_empty() {
                self.add(&format!("{place}:{number}"), text)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, place: &str, text: &[u8]) -> Result<()> {
        self.bytes += text.len() as u64;
        if self.bytes > MAX_BYTES {
            bail!("more than {MAX_BYTES} bytes; keep to the ecosystems that plugins are made of");
        }
        self.collector.add(place, text);
        Ok(())
    }
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(home: &Home, from: PathBuf) -> Result<Value> {
        let (database, became) = Update { from: vec![from] }.read(Output { json: false })?;
        Ok(keep(home, &database, &became)?.0)
    }

    fn record(id: &str, ecosystem: &str) -> String {
        json!({
            "id": id, "modified": "2024-05-01T12:00:00Z", "summary": "x",
            "affected": [{ "package": { "ecosystem": ecosystem, "name": "p" },
                           "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }] }] }]
        })
        .to_string()
    }

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("home"));
        fs::create_dir_all(home.dir()).unwrap();
        fs::write(home.config(), "").unwrap();
        (dir, home)
    }

    #[test]
    fn reads_directories_files_and_lines_and_follows_no_link_that_it_meets() {
        let (dir, home) = home();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("deeper")).unwrap();
        fs::write(from.join("A-1.json"), record("A-1", "crates.io")).unwrap();
        fs::write(from.join("deeper/A-2.json"), record("A-2", "Debian:12")).unwrap();
        fs::write(from.join("README.md"), "no record").unwrap();
        let lines = format!("{}\n\n{{\n{}", record("A-3", "npm"), record("A-4", "PyPI"));
        fs::write(from.join("more.ndjson"), lines).unwrap();
        let elsewhere = dir.path().join("elsewhere.json");
        fs::write(&elsewhere, record("A-5", "npm")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, from.join("link.json")).unwrap();

        update(&home, from).unwrap();
        let summary = load(&home).unwrap().unwrap().summary();
        assert_eq!(summary.ecosystems.into_iter().collect::<Vec<_>>(), [("PyPI", 1), ("crates.io", 1), ("npm", 1)]);
        update(&home, elsewhere).unwrap();
        assert_eq!(load(&home).unwrap().unwrap().summary().count, 1, "it is made anew");
    }

    #[test]
    fn a_file_stays_where_nothing_was_found_and_a_damaged_one_is_not_used() {
        let (dir, home) = home();
        assert!(load(&home).unwrap().is_none());
        assert!(absent(&home).contains("nothing is known about vulnerabilities"));
        let (good, bad) = (dir.path().join("good.json"), dir.path().join("bad.json"));
        fs::write(&good, record("A-1", "npm")).unwrap();
        fs::write(&bad, "{}").unwrap();
        update(&home, good).unwrap();
        let error = update(&home, bad).unwrap_err().to_string();
        assert!(error.contains("the file stays as it is") && error.contains("bad.json: not an OSV record"), "{error}");
        assert_eq!(load(&home).unwrap().unwrap().summary().count, 1);
        fs::write(home.advisories(), "{}").unwrap();
        assert!(format!("{:#}", load(&home).unwrap_err()).contains("cannot be used"));
    }
}
