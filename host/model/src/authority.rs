//! Authority is an intersection (idea 1): the layers that a call's authority is made of, and the decision.
//!
//! Invariant: an act is permitted only where the meet of all layers covers it; a denial names the layer that does not.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    call::Call,
    id::ActId,
    permit::{Act, Permit},
    scope::{Allows, Grant, Scope, ScopeError, ScopeText},
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
    /// What the access token was narrowed to, where somebody calls from outside of the sandbox (RFC 8693).
    Token,
    /// What is left of the budgets: the one layer that changes from act to act.
    Budget,
}

impl Layer {
    /// Who can change what this layer allows.
    pub fn grantor(self) -> &'static str {
        match self {
            Self::Manifest => "developer",
            Self::Granted | Self::Profile | Self::Budget => "admin",
            Self::Reviewed => "reviewer",
            Self::Platform => "platform",
            Self::Token => "client",
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
            Self::Token => "the access token",
            Self::Budget => "what is left of the budgets",
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
    /// That scope as the log may keep it.
    pub loggable: ScopeText,
    /// The layer that does not cover it.
    pub layer: Layer,
    /// Why not, in one sentence.
    pub reason: String,
    /// What each layer says by itself, in the order in which they were asked.
    pub layers: Vec<Opinion>,
}

/// What one layer, looked at by itself, says about an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// Which layer.
    pub layer: Layer,
    /// Why it does not cover the act; `None`: it does.
    pub refuses: Option<String>,
}

/// Which layer allows or denies an act, and who could change that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What each layer says by itself.
    pub opinions: Vec<Opinion>,
    /// The layer at which the act falls: the layers before it, taken together, cover it; with this one they do not. `None`:
    /// it is allowed.
    pub refusing: Option<(Layer, String)>,
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
            Ok(()) => Ok(Permit::granted(call.clone(), needed::<S, A>(&act), act)),
            Err(reason) => Err(Box::new(self.denial(call, &act, reason))),
        }
    }

    /// Which layer allows or denies an act. Agrees with [`Authority::permit`], budgets aside.
    pub fn explain<A>(&self, act: &A) -> Explanation
    where
        S: Allows<A>,
    {
        let opinion =
            |(layer, grant): &(Layer, Grant<S>)| Opinion { layer: *layer, refuses: S::decide(grant, act).err() };
        let mut so_far: Option<Grant<S>> = None;
        let mut refusing = None;
        for (layer, grant) in &self.layers {
            let next = so_far.map_or_else(|| grant.clone(), |before| before.meet(grant));
            if let Err(reason) = S::decide(&next, act) {
                refusing = Some((*layer, reason));
                break;
            }
            so_far = Some(next);
        }
        if self.layers.is_empty() {
            refusing = S::decide(&self.effective, act).err().map(|reason| (Layer::Granted, reason));
        }
        Explanation { opinions: self.layers.iter().map(opinion).collect(), refusing }
    }

    fn denial<A: Act>(&self, call: &Call, act: &A, reason: String) -> Denial
    where
        S: Allows<A>,
    {
        let Explanation { opinions, refusing } = self.explain(act);
        let (layer, reason) = refusing.unwrap_or((Layer::Granted, reason));
        let (id, resource, needed) = (call.next_act(), act.resource(), needed::<S, A>(act));
        let loggable = act.loggable(&needed);
        Denial { id, act: A::NAME, resource, needed, loggable, layer, reason, layers: opinions }
    }
}

/// The longest scope that the log keeps whole, in bytes.
const LONGEST: usize = 500;

/// The least scope that covers the act, as the log can keep it: one that is too long, or that would not be read back as
/// itself, is named by its action alone.
fn needed<S: Allows<A>, A>(act: &A) -> ScopeText {
    let scope = S::needed(act);
    let text = scope.to_string();
    let whole = text.len() <= LONGEST && text.parse::<ScopeText>().as_ref() == Ok(&scope);
    if whole { scope } else { ScopeText::new(scope.capability(), scope.action()) }
}

/// What a layer says about a scope that somebody would like to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Which layer.
    pub layer: Layer,
    /// What of it this layer gives, by itself.
    pub gives: Vec<ScopeText>,
    /// Whether that is all of it.
    pub whole: bool,
}

/// What becomes of a scope in all layers together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Layer by layer.
    pub layers: Vec<Coverage>,
    /// What is left of it in the end.
    pub left: Vec<ScopeText>,
    /// The first layer that takes something away; `None`: all of it is left.
    pub narrowed_by: Option<Layer>,
}

/// Explains what becomes of a scope. `layers` as text, in the order in which they are asked.
pub fn standing<S: Scope>(layers: &[(Layer, Vec<ScopeText>)], wanted: &ScopeText) -> Result<Standing, ScopeError> {
    let wanted = Grant::new(crate::scope::read::<S>(wanted)?);
    let (mut left, mut narrowed_by, mut all) = (wanted.clone(), None, Vec::new());
    for (layer, texts) in layers {
        let grant = Grant::<S>::parse(texts)?;
        let gives = wanted.meet(&grant);
        all.push(Coverage { layer: *layer, whole: gives == wanted, gives: gives.texts() });
        let next = left.meet(&grant);
        if next != left && narrowed_by.is_none() {
            narrowed_by = Some(*layer);
        }
        left = next;
    }
    if layers.is_empty() {
        left = Grant::new([]);
    }
    Ok(Standing { layers: all, left: left.texts(), narrowed_by })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scope::{EventsScope, Subscribe};

    const LAYERS: [Layer; 4] = [Layer::Manifest, Layer::Granted, Layer::Reviewed, Layer::Platform];

    fn authority(layers: &[Vec<String>]) -> Authority<EventsScope> {
        let grant = |types: &Vec<String>| {
            let texts: Vec<ScopeText> =
                types.iter().map(|kind| format!("events:receive types={kind}*").parse().unwrap()).collect();
            Grant::parse(&texts).unwrap()
        };
        Authority::new(LAYERS.into_iter().zip(layers.iter().map(grant)).collect())
    }

    proptest! {
        #[test]
        fn explain_agrees_with_the_decision(
            layers in proptest::collection::vec(proptest::collection::vec("[ab]{1,3}", 0..4), 0..4), kind in "[ab]{1,4}",
        ) {
            let authority = authority(&layers);
            let act = Subscribe { kind: &kind, full: false };
            let explained = authority.explain(&act);
            prop_assert_eq!(authority.covers(&act), explained.refusing.is_none());
            // A layer that refuses by itself can never be outvoted.
            let alone = explained.opinions.iter().any(|opinion| opinion.refuses.is_some());
            prop_assert!(!alone || explained.refusing.is_some());
            if let Some((layer, _)) = explained.refusing {
                let before = layers.iter().zip(LAYERS).take_while(|(_, other)| *other != layer).count();
                let without = Authority { layers: authority.layers[..before].to_vec(), ..authority.clone() };
                prop_assert!(before == 0 || without.explain(&act).refusing.is_none());
            }
        }
    }

    #[test]
    fn says_what_becomes_of_a_scope() {
        let layers = [
            (Layer::Manifest, vec!["events:receive types=a*".parse().unwrap()]),
            (Layer::Granted, vec!["events:receive types=ab".parse().unwrap()]),
        ];
        let stands = standing::<EventsScope>(&layers, &"events:receive types=a*".parse().unwrap()).unwrap();
        assert_eq!(stands.narrowed_by, Some(Layer::Granted));
        assert_eq!(stands.left, vec!["events:receive types=ab".parse().unwrap()]);
        assert_eq!(stands.layers.iter().map(|layer| layer.whole).collect::<Vec<_>>(), [true, false]);
    }
}
