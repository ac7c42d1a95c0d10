//! `portcullis duty`

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use portcullis_duties::{
    catalogue::{Catalogue, Duty, How},
    posture::Move,
    report::moves_text,
};
use portcullis_model::{
    duty::{Attestation, Party},
    id::{DutyId, TenantId},
    time::Timestamp,
};
use serde_json::json;

use super::parse::{day, party};
use crate::{
    admin::{Keyboard, asked, given, or_unknown},
    duties,
    home::Home,
    host::Host,
    output::Output,
};

/// Who answers for what: the catalogue of duties, what people say about them, and what is open.
#[derive(Debug, Subcommand)]
pub enum DutyCommand {
    /// List the duties, and what lies outside of the boundary.
    #[command(after_help = "Examples:\n  portcullis duty list\n  portcullis duty list --party subscriber")]
    List {
        /// Only of this party: platform, subscriber, developer, reviewer or shared.
        #[arg(long, value_parser = party)]
        party: Option<Party>,
    },
    /// Show one duty: whose it is, how it is met, and what shows that.
    #[command(after_help = "Example:\n  portcullis duty show INT-3")]
    Show {
        /// Which.
        id: DutyId,
    },
    /// Say, by name and for a time, that a duty is met.
    #[command(after_help = "Example:\n  portcullis duty attest ACC-8 --tenant acme --as 'Dana Example' \\\n    \
        --statement 'all lists were looked through on Friday' --until 2027-01-31\n\n\
        It counts until that day, at most as long as the catalogue says, and lapses by itself. Name and statement are sealed in the\n\
        log, and can be erased. The host cannot know at its own keyboard who is typing: the account is in the log beside the name.")]
    Attest {
        /// Which duty.
        id: DutyId,
        /// Of which tenant; the only one where there is one. Not needed for what the platform attests for all.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// For which party; the one that the catalogue names where it names one.
        #[arg(long, value_parser = party)]
        party: Option<Party>,
        /// Who says so.
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// What is said, in a sentence.
        #[arg(long)]
        statement: String,
        /// Until when it counts: a day or a moment. As long as it may where it is not given.
        #[arg(long, value_parser = day)]
        until: Option<Timestamp>,
    },
    /// List what was said: the newest of each duty, tenant and party.
    #[command(after_help = "Example:\n  portcullis duty said --tenant acme")]
    Said {
        /// Only what counts in this tenant.
        #[arg(long)]
        tenant: Option<TenantId>,
    },
    /// Take back what was said about a duty. It counts no more from then on.
    #[command(
        after_help = "Example:\n  portcullis duty withdraw 4 --as 'Dana Example' --reason 'it was said too early'"
    )]
    Withdraw {
        /// Its number, as 'duty said' has it.
        number: u64,
        /// Who takes it back.
        #[arg(long = "as", value_name = "NAME")]
        name: String,
        /// For which party: the one that said it.
        #[arg(long, value_parser = party, default_value = "subscriber")]
        party: Party,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List what is open, by party and person.
    #[command(
        after_help = "Examples:\n  portcullis duty open\n  portcullis duty open --tenant acme --party subscriber --json"
    )]
    Open {
        /// Of which tenant; the only one where there is one.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Only of this party.
        #[arg(long, value_parser = party)]
        party: Option<Party>,
    },
}

impl DutyCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        match self {
            Self::List { party } => list(party, output),
            Self::Show { id } => show(&id, output),
            Self::Attest { id, tenant, party, name, statement, until } => {
                let host = Host::open(home).await?;
                let rule = host.duties.catalogue().duty(&id).and_then(|duty| match &duty.how {
                    How::Attested(rule) => Some(rule.by),
                    _ => None,
                });
                let party = match (party, rule) {
                    (Some(party), _) => party,
                    (None, Some(Party::Shared)) => bail!("{id} is everybody's own: say for whom, with --party"),
                    // Whoever is asked about what nobody attests is told that there.
                    (None, rule) => rule.unwrap_or(Party::Platform),
                };
                // The platform speaks for all of its tenants, unless it names one.
                let tenant = match (tenant, party) {
                    (None, Party::Platform | Party::Reviewer) => None,
                    (named, _) => Some(duties::tenant(&host, named).await?),
                };
                let body = json!({
                    "duty": id, "tenant": tenant, "party": party, "statement": statement,
                    "until": until.map(|until| until.to_string()),
                });
                let mut said = Keyboard::of(&host)?.known_as(Some(name)).post("/attestations", &body).await?;
                let said: Attestation = given(said["attestation"].take())?;
                output.result(&said, || format!("{id}: {} says so for the {party} until {}.", said.by, said.until))
            }
            Self::Said { tenant } => said(&Host::open(home).await?, tenant.as_ref(), output).await,
            Self::Withdraw { number, name, party, reason } => {
                let host = Host::open(home).await?;
                let body = json!({ "reason": reason, "party": party });
                let path = format!("/attestations/{number}/withdraw");
                let back = Keyboard::of(&host)?.known_as(Some(name)).post(&path, &body).await;
                let mut back = or_unknown(back, || format!("there is no attestation {number}, or it is over"))?;
                let back: Attestation = given(back["attestation"].take())?;
                output.result(&back, || format!("{}: what {} said counts no more.", back.duty, back.by))
            }
            Self::Open { tenant, party } => {
                let host = Host::open(home).await?;
                let tenant = duties::tenant(&host, tenant).await?;
                let query =
                    [("tenant", Some(tenant.to_string())), ("party", party.map(|party| party.name().to_owned()))];
                let mut found = Keyboard::of(&host)?.read(&asked("/duties/open", &query)).await?;
                let mut moves: Vec<(Move, Vec<DutyId>)> = Vec::new();
                for mut one in found["open"].as_array_mut().map(std::mem::take).unwrap_or_default() {
                    let duties = given(one["duties"].take())?;
                    moves.push((given(one)?, duties));
                }
                let value: Vec<_> =
                    moves.iter().map(|(one, duties)| json!({ "move": one, "duties": duties })).collect();
                output.result(&json!({ "tenant": tenant, "at": found["at"], "open": value }), || moves_text(&moves))
            }
        }
    }
}

async fn said(host: &Host, tenant: Option<&TenantId>, output: Output) -> Result<()> {
    let query = [("tenant", tenant.map(ToString::to_string))];
    let mut all: Vec<(bool, Attestation)> = Vec::new();
    for mut one in Keyboard::of(host)?.all("/attestations", &query).await? {
        all.push((one["counts"] == true, given(one["attestation"].take())?));
    }
    all.sort_by_key(|(_, one)| one.number);
    for (counts, one) in &all {
        let standing = if *counts { "counts" } else { "lapsed" };
        output.item(&json!({ "standing": standing, "attestation": one }), || {
            let whose = one.tenant.as_ref().map_or("every tenant", |tenant| tenant.as_str());
            let (number, id, party) = (one.number, one.duty.as_str(), one.party);
            format!(
                "{number:3}  {standing:6}  {id:6}  {party} of {whose} until {}, by {}: {}",
                one.until, one.by, one.statement
            )
        })?;
    }
    Ok(())
}

fn list(party: Option<Party>, output: Output) -> Result<()> {
    let catalogue = Catalogue::built_in()?;
    let mut section = "";
    for duty in catalogue.duties.iter().filter(|duty| party.is_none_or(|party| duty.party == party)) {
        if !output.json && duty.section != section {
            section = &duty.section;
            crate::output::line(section)?;
        }
        output.item(duty, || {
            let missing = if duty.missing.is_some() { "  not wholly on this host yet" } else { "" };
            format!(
                "  {:6}  {:10}  {:8}  {}{missing}",
                duty.id.as_str(),
                duty.party.name(),
                duty.how.name(),
                duty.title
            )
        })?;
    }
    let outside = catalogue.outside.iter().filter(|one| party.is_none_or(|party| one.party == party));
    for (number, one) in outside.enumerate() {
        if !output.json && number == 0 {
            crate::output::line("Outside of the boundary")?;
        }
        output.item(&json!({ "outside": one }), || {
            format!("  {:6}  {:10}  {:8}  {}", one.id.as_str(), one.party.name(), "outside", one.title)
        })?;
    }
    Ok(())
}

fn show(id: &DutyId, output: Output) -> Result<()> {
    let catalogue = Catalogue::built_in()?;
    if let Some(one) = catalogue.outside.iter().find(|one| one.id == *id) {
        return output.result(one, || {
            format!("{id} {}\n  {}: {}\n  Outside: the host claims nothing.", one.title, one.party, one.words)
        });
    }
    let duty = catalogue.duty(id).with_context(|| format!("there is no duty {id}; see 'portcullis duty list'"))?;
    output.result(duty, || words(duty, &catalogue))
}

fn words(duty: &Duty, catalogue: &Catalogue) -> String {
    let mut lines = vec![
        format!("{} {}", duty.id, duty.title),
        format!("  {}, {}: {}", duty.party, duty.how.name(), duty.words),
        format!("  An admin sees: {}", duty.sees),
    ];
    match &duty.how {
        How::Enforced { .. } => {}
        How::Attested(rule) => {
            lines.push(format!("  The {} attests {}, for at most {} days.", rule.by, rule.what, rule.days));
        }
        How::Observed { query, .. } => lines.push(format!("  Observed by {query:?}.")),
    }
    lines.extend(duty.how.proof().iter().map(|one| format!("  Proven by {one}")));
    lines.extend(duty.missing.iter().map(|missing| format!("  Missing: {missing}")));
    if let Some(rule) = &duty.risk {
        lines.push(format!(
            "  A risk can be accepted by the {}, for at most {} days: {}",
            rule.by, rule.days, rule.switches
        ));
    }
    for profile in &catalogue.profiles {
        let own = profile.settings.iter().filter(|one| one.duty == duty.id);
        lines.extend(own.map(|one| format!("  Profile {}: {}", profile.name, one.value.words())));
    }
    lines.join("\n")
}
