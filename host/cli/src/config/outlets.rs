//! `[audit.syslog]` and `[audit.otlp]`: who is sent the entries of the audit log as they are written (MON-3).

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use portcullis_broker::outlet::Endpoint;
use portcullis_evidence::outlet::syslog::FACILITIES;
use portcullis_model::{scope::nearest, target::Target};
use serde::Deserialize;

/// A receiver of syslog over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SyslogOutlet {
    /// Its exact host name, which its certificate must have. One at a private address is placed by `[[egress.private]]`.
    pub host: String,
    /// Its port.
    #[serde(default = "registered_port")]
    pub port: u16,
    /// A PEM file with the authorities that its certificate must come from. Absent: those of `[[egress.private]]`, or the public ones.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The facility of messages, by its name.
    #[serde(default = "usual_facility")]
    pub facility: String,
    /// What the receiver shall call this host. Absent: the first part of the log's origin.
    #[serde(default)]
    pub hostname: Option<String>,
    /// A private enterprise number of the operator's own, under which structured data is sent. Absent: none is.
    #[serde(default)]
    pub enterprise: Option<u32>,
    /// Whether personal values are sent.
    #[serde(default)]
    pub personal: bool,
}

/// A collector of OpenTelemetry logs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OtlpOutlet {
    /// The whole URL: `https`, or `http` on this machine.
    pub endpoint: String,
    /// A file with headers that the collector wants, `Name: value` in each line.
    #[serde(default)]
    pub headers_file: Option<PathBuf>,
    /// Whether personal values are sent.
    #[serde(default)]
    pub personal: bool,
}

fn registered_port() -> u16 {
    6514
}

fn usual_facility() -> String {
    "audit".to_owned()
}

impl SyslogOutlet {
    /// The facility's number.
    pub fn facility_number(&self) -> Result<u8> {
        let found = FACILITIES.iter().find(|(name, _)| *name == self.facility).map(|(_, number)| *number);
        let names: Vec<&str> = FACILITIES.iter().map(|(name, _)| *name).collect();
        found.ok_or_else(|| {
            anyhow!("audit.syslog.facility: '{}' is none: {}", self.facility, nearest(&self.facility, &names))
        })
    }

    pub(super) fn check(&self) -> Result<()> {
        self.facility_number()?;
        let target: Result<Target, _> = format!("https://{}/", self.host).parse();
        if !target.is_ok_and(|target| target.host() == self.host && target.port() == 443) {
            return Err(anyhow!(
                "audit.syslog.host: expected an exact host name in lower case, without a port; one at a private address is placed by \
                 [[egress.private]]"
            ));
        }
        if self.port == 0 {
            return Err(anyhow!("audit.syslog.port: expected 1 to 65535"));
        }
        Ok(())
    }
}

impl OtlpOutlet {
    /// Where it answers.
    pub fn endpoint(&self) -> Result<Endpoint> {
        self.endpoint.parse().map_err(|problem| anyhow!("audit.otlp.endpoint: {problem}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syslog(text: &str) -> Result<SyslogOutlet, String> {
        let outlet: SyslogOutlet = toml::from_str(text).map_err(|error| error.to_string())?;
        outlet.check().map_err(|error| error.to_string())?;
        Ok(outlet)
    }

    #[test]
    fn a_receiver_is_a_name_and_no_more_than_that_is_needed() {
        let usual = syslog("host = 'siem.example'").unwrap();
        assert_eq!((usual.port, usual.facility_number().unwrap(), usual.personal), (6514, 13, false));
        for (text, says) in [
            ("host = '10.0.0.1'", "audit.syslog.host"),
            ("host = 'siem.example:6514'", "audit.syslog.host"),
            ("host = 'SIEM.example'", "audit.syslog.host"),
            ("host = 'siem.example'\nfacility = 'local9'", "did you mean 'local"),
            ("host = 'siem.example'\nport = 0", "audit.syslog.port"),
            ("port = 6514", "missing field `host`"),
            ("host = 'siem.example'\ntls = false", "unknown field"),
        ] {
            let error = syslog(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_collector_is_https_or_this_machine() {
        let otlp =
            |endpoint: &str| OtlpOutlet { endpoint: endpoint.into(), headers_file: None, personal: false }.endpoint();
        assert!(
            otlp("https://collector.example:4318/v1/logs").is_ok() && otlp("http://127.0.0.1:4318/v1/logs").is_ok()
        );
        let error = otlp("http://collector.example:4318/v1/logs").unwrap_err().to_string();
        assert!(error.contains("audit.otlp.endpoint") && error.contains("https://"), "{error}");
    }
}
