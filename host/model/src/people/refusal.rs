//! Why somebody may not do something, and what would change that.

use std::fmt;

use serde::Serialize;

use crate::id::RoleName;

/// Which rule says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// No role of the caller's covers the action there.
    NoRole,
    /// The action is privileged, and the second factor is too long ago or was never given (ACC-3).
    StepUp,
    /// The address is in none of the networks that people may come from (ACC-7).
    Address,
    /// The platform's support was not let in by this tenant, or not any more (ACC-6).
    SupportNotGranted,
    /// The platform's support was let in to look, not to change (ACC-6).
    SupportReadsOnly,
    /// The account is suspended.
    Suspended,
    /// The session is past one of its limits (ACC-4).
    SessionOver,
    /// The tenant has single sign-on, and this session began without it (ACC-2).
    SingleSignOn,
    /// The automation's token does not cover the action.
    Scope,
}

/// What would be needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "need", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Needs {
    /// One of these roles.
    Role {
        /// Those that cover the action there.
        one_of: Vec<RoleName>,
    },
    /// A second factor, proved within so many minutes.
    StepUp {
        /// How long ago at most.
        within_minutes: u32,
    },
    /// To come from another address.
    Address,
    /// That the tenant lets the platform's support in, or in to change something.
    Support,
    /// To sign in anew.
    SignIn,
    /// To sign in through the tenant's own provider.
    Provider,
    /// A token with this scope.
    Scope {
        /// The action's name.
        scope: String,
    },
}

/// A no. Says nothing about whether the resource exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Refusal {
    /// Which rule.
    pub rule: Why,
    /// What would be needed.
    pub needs: Needs,
    /// Who can give that, in words.
    pub who: String,
}

impl Why {
    /// Its name, as in an answer and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRole => "no-role",
            Self::StepUp => "step-up",
            Self::Address => "address",
            Self::SupportNotGranted => "support-not-granted",
            Self::SupportReadsOnly => "support-reads-only",
            Self::Suspended => "suspended",
            Self::SessionOver => "session-over",
            Self::SingleSignOn => "single-sign-on",
            Self::Scope => "scope",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.needs {
            Needs::Role { one_of } if one_of.is_empty() => write!(f, "No role covers this.")?,
            Needs::Role { one_of } => {
                let names: Vec<&str> = one_of.iter().map(RoleName::as_str).collect();
                write!(f, "This needs one of these roles: {}.", names.join(", "))?;
            }
            Needs::StepUp { within_minutes } => {
                write!(f, "This needs your second factor, given within the last {within_minutes} minutes.")?;
            }
            Needs::Address => write!(f, "This cannot be done from this address.")?,
            Needs::Support => write!(f, "The tenant has not let support in for this.")?,
            Needs::SignIn => write!(f, "Sign in anew.")?,
            Needs::Provider => write!(f, "Sign in through the provider of your organisation.")?,
            Needs::Scope { scope } => write!(f, "The token lacks the scope {scope}.")?,
        }
        if self.who.is_empty() { Ok(()) } else { write!(f, " {}", self.who) }
    }
}
