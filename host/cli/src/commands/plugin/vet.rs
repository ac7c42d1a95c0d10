//! `portcullis plugin vet`

mod replayed;
mod words;

use std::{fs, io::Read as _, path::PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use portcullis_model::{behaviour::MAX_SEED, event::Event, time::Rng as _};
use portcullis_packages::{
    check::fits,
    manifest::Manifest,
    release_dir::{self, ENVELOPE_NAME},
};
use portcullis_vet::{Asked, MAX_EVENTS, Options, Release, STATUSES, read_events};
use serde_json::json;

use crate::{host::RULES, output::Output, system::SystemRng};

/// Run a release in a recording sandbox, on events of every kind, and report what it did.
#[derive(Debug, Args)]
#[command(
    after_help = "Everything that the plugin asks for is answered by a recorder: nothing leaves this machine, and nothing is \
                        left on it. The report is evidence, not a verdict: the exit code is 0 whatever was found.\n\n\
                        Examples:\n  portcullis plugin vet my-plugin/dist\n  \
                        portcullis plugin vet my-plugin/dist --seed 7 -o report.json\n  \
                        portcullis plugin vet my-plugin/dist --seed 7 --replay 1304"
)]
pub struct Vet {
    /// A directory with plugin.wasm and portcullis.toml in it. It need not be signed.
    pub path: PathBuf,
    /// How many mutated events to run it on, beside the others.
    #[arg(long, default_value_t = 10_000, value_name = "COUNT")]
    pub inputs: u64,
    /// What all events and answers are made from. Absent: by chance, so that nobody can prepare for it.
    #[arg(long, value_parser = clap::value_parser!(u64).range(0..=MAX_SEED))]
    pub seed: Option<u64>,
    /// Events to run it on beside those that are made: a webhook's body or a CloudEvents event, an array of them, or one a line.
    #[arg(long, value_name = "FILE")]
    pub events: Vec<PathBuf>,
    /// The HTTP statuses that its requests are answered with.
    #[arg(long, value_delimiter = ',', value_name = "STATUS", default_values_t = STATUSES)]
    pub statuses: Vec<u16>,
    /// Where to write the report: the very bytes that its digest is over.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Run the input with this number alone, and show what it does with its arguments, log and stack. Give the run's seed and events.
    #[arg(long, value_name = "INPUT", requires = "seed", conflicts_with_all = ["output", "inputs"])]
    pub replay: Option<u64>,
}

impl Vet {
    pub(super) async fn run(self, output: Output) -> Result<()> {
        let release = self.release()?;
        let seed = self.seed.unwrap_or_else(by_chance);
        let options = Options {
            inputs: self.inputs,
            events: self.given()?,
            statuses: self.statuses.clone(),
            ..Options::seeded(seed)
        };
        if let Some(number) = self.replay {
            let replay = portcullis_vet::replay(&release, &options, number).await?;
            return output.result(&replay, || replayed::words(&replay));
        }
        let signed = self.path.join(ENVELOPE_NAME).is_file();
        let bar = output.bar(0, "running the release");
        let progress = |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        };
        let vetted = portcullis_vet::vet(&release, &options, progress).await?;
        bar.finish_and_clear();
        let digest = vetted.report.digest()?;
        if let Some(path) = &self.output {
            fs::write(path, vetted.report.encode()?).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let (report, measured) = (&vetted.report, &vetted.measured);
        let findings = report.findings();
        let value = json!({
            "digest": digest, "signed": signed, "findings": findings, "report": report, "measured": measured,
        });
        output.result(&value, || {
            let run = words::Run { report, measured, digest, signed, findings: &findings, path: &self.path };
            run.words()
        })
    }

    fn release(&self) -> Result<Release> {
        let files = release_dir::read_unsigned(&self.path)?;
        let manifest = Manifest::parse(&files.manifest)?;
        // What no host would load cannot be run here either.
        fits(&manifest, &files.manifest, &files.component, RULES)
            .map_err(|refusal| anyhow!("it cannot be run: {refusal}"))?;
        let asked = |asked: &portcullis_packages::manifest::AskedScope| Asked {
            scope: asked.scope.clone(),
            optional: asked.optional,
        };
        Ok(Release {
            plugin: manifest.id.clone(),
            publisher: manifest.publisher.clone(),
            version: manifest.version.clone(),
            number: manifest.release,
            component: files.component,
            manifest: manifest.digest,
            asked: manifest.scopes.iter().map(asked).collect(),
            limits: manifest.limits,
        })
    }

    fn given(&self) -> Result<Vec<Event>> {
        let mut all = Vec::new();
        for path in &self.events {
            let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut text = String::new();
            let read = file.take(MAX_EVENTS as u64 + 1).read_to_string(&mut text);
            read.with_context(|| format!("cannot read {}", path.display()))?;
            all.extend(read_events(&text).with_context(|| format!("{} has no events", path.display()))?);
        }
        Ok(all)
    }
}

fn by_chance() -> u64 {
    let mut bytes = [0; 8];
    SystemRng.fill(&mut bytes);
    u64::from_le_bytes(bytes) & MAX_SEED
}
