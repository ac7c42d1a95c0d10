//! `portcullis init`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_audit::{LogKey, Publisher};
use portcullis_model::{
    audit::{Kind, Recorder as _},
    id::TenantId,
};
use portcullis_store::helpdesk::{Seeded, SqliteHelpDesk};
use serde_json::json;

use crate::{home::Home, host::Host, output::Output};

/// What a new configuration says: everything at its default, so that the defaults can be seen.
const CONFIG: &str = r#"# Portcullis configuration. What is commented out shows the default.

[listen]
# address = "127.0.0.1:8787"      # put a TLS terminator in front of anything but loopback
# trusted-proxies = ["127.0.0.1"]  # the terminator's own address: it is believed about whom it asks for
# forwarded-by = "x-forwarded-for" # the header in which it says that; or "forwarded"
# operations = "127.0.0.1:9787"    # health and metrics without a token, for whoever reaches this address; absent: nowhere
# [listen.limits]
# connections-per-address = 128    # more are closed at once
# unproved-per-minute = 600        # requests of one address that do not prove whose they are; 429 beyond

[ingest]
# max-body-kib = 1024

[sandbox]
# concurrent-calls = 64
# memory-mib = 64                  # the most that any plugin can be given
# scan-memory = false              # look for secrets in guest memory after each call; slow
# core-dumps = "/var/tmp/dumps"    # and leave each call's core dump there, with the subscribers' data in it; absent: none

[ceiling]
# scopes = ["events:receive types=*", "log:write", "tickets:read fields=status,tags"]  # what no plugin on this host can go
#                                  # beyond; absent: whatever an admin grants
# [ceiling.limits]                 # of a call and of an hour; what is not named keeps the platform's own ceiling
# cpu-ms = 1000
# records-read-per-hour = 20000

# [tenants.acme]                   # what holds in one tenant
# scopes = ["events:receive types=*", "log:write", "tickets:read fields=* mask=personal"]
# regions = ["EEA"]                # the regions that data may go to; absent: any
# cover-cards = true               # card numbers are covered in every text that plugins read
# [tenants.acme.limits]            # hourly ones hold for all of its installations together
# records-read-per-hour = 5000

[delivery]
# attempts = 16
# first-pause-ms = 5000            # doubles with each try
# longest-pause-ms = 21600000

[backends]
# concurrent-messages = 32         # one back end has at most an eighth of them
# timeout-ms = 20000               # one attempt
# attempts = 24                    # with pauses from 5 s, doubled up to 6 h: two to three days
# first-pause-ms = 5000
# longest-pause-ms = 21600000

[audit]
# keep-days = 400                  # entries of the log are disposed of after that; absent: never
# minimum-days = 90                # nobody can set less, and nobody can dispose of what is younger
# warn-days = 14                   # how long before that it is announced
# [tenants.acme.audit]
# keep-days = 2190                 # this tenant's own

[review]
# quarantine-after-reports = 2     # reports of misbehaviour from so many tenants stop a release everywhere; absent: none do
# quarantine-vulnerable = "critical"  # and so does a known vulnerability as bad as this; absent: none does

[log]
# witness-interval-s = 60          # witnesses of the audit log are asked at most so often; 'portcullis audit witness add'

[detect]
# learn-hours = 72                 # what is new about an installation is only learnt for so long; 'portcullis alert list'

[backup]
# to = "/var/backups/portcullis"   # a directory, better on another disk; absent: none are made by themselves
# every-hours = 24
# keep = 14
# recipients = ["age1..."]         # who can decrypt them; make a pair with age-keygen, and keep the secret half elsewhere
# keys = true                      # with the keys of this directory: a backup without them needs them from elsewhere
# test-within-days = 35            # 'portcullis restore FILE --identity KEY --test' at least so often

[traces]
# endpoint = "https://collector.example:4318/v1/traces"  # spans of events, calls and acts, by OTLP; absent: none are sent
# ratio = 0.05                     # of all traces; each is sent whole or not at all
# headers-file = "collector.headers"

[health]
# publish-within-seconds = 30      # not ready where an audit entry waits for longer to be published

[shutdown]
# notice-seconds = 0               # how long /readyz says that the host is about to end, before it does
# seconds = 60                     # how long what is under way may go on then

[security]
# contact = ["mailto:security@acme.example"]  # whom to tell of a vulnerability, at /.well-known/security.txt; absent: nobody
# expires = "2027-06-30T00:00:00Z"            # until when that holds
# policy = "https://acme.example/security"

[egress]
# connect-timeout-ms = 5000
# total-timeout-ms = 30000
# requests-per-minute = 12000      # of one installation to one host, as the next ones
# kib-per-minute = 262144
# concurrent = 64
# circuit-failures = 5             # in a row, and the host is left alone for a while
# own = ["203.0.113.7"]            # public addresses of this host, which no plugin may reach
# [[egress.private]]               # a host at an address that you name, private addresses included
# host = "crm.internal.example"
# address = "10.1.2.3:443"
# ca-file = "/etc/portcullis/internal-ca.pem"
# [[egress.plaintext]]             # a host that cannot do TLS; refused after 'until'
# host = "pbx.internal.example"
# address = "10.1.2.9:80"
# reason = "the switchboard has no TLS; it is replaced in March"
# accepted-by = "Dana, head of IT"
# until = "2027-03-31T00:00:00Z"
"#;

/// Make a new host in the home directory.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis init\n  portcullis --home /srv/portcullis init --seed --tenant acme")]
pub struct Init {
    /// Fill the embedded help desk with a few hundred records to try things on.
    #[arg(long)]
    pub seed: bool,
    /// The tenant that the records go to.
    #[arg(long, default_value = "demo")]
    pub tenant: TenantId,
}

impl Init {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = create(home, CONFIG).await?;
        let helpdesk = SqliteHelpDesk::open(&host.home.helpdesk(), host.clock.clone())?;
        let seeded = match self.seed {
            true => Some(helpdesk.seed(&self.tenant).await?),
            false => None,
        };
        super::publish(&host).await?;
        let vkey = std::fs::read_to_string(host.home.log_vkey())?.trim().to_owned();
        let tickets = match &seeded {
            Some(Seeded::Loaded(counts)) => counts.tickets,
            _ => 0,
        };
        output.result(&json!({ "home": host.home.dir(), "log-key": vkey, "tickets": tickets }), || {
            let seeded = match tickets {
                0 => String::new(),
                n => format!("Tenant '{}' has {n} tickets to try things on.\n", self.tenant),
            };
            format!(
                "A new host in {}.\n{seeded}Keep this key somewhere else; with it anybody can check the audit log:\n  {vkey}",
                host.home.dir().display()
            )
        })
    }
}

/// Makes a host with this configuration.
pub async fn create(home: Home, config: &str) -> Result<Host> {
    if home.config().exists() {
        bail!("there is a host in {} already", home.dir().display());
    }
    home.create()?;
    let rng = crate::system::SystemRng;
    let key = LogKey::create(&home.log_key(), &home.log_vkey(), &rng)?;
    tokio::task::block_in_place(|| Publisher::create(&home.log(), key))?;
    let root = crate::trust::create(&home, &crate::system::SystemClock, &rng)?;
    // Last, since it is what says that there is a host here.
    std::fs::write(home.config(), config)?;
    let host = Host::open(home).await?;
    let vkey = std::fs::read_to_string(host.home.log_vkey())?;
    host.store.record(vec![host.entry(Kind::HostCreated, None).with("log-key", vkey.trim())]).await?;
    host.keeper().root(&root.to_json()).await?;
    Ok(host)
}
