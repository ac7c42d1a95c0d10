//! `portcullis connection add`

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_broker::{
    consent::Keeps,
    issue::{Credential, Issuer as _},
    place::Place,
    providers::{Providers, Way, definition::Proof},
    upstream::check_key,
};
use portcullis_model::{
    audit::{Actor, Kind},
    connection::Origin,
    id::ProviderId,
    installation::Installation,
    risk::AcceptedRisk,
    secret::Secret,
    time::Timestamp,
};
use serde_json::json;

use super::{From, key};
use crate::{
    connect::providers,
    host::{Host, secret_from_stdin},
    output::Output,
};

pub(super) const EXAMPLES: &str = "Examples:
  portcullis connection add desk-sync api --provider client-credentials --set token-url=https://id.acme.example/token \\
    --set client-id=portcullis --scope read --to api.acme.example < client-secret
  portcullis connection add code-bot code --provider github-app --set client-id=Iv23 --set installation-id=42 \\
    --scope issues:write < private-key.pem
  portcullis connection add chat-notifier chat --to hooks.chat.example \\
    --accept-risk 'the chat service has no OAuth' --until 2027-01-31 < token";

/// Store a credential for one installation.
#[derive(Debug, Args)]
pub struct Add {
    /// The installation: its id, or the plugin's name.
    installation: String,
    /// What to call the credential.
    name: String,
    /// Where it comes from; 'static' is a token that somebody stores by hand.
    #[arg(long, default_value = "static")]
    provider: ProviderId,
    #[command(flatten)]
    from: From,
    /// For a static token: why there is no other way (INT-3).
    #[arg(long, value_name = "REASON", requires = "until")]
    accept_risk: Option<String>,
    /// Until when that risk is accepted: a day, or an RFC 3339 time. The token is not used after it.
    #[arg(long, value_name = "DATE", requires = "accept_risk", value_parser = crate::commands::parse::day)]
    until: Option<Timestamp>,
}

impl Add {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let installation = host.installation(&self.installation).await?;
        let providers = providers(&host.home)?;
        let risk = self.risk(host);
        let origin = self.from.origin(self.provider.clone(), risk.clone())?;
        let resolved = providers.resolve(&origin)?;
        let place = resolved.place(&self.from.hosts, self.from.header.as_deref(), self.from.prefix.as_deref())?;
        key(&installation, &self.name)?;
        let (generation, words) = match (resolved.definition.way, risk) {
            (Way::AuthorizationCode, _) => bail!("a person has to consent: use 'portcullis connection authorize'"),
            (Way::Static, None) => bail!("{}", without_risk(&providers, &place)),
            (Way::Static, Some(risk)) => {
                risk.check(host.clock.now()).map_err(|problem| anyhow::anyhow!("{problem}"))?;
                let until = risk.until;
                let generation = add(host, &installation, &self.name, &place, &secret_from_stdin()?, risk).await?;
                (generation, format!("Stored, at your risk until {until}."))
            }
            (_, Some(_)) => bail!("--accept-risk is for static tokens; this one renews itself"),
            (_, None) => {
                let client = secret_from_stdin()?;
                if resolved.proof == Proof::PrivateKeyJwt {
                    check_key(&client).map_err(|expected| anyhow::anyhow!("standard input: {expected}"))?;
                }
                let generation = issue(host, &installation, &self.name, origin, &place, client).await?;
                (generation, "Issued and stored.".to_owned())
            }
        };
        crate::commands::publish(host).await?;
        let value = json!({
            "installation": installation.id, "name": self.name, "provider": self.provider, "generation": generation,
        });
        output.result(&value, || {
            format!("{words} The host adds it to requests of {} to: {}", installation.plugin, place.hosts.join(", "))
        })
    }

    fn risk(&self, host: &Host) -> Option<AcceptedRisk> {
        let accepted_by = match host.entry(Kind::ConnectionAdded, None).actor {
            Actor::Person { name } => name,
            _ => String::new(),
        };
        Some(AcceptedRisk { reason: self.accept_risk.clone()?, accepted_by, until: self.until? })
    }
}

/// Stores a client's secret or key, with the first token that the provider issues for it: what does not work is known now, and to whom
/// it matters.
pub async fn issue(
    host: &Host,
    to: &Installation,
    name: &str,
    origin: Origin,
    place: &Place,
    client: Secret,
) -> Result<u64> {
    let mut credential = Credential { client: Some(client), ..Credential::default() };
    let issued = host.upstream.renew(&origin, &credential).await.context("no token was issued")?;
    let expires = issued.lifetime.map(|lifetime| host.clock.now().plus(lifetime));
    credential.access = Some(issued.access);
    let entry = entry(host, to, name, place).with("provider", origin.provider.as_str());
    let entry = entry.with("scopes", origin.scopes.clone());
    Ok(Keeps::put(&*host.connections, &key(to, name)?, place, &origin, credential, expires, entry).await?)
}

/// Stores a token that somebody answers for. It is not used after the risk's end.
pub async fn add(
    host: &Host,
    to: &Installation,
    name: &str,
    place: &Place,
    secret: &Secret,
    risk: AcceptedRisk,
) -> Result<u64> {
    let entry = entry(host, to, name, place)
        .with("provider", "static")
        .with("reason", risk.reason.as_str())
        .with_personal("accepted-by", &risk.accepted_by)
        .with("until", risk.until.to_string());
    let expires = Some(risk.until);
    let origin =
        Origin { provider: "static".parse()?, settings: Default::default(), scopes: Vec::new(), risk: Some(risk) };
    let credential = Credential { access: Some(secret.clone()), ..Credential::default() };
    Ok(Keeps::put(&*host.connections, &key(to, name)?, place, &origin, credential, expires, entry).await?)
}

fn entry(host: &Host, to: &Installation, name: &str, place: &Place) -> portcullis_model::audit::Entry {
    host.entry(Kind::ConnectionAdded, Some(to.tenant.clone()))
        .about(format!("installation:{}", to.id))
        .with("name", name)
        .with("hosts", place.hosts.clone())
}

fn without_risk(providers: &Providers, place: &Place) -> String {
    let offers: Vec<&str> =
        place.hosts.iter().flat_map(|host| providers.offering_oauth_for(host)).map(|one| one.id.as_str()).collect();
    let better = match offers.is_empty() {
        true => "see 'portcullis provider list' for better ways".to_owned(),
        false => format!("there is a better way: --provider {}", offers.join(" or --provider ")),
    };
    format!(
        "a static token never changes and nothing revokes it; {better}. \
         To store it all the same, say why and until when: --accept-risk REASON --until DATE"
    )
}
