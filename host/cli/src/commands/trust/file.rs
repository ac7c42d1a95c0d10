//! A change as a file that several people sign one after the other.
//!
//! Invariant: nobody signs what was not shown to them.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::Path,
};

use anyhow::{Context, Result, bail};
use portcullis_model::audit::plain;
use portcullis_packages::{
    dsse::{DsseError, Envelope, MAX_ENVELOPE, PayloadType},
    keys::{Signer, handover},
    trust::{
        TrustError,
        keeper::KeeperError,
        root::Root,
        withdrawal::{Override, Withdrawal},
    },
};
use serde_json::json;

use super::show;
use crate::{commands::plugin::withdrawal_words, output::Output};

const KINDS: [PayloadType; 4] =
    [PayloadType::Root, PayloadType::Withdrawal, PayloadType::Override, PayloadType::Handover];

/// Reads a change. Nothing says yet that anybody signed it who may.
pub(crate) fn read(path: &Path) -> Result<Envelope> {
    let failed = || format!("cannot read {}", path.display());
    if !fs::metadata(path).with_context(failed)?.is_file() {
        bail!("{} is not a regular file", path.display());
    }
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_ENVELOPE as u64 + 1).read_to_string(&mut text))
        .with_context(failed)?;
    let mut last = None;
    for kind in KINDS {
        match Envelope::parse(kind, &text) {
            Ok(envelope) => return Ok(envelope),
            Err(error @ DsseError::WrongType { .. }) => last = last.or(Some(error)),
            Err(error) => return Err(error).with_context(|| format!("{} holds no change", path.display())),
        }
    }
    bail!(
        "{} holds no root, withdrawal, override or handover: {}",
        path.display(),
        last.map(|e| e.to_string()).unwrap_or_default()
    )
}

/// What a change says, for whoever is to sign it.
pub(crate) fn words(envelope: &Envelope) -> Result<String> {
    Ok(match envelope.kind() {
        PayloadType::Root => show::words(&Root::read(envelope)?),
        PayloadType::Withdrawal => {
            let read = Withdrawal::read(envelope)?;
            let (what, _) = withdrawal_words(&read.what);
            format!("{what}: {}\n  dated {}", plain(&read.reason), read.issued)
        }
        PayloadType::Override => {
            let read = Override::read(envelope)?;
            format!(
                "Lets the component {} with the manifest {} run below the floor until {}: {}",
                read.component,
                read.manifest,
                read.expires,
                plain(&read.reason)
            )
        }
        PayloadType::Handover => {
            let read = handover::verify(&envelope.to_json())?;
            format!("The key {} hands over to {}\n  dated {}", read.old, read.new, read.issued)
        }
        PayloadType::Statement => bail!("a statement about a release is signed by other commands"),
    })
}

/// Shows what a file says, and adds a signature to it.
pub(crate) fn sign(path: &Path, key: &dyn Signer, output: Output) -> Result<()> {
    let envelope = read(path)?;
    let words = words(&envelope)?;
    let public = key.public();
    if envelope.signed_by(&[public]).is_some() {
        bail!("{} has that key's signature already", path.display());
    }
    let signed = envelope.signed_also(key)?;
    replace(path, &signed)?;
    output.result(&json!({ "file": path, "keyid": public.keyid() }), || {
        format!("{words}\n\nSigned with {public}. When enough have signed: portcullis trust apply {}", path.display())
    })
}

/// Writes a change for others to sign.
pub(crate) fn hand_on(path: &Path, envelope: &Envelope, output: Output) -> Result<()> {
    let mut file = File::create_new(path)
        .with_context(|| format!("cannot write {}: an existing file is never overwritten", path.display()))?;
    file.write_all(envelope.to_json().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())?;
    let words = words(envelope)?;
    output.result(&json!({ "file": path, "applied": false }), || {
        format!(
            "{words}\n\nNOT APPLIED: more must sign it. Each: portcullis trust sign {0} --key <their key>; then: portcullis \
             trust apply {0}",
            path.display()
        )
    })
}

/// Wholly or not at all.
fn replace(path: &Path, envelope: &Envelope) -> Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(dir)?;
    new.write_all(envelope.to_json().as_bytes())?;
    new.write_all(b"\n")?;
    new.as_file().sync_all()?;
    new.persist(path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// Whether an error is about something else than too few signatures.
pub(crate) fn has_enough(error: &anyhow::Error) -> bool {
    let few = |error: &DsseError| matches!(error, DsseError::TooFew { .. } | DsseError::Untrusted { .. });
    let lacks = error.chain().any(|cause| {
        let trust = match cause.downcast_ref::<KeeperError>() {
            Some(KeeperError::Trust(error)) => Some(error),
            Some(KeeperError::Stranger(_)) => return true,
            _ => cause.downcast_ref::<TrustError>(),
        };
        match trust {
            Some(TrustError::Envelope(error)) => few(error),
            Some(TrustError::NotTheirs(_)) => true,
            _ => false,
        }
    });
    !lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_too_few_signatures_are_a_reason_to_ask_for_more() {
        let few = DsseError::TooFew { found: 1, needed: 2, who: "x".into() };
        assert!(!has_enough(&TrustError::Envelope(few).into()));
        assert!(!has_enough(&KeeperError::Stranger("x").into()));
        assert!(has_enough(&TrustError::Version { expected: 2, found: 3 }.into()));
        assert!(has_enough(&anyhow::anyhow!("the disk is full")));
    }
}
