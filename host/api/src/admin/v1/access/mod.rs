//! How long people stay signed in, and from where they may come (ACC-4, ACC-7).
//!
//! Invariants: what holds is all layers met, so that a tenant cannot loosen what the platform or a profile asks for (ACC-9); nobody
//! locks themselves out by their own networks.

mod change;
mod get;

use portcullis_model::people::{AccessSettings, Limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::people::Ports;
use super::people::{At, refused};
use crate::admin::Group;

/// The operations.
pub fn operations() -> Group<Ports> {
    Group::new().with::<get::Get>().with::<change::Change>()
}

/// Limits of access.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = AccessLimits)]
pub struct LimitsView {
    /// How long a session may lie unused, in minutes.
    #[schema(minimum = 1)]
    idle_minutes: u32,
    /// How long a session may last, in minutes.
    #[schema(minimum = 1)]
    absolute_minutes: u32,
    /// How long ago a second factor may have been proved for a privileged act, in minutes.
    #[schema(minimum = 1)]
    step_up_minutes: u32,
    /// From where people, tokens and clients may come, such as `192.0.2.0/24`: one network of each list. Without any list: anywhere.
    networks: Vec<Vec<String>>,
}

impl From<&Limits> for LimitsView {
    fn from(limits: &Limits) -> Self {
        let list = |list: &Vec<portcullis_model::people::Network>| list.iter().map(ToString::to_string).collect();
        Self {
            idle_minutes: limits.idle_minutes,
            absolute_minutes: limits.absolute_minutes,
            step_up_minutes: limits.step_up_minutes,
            networks: limits.networks.iter().map(list).collect(),
        }
    }
}

/// What holds for people's access.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AccessRules)]
pub struct Rules {
    /// What this place has set.
    set: LimitsView,
    /// What holds here: that, the platform's and every profile's, met.
    holds: LimitsView,
    /// The issuer by which people of this tenant sign in, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    single_sign_on: Option<String>,
}

impl Rules {
    fn of(settings: &AccessSettings, holds: &Limits) -> Self {
        let single_sign_on = settings.provider.as_ref().map(|provider| provider.issuer.clone());
        Self { set: (&settings.limits).into(), holds: holds.into(), single_sign_on }
    }
}
