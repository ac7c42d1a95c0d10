//! `portcullis plugin rescan`

use anyhow::Result;
use clap::Args;
use portcullis_packages::review::rescan::{Scanned, named};

use crate::{
    home::Home,
    host::{Host, person},
    output::Output,
    rescan::{Rescan as Found, database, rescan},
};

/// Look again at what every installed or submitted release is made of, for vulnerabilities that are known by now.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis plugin rescan\n\n\
    What is known lies in a file of this host; 'portcullis advisories update' brings it up to date, and rescans.\n\
    A release says itself what it is made of: one that says nothing has no findings.")]
pub struct Rescan {}

impl Rescan {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let database = database(&host)?;
        let found = rescan(&host, &database, person()).await?;
        super::super::publish(&host).await?;
        output.result(&found, || words(&found))
    }
}

/// For people.
pub(crate) fn words(found: &Found) -> String {
    let vulnerable = found.scanned.iter().filter(|one| !one.found.is_empty()).count();
    let mut lines = vec![format!(
        "{} releases were held against the advisories {}; {vulnerable} are made of what has known vulnerabilities.",
        found.scanned.len(),
        found.database.short()
    )];
    for one in found.scanned.iter().filter(|one| !one.found.is_empty() || !one.gone.is_empty()) {
        lines.extend(release(one));
    }
    lines.extend(found.unread.iter().map(|one| format!("{} could not be looked at: {}", one.component, one.reason)));
    for one in &found.stopped {
        lines.push(format!("{} ({}): {}", one.component, one.reason, one.how.words()));
    }
    lines.join("\n")
}

fn release(one: &Scanned) -> Vec<String> {
    let mut lines = vec![format!("{}@{} ({})", one.plugin, one.number, one.version)];
    for found in &one.found {
        let new = if one.new.contains(found) { "NEW " } else { "    " };
        let fixed = found.fixed.as_ref().map_or_else(|| "not fixed".to_owned(), |fixed| format!("fixed in {fixed}"));
        lines.push(format!("  {new}{}, {fixed}: {}", named(found), found.summary));
    }
    lines.extend(one.gone.iter().map(|gone| format!("  gone {}", named(gone))));
    lines
}
