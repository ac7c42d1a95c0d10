//! `portcullis audit witness`: who cosigns the log.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use portcullis_api::admin::Method;
use portcullis_model::audit::plain;
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, escaped, or_unknown},
    home::Home,
    host::Host,
    output::Output,
};

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
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        match self {
            Self::Add { name, url, vkey } => {
                let body = json!({ "name": name, "url": url, "vkey": vkey });
                added(&keyboard.post(WITNESSES, &body).await?, output)?;
            }
            Self::Remove { name } => {
                let path = format!("{WITNESSES}/{}", escaped(&name));
                let removed = keyboard.act(Method::DELETE, &path, None, None).await;
                let missing =
                    || format!("there is no witness '{}'; 'portcullis audit witness list' names them", plain(&name));
                or_unknown(removed, missing)?;
                output.result(&json!({ "removed": name }), || format!("{name} is asked no more."))?;
            }
            Self::List => {
                keyboard.all(WITNESSES, &[]).await?.iter().try_for_each(|one| output.item(one, || words(one)))?;
            }
            Self::Ask => return ask(&keyboard, output).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}

const WITNESSES: &str = "/audit/witnesses";

fn text(one: &Value, name: &str) -> String {
    plain(one[name].as_str().unwrap_or_default())
}

fn added(told: &Value, output: Output) -> Result<()> {
    let value = json!({ "added": told["name"], "witness": told["witness"], "log-key": told["log-key"] });
    output.result(&value, || {
        let (name, witness, key) = (text(told, "name"), text(told, "witness"), text(told, "log-key"));
        format!("{name} ({witness}) is asked from now on. It must know this log's key:\n  {key}")
    })
}

fn words(one: &Value) -> String {
    let came = one["problem"].as_str().unwrap_or("cosigned");
    let asked = one["asked"].as_str().map_or_else(|| "never asked".to_owned(), |at| format!("asked {at}: {came}"));
    let cosigned = one["cosigned"].as_u64().unwrap_or_default();
    let (name, url, vkey) = (text(one, "name"), text(one, "url"), text(one, "vkey"));
    format!("{name:16} {cosigned:>9} entries, {asked}\n  {url}\n  {vkey}")
}

async fn ask(keyboard: &Keyboard, output: Output) -> Result<ExitCode> {
    // What this command can publish is what they are asked to cosign.
    keyboard.publish().await?;
    let answer = keyboard.act(Method::POST, &format!("{WITNESSES}/ask"), None, None).await?;
    let mut refused = false;
    for one in answer["asked"].as_array().into_iter().flatten() {
        refused |= one["problem"].is_string();
        output.item(one, || match one["problem"].as_str() {
            Some(problem) => format!("{}: {problem}", text(one, "name")),
            None => format!("{} has cosigned {} entries.", text(one, "name"), one["cosigned"]),
        })?;
    }
    Ok(ExitCode::from(u8::from(refused)))
}
