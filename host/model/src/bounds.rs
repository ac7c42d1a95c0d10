//! The bounds that hold for whatever a manifest asks and an admin grants: the platform's, and the tenants' profiles; and with
//! them the layers of one installation's authority (idea 1).
//!
//! Invariant: whoever needs an installation's layers, to run it or to explain it, gets them here.

use std::collections::BTreeMap;

use crate::{
    authority::Layer,
    call::Rules,
    catalogue::Catalogue,
    egress::Destination,
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
}

impl Bounds {
    /// The layers of an installation's authority, in the order in which they are asked.
    pub fn layers(&self, release: &VerifiedRelease, installation: &Installation) -> Vec<(Layer, Vec<ScopeText>)> {
        let mut layers = vec![(Layer::Manifest, release.asked.clone()), (Layer::Granted, installation.granted.clone())];
        let profile = self.tenants.get(&installation.tenant).and_then(|profile| profile.scopes.clone());
        let regions = self.regions(&installation.tenant);
        let regional = regions.map(|regions| regions.over(&release.asked, &release.destinations));
        let others = [
            (Layer::Reviewed, release.reviewed.clone()),
            (Layer::Profile, profile),
            (Layer::Profile, regional),
            (Layer::Platform, self.scopes.clone()),
        ];
        layers.extend(others.into_iter().filter_map(|(layer, scopes)| Some((layer, scopes?))));
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
        let left = match self.regions(tenant) {
            Some(regions) => regions.left(of.to_vec(), destinations),
            None => of.to_vec(),
        };
        bounds.into_iter().try_fold(left, |left, bound| catalogue.meet(&left, bound))
    }

    /// Where data of a tenant may go; `None`: anywhere.
    pub fn regions(&self, tenant: &TenantId) -> Option<&Regions> {
        self.tenants.get(tenant).and_then(|profile| profile.regions.as_ref())
    }

    /// Those hosts that the scopes send to and that lie outside of the tenant's regions.
    pub fn barred(&self, tenant: &TenantId, scopes: &[ScopeText], destinations: &[Destination]) -> Vec<Barred> {
        self.regions(tenant).map_or_else(Vec::new, |regions| regions.barred(scopes, destinations))
    }

    /// The rules of a tenant.
    pub fn rules(&self, tenant: &TenantId) -> Rules {
        self.tenants.get(tenant).map(|profile| profile.rules).unwrap_or_default()
    }

    /// What one installation may use.
    pub fn limits(&self, release: &VerifiedRelease, installation: &Installation) -> Limits {
        release.limits.meet(installation.limits).meet(self.limits)
    }
}
