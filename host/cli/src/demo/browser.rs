//! A person with a browser: goes where redirects lead, keeps cookies, presses the one button. Drives the host's own pages over HTTP.

use anyhow::{Context, Result, bail, ensure};
use hyper::{
    Method,
    header::{LOCATION, SET_COOKIE},
};
use portcullis_broker::loopback::{Answer, Loopback};
use url::form_urlencoded;

use super::{issued::Issued, provider::Provider};

/// The browser.
pub struct Browser<'a> {
    host: &'a Loopback,
    issued: &'a Issued,
    cookies: Vec<String>,
}

impl<'a> Browser<'a> {
    /// One without cookies, that reaches this host. What it is handed is noted.
    pub fn new(host: &'a Loopback, issued: &'a Issued) -> Self {
        Self { host, issued, cookies: Vec::new() }
    }

    /// Follows a link to a consent, consents at the provider, and comes back. An error unless the last page says that it is connected.
    pub async fn consent(&mut self, link: &str, provider: &Provider) -> Result<()> {
        let page = self.get(link).await?;
        let form = String::from_utf8_lossy(&page.body).into_owned();
        let token = form.split_once("name=\"token\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
        let (token, _) = token.with_context(|| format!("no form on the page: {} {form}", page.status))?;
        let token = self.issued.note("tokens of forms", token);
        let body = form_urlencoded::Serializer::new(String::new()).append_pair("token", &token).finish();
        let away = self.send(Method::POST, link, Some(body)).await?;
        let back = provider.consent(location(&away)?)?;
        let kept = self.get(&back).await?;
        let last = self.get(location(&kept)?).await?;
        ensure!(String::from_utf8_lossy(&last.body).contains("Connected"), "not connected: {}", last.status);
        Ok(())
    }

    /// Asks for what is there. Of an address on the host the path alone is used.
    pub async fn get(&mut self, url: &str) -> Result<Answer> {
        self.send(Method::GET, url, None).await
    }

    async fn send(&mut self, method: Method, url: &str, form: Option<String>) -> Result<Answer> {
        let path = match url.strip_prefix("http://") {
            Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => url,
        };
        let cookies = self.cookies.join("; ");
        let mut headers = vec![("cookie", cookies.as_str())];
        if form.is_some() {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
        }
        let body = form.unwrap_or_default().into_bytes();
        let answer = self.host.request(method, path, &headers, body).await?;
        if let Some(pair) = answer.header(&SET_COOKIE).and_then(|line| line.split(';').next()) {
            let value = pair.split_once('=').map_or(pair, |(_, value)| value);
            self.issued.note("cookies of browsers", value);
            self.cookies.push(pair.to_owned());
        }
        Ok(answer)
    }
}

/// Where an answer leads.
pub fn location(answer: &Answer) -> Result<&str> {
    match answer.header(&LOCATION) {
        Some(to) => Ok(to),
        None => bail!("no redirect: {} {}", answer.status, String::from_utf8_lossy(&answer.body)),
    }
}
