//! `portcullis audit erase`

use anyhow::{Result, bail};
use clap::{ArgGroup, Args};
use portcullis_model::audit::Kind;
use portcullis_store::{ErasedValues, Which};
use serde_json::json;

use crate::{home::Home, host::Host, output::Output, reading::LogReader};

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
    fn which(&self) -> Result<Which> {
        let Some(value) = self.person.as_ref().or(self.record.as_ref()) else {
            let Some(index) = self.entry else { bail!("give --person, --record or --entry") };
            return Ok(Which::Entry { index, field: self.field.clone() });
        };
        if value.trim().is_empty() {
            bail!("there is no value to erase");
        }
        if self.reason.to_lowercase().contains(&value.to_lowercase()) {
            bail!("the reason says again what is to be erased; give one without it, such as the number of the request");
        }
        Ok(Which::Value(portcullis_model::audit::plain(value)))
    }

    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let which = self.which()?;
        let host = Host::open(home).await?;
        if self.dry_run {
            return told(output, &host.store.openings_of(which).await?, true);
        }
        let entry = host.entry(Kind::AuditErased, None).with("reason", self.reason.as_str());
        let mut erased = host.store.erase_openings(which.clone(), entry).await?;
        if let Which::Value(value) = &which {
            crate::detect::forget(&host, value).await?;
        }
        erased.is_gone &= LogReader::new(&host.home, host.store.clone()).forgets().await;
        super::super::publish(&host).await?;
        told(output, &erased, false)
    }
}

fn told(output: Output, erased: &ErasedValues, dry: bool) -> Result<()> {
    let count: u64 = erased.fields.values().sum();
    let value = json!({
        "erased": count, "entries": erased.entries, "fields": erased.fields, "recorded": erased.recorded, "dry-run": dry,
        "gone-from-files": erased.is_gone,
    });
    output.result(&value, || {
        let fields: Vec<String> = erased.fields.iter().map(|(field, count)| format!("  {field}: {count}")).collect();
        let what = match dry {
            true => format!("Would erase {count} values of {} entries.", erased.entries.len()),
            false => format!("Erased {count} values of {} entries, as entry {:?} says.", erased.entries.len(), erased.recorded),
        };
        let left = match dry || erased.is_gone {
            true => "",
            false => {
                "\nSomebody is reading the database or its index: the values stay in a file of recent changes (host.db-wal, \
                 audit-index.db-wal) until that is written over. Give the command again to be sure."
            }
        };
        [what].into_iter().chain(fields).collect::<Vec<_>>().join("\n") + left
    })
}
