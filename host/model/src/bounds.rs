//! The bounds that hold for whatever a manifest asks and an admin grants: the platform's, and the tenants' profiles; and with
//! them the layers of one installation's authority (idea 1).
//!
//! Invariant: whoever needs an installation's layers, to run it or to explain it, gets them here.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    authority::Layer,
    call::Rules,
    catalogue::Catalogue,
    duty::{Settings, TenantRules},
    egress::Destination,
    error::StoreError,
    id::TenantId,
    installation::Installation,
    limits::Limits,
    regional::{Barred, Regions},
    release::VerifiedRelease,
    scope::{ScopeError, ScopeText},
};

/// What a tenant's profile says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The most that any plugin of this tenant may do; `None`: whatever its admin grants.
    pub scopes: Option<Vec<ScopeText>>,
    /// Rules about what is read.
    pub rules: Rules,
    /// Where data may go (DAT-7); `None`: anywhere.
    pub regions: Option<Regions>,
}

/// The platform's and the tenants' bounds.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The most that any plugin on this host may do; `None`: whatever an admin grants.
    pub scopes: Option<Vec<ScopeText>>,
    /// The most that a call or an hour of any plugin may use.
    pub limits: Limits,
    /// Profiles of tenants that have one.
    pub tenants: BTreeMap<TenantId, Profile>,
    /// What tenants' profiles of the catalogue of duties set beside that, which changes while the host runs; `None`: nothing.
    pub live: Option<Arc<dyn TenantRules>>,
}

impl Bounds {
    /// Reads what has changed of tenants' profiles. Whoever asks for layers does this first, so that a profile that was turned on
    /// holds from the next call on.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        match &self.live {
            Some(live) => live.refresh().await,
            None => Ok(()),
        }
    }

    fn settings(&self, tenant: &TenantId) -> Settings {
        self.live.as_ref().map(|live| live.settings(tenant)).unwrap_or_default()
    }

    /// The tenant's rules about regions: each must allow what is sent to.
    fn all_regions(&self, tenant: &TenantId) -> Vec<Regions> {
        let written = self.tenants.get(tenant).and_then(|profile| profile.regions.clone());
        written.into_iter().chain(self.settings(tenant).regions).collect()
    }

    /// The layers of an installation's authority, in the order in which they are asked.
    pub fn layers(&self, release: &VerifiedRelease, installation: &Installation) -> Vec<(Layer, Vec<ScopeText>)> {
        let mut layers = vec![(Layer::Manifest, release.asked.clone()), (Layer::Granted, installation.granted.clone())];
        let profile = self.tenants.get(&installation.tenant).and_then(|profile| profile.scopes.clone());
        let regions = self.all_regions(&installation.tenant);
        let regional = regions.iter().map(|regions| regions.over(&release.asked, &release.destinations));
        layers.extend(release.reviewed.clone().map(|scopes| (Layer::Reviewed, scopes)));
        layers.extend(profile.into_iter().chain(regional).map(|scopes| (Layer::Profile, scopes)));
        layers.extend(self.scopes.clone().map(|scopes| (Layer::Platform, scopes)));
        layers
    }

    /// What the platform and a tenant's profile leave of these scopes of a release that says where it sends.
    pub fn ceiling(
        &self,
        tenant: &TenantId,
        of: &[ScopeText],
        destinations: &[Destination],
        catalogue: &dyn Catalogue,
    ) -> Result<Vec<ScopeText>, ScopeError> {
        let profile = self.tenants.get(tenant).and_then(|profile| profile.scopes.as_ref());
        let bounds = self.scopes.iter().chain(profile);
        let left = self.all_regions(tenant).iter().fold(of.to_vec(), |left, regions| regions.left(left, destinations));
        bounds.into_iter().try_fold(left, |left, bound| catalogue.meet(&left, bound))
    }

    /// Where data of a tenant may go, in words; `None`: anywhere.
    pub fn regions(&self, tenant: &TenantId) -> Option<String> {
        let all: Vec<String> = self.all_regions(tenant).iter().map(ToString::to_string).collect();
        (!all.is_empty()).then(|| all.join("; and of these "))
    }

    /// Those hosts that the scopes send to and that lie outside of the tenant's regions.
    pub fn barred(&self, tenant: &TenantId, scopes: &[ScopeText], destinations: &[Destination]) -> Vec<Barred> {
        let all = self.all_regions(tenant);
        let mut barred: Vec<Barred> = all.iter().flat_map(|one| one.barred(scopes, destinations)).collect();
        barred.sort();
        barred.dedup();
        barred
    }

    /// The rules of a tenant.
    pub fn rules(&self, tenant: &TenantId) -> Rules {
        let written = self.tenants.get(tenant).map(|profile| profile.rules).unwrap_or_default();
        Rules { cover_cards: written.cover_cards || self.settings(tenant).cover_cards }
    }

    /// What one installation may use.
    pub fn limits(&self, release: &VerifiedRelease, installation: &Installation) -> Limits {
        release.limits.meet(installation.limits).meet(self.limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::Digest, installation::InstallationState, time::Timestamp, upgrade::UpgradePolicy};

    fn scopes(texts: &[&str]) -> Vec<ScopeText> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn release() -> VerifiedRelease {
        VerifiedRelease {
            digest: Digest::of(b"x"),
            plugin: "com.example.chat".parse().unwrap(),
            publisher: "com.example".parse().unwrap(),
            version: "1.0.0".into(),
            number: 1,
            asked: scopes(&["log:write", "http:send methods=POST to=https://a.example/*,https://b.example/*"]),
            reviewed: None,
            until: Timestamp(1),
            limits: Limits::default(),
            destinations: [("a.example", "DE"), ("b.example", "US")]
                .map(|(host, region)| Destination { host: host.into(), region: region.parse().unwrap() })
                .into(),
        }
    }

    fn installation(tenant: &str) -> Installation {
        Installation {
            id: "ins_1".parse().unwrap(),
            tenant: tenant.parse().unwrap(),
            plugin: "com.example.chat".parse().unwrap(),
            release: Digest::of(b"x"),
            manifest: Digest::of(b"m"),
            version: "1.0.0".into(),
            number: 1,
            state: InstallationState::Active,
            granted: release().asked,
            limits: Limits::default(),
            upgrades: UpgradePolicy::Manual,
            previous: None,
            waiting: None,
            rolled_back: None,
            generation: 1,
        }
    }

    /// Tenant `acme` lets data go to the European Economic Area alone, and its profile bounds scopes as well.
    fn bounds() -> Bounds {
        let regions = Regions::new(vec!["EEA".parse().unwrap()]);
        let profile = Profile { scopes: Some(release().asked), rules: Rules::default(), regions };
        let tenants = BTreeMap::from([("acme".parse().unwrap(), profile)]);
        Bounds { scopes: None, limits: Limits::UNBOUNDED, tenants, live: None }
    }

    #[test]
    fn a_rule_about_regions_is_a_layer_of_its_tenants_profile_beside_its_scopes() {
        let layers = bounds().layers(&release(), &installation("acme"));
        let names: Vec<Layer> = layers.iter().map(|(layer, _)| *layer).collect();
        assert_eq!(names, [Layer::Manifest, Layer::Granted, Layer::Profile, Layer::Profile]);
        assert_eq!(
            layers[3].1,
            scopes(&[
                "log:write",
                "http:send barred=US:EEA methods=POST to=https://b.example/*",
                "http:send methods=POST to=https://a.example/*"
            ])
        );
        let others = bounds().layers(&release(), &installation("other"));
        assert_eq!(others.len(), 2, "another tenant has no such rule");
    }

    #[test]
    fn what_a_grant_would_send_elsewhere_is_known_before_it_is_installed() {
        let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
        let (release, bounds) = (release(), bounds());
        let barred = |tenant, granted: &[&str]| bounds.barred(tenant, &scopes(granted), &release.destinations);
        let both = ["http:send methods=POST to=https://a.example/*,https://b.example/x"];
        assert_eq!(
            barred(&acme, &both).iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["b.example is declared to be in US"]
        );
        assert!(barred(&acme, &["log:write", "http:send methods=POST to=https://a.example/x"]).is_empty());
        assert!(barred(&other, &both).is_empty());
    }
}
