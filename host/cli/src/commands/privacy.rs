//! `portcullis privacy`

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use portcullis_model::{
    audit::plain,
    id::{PrivacyId, TenantId},
    privacy::{Identity, PartState, PrivacyKind, PrivacyPart, PrivacyRequest, PrivacyStore as _, SHORTEST},
    scope::parse_seconds,
    time::Timestamp,
};
use portcullis_packages::keys::PublicKey;
use serde_json::{Value, json};

use super::parse::day;
use crate::{
    home::Home,
    host::{Host, person},
    output::Output,
    privacy::{self, Asked, Certified},
};

/// What is asked for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// What is held about the person.
    Access,
    /// To have it put right.
    Correct,
    /// To have it erased.
    Erase,
    /// To have it kept and not used.
    Restrict,
}

/// Requests of data subjects: each is asked of every plugin of the tenant, with a deadline, and what the host keeps itself is found
/// or erased at once.
#[derive(Debug, Subcommand)]
pub enum PrivacyCommand {
    /// Put a request on record, and have all plugins of the tenant asked.
    #[command(
        after_help = "Examples:\n  portcullis privacy request --tenant acme --kind access --user 9010092 --email ada@example.com\n  \
        portcullis privacy request --tenant acme --kind erase --user 9010092 --email ada@example.com --name 'Ada Person'\n  \
        portcullis privacy request --tenant acme --kind correct --user 9010092 --correction '{\"name\":\"Ada P.\"}'\n\n\
        Give all that the person is known by: the host looks for nothing else. The help desk's own records are not touched."
    )]
    Request(Box<Request>),
    /// List the requests.
    #[command(after_help = "Example:\n  portcullis privacy list --tenant acme")]
    List {
        /// Only of this tenant.
        #[arg(long)]
        tenant: Option<TenantId>,
    },
    /// Show how a request stands, installation by installation.
    #[command(after_help = "Example:\n  portcullis privacy show dsr_...")]
    Show {
        /// Its id.
        id: PrivacyId,
    },
    /// Write what is held about the person of a request for access into a new directory.
    #[command(after_help = "Example:\n  portcullis privacy export dsr_... --out for-ada")]
    Export {
        /// Its id.
        id: PrivacyId,
        /// Where to: a directory that is not there yet.
        #[arg(long)]
        out: PathBuf,
    },
    /// Close a request, and sign a certificate of what became of it.
    #[command(after_help = "Examples:\n  portcullis privacy close dsr_... --out certificate.json\n  \
        portcullis privacy close dsr_... --note 'com.example.chat confirmed by mail, ticket 77' --out certificate.json")]
    Close {
        /// Its id.
        id: PrivacyId,
        /// What was done by hand about parts that no plugin has proven. It must not name the person.
        #[arg(long)]
        note: Option<String>,
        /// Write the certificate into this file.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Sign the certificate of a closed request anew.
    #[command(after_help = "Example:\n  portcullis privacy certificate dsr_... --out certificate.json")]
    Certificate {
        /// Its id.
        id: PrivacyId,
        /// Write it into this file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Check a certificate: its signature, and that it does not contradict itself. Needs no host.
    #[command(after_help = "Example:\n  portcullis privacy verify certificate.json --key portcullis-key-v1:...")]
    Verify {
        /// The file.
        file: PathBuf,
        /// The key that the host signs reports with, as its log names it.
        #[arg(long)]
        key: PublicKey,
    },
}

/// What is asked.
#[derive(Debug, Args)]
pub struct Request {
    /// Of whose data.
    #[arg(long)]
    tenant: TenantId,
    /// What for.
    #[arg(long)]
    kind: Kind,
    /// The person's id at the help desk.
    #[arg(long, value_name = "ID")]
    user: String,
    /// A name of the person; can be given more than once.
    #[arg(long)]
    name: Vec<String>,
    /// An e-mail address; can be given more than once.
    #[arg(long)]
    email: Vec<String>,
    /// A telephone number; can be given more than once.
    #[arg(long)]
    phone: Vec<String>,
    /// For a correction: what is right now, as a JSON object.
    #[arg(long, value_name = "JSON")]
    correction: Option<String>,
    /// By when all must be answered: a number with d or h from now on, a day, or a moment.
    #[arg(long, default_value = "30d")]
    deadline: String,
}

impl PrivacyCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        if let Self::Verify { file, key } = &self {
            let (certificate, digest) = privacy::verify(file, key)?;
            return output.result(&json!({ "verified": true, "digest": digest, "certificate": certificate }), || {
                format!("Verified: {digest}\n{}", parts(&certificate.parts).join("\n"))
            });
        }
        let host = Host::open(home).await?;
        match self {
            Self::Request(request) => request.run(&host, output).await,
            Self::List { tenant } => {
                for mut one in host.store.requests(tenant).await? {
                    (one.who, one.correction) = (None, None);
                    output.item(&one, || headline(&one))?;
                }
                Ok(())
            }
            Self::Show { id } => {
                let mut one = privacy::one(&host, &id).await?;
                one.who = None;
                one.correction = None;
                output.result(&one, || words(&one))
            }
            Self::Export { id, out } => {
                let exported = privacy::export(&host, &id, &out, person()).await?;
                super::publish(&host).await?;
                output.result(&exported, || {
                    format!("{} files in {}; their digests are in SHA256SUMS.", exported.files.len(), out.display())
                })
            }
            Self::Close { id, note, out } => {
                let closed = privacy::close(&host, &id, note.as_deref(), person()).await?;
                let certified = privacy::certify(&host, &closed).await?;
                super::publish(&host).await?;
                handed_over(&certified, out, output)
            }
            Self::Certificate { id, out } => {
                let certified = privacy::certify(&host, &privacy::one(&host, &id).await?).await?;
                super::publish(&host).await?;
                handed_over(&certified, Some(out), output)
            }
            Self::Verify { .. } => bail!("a certificate is checked without a host"),
        }
    }
}

impl Request {
    fn asked(self, now: Timestamp) -> Result<Asked> {
        let kind = match self.kind {
            Kind::Access => PrivacyKind::Access,
            Kind::Correct => PrivacyKind::Correct,
            Kind::Erase => PrivacyKind::Erase,
            Kind::Restrict => PrivacyKind::Restrict,
        };
        let correction = self.correction.map(|text| serde_json::from_str::<Value>(&text)).transpose();
        let deadline = match parse_seconds(&self.deadline) {
            Some(seconds) => now.plus(Duration::from_secs(seconds)),
            None => day(&self.deadline)
                .map_err(|why| anyhow::anyhow!("--deadline: {why}, or a number with d or h such as 30d"))?,
        };
        Ok(Asked {
            tenant: self.tenant,
            kind,
            who: Identity { user: self.user, names: self.name, emails: self.email, phones: self.phone },
            correction: correction.context("--correction: that is no JSON")?,
            deadline,
        })
    }

    async fn run(self, host: &Host, output: Output) -> Result<()> {
        let asked = self.asked(host.clock.now())?;
        let short: Vec<String> =
            asked.who.all().into_iter().filter(|one| one.chars().count() < SHORTEST).map(plain).collect();
        let opened = privacy::open(host, asked, person()).await?;
        let mut request = privacy::carry_on(host, &opened.id).await?;
        super::publish(host).await?;
        (request.who, request.correction) = (None, None);
        output.result(&request, || {
            let mut text = words(&request);
            if !short.is_empty() {
                text += &format!(
                    "\nShorter than {SHORTEST} characters, and so looked for only in whole fields that name a person: {}",
                    short.join(", ")
                );
            }
            text
        })
    }
}

fn handed_over(certified: &Certified, out: Option<PathBuf>, output: Output) -> Result<()> {
    if let Some(out) = &out {
        fs::write(out, format!("{}\n", certified.envelope))
            .with_context(|| format!("cannot write {}", out.display()))?;
    }
    let Certified { digest, key, certificate, .. } = certified;
    output.result(&json!({ "digest": digest, "key": key.to_string(), "certificate": certificate, "file": out }), || {
        let proven = certificate.parts.len() - certificate.unproven;
        format!(
            "{}: {proven} parts proven, {} not; {} entries of the log.\nCertificate {digest}\nsigned by {key}",
            certificate.request,
            certificate.unproven,
            certificate.entries.len()
        )
    })
}

fn headline(one: &PrivacyRequest) -> String {
    let through = one.parts.iter().filter(|part| part.state != PartState::Waiting).count();
    format!(
        "{}  {:8}  {}  {}{}  {through}/{} parts through, by {}",
        one.id,
        one.kind.name(),
        one.tenant,
        one.stage.name(),
        if one.overdue { ", OVERDUE" } else { "" },
        one.parts.len(),
        one.deadline
    )
}

fn parts(all: &[PrivacyPart]) -> Vec<String> {
    let line = |part: &PrivacyPart| {
        let state = match &part.state {
            PartState::Waiting if part.suspended => "waits: the installation is suspended".to_owned(),
            PartState::Waiting => match &part.problem {
                Some(problem) => format!("waits, asked {} times; last: {}", part.tries, plain(problem)),
                None if part.tries > 0 => format!("has begun and takes time, asked {} times", part.tries),
                None => "waits".to_owned(),
            },
            PartState::NothingHeld => "nothing held".to_owned(),
            PartState::Done { records, note, .. } => {
                format!(
                    "done, {records} records{}",
                    note.as_ref().map(|note| format!("; it says: {}", plain(note))).unwrap_or_default()
                )
            }
            PartState::Failed { error } => format!("FAILED: {}", plain(error)),
            PartState::NoHandler { contact } => {
                format!("CANNOT BE ASKED: ask its developer by hand, {}", plain(contact))
            }
            PartState::Uninstalled => {
                "uninstalled: what is kept of it until it is erased was looked through".to_owned()
            }
        };
        format!("  {}  {}  {state}", part.installation, part.plugin)
    };
    all.iter().map(line).collect()
}

fn words(one: &PrivacyRequest) -> String {
    let mut lines = vec![headline(one)];
    lines.extend(parts(&one.parts));
    if let Some(erased) = &one.erased {
        let mut sorts: Vec<String> = erased.tenant.iter().map(|(sort, n)| format!("{sort}: {n}")).collect();
        for (installation, counts) in &erased.installations {
            sorts.extend(counts.iter().map(|(sort, n)| format!("{sort} of {installation}: {n}")));
        }
        lines.push(format!("Erased of what the host keeps itself: {} ({})", erased.total(), sorts.join(", ")));
    }
    if let Some(by) = &one.emptied_by {
        lines.push(format!("Emptied before it came to its end: the same person was erased by {by}."));
    }
    if one.closed.is_none() && one.is_through() {
        lines.push(format!("Nothing waits any more. Next: portcullis privacy close {}", one.id));
    }
    lines.join("\n")
}
