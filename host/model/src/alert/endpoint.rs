//! Where alerts are told to: the operator's endpoint, of all of them, and a tenant's own, of its own.
//!
//! Invariant: what is sent names rule, severity, alert, tenant and installation, and where to look; whoever wants to know more signs
//! in (DAT-13).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AlertId, AlertSeverity};
use crate::{
    id::{InstallationId, TenantId},
    time::Timestamp,
    webhook::{BackEndState, Health},
};

/// The name of a tenant's signing keys in the vault.
pub const SIGNING: &str = "alerts/webhook";
/// The name of the operator's, under the vault's name for the host itself.
pub const OPERATOR_SIGNING: &str = "host-alerts/webhook";

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Endpoint {
    /// Whose: a tenant's, or none: the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Where alerts are posted to.
    pub url: String,
    /// Not those that are less severe.
    pub least: AlertSeverity,
    /// Whether anything is sent.
    #[serde(flatten)]
    pub state: BackEndState,
    /// How the last attempts went.
    #[serde(default)]
    pub health: Health,
    /// Another one with each setting. What comes of an attempt that began under another one says nothing about this one.
    pub generation: u64,
}

impl Endpoint {
    /// Whether it is sent anything.
    pub fn is_active(&self) -> bool {
        self.state == BackEndState::Active
    }

    /// The address less its path and its query, which may both hold a secret: what is written to the log, and shown.
    pub fn origin(&self) -> &str {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        let host = url.find("://").map_or(0, |at| at + 3);
        url[host..].find('/').map_or(url, |end| &url[..host + end])
    }
}

/// What an endpoint is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Notification {
    /// Its number in the queue.
    pub number: u64,
    /// Which alert; none for one that only tries the endpoint out.
    pub alert: Option<AlertId>,
    /// By which rule.
    pub rule: String,
    /// How soon somebody should look.
    pub severity: AlertSeverity,
    /// In whose data.
    pub tenant: Option<TenantId>,
    /// About which installation.
    pub installation: Option<InstallationId>,
    /// When it was raised.
    pub time: Timestamp,
    /// To whom.
    pub endpoint: Endpoint,
    /// 1 the first time.
    pub attempt: u32,
}

impl Notification {
    /// The id of the message, the same at every attempt.
    pub fn message(&self) -> String {
        let whose = self.endpoint.tenant.as_ref().map_or("host", TenantId::as_str);
        let named = format!("alert notification\n{whose}\n{}", self.number);
        let hex = crate::id::Digest::of(named.as_bytes()).hex();
        format!("msg_{}", hex.get(..32).unwrap_or(&hex))
    }

    /// What is posted. `base`: where the host is reached, without a slash at the end.
    pub fn payload(&self, base: &str) -> Vec<u8> {
        let kind = if self.alert.is_some() { "alert.raised" } else { "alert.test" };
        let mut data = json!({ "rule": self.rule, "severity": self.severity });
        if let (Some(id), Some(fields)) = (self.alert, data.as_object_mut()) {
            fields.insert("alert".into(), Value::String(id.to_string()));
            fields.insert("link".into(), Value::String(format!("{base}/admin/v1/alerts/{id}")));
            let of = |text: Option<&str>| text.map_or(Value::Null, |text| text.into());
            fields.insert("tenant".into(), of(self.tenant.as_ref().map(TenantId::as_str)));
            fields.insert("installation".into(), of(self.installation.as_ref().map(InstallationId::as_str)));
        }
        json!({ "type": kind, "timestamp": self.time.to_string(), "data": data }).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_secret_in_an_address_is_left_out() {
        for (url, origin) in [
            ("https://a.example/in/T0/B1?key=hunter2", "https://a.example"),
            ("https://a.example?key=hunter2", "https://a.example"),
            ("http://127.0.0.1:9/x#hunter2", "http://127.0.0.1:9"),
        ] {
            let endpoint = Endpoint {
                tenant: None,
                url: url.to_owned(),
                least: AlertSeverity::Low,
                state: BackEndState::Active,
                health: Health::default(),
                generation: 1,
            };
            assert_eq!(endpoint.origin(), origin);
        }
    }
}
