//! Everybody's credentials: a token that the host gets in its own name, one that a person consents to, and those of a back end.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use portcullis_broker::{consent::Wanted, loopback::Loopback, place::Place};
use portcullis_model::{connection::Origin, risk::AcceptedRisk, secret::Secret};

use super::{
    back_end::{BackEnd, Done},
    browser::Browser,
    chat::{CHAT, Chat, METRICS},
    child::HostProcess,
    issued::Issued,
    provider::{SERVICE, WEB},
};
use crate::{
    commands::connection,
    connect::{connecting, desk},
    host::{Host, person},
};

/// A ticket of the seeded help desk.
const TICKET: &str = "1005";

/// From the provider, by the definition of this name.
fn origin(chat: &Chat, definition: &str, client: &str, more: &[(&str, String)]) -> Result<Origin> {
    let token = format!("{}/oauth/token", chat.provider.issuer());
    let mut settings = BTreeMap::from([
        ("token-url".to_owned(), token),
        ("client-id".to_owned(), client.to_owned()),
        ("client-auth".to_owned(), "post".to_owned()),
    ]);
    settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Ok(Origin { provider: definition.parse()?, settings, scopes: Vec::new(), risk: None })
}

/// The chat notifier's: by client credentials, nobody is asked.
pub async fn service(host: &Host, chat: &Chat) -> Result<()> {
    let key = connection::key(&host.installation("chat-notifier").await?, "chat")?;
    let origin = origin(chat, "client-credentials", SERVICE, &[])?;
    let secret = Secret::new(chat.provider.secret(SERVICE)?.into());
    connecting(host).issue(&key, &origin, &Place::bearer(CHAT), secret, person()).await?;
    Ok(())
}

/// The overreacher's, of all plugins: a person consents in a browser, and the host renews it by refresh tokens that work once.
pub async fn consent(host: &Host, child: &HostProcess, chat: &Chat, issued: &Issued) -> Result<()> {
    let to = host.installation("overreacher").await?;
    let issuer = chat.provider.issuer();
    let more = [("authorize-url", format!("{issuer}/oauth/authorize")), ("issuer", issuer.to_owned())];
    let wanted = Wanted {
        key: connection::key(&to, "metrics")?,
        origin: origin(chat, "oauth2", WEB, &more)?,
        place: Place::bearer(METRICS),
        asked_by: person(),
        base: format!("http://{}", child.address),
    };
    let secret = Secret::new(chat.provider.secret(WEB)?.into());
    let asked = desk(host).ask(wanted, Some(secret)).await?;
    let (link, listener) = (asked.link.as_str(), Loopback::new(child.address)?);
    issued.note("links to consents", link.rsplit('/').next().unwrap_or_default());
    Browser::new(&listener, issued).consent(link, &chat.provider).await
}

/// Stores a secret that is no secret: it is an event's id, so that it is in guest memory for that event's calls, and must be found.
pub async fn plant(host: &Host, value: &str) -> Result<()> {
    let key = connection::key(&host.installation("card-guard").await?, "planted")?;
    let risk = AcceptedRisk {
        reason: "no secret: planted, so that the search for secrets has one to find".to_owned(),
        accepted_by: "demo".to_owned(),
        until: host.clock.now().plus(Duration::from_secs(24 * 3_600)),
    };
    let place = Place::bearer("planted.example.test");
    connecting(host).keep(&key, &place, Secret::new(value.into()), risk, person()).await?;
    Ok(())
}

/// The card guard's back end, outside of the sandbox.
pub async fn back_end(host: &Host, child: &HostProcess, issued: &Issued) -> Result<Done> {
    let of = host.installation("card-guard").await?;
    let listener = Loopback::new(child.address)?;
    let to = (&listener, format!("http://{}", child.address));
    BackEnd::register(host, &of, to, issued).await?.work(TICKET).await
}
