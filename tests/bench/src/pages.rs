//! The console and the admin API of a large home: how long each page and each question takes, and what it weighs.
//!
//! The home has a thousand installations in one tenant, some in others, and a million entries. It is made once by the host's own
//! functions and kept beside the build, under `pages`; take it away to have it made anew. A host serves it as any other, and each page is
//! asked for over TCP by somebody who signed in.

mod home;
mod known;
mod made;
mod visit;

use anyhow::Result;
use serde_json::Value;

/// How often each is asked for.
const TIMES: usize = 20;

/// Every page and question, in a home with so many installations and entries.
pub async fn measure(installations: usize, entries: u64) -> Result<Value> {
    let home = home::at(installations, entries).await?;
    visit::all(home, TIMES).await
}
