//! Authority is an intersection (idea 1): the layers that a call's authority is made of, and the decision.
//!
//! Invariant: an act is permitted only where the meet of all layers covers it; a denial names the layer that does not.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    call::Call,
    id::ActId,
    permit::{Act, Permit},
    scope::{Allows, Grant, Scope, ScopeText},
};

/// A source of authority. Each can only take away from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// What the manifest asked for.
    Manifest,
    /// What the admin granted.
    Granted,
    /// What the reviewer approved for this release.
    Reviewed,
    /// What the tenant's profile allows.
    Profile,
    /// What the platform gives to anybody at all.
    Platform,
}

impl Layer {
    /// Who can change what this layer allows.
    pub fn grantor(self) -> &'static str {
        match self {
            Self::Manifest => "developer",
            Self::Granted | Self::Profile => "admin",
            Self::Reviewed => "reviewer",
            Self::Platform => "platform",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "the manifest",
            Self::Granted => "the admin's grant",
            Self::Reviewed => "the reviewer's approval",
            Self::Profile => "the tenant's profile",
            Self::Platform => "the platform's ceiling",
        })
    }
}

/// A refusal: which scope was needed, what does not cover it, and who can change that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Its id in the audit log.
    pub id: ActId,
    /// The act's name, such as `tickets.get`.
    pub act: &'static str,
    /// What it was about, such as `ticket:1042`.
    pub resource: String,
    /// The least scope that would have covered it.
    pub needed: ScopeText,
    /// The layer that does not cover it.
    pub layer: Layer,
    /// Why not, in one sentence.
    pub reason: String,
}

/// One capability's authority in one call: the layers, and their meet.
#[derive(Clone, Debug)]
pub struct Authority<S: Scope> {
    layers: Vec<(Layer, Grant<S>)>,
    effective: Grant<S>,
}

impl<S: Scope> Authority<S> {
    /// The authority that all layers agree on. Without any layer there is none.
    pub fn new(layers: Vec<(Layer, Grant<S>)>) -> Self {
        let effective = layers.iter().map(|(_, grant)| grant.clone()).reduce(|a, b| a.meet(&b));
        let effective = effective.unwrap_or_else(|| Grant::new([]));
        Self { layers, effective }
    }

    /// What is left when all layers have had their say.
    pub fn effective(&self) -> &Grant<S> {
        &self.effective
    }

    /// Whether an act would be permitted, without asking for a permit.
    pub fn covers<A>(&self, act: &A) -> bool
    where
        S: Allows<A>,
    {
        S::decide(&self.effective, act).is_ok()
    }

    /// Decides. The permit must be recorded before it is good for anything.
    pub fn permit<A: Act>(&self, call: &Arc<Call>, act: A) -> Result<Permit<A>, Box<Denial>>
    where
        S: Allows<A>,
    {
        match S::decide(&self.effective, &act) {
            Ok(()) => Ok(Permit::granted(call.clone(), S::needed(&act), act)),
            Err(reason) => Err(Box::new(self.denial(call, &act, reason))),
        }
    }

    fn denial<A: Act>(&self, call: &Call, act: &A, reason: String) -> Denial
    where
        S: Allows<A>,
    {
        let refusing = self.layers.iter().find_map(|(layer, grant)| Some((*layer, S::decide(grant, act).err()?)));
        let (layer, reason) = refusing.unwrap_or((Layer::Granted, reason));
        Denial { id: call.next_act(), act: A::NAME, resource: act.resource(), needed: S::needed(act), layer, reason }
    }
}
