//! A plugin's responsibility sheet: one document of who answers for what (INT-9, DAT-12).
//!
//! Invariant: what the publisher says is marked as such, and what it does not say is named as a gap.

use portcullis_model::{
    duty::Party,
    id::{DutyId, InstallationId, PluginId, PublisherId, TenantId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{catalogue::Catalogue, posture::Answered};

/// A scope in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SheetScope {
    /// The scope.
    pub scope: String,
    /// What it allows.
    pub words: Vec<String>,
    /// The classes of data that it touches.
    pub classes: Vec<String>,
    /// What the publisher wants it for.
    pub purpose: String,
    /// Whether anything of it is granted.
    pub granted: bool,
}

/// Where data goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SheetDestination {
    /// To which host.
    pub host: String,
    /// Where that is.
    pub region: String,
    /// Who runs it.
    pub operator: String,
    /// Whether that is a sub-processor.
    pub sub_processor: bool,
    /// What for.
    pub purpose: String,
    /// Which classes of data.
    pub data: Vec<String>,
    /// Whether the tenant's rules about regions refuse it.
    pub refused: bool,
}

/// How it uses generative AI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SheetAi {
    /// Whose model it is.
    pub provider: String,
    /// What for.
    pub purpose: String,
    /// Which classes of data it is given.
    pub data: Vec<String>,
    /// Whether a model is trained with that.
    pub trains: bool,
    /// Whether its answers can be advice about health.
    pub medical_advice: bool,
}

/// The facts of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sheet {
    /// When it was made.
    pub at: Timestamp,
    /// In which tenant.
    pub tenant: TenantId,
    /// Which installation; absent where it is not installed, and nothing of it is granted yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<InstallationId>,
    /// Which plugin.
    pub plugin: PluginId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who publishes it, and so answers for what it says and does outside of the host.
    pub publisher: PublisherId,
    /// What it does, in the publisher's words.
    pub summary: String,
    /// Where its terms are.
    pub terms: String,
    /// Where its privacy policy is: legal basis and assessment of impact are asked for there.
    pub privacy: String,
    /// Where to ask for help.
    pub support: String,
    /// What it asks for and what it is granted.
    pub scopes: Vec<SheetScope>,
    /// Classes of data that it touches.
    pub classes: Vec<String>,
    /// Where data goes.
    pub destinations: Vec<SheetDestination>,
    /// How it uses generative AI; absent where it says that it does not.
    pub ai: Option<SheetAi>,
    /// How long data is kept.
    pub retention: Option<String>,
    /// What the publisher promises about upkeep.
    pub maintenance: Option<String>,
    /// Risks that somebody answers for.
    pub risks: Vec<Answered>,
    /// How many known vulnerabilities its parts have; absent where nobody looks.
    pub vulnerabilities: Option<usize>,
}

impl Sheet {
    /// What its developer left out.
    pub fn gaps(&self) -> Vec<String> {
        let gaps = [
            (self.retention.is_none(), "how long it keeps data"),
            (self.maintenance.is_none(), "until when it is maintained, and how soon holes are closed"),
        ];
        gaps.into_iter().filter(|(missing, _)| *missing).map(|(_, what)| what.to_owned()).collect()
    }

    /// What is still to be done about it, by whom.
    pub fn open(&self) -> Vec<(Party, String)> {
        let gaps = self.gaps().into_iter().map(|gap| (Party::Developer, format!("say {gap}")));
        let holes = self.vulnerabilities.filter(|count| *count > 0);
        let holes = holes
            .map(|count| (Party::Developer, format!("publish a release without its {count} known vulnerabilities")));
        let basis = (
            Party::Subscriber,
            format!("settle the legal basis and, where one is due, the assessment of impact, by {}", self.privacy),
        );
        gaps.chain(holes).chain([basis]).collect()
    }
}

/// The duties about plugins, by party: who answers for what.
pub fn answers(catalogue: &Catalogue) -> Vec<(Party, Vec<(DutyId, String)>)> {
    let about_plugins = |id: &DutyId| ["INT", "DAT", "MNT"].iter().any(|section| id.as_str().starts_with(section));
    let of = |party: Party| {
        let duties = catalogue.duties.iter().filter(|duty| duty.party == party && about_plugins(&duty.id));
        (party, duties.map(|duty| (duty.id.clone(), duty.title.clone())).collect::<Vec<_>>())
    };
    Party::ALL.into_iter().map(of).filter(|(_, duties)| !duties.is_empty()).collect()
}
