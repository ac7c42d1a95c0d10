//! A tenant that leaves (DAT-10): all that is its own is written out, in open formats.
//!
//! Invariants: what is not whole has no name that anybody takes it by; no secret is in it; the list of the files' digests is in it, and
//! in the log the digest of that list.

mod certificate;
mod delete;
mod desk;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, bail};
use portcullis_model::{
    audit::{
        Kind, Recorder as _,
        query::{Field, Filter},
    },
    error::StoreError,
    id::{Digest, TenantId},
    installation::InstallationStore as _,
    json::sorted,
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub use self::{
    certificate::{Backups, Certificate, read, verify},
    delete::{Plan, begin, carry_on, plan, run},
    desk::ports,
};
use crate::{
    commands::publish,
    erasure::{self, Exported, fresh_dir, seal},
    host::Host,
    logbook::{About, put_together},
    reading::LogReader,
};

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Left {
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256.
    pub digest: Digest,
    /// The SHA-256 of the list of digests in it.
    pub list: Digest,
    /// How many files are in it.
    pub files: usize,
}

/// Writes all that is a tenant's own into one tar, which must not be there yet.
pub async fn export(host: &Host, tenant: &TenantId, out: &Path) -> Result<Left> {
    let dir = out.with_extension("tar.partial");
    if let Some(there) = [out, &dir].into_iter().find(|path| path.exists()) {
        bail!("{} is there already; remove it, or give another name", there.display());
    }
    let written = write(host, tenant, &dir).await;
    let packed = match written {
        Ok(exported) => tokio::task::block_in_place(|| pack(&dir, out)).map(|()| exported),
        Err(error) => Err(error),
    };
    let list = fs::read(dir.join("SHA256SUMS"));
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    let (exported, list) = (packed?, Digest::of(&list?));
    let digest = tokio::task::block_in_place(|| digest_of(out))?;
    let entry = host
        .entry(Kind::TenantExported, Some(tenant.clone()))
        .about(format!("tenant:{tenant}"))
        .with("files", exported.files.len())
        .with("list", list.to_string())
        .with("digest", digest.to_string());
    host.store.record(vec![entry]).await?;
    Ok(Left { file: out.to_owned(), digest, list, files: exported.files.len() })
}

async fn write(host: &Host, tenant: &TenantId, dir: &Path) -> Result<Exported> {
    let mut installations = host.store.installations().await?;
    installations.retain(|one| one.tenant == *tenant);
    if installations.is_empty() && !host.config.tenants.contains_key(tenant) {
        bail!(
            "there is no tenant '{tenant}': nothing was ever installed in it, and the configuration has no section for it"
        );
    }
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
    for one in &installations {
        erasure::export(host, one, &below.join(format!("of-{}", one.id))).await?;
    }
    rows(host, tenant, dir.join("records")).await?;
    let filter = Filter::default().and(Field::Tenant, tenant.as_str());
    let words = filter.to_string();
    let reader = LogReader::new(&host.home, host.store.clone());
    put_together(&dir.join("audit"), host, &reader, (&About::from(filter), &words), true).await?.publish()?;
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

/// A file's digest, a part at a time: it may be large.
fn digest_of(path: &Path) -> Result<Digest> {
    let (mut file, mut hash, mut part) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut part)? {
            0 => return Ok(Digest::from_sha256(hash.finalize().into())),
            n => hash.update(&part[..n]),
        }
    }
}

/// All files of a directory as a tar, in the order of their names, closed to others.
fn pack(dir: &Path, out: &Path) -> Result<()> {
    let part = out.with_extension("tar.part");
    let file = File::create_new(&part).with_context(|| format!("cannot make {}", part.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    let mut tar = tar::Builder::new(BufWriter::new(file));
    let mut names = BTreeMap::new();
    walk(dir, "", &mut names)?;
    for (name, path) in names {
        let mut content = File::open(&path)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.metadata()?.len());
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        tar.append_data(&mut header, &name, &mut content).with_context(|| format!("cannot pack {name}"))?;
    }
    let file = tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(fs::rename(&part, out)?)
}

fn walk(dir: &Path, below: &str, names: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a file's name is no text")?;
        let name = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        match path.is_dir() {
            true => walk(&path, &name, names)?,
            false => drop(names.insert(name, path)),
        }
    }
    Ok(())
}
