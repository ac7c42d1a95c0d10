//! People: who they are, what each may do and where, how they proved it, and who decides (ACC-1 to ACC-9).
//!
//! A request to any interface for admins becomes a [`Caller`]; what it wants to do is an [`Action`] on a [`Resource`];
//! [`Decide`] says yes or a [`Refusal`] that tells what would be needed.
//!
//! Invariants: limits of several layers meet, and the most restrictive holds ([`Limits::meet`], ACC-9); of tokens, links and
//! recovery codes only digests are kept; a change and its audit entry are one.

mod action;
mod automation;
mod caller;
mod limits;
mod person;
mod refusal;
mod session;
mod store;

pub use action::{ACTIONS, Action, all as actions};
pub use automation::{Automation, AutomationChange, AutomationStore, AutomationToken};
pub use caller::{Caller, Decide, Holding, Principal, Reach, Resource};
pub use limits::{AccessSettings, Limits, Network, NetworkError, ProfileLimits, Provider};
pub use person::{BuiltIn, Invitation, Membership, Person, PersonState, Role, Rule, SupportGrant};
pub use refusal::{Needs, Refusal, Why};
pub use session::{Device, Ended, Factor, FactorKind, Proof, Session, SignIn};
pub use store::{PeopleChange, PeopleStore};
