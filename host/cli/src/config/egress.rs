//! The section `[egress]`: requests out.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use portcullis_broker::egress::{Config, Plaintext, Private, Traffic};
use portcullis_model::{
    risk::AcceptedRisk,
    time::{Clock, Timestamp},
};
use serde::Deserialize;

/// Requests out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Egress {
    /// How long connecting may take, in milliseconds.
    pub connect_timeout_ms: u64,
    /// How long a request may take in all, in milliseconds.
    pub total_timeout_ms: u64,
    /// Requests a minute, of one installation to one host.
    pub requests_per_minute: u32,
    /// Bodies of requests and answers a minute, of one installation to and from one host, in KiB.
    pub kib_per_minute: u64,
    /// Requests at a time, of one installation to one host.
    pub concurrent: u32,
    /// So many failures in a row make an installation leave a host alone.
    pub circuit_failures: u32,
    /// For how long the first time, in milliseconds; it doubles with each try that fails.
    pub circuit_pause_ms: u64,
    /// For how long at most, in milliseconds.
    pub circuit_longest_pause_ms: u64,
    /// Public addresses of this host, which no plugin may reach.
    pub own: Vec<IpAddr>,
    /// Hosts that the operator places by hand, private addresses included.
    pub private: Vec<PrivateHost>,
    /// Hosts that are reached without TLS, each by an accepted risk (DAT-5).
    pub plaintext: Vec<PlaintextHost>,
}

/// A host at an address that the operator names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PrivateHost {
    /// The host's name.
    pub host: String,
    /// Where it is.
    pub address: SocketAddr,
    /// A PEM file with the one authority that its certificate must come from.
    pub ca_file: Option<PathBuf>,
}

/// A host that cannot do TLS, at an address that the operator names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlaintextHost {
    /// The host's name.
    pub host: String,
    /// Where it is.
    pub address: SocketAddr,
    /// Whether requests to it carry credentials, for all on the way to read.
    #[serde(default)]
    pub credentials: bool,
    /// Why the risk is taken.
    pub reason: String,
    /// Who answers for it.
    pub accepted_by: String,
    /// Until when.
    pub until: Timestamp,
}

impl Default for Egress {
    fn default() -> Self {
        let Config { connect_timeout, total_timeout, traffic, .. } = Config::default();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            connect_timeout_ms: ms(connect_timeout),
            total_timeout_ms: ms(total_timeout),
            requests_per_minute: traffic.requests_per_minute,
            kib_per_minute: traffic.bytes_per_minute / 1024,
            concurrent: traffic.concurrent,
            circuit_failures: traffic.failures,
            circuit_pause_ms: ms(traffic.pause),
            circuit_longest_pause_ms: ms(traffic.longest_pause),
            own: Vec::new(),
            private: Vec::new(),
            plaintext: Vec::new(),
        }
    }
}

impl PlaintextHost {
    /// The risk that somebody answers for.
    pub fn risk(&self) -> AcceptedRisk {
        AcceptedRisk { reason: self.reason.clone(), accepted_by: self.accepted_by.clone(), until: self.until }
    }
}

impl Egress {
    /// The hosts that the operator placed by hand, with TLS or without.
    pub fn placed(&self) -> BTreeSet<String> {
        let private = self.private.iter().map(|one| &one.host);
        private.chain(self.plaintext.iter().map(|one| &one.host)).cloned().collect()
    }

    /// Says what is unfit. A risk whose time is over is not: requests to that host are refused then, and the host runs.
    pub(super) fn check(&self) -> Result<()> {
        for one in &self.plaintext {
            let named = one.risk().check(Timestamp(i64::MIN));
            named.map_err(|problem| anyhow!("egress.plaintext, host '{}': {problem}", one.host))?;
        }
        for (name, value) in [
            ("connect-timeout-ms", self.connect_timeout_ms),
            ("total-timeout-ms", self.total_timeout_ms),
            ("requests-per-minute", self.requests_per_minute.into()),
            ("concurrent", self.concurrent.into()),
            ("circuit-failures", self.circuit_failures.into()),
            ("circuit-pause-ms", self.circuit_pause_ms),
        ] {
            if value == 0 {
                return Err(anyhow!("egress.{name}: expected at least 1"));
            }
        }
        if self.kib_per_minute < 1024 {
            return Err(anyhow!("egress.kib-per-minute: expected at least 1024, the size of the largest body"));
        }
        if self.circuit_longest_pause_ms < self.circuit_pause_ms {
            return Err(anyhow!("egress.circuit-longest-pause-ms: expected at least circuit-pause-ms"));
        }
        Ok(())
    }

    /// The door's settings. Reads the authorities' files. `listen`: the address of the host's own listener.
    pub(super) fn settings(&self, listen: IpAddr) -> Result<Config> {
        let private = |host: &PrivateHost| {
            let pem =
                |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("ca-file {}", path.display()));
            let ca_pem = host.ca_file.as_ref().map(pem).transpose()?;
            Ok(Private { host: host.host.clone(), address: host.address, ca_pem })
        };
        let plaintext = |one: &PlaintextHost| Plaintext {
            host: one.host.clone(),
            address: one.address,
            credentials: one.credentials,
            risk: one.risk(),
        };
        let own = self.own.iter().chain([&listen]).map(IpAddr::to_canonical).collect();
        Ok(Config {
            connect_timeout: Duration::from_millis(self.connect_timeout_ms),
            total_timeout: Duration::from_millis(self.total_timeout_ms),
            private: self.private.iter().map(private).collect::<Result<_>>()?,
            plaintext: self.plaintext.iter().map(plaintext).collect(),
            own,
            traffic: Traffic {
                requests_per_minute: self.requests_per_minute,
                bytes_per_minute: self.kib_per_minute.saturating_mul(1024),
                concurrent: self.concurrent,
                failures: self.circuit_failures,
                pause: Duration::from_millis(self.circuit_pause_ms),
                longest_pause: Duration::from_millis(self.circuit_longest_pause_ms),
            },
        })
    }

    /// Each host that is reached without TLS, as a person reads it at the start and as the log keeps it: what is done, and who answers
    /// for that.
    pub fn in_the_clear(&self, clock: &dyn Clock) -> Vec<(String, String)> {
        let one = |one: &PlaintextHost| {
            let risk = one.risk();
            let now = match risk.check(clock.now()) {
                Ok(()) => "reached without TLS",
                Err(_) => "REFUSED, since the risk is not accepted any more",
            };
            let carries = if one.credentials { "credentials included" } else { "without credentials" };
            (
                format!("{} at {}, {carries}: {now}", one.host, one.address),
                format!("accepted by {} until {}: {}", risk.accepted_by, risk.until, risk.reason),
            )
        };
        self.plaintext.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[plaintext]]\nhost = 'pbx.example'\naddress = '10.1.2.3:80'\nreason = 'the old switchboard has no TLS'\n\
                        accepted-by = 'dana'\nuntil = '2027-03-01T00:00:00Z'\n";

    struct At(&'static str);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::parse(self.0).unwrap()
        }
    }

    fn read(text: &str) -> Result<Egress, String> {
        let egress: Egress = toml::from_str(text).map_err(|error| error.to_string())?;
        egress.check().map_err(|error| error.to_string())?;
        Ok(egress)
    }

    #[test]
    fn what_is_not_written_is_the_doors_own_default() {
        let settings = read("").unwrap().settings("127.0.0.1".parse().unwrap()).unwrap();
        assert_eq!(settings.traffic, Traffic::default());
        assert_eq!(settings.own, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
        let own = read("own = ['203.0.113.7', '::ffff:198.51.100.1']").unwrap();
        let own = own.settings("127.0.0.1".parse().unwrap()).unwrap().own;
        assert_eq!(
            own.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["203.0.113.7", "198.51.100.1", "127.0.0.1"]
        );
        for unfit in
            ["concurrent = 0", "kib-per-minute = 1023", "circuit-longest-pause-ms = 1", "requests-per-minute = 0"]
        {
            assert!(read(unfit).is_err(), "{unfit}");
        }
    }

    #[test]
    fn without_tls_only_by_a_risk_that_somebody_answers_for() {
        let egress = read(GOOD).unwrap();
        assert!(!egress.plaintext[0].credentials, "none unless that is written");
        let line = |now| {
            let (what, who) = egress.in_the_clear(&At(now)).remove(0);
            format!("{what}; {who}")
        };
        assert_eq!(
            line("2027-02-28T00:00:00Z"),
            "pbx.example at 10.1.2.3:80, without credentials: reached without TLS; accepted by dana until \
             2027-03-01T00:00:00.000Z: the old switchboard has no TLS"
        );
        assert!(line("2027-03-01T00:00:00Z").contains("REFUSED"));
        for (from, to, says) in [
            ("the old switchboard has no TLS", "because", "reason: at least"),
            ("'dana'", "' '", "accepted-by"),
            ("accepted-by = 'dana'\n", "", "accepted-by"),
            ("until = '2027-03-01T00:00:00Z'\n", "", "until"),
            ("2027-03-01T00:00:00Z", "soon", "RFC 3339"),
            ("10.1.2.3:80", "pbx.example:80", "address"),
        ] {
            let error = read(&GOOD.replace(from, to)).unwrap_err();
            assert!(error.contains(says), "{to}: {error}");
        }
    }
}
