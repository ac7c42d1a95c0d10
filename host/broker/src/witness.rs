//! Answers for requests to witnesses of the audit log (C2SP tlog-witness): a checkpoint there, a cosignature back.
//!
//! Invariants: those of [`crate::post`]; what is sent is public.

use std::sync::Arc;

use crate::{
    egress::{Config, EgressError},
    post::{PostUrl, Poster},
    resolve::Resolve,
};

/// Where a witness takes checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessUrl(PostUrl);

impl WitnessUrl {
    /// Reads the URL under which a witness answers, such as `https://witness.example/w1`.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        PostUrl::parse(&format!("{}/add-checkpoint", url.trim_end_matches('/'))).map(Self)
    }

    /// Whether it answers on this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.0, PostUrl::Local(..))
    }
}

/// Who asks witnesses.
pub struct WitnessClient(Poster);

impl WitnessClient {
    /// A client that reaches hosts as egress does.
    pub fn new(config: &Config, resolver: Arc<dyn Resolve>) -> Result<Self, EgressError> {
        Poster::new(config, resolver).map(Self)
    }

    /// Posts a checkpoint with its proof. Gives the answer's status and body.
    ///
    /// # Errors
    /// In words, why there is no answer.
    pub async fn post(&self, url: &WitnessUrl, body: Vec<u8>) -> Result<(u16, Vec<u8>), String> {
        let answered = self.0.send(&url.0, "text/plain", Vec::new(), body).await?;
        Ok((answered.status, answered.body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_one_call() {
        let call = |url| WitnessUrl::parse(url).unwrap().0;
        let remote = call("https://witness.example/w1/");
        assert!(
            matches!(&remote, PostUrl::Remote(target) if target.to_string() == "https://witness.example/w1/add-checkpoint")
        );
        let local = PostUrl::Local("127.0.0.1:7380".parse().unwrap(), "/add-checkpoint".into());
        assert_eq!(call("http://127.0.0.1:7380"), local);
        let is_local = |url| WitnessUrl::parse(url).unwrap().is_local();
        assert_eq!((is_local("http://[::1]:7380/w"), is_local("https://witness.example")), (true, false));
        for wrong in ["http://witness.example", "http://10.0.0.1:80", "ftp://x", "", "http://127.0.0.1:80/a b"] {
            assert!(WitnessUrl::parse(wrong).is_err(), "{wrong}");
        }
    }
}
