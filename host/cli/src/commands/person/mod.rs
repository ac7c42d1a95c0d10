//! `portcullis person`

mod access;
mod provider;
mod sessions;
mod show;
mod support;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use portcullis_api::admin::Method;
use portcullis_model::{
    id::{PersonId, RoleName, TenantId},
    time::Timestamp,
};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, asked},
    home::Home,
    host::Host,
    output::Output,
    people::place,
};

/// People with an account: who they are, what they may do, from where they are signed in.
#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// Print a link by which somebody gets an account and registers a passkey. Good once, for an hour.
    #[command(
        after_help = "Examples:\n  portcullis person invite ana@acme.example --name Ana --tenant acme --role owner\n  \
        portcullis person invite sam@example.com --name Sam --role support\n\n\
        Hand the link over by a way that you trust: whoever opens it first is that person. Without --tenant the role is in the\n\
        platform itself, and says nothing about any tenant's data."
    )]
    Invite {
        /// Their address.
        email: String,
        /// What they are called.
        #[arg(long)]
        name: String,
        /// As what: owner, admin, reviewer, developer, auditor, support, or a role of the tenant's own.
        #[arg(long)]
        role: RoleName,
        /// Until when the role is held, such as 2027-01-31T18:00:00Z. Absent: until it is taken away.
        #[arg(long, value_parser = time)]
        until: Option<Timestamp>,
        /// An owner who can sign in with a passkey even where the tenant has single sign-on.
        #[arg(long)]
        break_glass: bool,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Print a link by which somebody who lost every passkey registers a new one. What they had until then ends when it is used.
    #[command(after_help = "Example:\n  portcullis person recover ana@acme.example --tenant acme")]
    Recover {
        /// Their address, or their id.
        person: String,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// List people, their roles, and links that wait.
    #[command(after_help = "Examples:\n  portcullis person list --tenant acme\n  portcullis person list --json")]
    List {
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Take a person's role away; with the last one, the account. Their sessions end at once.
    #[command(after_help = "Example:\n  portcullis person remove ana@acme.example --tenant acme")]
    Remove {
        /// Their address, or their id.
        person: String,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Give a person another role. Their sessions end at once.
    #[command(after_help = "Example:\n  portcullis person role ana@acme.example auditor --tenant acme")]
    Role {
        /// Their address, or their id.
        person: String,
        /// As what.
        role: RoleName,
        /// Until when; absent: until it is taken away.
        #[arg(long, value_parser = time)]
        until: Option<Timestamp>,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Let nobody in by an account, until it is resumed. Its sessions end at once.
    #[command(after_help = "Example:\n  portcullis person suspend ana@acme.example --tenant acme")]
    Suspend {
        /// Their address, or their id.
        person: String,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Let a suspended account in again.
    #[command(after_help = "Example:\n  portcullis person resume ana@acme.example --tenant acme")]
    Resume {
        /// Their address, or their id.
        person: String,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// List a person's sessions and devices.
    #[command(after_help = "Example:\n  portcullis person sessions ana@acme.example --tenant acme")]
    Sessions {
        /// Their address, or their id.
        person: String,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// End a session of a person, or all of them, at once.
    #[command(after_help = "Examples:\n  portcullis person end-session ana@acme.example --tenant acme\n  \
        portcullis person end-session ana@acme.example ses_0123456789abcdef01234567 --tenant acme")]
    EndSession {
        /// Their address, or their id.
        person: String,
        /// Which; absent: all of them.
        session: Option<portcullis_model::id::SessionId>,
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Let the platform's support into a tenant, for a time; or end that.
    #[command(subcommand)]
    Support(support::SupportCommand),
    /// From where people may come, and how long sessions last.
    #[command(subcommand)]
    Access(access::AccessCommand),
    /// Sign-in through a tenant's own OpenID provider.
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
}

/// Where somebody is somebody.
#[derive(Debug, Args)]
pub struct At {
    /// In which tenant. Absent: in the platform itself.
    #[arg(long)]
    tenant: Option<String>,
}

/// What the commands share.
pub(in crate::commands) struct With {
    pub keyboard: Keyboard,
    pub output: Output,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "expected a time such as 2027-01-31T18:00:00Z".to_owned())
}

impl With {
    pub(in crate::commands) async fn open(home: Home, output: Output) -> Result<Self> {
        let host = Host::open(home).await?;
        Ok(Self { keyboard: Keyboard::of(&host)?, output })
    }

    /// Who is meant, of those who hold a role there.
    pub(super) async fn person(&self, text: &str, at: &At) -> Result<PersonId> {
        if !text.contains('@') {
            return Ok(text.parse()?);
        }
        let (email, all) = (text.trim().to_lowercase(), self.keyboard.all("/people", &at.query()?).await?);
        let found = all.iter().find(|one| one["email"] == email.as_str()).and_then(|one| one["id"].as_str());
        Ok(found.with_context(|| format!("nobody here has the address {text}"))?.parse()?)
    }

    /// Does something to a person there.
    async fn act(
        &self,
        method: Method,
        (person, then): (&PersonId, &str),
        at: &At,
        body: Option<&Value>,
    ) -> Result<Value> {
        let path = asked(&format!("/people/{person}{then}"), &at.query()?);
        self.keyboard.act(method, &path, None, body).await
    }
}

impl At {
    /// The same, as the API is asked.
    pub(super) fn query(&self) -> Result<[(&'static str, Option<String>); 1]> {
        Ok([("tenant", place(self.tenant.as_deref())?.map(|tenant| tenant.to_string()))])
    }
}

impl PersonCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let with = With::open(home, output).await?;
        match self {
            Self::Invite { email, name, role, until, break_glass, at } => {
                let until = until.map(|until| until.to_string());
                let body =
                    json!({ "email": email, "name": name, "role": role, "until": until, "break-glass": break_glass });
                let path = asked("/people/invitations", &at.query()?);
                let invited = with.keyboard.post(&path, &body).await?;
                linked(&with, &email.trim().to_lowercase(), &invited, &at)
            }
            Self::Recover { person, at } => {
                let person = with.person(&person, &at).await?;
                let known = with.keyboard.read(&asked(&format!("/people/{person}"), &at.query()?)).await?;
                let invited = with.act(Method::POST, (&person, "/recover"), &at, None).await?;
                linked(&with, known["email"].as_str().unwrap_or_default(), &invited, &at)
            }
            Self::List { at } => show::list(&with, &at).await,
            Self::Sessions { person, at } => {
                let person = with.person(&person, &at).await?;
                sessions::sessions(&with, &person, &at).await
            }
            Self::Remove { person, at } => {
                let person = with.person(&person, &at).await?;
                with.act(Method::DELETE, (&person, ""), &at, None).await?;
                with.output.result(&json!({ "removed": person }), || format!("Removed {person}."))
            }
            Self::Role { person, role, until, at } => {
                let person = with.person(&person, &at).await?;
                let path = |then: &str| Ok::<_, anyhow::Error>(asked(&format!("/people/{person}{then}"), &at.query()?));
                let version = with.keyboard.read(&path("")?).await?["version"].as_u64();
                let body = json!({ "role": role, "until": until.map(|until| until.to_string()) });
                let done = with.keyboard.act(Method::PUT, &path("/role")?, version, Some(&body)).await?;
                with.output.result(&json!({ "person": person, "role": role }), || {
                    format!("{person} is {role} now. Sessions of theirs that ended: {}.", done["sessions-ended"])
                })
            }
            Self::Suspend { person, at } => suspend(&with, &person, &at, true).await,
            Self::Resume { person, at } => suspend(&with, &person, &at, false).await,
            Self::EndSession { person, session, at } => {
                let person = with.person(&person, &at).await?;
                let body = json!({ "session": session });
                let done = with.act(Method::POST, (&person, "/sessions/end"), &at, Some(&body)).await?;
                with.output.result(&done, || format!("Ended {} sessions.", done["ended"]))
            }
            Self::Support(command) => command.run(&with).await,
            Self::Access(command) => command.run(&with).await,
            Self::Provider(command) => command.run(&with).await,
        }
    }
}

async fn suspend(with: &With, person: &str, at: &At, suspended: bool) -> Result<()> {
    let person = with.person(person, at).await?;
    with.act(Method::POST, (&person, if suspended { "/suspend" } else { "/resume" }), at, None).await?;
    let said = if suspended { "is suspended. Their sessions have ended" } else { "can sign in again" };
    with.output.result(&json!({ "person": person, "suspended": suspended }), || format!("{person} {said}."))
}

fn linked(with: &With, email: &str, made: &Value, at: &At) -> Result<()> {
    let value = json!({ "invitation": made["invitation"], "link": made["link"], "expires": made["expires"] });
    let place =
        place(at.tenant.as_deref())?.map_or_else(|| "the platform".to_owned(), |tenant| TenantId::to_string(&tenant));
    with.output.result(&value, || {
        let text = |name: &str| made[name].as_str().unwrap_or_default();
        format!("For {email} as {} of {place}, once, until {}:\n{}", text("role"), text("expires"), text("link"))
    })
}
