//! `portcullis plugin sheet`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use portcullis_duties::{
    catalogue::Catalogue,
    report::{sheet_page, sheet_text},
    sheet::Sheet,
};
use serde_json::json;

use crate::{
    admin::{Keyboard, given, or_unknown},
    home::Home,
    host::Host,
    output::Output,
};

/// Print a plugin's responsibility sheet: terms, sub-processors, regions, purposes, and who answers for what.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin sheet card-guard\n  portcullis plugin sheet card-guard --html sheet.html"
)]
pub struct SheetOf {
    /// The installation: its id, or the plugin's name.
    pub installation: String,
    /// Write a page that can be printed to this file: one file, no script. '-' is standard output.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

impl SheetOf {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let installation = host.installation(&self.installation).await?;
        let found = Keyboard::of(&host)?.read(&format!("/installations/{}/sheet", installation.id)).await;
        let mut found = or_unknown(found, || "its release is not in the registry".to_owned())?;
        let (sheet, catalogue): (Sheet, _) = (given(found["sheet"].take())?, Catalogue::built_in()?);
        match self.html {
            Some(file) => super::super::posture::write(&file, &sheet_page(&sheet, &catalogue)),
            None => {
                let value = json!({ "sheet": sheet, "open": found["open"] });
                output.result(&value, || sheet_text(&sheet, &catalogue))
            }
        }
    }
}
