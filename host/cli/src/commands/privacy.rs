//! `portcullis privacy`

mod asking;
mod export;
mod words;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use portcullis_model::{
    id::{PrivacyId, TenantId},
    privacy::PrivacyKind,
};
use portcullis_packages::keys::PublicKey;
use serde_json::json;

use crate::{home::Home, host::Host, output::Output, privacy};

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

impl From<Kind> for PrivacyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Access => Self::Access,
            Kind::Correct => Self::Correct,
            Kind::Erase => Self::Erase,
            Kind::Restrict => Self::Restrict,
        }
    }
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
                format!("Verified: {digest}\n{}", words::parts(&certificate.parts).join("\n"))
            });
        }
        let host = Host::open(home).await?;
        match self {
            Self::Request(request) => request.run(&host, output).await,
            Self::List { tenant } => asking::list(&host, tenant, output).await,
            Self::Show { id } => asking::show(&host, &id, output).await,
            Self::Export { id, out } => export::run(&host, &id, &out, output).await,
            Self::Close { id, note, out } => asking::close(&host, &id, note, out, output).await,
            Self::Certificate { id, out } => asking::certificate(&host, &id, Some(out), output).await,
            Self::Verify { .. } => bail!("a certificate is checked without a host"),
        }
    }
}
