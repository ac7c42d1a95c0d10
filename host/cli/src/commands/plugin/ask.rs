//! Asking the person at the keyboard before something changes.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context, Result, bail};

/// Asks; an error where the answer is not yes, or nobody is there.
pub(crate) fn agree(question: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody is there to agree; read what would be done above, then add --yes");
    }
    print!("{question} [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("cannot read the answer")?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("nothing was changed"),
    }
}
