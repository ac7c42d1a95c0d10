//! What can be done to the host by way of its interfaces for admins: one name for the API's operation, the policies and the log.
//!
//! Invariant: an action that is not in [`ACTIONS`] cannot be named, asked about or permitted.

use serde::{Serialize, Serializer};

/// Something that can be done. Equal where the name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Action {
    /// The dotted name: the noun first. Also the operation's id in the API.
    pub name: &'static str,
    /// What it is, for whoever hands out roles.
    pub says: &'static str,
    /// Needs a second factor that was proved a short time ago (ACC-3).
    pub privileged: bool,
    /// Changes nothing.
    pub read_only: bool,
}

impl Action {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ACTIONS.iter().find(|action| action.name == name)
    }

    /// What it is about: the name's first part.
    pub fn noun(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(noun, _)| noun)
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name)
    }
}

macro_rules! actions {
    ($($id:ident = $sort:ident $name:literal, $says:literal;)*) => {
        /// The actions, one by one.
        pub mod all {
            use super::Action;
            $(
                #[doc = $says]
                pub const $id: Action = actions!(@ $sort $name, $says);
            )*
        }
        /// All actions, by noun.
        pub const ACTIONS: &[Action] = &[$(all::$id),*];
    };
    (@ read $name:literal, $says:literal) => {
        Action { name: $name, says: $says, privileged: false, read_only: true }
    };
    (@ export $name:literal, $says:literal) => {
        Action { name: $name, says: $says, privileged: true, read_only: true }
    };
    (@ change $name:literal, $says:literal) => {
        Action { name: $name, says: $says, privileged: false, read_only: false }
    };
    (@ privileged $name:literal, $says:literal) => {
        Action { name: $name, says: $says, privileged: true, read_only: false }
    };
}

actions! {
    ACCESS_CHANGE = privileged "access.change", "Changes how people sign in, from where, and for how long.";
    ACCESS_GET = read "access.get", "Sees how people sign in, from where, and for how long.";
    ACTS_GET = read "acts.get", "Sees what became of a plugin's act, and why.";
    ALERTS_CHANGE = change "alerts.change", "Takes up, mutes or closes an alert.";
    ALERTS_GET = read "alerts.get", "Sees an alert.";
    ALERTS_LIST = read "alerts.list", "Lists alerts.";
    ATTESTATIONS_ATTEST = privileged "attestations.attest", "States that a duty is met.";
    ATTESTATIONS_LIST = read "attestations.list", "Lists what was attested.";
    AUDIT_ASK = read "audit.ask", "Asks the log a ready-made question.";
    AUDIT_BUNDLE = export "audit.bundle", "Takes entries out of the log, with their proofs.";
    AUDIT_DISPOSE = privileged "audit.dispose", "Disposes of entries of the log before the end of their retention.";
    AUDIT_ERASE = privileged "audit.erase", "Erases personal values from beside the log.";
    AUDIT_EXPORT = export "audit.export", "Exports the log.";
    AUDIT_GET = read "audit.get", "Sees an entry of the log.";
    AUDIT_LIST = read "audit.list", "Reads the log, and follows it live.";
    AUDIT_WITNESSES_CHANGE = privileged "audit.witnesses.change", "Adds and removes witnesses of the log, and has them asked.";
    AUTHORIZATIONS_DECIDE = privileged "authorizations.decide", "Agrees to what the back end of a plugin asks for in a browser, or refuses it.";
    AUTHORIZATIONS_LIST = read "authorizations.list", "Lists requests for authorization that wait, with their codes.";
    BACKENDS_CHANGE = privileged "backends.change", "Sends an installation's events to a back end, replaces its key, or takes it away.";
    BACKENDS_LIST = read "backends.list", "Sees back ends, how their keys stand, and what was sent to them.";
    BACKENDS_REPLAY = change "backends.replay", "Has messages to a back end sent again, or one that tries it out.";
    CLIENTS_CHANGE = privileged "clients.change", "Registers the client of an installation, or changes its public keys.";
    CLIENTS_LIST = read "clients.list", "Lists clients of installations, and what their tokens are for.";
    CLIENTS_REVOKE = privileged "clients.revoke", "Ends the tokens of an installation's client, or the client.";
    COMPONENTS_INSPECT = read "components.inspect", "Sees what a component in the registry is and can do.";
    CONNECTIONS_ADD = privileged "connections.add", "Stores a credential for an installation: one that the host gets tokens with, or a token at somebody's risk.";
    CONNECTIONS_AUTHORIZE = privileged "connections.authorize", "Makes a link by which a person consents to a connection.";
    CONNECTIONS_LIST = read "connections.list", "Lists connections, without their secrets.";
    CONNECTIONS_REVOKE = privileged "connections.revoke", "Ends a connection.";
    DELIVERIES_LIST = read "deliveries.list", "Lists deliveries that were put aside.";
    DELIVERIES_RETRY = change "deliveries.retry", "Has one of them tried again.";
    DENIALS_LIST = read "denials.list", "Lists what plugins were denied.";
    DUTIES_LIST = read "duties.list", "Lists duties, whose they are and how they stand.";
    ENDPOINTS_CHANGE = privileged "endpoints.change", "Has alerts posted to an address, replaces the key for that, or ends it.";
    ENDPOINTS_LIST = read "endpoints.list", "Sees where alerts are posted to, without the keys.";
    ENDPOINTS_TEST = change "endpoints.test", "Has a message posted there that only tries it out.";
    FREEZES_ADD = privileged "freezes.add", "Stops what leaves in the name of something.";
    FREEZES_LIFT = privileged "freezes.lift", "Lifts a freeze.";
    FREEZES_LIST = read "freezes.list", "Lists freezes.";
    INCIDENTS_CHANGE = change "incidents.change", "Adds to an incident, or closes it.";
    INCIDENTS_CONTAIN = privileged "incidents.contain", "Contains a plugin, a publisher or a provider.";
    INCIDENTS_GET = read "incidents.get", "Sees an incident.";
    INCIDENTS_LIST = read "incidents.list", "Lists incidents.";
    INCIDENTS_OPEN = change "incidents.open", "Opens an incident.";
    INSTALLATIONS_GET = read "installations.get", "Sees an installation.";
    INSTALLATIONS_GRANT_CHANGE = privileged "installations.grant.change", "Changes what an installation may do.";
    INSTALLATIONS_INSTALL = privileged "installations.install", "Installs a release.";
    INSTALLATIONS_LIMITS_CHANGE = privileged "installations.limits.change", "Changes an installation's limits and budgets.";
    INSTALLATIONS_LIST = read "installations.list", "Lists installations.";
    INSTALLATIONS_PLAN = read "installations.plan", "Sees what an install, an upgrade or a change would bring.";
    INSTALLATIONS_POLICY_CHANGE = privileged "installations.policy.change", "Changes which newer releases are taken by themselves.";
    INSTALLATIONS_RESUME = privileged "installations.resume", "Resumes an installation.";
    INSTALLATIONS_ROLLBACK = privileged "installations.rollback", "Goes back to the release before.";
    INSTALLATIONS_SUSPEND = privileged "installations.suspend", "Suspends an installation.";
    INSTALLATIONS_UNINSTALL = privileged "installations.uninstall", "Uninstalls a plugin, or takes it back.";
    INSTALLATIONS_UPGRADE = privileged "installations.upgrade", "Upgrades an installation.";
    INSTALLATIONS_USE_GET = read "installations.use.get", "Sees what of a grant was used.";
    LOGS_LIST = read "logs.list", "Reads what plugins wrote to their own logs.";
    MISBEHAVIOUR_LIST = read "misbehaviour.list", "Sees what tenants report of plugins, and which tenants.";
    MISBEHAVIOUR_REPORT = privileged "misbehaviour.report", "Reports that a plugin misbehaves, to the platform and whoever runs it.";
    MISBEHAVIOUR_RESOLVE = change "misbehaviour.resolve", "Says what came of such a report.";
    NOTICES_LIST = read "notices.list", "Lists what needs somebody, and what helps.";
    PEOPLE_CHANGE = privileged "people.change", "Suspends a person, lets one back in, or takes a factor away.";
    PEOPLE_INVITE = privileged "people.invite", "Invites a person.";
    PEOPLE_LIST = read "people.list", "Lists people, their roles and how they sign in.";
    PEOPLE_REMOVE = privileged "people.remove", "Removes a person.";
    PEOPLE_ROLE_CHANGE = privileged "people.role.change", "Gives a person a role, or takes it away.";
    POSTURE_GET = read "posture.get", "Sees how the tenant stands by its profiles.";
    PRIVACY_CERTIFY = change "privacy.certify", "Signs what became of a data subject's request.";
    PRIVACY_CLOSE = privileged "privacy.close", "Closes a data subject's request.";
    PRIVACY_EXPORT = export "privacy.export", "Takes out what is held about a person.";
    PRIVACY_LEAVING = read "privacy.leaving", "Sees what would go with a tenant.";
    PRIVACY_LIST = read "privacy.list", "Lists requests of data subjects.";
    PRIVACY_OPEN = privileged "privacy.open", "Puts a data subject's request on record.";
    PROFILES_CHANGE = privileged "profiles.change", "Turns a profile on or off.";
    RELEASES_APPROVE = privileged "releases.approve", "Says how much an installed release may do at most, without a review.";
    RELEASES_DIFF = read "releases.diff", "Compares two releases.";
    RELEASES_GET = read "releases.get", "Sees a release and what it can do.";
    RELEASES_LIST = read "releases.list", "Lists releases and plugins.";
    RELEASES_OVERRIDE = privileged "releases.override", "Lets a release run although it is older than it may be.";
    RELEASES_PUBLISH = privileged "releases.publish", "Puts a release into the registry.";
    RELEASES_RESCAN = change "releases.rescan", "Looks again at what releases are made of, for known vulnerabilities.";
    REVIEWS_CHANGE = change "reviews.change", "Takes a review, comments on it, or attaches to it.";
    REVIEWS_DECIDE = privileged "reviews.decide", "Says how much a release may do at most.";
    REVIEWS_GET = read "reviews.get", "Sees a review.";
    REVIEWS_LIST = read "reviews.list", "Lists reviews.";
    REVIEWS_SUBMIT = privileged "reviews.submit", "Hands a release in for review.";
    RISKS_APPROVE = privileged "risks.approve", "Accepts a risk.";
    RISKS_LIST = read "risks.list", "Lists accepted risks.";
    RISKS_PROPOSE = change "risks.propose", "Proposes to accept a risk.";
    ROLES_CHANGE = privileged "roles.change", "Makes, changes or removes a role of the tenant's own.";
    ROLES_LIST = read "roles.list", "Lists roles and what each may do.";
    ROTATION_GET = read "rotation.get", "Sees how a rotation stands.";
    ROTATION_PLAN = read "rotation.plan", "Sees what a rotation would rotate.";
    ROTATION_POLICY_CHANGE = privileged "rotation.policy.change", "Changes how old credentials may get, and when they are rotated.";
    ROTATION_START = privileged "rotation.start", "Rotates credentials.";
    RULES_CHANGE = privileged "rules.change", "Changes what raises an alert.";
    RULES_LIST = read "rules.list", "Lists what raises an alert.";
    RULES_TEST = export "rules.test", "Holds the whole log against a rule, to see what it would raise.";
    SESSIONS_END = change "sessions.end", "Ends other people's sessions.";
    SESSIONS_LIST = read "sessions.list", "Lists other people's sessions and devices.";
    SOURCES_CHANGE = privileged "sources.change", "Registers a source of events, replaces its secret, or takes it away.";
    SOURCES_LIST = read "sources.list", "Lists sources of events, without their secrets.";
    STATUS_ANNOUNCE = privileged "status.announce", "Tells everybody who reads the status page of something, or that it is over.";
    STATUS_LIST = read "status.list", "Lists what the status page tells.";
    SUPPORT_END = change "support.end", "Ends the platform's support access.";
    SUPPORT_GRANT = privileged "support.grant", "Lets the platform's support in, for a time.";
    SUPPORT_LIST = read "support.list", "Lists when the platform's support was let in.";
    TENANTS_CERTIFY = export "tenants.certify", "Takes out the certificate of a tenant's deletion.";
    TENANTS_CREATE = privileged "tenants.create", "Adds a tenant.";
    TENANTS_DELETE = privileged "tenants.delete", "Deletes a tenant, for good.";
    TENANTS_EXPORT = export "tenants.export", "Takes out all that is a tenant's own.";
    TENANTS_GET = read "tenants.get", "Sees a tenant's settings.";
    TENANTS_LIST = read "tenants.list", "Lists tenants.";
    TENANTS_SETTINGS_CHANGE = privileged "tenants.settings.change", "Changes a tenant's settings.";
    TRUST_CHANGE = privileged "trust.change", "Changes whose releases are trusted.";
    TRUST_GET = read "trust.get", "Sees whose releases are trusted.";
    VAULT_GET = read "vault.get", "Sees how the stored secrets and their keys stand, by number.";
    VAULT_ROTATE = privileged "vault.rotate", "Seals the stored secrets under new keys.";
    WITHDRAWALS_LIFT = privileged "withdrawals.lift", "Ends a quarantine.";
    WITHDRAWALS_LIST = read "withdrawals.list", "Lists withdrawals and quarantines.";
    WITHDRAWALS_QUARANTINE = privileged "withdrawals.quarantine", "Withdraws a release or puts it into quarantine.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dotted_sorted_and_there_once() {
        let names: Vec<&str> = ACTIONS.iter().map(|action| action.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for action in ACTIONS {
            let parts: Vec<&str> = action.name.split('.').collect();
            assert!(parts.len() > 1 && parts.iter().all(|p| p.bytes().all(|b| b.is_ascii_lowercase())), "{action:?}");
            assert_eq!(Action::named(action.name), Some(action));
        }
        assert_eq!(Action::named("installations.destroy"), None);
    }
}
