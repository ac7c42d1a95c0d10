//! `portcullis audit erase`

use anyhow::Result;
use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, asked},
    home::Home,
    host::Host,
    output::Output,
};

/// Erase personal values from beside the log; every proof goes on to hold.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("what").required(true).args(["person", "record", "entry"]),
    after_help = "Examples:\n  portcullis audit erase --person dana --reason 'request 4711' --dry-run\n  \
    portcullis audit erase --record user:7 --reason 'request 4711'\n  \
    portcullis audit erase --entry 1042 --field detail.reason --reason 'names a customer'\n\n\
    Entries stay, and read '(erased)' there. That it was done is an entry itself: by whom, why, and of which entries."
)]
pub struct Erase {
    /// Wherever this name stands: exactly, as who did something and who is named in it, and as a word of its own in a text that
    /// somebody wrote, such as a reason; the whole text goes.
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// Wherever this is what it was about, such as user:7, and each text that names it.
    #[arg(long, value_name = "RESOURCE")]
    record: Option<String>,
    /// The personal values of this entry.
    #[arg(long, value_name = "INDEX")]
    entry: Option<u64>,
    /// Only this field of it, such as actor.name, resource or detail.reason.
    #[arg(long, requires = "entry")]
    field: Option<String>,
    /// Why. It goes into the log, so it must not say again what is erased.
    #[arg(long)]
    reason: String,
    /// Say what would be erased, and erase nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Erase {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        let body = json!({
            "person": self.person, "record": self.record, "entry": self.entry, "field": self.field, "reason": self.reason,
        });
        let dry = self.dry_run.then(|| "true".to_owned());
        let told = keyboard.post(&asked("/audit/erase", &[("dry_run", dry)]), &body).await?;
        let value = json!({
            "erased": told["erased"], "entries": told["entries"], "fields": told["fields"], "recorded": told["recorded"],
            "dry-run": self.dry_run, "gone-from-files": told["gone_from_files"],
        });
        output.result(&value, || words(&told, self.dry_run))
    }
}

fn words(told: &Value, dry: bool) -> String {
    let (count, entries) = (&told["erased"], told["entries"].as_array().map_or(0, Vec::len));
    let fields = told["fields"].as_object().into_iter().flatten();
    let fields: Vec<String> = fields.map(|(field, count)| format!("  {field}: {count}")).collect();
    let what = match dry {
        true => format!("Would erase {count} values of {entries} entries."),
        false => format!("Erased {count} values of {entries} entries, as entry {} says.", told["recorded"]),
    };
    let left = match dry || told["gone_from_files"] == true {
        true => "",
        false => {
            "\nSomebody is reading the database or its index: the values stay in a file of recent changes (host.db-wal, \
             audit-index.db-wal) until that is written over. Give the command again to be sure."
        }
    };
    [what].into_iter().chain(fields).collect::<Vec<_>>().join("\n") + left
}
