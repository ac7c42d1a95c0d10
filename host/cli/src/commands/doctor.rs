//! `portcullis doctor`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::{
    doctor::{self, Finding, Grade},
    home::Home,
    output::Output,
};

/// Look at a home and its machine: what is not as it should be, and what to do about it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis doctor\n  portcullis doctor --json\n\n\
    It changes nothing, and may be given while the host runs. Exit code 1 where anything is bad.")]
pub struct Doctor {}

impl Doctor {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let found = doctor::examine(&home).await;
        let worst = found.iter().map(|one| one.grade).max().unwrap_or(Grade::Ok);
        output.result(&json!({ "grade": worst, "findings": found }), || {
            found.iter().map(line).collect::<Vec<_>>().join("\n")
        })?;
        Ok(if worst == Grade::Bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn line(found: &Finding) -> String {
    let grade = match found.grade {
        Grade::Ok => "ok  ",
        Grade::Warn => "warn",
        Grade::Bad => "BAD ",
    };
    let todo = found.todo.as_ref().map(|todo| format!("\n{:20}{todo}", "")).unwrap_or_default();
    format!("{grade}  {:13} {}{todo}", found.check, found.says)
}
