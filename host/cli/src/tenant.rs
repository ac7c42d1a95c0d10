//! A tenant that leaves (DAT-10): all that is its own is written out, in open formats.
//!
//! Invariants: what is not whole is handed to nobody; no secret is in it; the list of the files' digests is in it, and in the log the
//! digest of that list.

mod certificate;
mod delete;
mod desk;
mod piece;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use portcullis_model::{
    audit::{
        Actor, Entry, Kind, Recorder as _,
        query::{Field, Filter},
    },
    error::StoreError,
    id::{Digest, TenantId},
    installation::{Installation, InstallationStore as _},
    json::sorted,
};
use serde_json::{Value, json};

use self::piece::Piece;
pub use self::{
    certificate::{Backups, Certificate, read, verify},
    delete::{Plan, begin, carry_on, plan, run},
    desk::ports,
};
use crate::{
    commands::publish,
    erasure::{self, Exported, SUMS, fresh_dir, seal},
    host::Host,
    logbook::{About, put_together},
    parcel::{Bench, Packed},
    reading::LogReader,
};

/// Puts all that is a tenant's own into one tar; that it is handed over is on record then.
pub async fn export(host: &Host, tenant: &TenantId, by: Actor) -> Result<Packed> {
    let bench = Bench::of(&host.home)?;
    let dir = bench.whole();
    let exported = write(host, tenant, &dir).await?;
    let list = Digest::of(&fs::read(dir.join(SUMS))?);
    let packed = tokio::task::block_in_place(|| bench.pack())?;
    let entry = Entry::new(host.clock.now(), Kind::TenantExported, by, Some(tenant.clone()))
        .about(format!("tenant:{tenant}"))
        .with("files", exported.files.len())
        .with("list", list.to_string())
        .with("digest", packed.digest.to_string());
    host.store.record(vec![entry]).await?;
    Ok(packed)
}

/// The installations that a tenant ever had; none where there is no such tenant.
async fn known(host: &Host, tenant: &TenantId) -> Result<Option<Vec<Installation>>> {
    let mut installations = host.store.installations().await?;
    installations.retain(|one| one.tenant == *tenant);
    let is_there = !installations.is_empty() || host.config.tenants.contains_key(tenant);
    Ok(is_there.then_some(installations))
}

fn missing(tenant: &TenantId) -> String {
    format!(
        "there is no tenant '{tenant}': nothing was ever installed in it, and the configuration has no section for it"
    )
}

async fn write(host: &Host, tenant: &TenantId, dir: &Path) -> Result<Exported> {
    let installations = known(host, tenant).await?.with_context(|| missing(tenant))?;
    publish(host).await?;
    fresh_dir(dir)?;
    let about = json!({
        "tenant": tenant,
        "written": host.clock.now(),
        "host-version": env!("CARGO_PKG_VERSION"),
        "installations": installations.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(),
    });
    put(&dir.join("tenant.json"), &about)?;
    put(&dir.join("configuration.json"), &configuration(host, tenant)?)?;
    let below = dir.join("installations");
    fs::create_dir(&below)?;
    erasure::export_all(host, tenant, &installations, &below).await?;
    rows(host, tenant, dir.join("records")).await?;
    let filter = Filter::default().and(Field::Tenant, tenant.as_str());
    let words = filter.to_string();
    let reader = LogReader::new(&host.home, host.store.clone());
    let about = About::from(filter);
    let (mut from, mut number) = (Some(0), 1);
    while let Some(first) = from {
        let piece = Piece::of(&reader, first);
        let name = if number == 1 { "audit".to_owned() } else { format!("audit-{number:03}") };
        put_together(&dir.join(name), host, &piece, (&about, &words), true).await?.publish()?;
        (from, number) = (piece.next(), number + 1);
    }
    seal(dir)
}

/// The tenant's section of the configuration file, as it stands there.
fn configuration(host: &Host, tenant: &TenantId) -> Result<Value> {
    let path = host.home.config();
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let all: toml::Table = toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))?;
    let section = all.get("tenants").and_then(|tenants| tenants.get(tenant.as_str()));
    Ok(section.map(serde_json::to_value).transpose()?.unwrap_or(Value::Null))
}

async fn rows(host: &Host, tenant: &TenantId, below: PathBuf) -> Result<()> {
    fs::create_dir(&below)?;
    let open = Arc::new(Mutex::new(None::<BufWriter<File>>));
    let current = open.clone();
    let take = move |name: &str, row: Option<Value>| -> io::Result<()> {
        let mut current = current.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(row) = row else {
            if let Some(last) = current.as_mut() {
                last.flush()?;
            }
            *current = Some(BufWriter::new(File::create_new(below.join(format!("{name}.ndjson")))?));
            return Ok(());
        };
        current.as_mut().map_or(Ok(()), |file| writeln!(file, "{row}"))
    };
    let failed = |error: io::Error| StoreError(format!("what is exported cannot be written: {error}"));
    host.store.rows_of_tenant(tenant.clone(), move |name, row| take(name, row).map_err(failed)).await?;
    let last = open.lock().unwrap_or_else(PoisonError::into_inner).take();
    last.map_or(Ok(()), |mut file| file.flush())?;
    Ok(())
}

fn put(path: &Path, value: &Value) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(&sorted(value)?)?;
    text.push(b'\n');
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
