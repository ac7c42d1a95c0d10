//! `portcullis audit witness`: who cosigns the log.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use portcullis_audit::WitnessKey;
use portcullis_broker::witness::WitnessUrl;
use portcullis_model::audit::{Kind, plain};
use portcullis_store::LogWitness;
use serde_json::json;

use crate::{home::Home, host::Host, log_proof, output::Output, witnessed};

/// Witnesses: others who cosign the log, so that it cannot be told differently to somebody else.
#[derive(Debug, Subcommand)]
pub enum Witness {
    /// Have the log cosigned by a witness (C2SP tlog-witness).
    #[command(
        after_help = "Example:\n  portcullis audit witness add harbour --url https://witness.example/w1 \\\n    \
        --vkey 'witness.example/w1+2b3c4d5e+BA...'\n\n\
        Give the witness this log's public key first ('portcullis audit key show'). From then on it is asked by the running host, \
        at most as often as log.witness-interval-s says."
    )]
    Add {
        /// What to call it here.
        name: String,
        /// Where it answers, without 'add-checkpoint'.
        #[arg(long)]
        url: String,
        /// Its public key.
        #[arg(long)]
        vkey: String,
    },
    /// Ask a witness no more.
    Remove {
        /// Its name.
        name: String,
    },
    /// List the witnesses, and what each last cosigned.
    List,
    /// Ask all of them now.
    Ask,
}

impl Witness {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let host = Host::open(home).await?;
        match self {
            Self::Add { name, url, vkey } => add(&host, output, name, url, vkey).await?,
            Self::Remove { name } => {
                let entry = host.entry(Kind::LogWitnessRemoved, None).with("name", name.as_str());
                if !host.store.remove_witness(name.clone(), entry).await? {
                    bail!("there is no witness '{}'; 'portcullis audit witness list' names them", plain(&name));
                }
                super::super::publish(&host).await?;
                output.result(&json!({ "removed": name }), || format!("{name} is asked no more."))?;
            }
            Self::List => list(&host, output).await?,
            Self::Ask => return ask(&host, output).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn add(host: &Host, output: Output, name: String, url: String, vkey: String) -> Result<()> {
    if name.is_empty() || name != plain(&name) {
        bail!("expected a name without control characters, such as 'harbour'");
    }
    let key = WitnessKey::parse(&vkey)?;
    WitnessUrl::parse(&url).map_err(anyhow::Error::msg)?;
    let entry = host
        .entry(Kind::LogWitnessAdded, None)
        .with("name", name.as_str())
        .with("url", url.as_str())
        .with("vkey", vkey.trim());
    let witness =
        LogWitness { name: name.clone(), url, vkey: vkey.trim().to_owned(), known: 0, asked: None, problem: None };
    if !host.store.add_witness(witness, entry).await? {
        bail!("there is a witness '{name}' already; remove it first");
    }
    super::super::publish(host).await?;
    let own = log_proof::vkey(&host.home)?;
    output.result(&json!({ "added": name, "witness": key.to_string(), "log-key": own }), || {
        format!("{name} ({key}) is asked from now on. It must know this log's key:\n  {own}")
    })
}

async fn list(host: &Host, output: Output) -> Result<()> {
    for one in host.store.witnesses().await? {
        let value = json!({
            "name": one.name, "url": one.url, "vkey": one.vkey, "cosigned": one.known, "asked": one.asked, "problem": one.problem,
        });
        output.item(&value, || {
            let came = one.problem.as_deref().unwrap_or("cosigned");
            let asked = one.asked.map_or_else(|| "never asked".to_owned(), |at| format!("asked {at}: {came}"));
            format!("{:16} {:>9} entries, {asked}\n  {}\n  {}", one.name, one.known, one.url, one.vkey)
        })?;
    }
    Ok(())
}

async fn ask(host: &Host, output: Output) -> Result<ExitCode> {
    super::super::publish(host).await?;
    let asked = witnessed::ask(host, true).await?;
    if asked.is_empty() {
        bail!("there is no witness; 'portcullis audit witness add' adds one");
    }
    let mut refused = false;
    for one in asked {
        refused |= one.problem.is_some();
        output.item(&json!({ "name": one.name, "cosigned": one.known, "problem": one.problem }), || {
            match &one.problem {
                Some(problem) => format!("{}: {problem}", one.name),
                None => format!("{} has cosigned {} entries.", one.name, one.known),
            }
        })?;
    }
    Ok(ExitCode::from(u8::from(refused)))
}
