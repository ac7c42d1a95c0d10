//! Answers for requests to witnesses of the audit log (C2SP tlog-witness): a checkpoint there, a cosignature back.
//!
//! Invariants: `https` to judged addresses, or where the operator placed the host; plain HTTP to loopback addresses alone; a redirect
//! is an answer; an answer has at most 64 KiB; what is sent is public.

use std::{net::SocketAddr, sync::Arc};

use hyper::Method;
use portcullis_model::target::Target;
use zeroize::Zeroizing;

use crate::{
    egress::{Config, EgressError},
    loopback::Loopback,
    resolve::Resolve,
    upstream::call::{Call, Caller, Unanswered},
};

/// Where a witness is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessUrl {
    /// On another machine.
    Remote(Target),
    /// On this one, with the path of the call.
    Local(SocketAddr, String),
}

impl WitnessUrl {
    /// Reads the URL under which a witness answers, such as `https://witness.example/w1`.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let call = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let Some(rest) = call.strip_prefix("http://") else {
            return call.parse().map(Self::Remote).map_err(|error| format!("'{url}': {error}"));
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address: Option<SocketAddr> =
            authority.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback());
        let address = address.ok_or_else(|| {
            format!(
                "'{url}': expected 'https://', or 'http://' and a loopback address with its port such as 127.0.0.1:7380"
            )
        })?;
        let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
        if plain { Ok(Self::Local(address, format!("/{path}"))) } else { Err(format!("'{url}': its path is unfit")) }
    }
}

/// Who asks witnesses.
pub struct WitnessClient {
    caller: Caller,
}

impl WitnessClient {
    /// A client that reaches hosts as egress does.
    pub fn new(config: &Config, resolver: Arc<dyn Resolve>) -> Result<Self, EgressError> {
        Ok(Self { caller: Caller::new(config, resolver)? })
    }

    /// Posts a checkpoint with its proof. Gives the answer's status and body.
    ///
    /// # Errors
    /// In words, why there is no answer.
    pub async fn post(&self, url: &WitnessUrl, body: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        match url {
            WitnessUrl::Local(address, path) => {
                let client = Loopback::new(*address).map_err(|error| error.to_string())?;
                client.post(path, &[("content-type", "text/plain")], body).await.map_err(|error| error.to_string())
            }
            WitnessUrl::Remote(target) => {
                let body = Some(("text/plain", Zeroizing::new(body)));
                let call = Call { method: Method::POST, target: target.clone(), headers: Vec::new(), body };
                match self.caller.send(call).await {
                    Ok(reply) => Ok((reply.status, reply.body.to_vec())),
                    Err(Unanswered::NotSent(problem) | Unanswered::Sent(problem)) => Err(problem),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_one_call_and_plain_http_stays_on_the_machine() {
        let remote = WitnessUrl::parse("https://witness.example/w1/").unwrap();
        assert!(
            matches!(&remote, WitnessUrl::Remote(target) if target.to_string() == "https://witness.example/w1/add-checkpoint")
        );
        let local = WitnessUrl::parse("http://127.0.0.1:7380").unwrap();
        assert_eq!(local, WitnessUrl::Local("127.0.0.1:7380".parse().unwrap(), "/add-checkpoint".into()));
        for wrong in [
            "http://witness.example",
            "http://10.0.0.1:80",
            "http://127.0.0.1",
            "ftp://x",
            "",
            "http://127.0.0.1:80/a b",
        ] {
            assert!(WitnessUrl::parse(wrong).is_err(), "{wrong}");
        }
    }
}
