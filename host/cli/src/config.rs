//! The configuration: one TOML file, one section a module, read whole before anything starts. Unknown keys are refused, with
//! the nearest that is known.

mod audit;
mod backup;
mod egress;
mod listen;
mod oauth;
mod outlets;

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow};
pub use audit::{Audit, Retention, TenantAudit};
pub use backup::{Backup, recipients};
pub use egress::{Egress, PlaintextHost, PrivateHost};
pub use listen::Listen;
pub use oauth::OAuth;
pub use outlets::{OtlpOutlet, SyslogOutlet};
use portcullis_broker::egress::Config as EgressConfig;
use portcullis_capabilities::Catalogue;
use portcullis_delivery::RetryPolicy;
use portcullis_model::{
    bounds::{Bounds, Profile},
    call::Rules,
    catalogue::Catalogue as _,
    id::{Digest, TenantId},
    limits::Limits,
    region::Region,
    regional::Regions,
    review::Severity,
    scope::{ScopeText, nearest},
};
use portcullis_runtime::SandboxConfig;
use serde::Deserialize;

use crate::{home::Home, outbound::BackEndsSection};

/// All of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Config {
    /// The listener.
    pub listen: Listen,
    /// Events in.
    pub ingest: Ingest,
    /// The sandbox.
    pub sandbox: Sandbox,
    /// What no plugin on this host can go beyond.
    pub ceiling: Ceiling,
    /// What holds in one tenant, by its name.
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// Retries.
    pub delivery: Delivery,
    /// Messages to back ends.
    pub backends: BackEndsSection,
    /// Requests out.
    pub egress: Egress,
    /// What happens by itself when releases turn out to be bad.
    pub review: Review,
    /// Who keeps the keys of stored secrets.
    pub vault: crate::vault::VaultConfig,
    /// Tokens for back ends outside of the sandbox.
    pub oauth: OAuth,
    /// How long the audit log is kept, and who is sent it.
    pub audit: Audit,
    /// The published audit log.
    pub log: PublishedLog,
    /// What is unusual in the log.
    pub detect: crate::detect::DetectSection,
    /// Backups.
    pub backup: Backup,
    /// Spans of what it does, for a collector.
    pub traces: crate::ops::Traces,
    /// When the host says that it is not ready.
    pub health: crate::ops::Health,
    /// How it ends.
    pub shutdown: crate::shutdown::Shutdown,
    /// Whom to tell of a vulnerability.
    pub security: crate::ops::Security,
    /// The file's digest, where it was read from one: for the log, since nobody else can say what a host ran under.
    #[serde(skip)]
    pub digest: Option<Digest>,
    /// The ceiling's limits, those that are not named included.
    #[serde(skip)]
    most: Limits,
    /// The tenants' limits, read.
    #[serde(skip)]
    tenant_limits: BTreeMap<TenantId, Limits>,
    /// The regions of those tenants that have a rule about them, read.
    #[serde(skip)]
    tenant_regions: BTreeMap<TenantId, Regions>,
}

/// The published audit log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PublishedLog {
    /// At most how often witnesses are asked to cosign it, in seconds.
    pub witness_interval_s: u64,
}

impl Default for PublishedLog {
    fn default() -> Self {
        Self { witness_interval_s: 60 }
    }
}

/// Events in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Ingest {
    /// The largest body of a webhook, in KiB.
    pub max_body_kib: usize,
}

/// The sandbox.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Sandbox {
    /// Calls at once.
    pub concurrent_calls: u32,
    /// The largest memory that a plugin can be given, in MiB.
    pub memory_mib: u64,
    /// Whether to look for secrets in guest memory after each call. Costs several times the call itself.
    pub scan_memory: bool,
    /// A directory where the search also leaves each call's core dump of the guest's side: subscribers' data is in it.
    pub core_dumps: Option<PathBuf>,
}

/// What no plugin can go beyond.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Ceiling {
    /// Scopes. Absent: whatever an admin grants.
    pub scopes: Option<Vec<ScopeText>>,
    /// Limits of one installation; what is not named keeps the platform's own ceiling.
    pub limits: toml::Table,
}

/// What holds in one tenant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Tenant {
    /// The most that any plugin of this tenant may do. Absent: whatever its admin grants.
    pub scopes: Option<Vec<ScopeText>>,
    /// Whether card numbers are covered in every text that plugins read (DAT-3).
    pub cover_cards: bool,
    /// The regions that data may go to, such as EEA or DE (DAT-7). Absent: any.
    pub regions: Option<Vec<String>>,
    /// How long its part of the audit log is kept.
    pub audit: TenantAudit,
    /// Limits of a call hold for each call, hourly ones and that of calls at once for all installations together. What is not
    /// named is not bounded here.
    pub limits: toml::Table,
}

/// Retries.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Delivery {
    /// Tries in all.
    pub attempts: u32,
    /// The pause after the first try, in milliseconds; it doubles with each.
    pub first_pause_ms: u64,
    /// The longest pause, in milliseconds.
    pub longest_pause_ms: u64,
}

/// What happens by itself when releases turn out to be bad.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Review {
    /// Reports of misbehaviour from so many tenants, that nobody has looked into yet, stop a release everywhere. Absent: none do.
    pub quarantine_after_reports: Option<NonZeroUsize>,
    /// A known vulnerability at least as bad as this stops a release everywhere. Absent: none does.
    pub quarantine_vulnerable: Option<Severity>,
}

impl Default for Ingest {
    fn default() -> Self {
        Self { max_body_kib: 1024 }
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        let SandboxConfig { concurrent_calls, memory_mib, scan_memory } = SandboxConfig::default();
        Self { concurrent_calls, memory_mib, scan_memory, core_dumps: None }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        let policy = RetryPolicy::default();
        let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        Self { attempts: policy.attempts, first_pause_ms: ms(policy.first), longest_pause_ms: ms(policy.longest) }
    }
}

impl Config {
    /// Reads the home's configuration.
    pub fn load(home: &Home) -> Result<Self> {
        let path = home.config();
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let config = Self::parse(&text).with_context(|| format!("{} is not right", path.display()))?;
        Ok(Self { digest: Some(Digest::of(text.as_bytes())), ..config })
    }

    fn parse(text: &str) -> Result<Self> {
        let unfit = |error: toml::de::Error| anyhow!("{}{error}", hint(error.message()));
        let mut config: Self = toml::from_str(text).map_err(unfit)?;
        let mut limits = toml::Table::try_from(Limits::CEILING)?;
        limits.extend(std::mem::take(&mut config.ceiling.limits));
        config.most = limits.try_into().map_err(|error| unfit(error).context("ceiling.limits"))?;
        for (tenant, section) in &config.tenants {
            let limits = bounds(&section.limits).with_context(|| format!("tenants.{tenant}.limits"))?;
            if limits != Limits::UNBOUNDED {
                config.tenant_limits.insert(tenant.clone(), limits);
            }
            if let Some(regions) = section.regions.as_ref() {
                let regions = read_regions(regions).with_context(|| format!("tenants.{tenant}.regions"))?;
                config.tenant_regions.insert(tenant.clone(), regions);
            }
        }
        let tenants = config.tenants.values().filter_map(|tenant| tenant.scopes.as_ref());
        for scope in config.ceiling.scopes.iter().chain(tenants).flatten() {
            // A bound that nobody understands would refuse every plugin at its first call, and not say why before.
            Catalogue.describe(scope).context("scopes")?;
        }
        if !(1..=4096).contains(&config.sandbox.concurrent_calls) {
            return Err(anyhow!("sandbox.concurrent-calls: expected 1 to 4096"));
        }
        if !(1..=1024).contains(&config.sandbox.memory_mib) {
            return Err(anyhow!("sandbox.memory-mib: expected 1 to 1024"));
        }
        if config.sandbox.core_dumps.is_some() && !config.sandbox.scan_memory {
            return Err(anyhow!("sandbox.core-dumps: they are what the search of memory sees; set scan-memory = true"));
        }
        config.oauth.check().context("oauth")?;
        if config.delivery.attempts == 0 {
            return Err(anyhow!("delivery.attempts: expected at least 1"));
        }
        config.audit.check(config.tenants.values().map(|tenant| &tenant.audit))?;
        config.backup.check()?;
        config.security.check()?;
        config.traces.check()?;
        config.listen.check()?;
        config.egress.check()?;
        config.backends.check()?;
        config.detect.check()?;
        Ok(config)
    }

    /// The sandbox's settings.
    pub fn sandbox(&self) -> SandboxConfig {
        let Sandbox { concurrent_calls, memory_mib, scan_memory, .. } = self.sandbox;
        SandboxConfig { concurrent_calls, memory_mib, scan_memory }
    }

    /// The most that one call may use.
    pub fn limits(&self) -> Limits {
        Limits { memory_mib: self.most.memory_mib.min(self.sandbox.memory_mib), ..self.most }
    }

    /// What holds for whatever is asked and granted.
    pub fn bounds(&self) -> Bounds {
        let profile = |name: &TenantId, tenant: &Tenant| Profile {
            scopes: tenant.scopes.clone(),
            rules: Rules { cover_cards: tenant.cover_cards },
            regions: self.tenant_regions.get(name).cloned(),
        };
        Bounds {
            scopes: self.ceiling.scopes.clone(),
            limits: self.limits(),
            tenants: self.tenants.iter().map(|(name, tenant)| (name.clone(), profile(name, tenant))).collect(),
            live: None,
        }
    }

    /// The bounds of those tenants that have any.
    pub fn tenant_limits(&self) -> &BTreeMap<TenantId, Limits> {
        &self.tenant_limits
    }

    /// The retry policy.
    pub fn retry(&self) -> RetryPolicy {
        RetryPolicy {
            attempts: self.delivery.attempts,
            first: Duration::from_millis(self.delivery.first_pause_ms),
            longest: Duration::from_millis(self.delivery.longest_pause_ms),
        }
    }

    /// The door's settings. Reads the authorities' files.
    pub fn egress(&self) -> Result<EgressConfig> {
        self.egress.settings(self.listen.address.ip())
    }
}

/// Regions in any case: `eea`, `DE`.
fn read_regions(texts: &[String]) -> Result<Regions> {
    let read = |text: &String| text.to_ascii_uppercase().parse::<Region>().map_err(|problem| anyhow!(problem));
    let regions = texts.iter().map(read).collect::<Result<Vec<_>>>()?;
    Regions::new(regions).ok_or_else(|| anyhow!("expected at least one region; without the key data may go anywhere"))
}

/// The limits in a table; what is not in it has no bound.
fn bounds(table: &toml::Table) -> Result<Limits> {
    let mut limits = Limits::UNBOUNDED;
    for (name, value) in table {
        let number = value.as_integer().and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0);
        let number = number.ok_or_else(|| anyhow!("{name}: expected a whole number of 1 or more, found {value}"))?;
        if !limits.set(name, number) {
            return Err(anyhow!("unknown key '{name}': {}", nearest(name, Limits::NAMES)));
        }
    }
    Ok(limits)
}

/// "did you mean ...", out of serde's "unknown field `x`, expected one of `a`, `b`".
fn hint(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    match (message.starts_with("unknown field"), names.next()) {
        (true, Some(unknown)) => format!("unknown key '{unknown}': {}\n", nearest(unknown, &names.collect::<Vec<_>>())),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused_with_the_nearest() {
        let error = Config::parse("[sandbox]\nconcurent-calls = 4\n").unwrap_err().to_string();
        assert!(error.contains("unknown key 'concurent-calls': did you mean 'concurrent-calls'?"), "{error}");
        assert!(error.contains("line 2"), "{error}");
        assert!(Config::parse("[sandbox]\nconcurrent-calls = 0\n").is_err());
        assert!(Config::parse("[ceiling]\nscopes = ['tickets']\n").is_err());
    }

    #[test]
    fn core_dumps_come_with_the_search_that_they_are_of_and_by_name_alone() {
        let error = Config::parse("[sandbox]\ncore-dumps = '/var/tmp/dumps'\n").unwrap_err().to_string();
        assert!(error.contains("sandbox.core-dumps") && error.contains("scan-memory = true"), "{error}");
        let both = Config::parse("[sandbox]\nscan-memory = true\ncore-dumps = '/var/tmp/dumps'\n").unwrap();
        assert_eq!(both.sandbox.core_dumps, Some("/var/tmp/dumps".into()));
        assert_eq!(Config::parse("[sandbox]\nscan-memory = true\n").unwrap().sandbox.core_dumps, None);
    }

    #[test]
    fn a_limit_that_is_not_named_keeps_the_platforms_ceiling() {
        let config = Config::parse("[ceiling.limits]\ncpu-ms = 50\n").unwrap();
        assert_eq!(config.limits(), Limits { cpu_ms: 50, ..Limits::CEILING });
        let error = format!("{:#}", Config::parse("[ceiling.limits]\ncpu = 50\n").unwrap_err());
        assert!(error.contains("ceiling.limits") && error.contains("unknown key 'cpu'"), "{error}");
    }

    #[test]
    fn a_tenant_is_bounded_by_what_is_written_and_by_nothing_else() {
        let config = Config::parse("[tenants.acme.limits]\nrecords-read-per-hour = 50\n[tenants.other]\n").unwrap();
        let expected = Limits { records_read_per_hour: 50, ..Limits::UNBOUNDED };
        assert_eq!(config.tenant_limits(), &BTreeMap::from([("acme".parse().unwrap(), expected)]));
        let error = |text: &str| format!("{:#}", Config::parse(text).unwrap_err());
        let unknown = error("[tenants.acme.limits]\nrecords-read-per-our = 50\n");
        assert!(unknown.contains("tenants.acme.limits: unknown key 'records-read-per-our': did you mean"), "{unknown}");
        assert!(error("[tenants.acme.limits]\ncpu-ms = 0\n").contains("cpu-ms: expected a whole number of 1 or more"));
        assert!(error("[tenants.acme]\nlimit = 1\n").contains("did you mean 'limits'?"));
        assert!(error("[tenants.acme]\nscopes = ['tickets:raed fields=tags']\n").contains("did you mean 'read'?"));
        assert!(error("[tenants.'A B'.limits]\n").contains("'A B' is not a tenant"));
    }

    #[test]
    fn a_tenants_regions_are_read_in_any_case_and_never_empty() {
        let config = Config::parse("[tenants.acme]\nregions = ['eea', 'CH']\n[tenants.other]\n").unwrap();
        let bounds = config.bounds();
        let regions = |tenant: &str| bounds.regions(&tenant.parse().unwrap());
        assert_eq!(regions("acme").as_deref(), Some("CH, EEA"));
        assert_eq!(regions("other"), None);
        let error = |text: &str| format!("{:#}", Config::parse(text).unwrap_err());
        assert!(error("[tenants.acme]\nregions = []\n").contains("tenants.acme.regions: expected at least one"));
        assert!(error("[tenants.acme]\nregions = ['Europe']\n").contains("no region"));
    }

    #[test]
    fn nothing_is_stopped_by_itself_unless_that_is_written() {
        let review = |text: &str| Config::parse(text).map(|config| config.review);
        let off = review("").unwrap();
        assert_eq!((off.quarantine_after_reports, off.quarantine_vulnerable), (None, None));
        let on = review("[review]\nquarantine-after-reports = 2\nquarantine-vulnerable = 'critical'\n").unwrap();
        assert_eq!(on.quarantine_after_reports.map(NonZeroUsize::get), Some(2));
        assert_eq!(on.quarantine_vulnerable, Some(Severity::Critical));
        for wrong in ["quarantine-after-reports = 0", "quarantine-vulnerable = 'bad'", "quarantine = 1"] {
            assert!(review(&format!("[review]\n{wrong}\n")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_issuer_is_https_or_this_machine() {
        let oauth = |text: &str| Config::parse(&format!("[oauth]\n{text}\n")).map(|config| config.oauth);
        for fine in ["https://host.example", "https://host.example:8443", "http://127.0.0.1:8787", "http://[::1]:8787"]
        {
            assert!(oauth(&format!("issuer = '{fine}'")).is_ok(), "{fine}");
        }
        for wrong in [
            "http://host.example",
            "https://",
            "https://host.example/",
            "https://host.example/x",
            "https://u@host.example",
            "host.example",
            "https://host.example?x",
            "http://127.0.0.1.host.example:80",
            "https://Host.example",
        ] {
            assert!(oauth(&format!("issuer = '{wrong}'")).is_err(), "{wrong}");
        }
        let loopback = "127.0.0.1:8787".parse().unwrap();
        let settings = oauth("").unwrap().settings(loopback).unwrap();
        assert_eq!(settings.issuer, "http://127.0.0.1:8787");
        assert_eq!(settings.resources, ["http://127.0.0.1:8787/api"]);
        assert_eq!(oauth("").unwrap().settings("0.0.0.0:8787".parse().unwrap()), None);
        assert!(oauth("resources = []").is_err());
    }

    #[test]
    fn nothing_written_means_the_defaults() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.limits(), Limits::CEILING);
        assert_eq!(config.sandbox(), SandboxConfig::default());
        assert_eq!(config.retry(), RetryPolicy::default());
    }
}
