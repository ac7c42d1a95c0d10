//! Sign-in through a tenant's own OpenID provider (ACC-2): which one it is, whose identity there is whose account, and what its word is
//! good for. What it says was checked before: here is what follows from it.
//!
//! Invariants: nobody gets an account by signing in, and no e-mail address leads to one: an identity is the pair of issuer and subject,
//! bound by whoever holds an invitation's link or has just proved a factor of the account's own; a provider speaks for its own tenant, so its
//! word adds no way into an account that reaches further; a place keeps an owner who can sign in.

use portcullis_model::{
    audit::{Actor, Entry, Kind, plain},
    id::{Digest, FactorId, PersonId, TenantId},
    oauth::Put,
    people::{
        AccessSettings, BuiltIn, Caller, Factor, FactorKind, PeopleChange, Person, PersonState, Proof, Provider,
        Session, SignIn,
    },
    time::Timestamp,
};
use serde_json::json;

use super::invitations::used;
use crate::{
    Access, AccessError, Begin, Known, Seen, Started, factors,
    sessions::{actor, ended},
};

/// The most people of a tenant whose sessions a change of its provider looks through.
const MOST: usize = 10_000;
/// The longest issuer, client id, or value of `acr` and `amr`, in bytes; and the most such values.
const LONGEST: usize = 255;
const VALUES: usize = 16;

/// Whom a tenant's provider vouches for, by an ID token that was checked.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// Whose provider.
    pub tenant: TenantId,
    /// Its issuer.
    pub issuer: String,
    /// For which client.
    pub client_id: String,
    /// Its own name for the person.
    pub subject: String,
    /// When the person signed in there, where it says so.
    pub signed_in: Option<Timestamp>,
    /// Of which class that was (`acr`).
    pub class: Option<String>,
    /// By which ways (`amr`).
    pub ways: Vec<String>,
    /// Its own name for its session (`sid`), where it gives one.
    pub session: Option<String>,
}

/// What would be gone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Less<'a> {
    /// An owner.
    Person(&'a PersonId),
    /// A factor.
    Factor(&'a FactorId),
}

/// By what the account of an identity is found.
pub(super) fn handle(tenant: &TenantId, issuer: &str, subject: &str) -> String {
    let identity = format!("portcullis identity\n{tenant}\n{issuer}\n{subject}");
    // A passkey's handle has no colon.
    format!("provider:{}", Digest::of(identity.as_bytes()).hex())
}

/// By what the sessions are found that stand on one of a provider's.
pub(super) fn upstream(tenant: &TenantId, issuer: &str, sid: &str) -> Digest {
    Digest::of(format!("portcullis provider session\n{tenant}\n{issuer}\n{sid}").as_bytes())
}

impl Vouched {
    /// By what the account is found. Another issuer is somebody else, and so is another tenant's person at the same issuer.
    fn handle(&self) -> String {
        handle(&self.tenant, &self.issuer, &self.subject)
    }

    /// By what its session is found.
    fn upstream(&self) -> Option<Digest> {
        self.session.as_deref().map(|sid| upstream(&self.tenant, &self.issuer, sid))
    }

    /// What is proved by it. Its word on a second factor is as old as the sign-in there, and worth nothing without that time.
    fn proofs(&self, provider: &Provider, now: Timestamp) -> Vec<Proof> {
        let at = self.signed_in.unwrap_or(now).min(now);
        let mut proofs = vec![Proof { kind: FactorKind::Provider, at }];
        if self.signed_in.is_some() && provider.saw_second(self.class.as_deref(), &self.ways) {
            proofs.push(Proof { kind: FactorKind::ProviderMfa, at });
        }
        proofs
    }
}

impl Access {
    /// A tenant's provider, where people sign in through one.
    ///
    /// # Errors
    /// There is none.
    pub async fn provider(&self, tenant: &TenantId) -> Result<Provider, AccessError> {
        let settings = self.store.access_settings(Some(tenant)).await?;
        settings.provider.ok_or(AccessError::Unknown("provider of that organisation"))
    }

    /// What a provider's word is worth at this moment.
    async fn worth(&self, vouched: &Vouched) -> Result<Vec<Proof>, AccessError> {
        let provider = self.provider(&vouched.tenant).await.map_err(|error| match error {
            AccessError::Unknown(_) => AccessError::NotProved,
            other => other,
        })?;
        // It was replaced while somebody was on the way.
        if provider.issuer != vouched.issuer || provider.client_id != vouched.client_id {
            return Err(AccessError::NotProved);
        }
        let proofs = vouched.proofs(&provider, self.clock.now());
        if provider.needs_mfa && !proofs.iter().any(|proof| proof.kind == FactorKind::ProviderMfa) {
            let help =
                "your organisation asks for a second factor, and its provider says of none: sign in there with one";
            return Err(AccessError::Invalid(help.to_owned()));
        }
        Ok(proofs)
    }

    /// Signs in whom a provider vouches for, where the identity is bound to an account with a role in that tenant.
    ///
    /// # Errors
    /// It is bound to none; or as for every sign-in.
    pub async fn sign_in_by_provider(&self, vouched: &Vouched, seen: &Seen) -> Result<Started, AccessError> {
        let proofs = self.worth(vouched).await?;
        let (person, factor) = self.bound(vouched).await?.ok_or(AccessError::NotProved)?;
        let now = self.clock.now();
        let held = self.store.memberships(&person.id).await?;
        if !held.iter().any(|one| one.tenant.as_ref() == Some(&vouched.tenant) && one.holds(now)) {
            self.refused(&person, "no role in the provider's tenant", seen).await?;
            return Err(AccessError::NotProved);
        }
        let with = PeopleChange { factors: vec![seen_now(factor, now)], ..Default::default() };
        let sign_in = SignIn::Provider { tenant: vouched.tenant.clone() };
        let upstream = vouched.upstream();
        self.begin(Begin { person: &person, sign_in, proved: &proofs, seen, upstream, with }).await
    }

    /// Uses an invitation's link with the word of the tenant's provider in place of a passkey: the account, its role and its identity in
    /// one change, and the first session. The account is that tenant's alone from then on.
    ///
    /// # Errors
    /// The link leads nowhere any more, or to an account that is there; the identity is bound already.
    pub async fn join_by_provider(&self, token: &str, vouched: &Vouched, seen: &Seen) -> Result<Started, AccessError> {
        let (now, proofs) = (self.clock.now(), self.worth(vouched).await?);
        let invitation = self.invitation(token).await?;
        if invitation.tenant.as_ref() != Some(&vouched.tenant) {
            return Err(AccessError::NotProved);
        }
        if invitation.person.is_some() {
            let help =
                "this address has an account already: sign in to it, and connect the provider on your account page";
            return Err(AccessError::Conflict(help.to_owned()));
        }
        self.check_maker(&invitation).await?;
        let subject = Some((vouched.tenant.clone(), vouched.handle()));
        let person = Person { subject, ..self.invitee(&invitation).await? };
        let by = actor(&person, None);
        let joined = Entry::new(now, Kind::PersonJoined, by.clone(), Some(vouched.tenant.clone()))
            .about(format!("person:{}", person.id));
        let mut change = PeopleChange {
            person: Some(Put { row: person.clone(), expected: None }),
            entries: vec![joined],
            ..Default::default()
        };
        self.given(&mut change, &person.id, &invitation, &by).await?;
        self.bind(&mut change, &person, vouched, by);
        change.invitation = Some(used(invitation, now));
        let sign_in = SignIn::Provider { tenant: vouched.tenant.clone() };
        let upstream = vouched.upstream();
        self.begin(Begin { person: &person, sign_in, proved: &proofs, seen, upstream, with: change }).await
    }

    /// Whether somebody may bind an identity at a tenant's provider to their account now, before they are sent there.
    ///
    /// # Errors
    /// A factor of the account's own is too long ago; they hold no role there.
    pub async fn check_binding(&self, known: &Known, tenant: &TenantId) -> Result<(), AccessError> {
        self.check_fresh(known, false).await?;
        let now = self.clock.now();
        let held = self.store.memberships(&known.person.id).await?;
        match held.iter().any(|one| one.tenant.as_ref() == Some(tenant) && one.holds(now)) {
            true => Ok(()),
            false => Err(AccessError::Unknown("provider of that organisation")),
        }
    }

    /// Binds an identity to the account of whoever is signed in.
    ///
    /// # Errors
    /// As [`Access::check_binding`]; the identity is bound already, to this account or to another one, which is not said.
    pub async fn bind_provider(&self, known: &Known, vouched: &Vouched) -> Result<(), AccessError> {
        self.check_binding(known, &vouched.tenant).await?;
        self.worth(vouched).await?;
        self.check_room(known, FactorKind::Provider).await?;
        let mut change = PeopleChange::default();
        self.bind(&mut change, &known.person, vouched, known.caller.actor.clone());
        self.change(change).await
    }

    /// Steps up by the word of the provider that the session began with, of a sign-in there that was asked for just now.
    ///
    /// # Errors
    /// It is somebody else's word, or does not say that it saw a second factor.
    pub async fn step_up_by_provider(&self, known: &Known, vouched: &Vouched) -> Result<Started, AccessError> {
        let by_it = SignIn::Provider { tenant: vouched.tenant.clone() };
        let proofs = self.worth(vouched).await?;
        let (person, factor) = self.bound(vouched).await?.ok_or(AccessError::NotProved)?;
        if known.session.sign_in != by_it || person.id != known.person.id || person.state != PersonState::Active {
            return Err(AccessError::NotProved);
        }
        let second = proofs.into_iter().find(|proof| proof.kind == FactorKind::ProviderMfa);
        let proof = second.ok_or_else(|| {
            let help = "the provider of your organisation says of no second factor: use a passkey or a code instead";
            AccessError::Invalid(help.to_owned())
        })?;
        let with = PeopleChange { factors: vec![seen_now(factor, self.clock.now())], ..Default::default() };
        // The provider may know the person by another session of its own since.
        let upstream = vouched.upstream().or(known.session.upstream);
        let session = Session { upstream, ..known.session.clone() };
        self.step_up_as_of(&known.person, &session, proof, with).await
    }

    /// The account of an identity.
    async fn bound(&self, vouched: &Vouched) -> Result<Option<(Person, Factor)>, AccessError> {
        let found = self.store.factor_by_handle(&vouched.handle()).await?;
        let Some(factor) = found.filter(|factor| factor.kind == FactorKind::Provider) else { return Ok(None) };
        Ok(self.store.person(&factor.person).await?.map(|person| (person, factor)))
    }

    fn bind(&self, change: &mut PeopleChange, person: &Person, vouched: &Vouched, by: Actor) {
        let now = self.clock.now();
        let label = vouched.issuer.trim_start_matches("https://");
        let body = json!({ "tenant": vouched.tenant, "issuer": vouched.issuer, "subject": vouched.subject });
        let (kind, handle) = (FactorKind::Provider, Some(vouched.handle()));
        let factor = factors::new(kind, &person.id, label, handle, body, now, self.rng.as_ref());
        let entry = Entry::new(now, Kind::FactorAdded, by, Some(vouched.tenant.clone()))
            .about(format!("person:{}", person.id))
            .with("factor", factor.id.as_str())
            .with("kind", kind.name())
            .with("issuer", plain(&vouched.issuer))
            .with_personal("subject", plain(&vouched.subject));
        change.entries.push(entry);
        change.factors.push(Put { row: factor, expected: None });
    }

    /// Sets a tenant's provider, or takes it away. With another issuer or none, sessions that began by the one before end.
    ///
    /// # Errors
    /// As [`Access::set_settings`].
    pub async fn set_provider(
        &self,
        caller: &Caller,
        tenant: &TenantId,
        provider: Option<Provider>,
    ) -> Result<AccessSettings, AccessError> {
        let settings = self.settings(caller, Some(tenant)).await?;
        self.set_settings(caller, Some(tenant), AccessSettings { provider, ..settings }).await
    }

    /// Whether a provider can be set at a place.
    pub(super) async fn check_provider(
        &self,
        place: Option<&TenantId>,
        provider: Option<&Provider>,
    ) -> Result<(), AccessError> {
        let Some(provider) = provider else { return Ok(()) };
        let Some(tenant) = place else {
            return Err(AccessError::Invalid("a provider is a tenant's: say which".to_owned()));
        };
        let fits = |text: &str| (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
        let values = provider.mfa_acr.iter().chain(&provider.mfa_amr);
        if ![&provider.issuer, &provider.client_id].into_iter().chain(values.clone()).all(|text| fits(text)) {
            return Err(AccessError::Invalid(format!("issuer, client id, acr and amr have 1 to {LONGEST} bytes each")));
        }
        // `acr_values` is a list with spaces between.
        if values.clone().count() > VALUES || values.clone().any(|value| value.contains(' ')) {
            return Err(AccessError::Invalid(format!("{VALUES} values of acr and amr are the most, without spaces")));
        }
        if provider.needs_mfa && values.count() == 0 {
            let help = "say which acr or amr of the provider is a second factor; otherwise nobody could sign in";
            return Err(AccessError::Invalid(help.to_owned()));
        }
        if provider.max_age_minutes == Some(0) {
            return Err(AccessError::Invalid("a limit is at least one minute".to_owned()));
        }
        if provider.only && !self.has_a_way_in(tenant, provider, None).await? {
            let help = "no owner could sign in any more: first have one connect the provider on their account page, or invite one who is \
                        let in with a passkey all the same (break-glass)";
            return Err(AccessError::Invalid(help.to_owned()));
        }
        Ok(())
    }

    /// Refuses a change that takes away the last way in that an owner has where a provider is the only one. The tenant's settings are a
    /// condition of the change from then on: of two who go at once, one is too late.
    pub(super) async fn keep_a_way_in(
        &self,
        change: &mut PeopleChange,
        tenant: &TenantId,
        less: Less<'_>,
    ) -> Result<(), AccessError> {
        let settings = self.store.access_settings(Some(tenant)).await?;
        // Also where it is not the only way yet: it may become that at the same time.
        let Some(provider) = settings.provider.clone() else { return Ok(()) };
        if provider.only && !self.has_a_way_in(tenant, &provider, Some(less)).await? {
            if !self.has_a_way_in(tenant, &provider, None).await? {
                return Ok(());
            }
            let help = "no owner could sign in any more, since the provider is the only way: first have another owner connect it on their \
                        account page, or invite one who is let in with a passkey all the same (break-glass)";
            return Err(AccessError::Conflict(help.to_owned()));
        }
        let expected = Some(settings.version);
        let row = AccessSettings { version: settings.version + 1, ..settings };
        change.settings = Some((Some(tenant.clone()), Put { row, expected }));
        Ok(())
    }

    /// Whether an owner can sign in where a provider is the only way, also without this.
    async fn has_a_way_in(
        &self,
        tenant: &TenantId,
        provider: &Provider,
        less: Option<Less<'_>>,
    ) -> Result<bool, AccessError> {
        let now = self.clock.now();
        for (person, held) in self.store.people_of(Some(tenant), None, MOST).await? {
            if person.state != PersonState::Active || held.role.as_str() != BuiltIn::Owner.name() || !held.holds(now) {
                continue;
            }
            if matches!(less, Some(Less::Person(gone)) if *gone == person.id) {
                continue;
            }
            let mut factors = self.store.factors(&person.id).await?.into_iter();
            let is_bound = factors.any(|one| {
                let of = |name: &str| one.body.get(name).and_then(serde_json::Value::as_str);
                one.kind == FactorKind::Provider
                    && !matches!(less, Some(Less::Factor(gone)) if *gone == one.id)
                    && of("issuer") == Some(provider.issuer.as_str())
                    && of("tenant") == Some(tenant.as_str())
            });
            if held.break_glass || is_bound {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends sessions that began by a tenant's provider.
    pub(super) async fn end_by_provider(
        &self,
        change: &mut PeopleChange,
        tenant: &TenantId,
        by: &Actor,
    ) -> Result<(), AccessError> {
        let began = SignIn::Provider { tenant: tenant.clone() };
        for (person, _) in self.store.people_of(Some(tenant), None, MOST).await? {
            let live = self.store.live_sessions(&person.id).await?.into_iter().filter(|one| one.sign_in == began);
            let closed = ended(live, by, Some(tenant), self.clock.now(), "another provider");
            change.sessions.extend(closed.sessions);
            change.entries.extend(closed.entries);
        }
        Ok(())
    }
}

/// A factor that was used just now.
fn seen_now(factor: Factor, now: Timestamp) -> Put<Factor> {
    let expected = Some(factor.version);
    Put { row: Factor { used: Some(now), version: factor.version + 1, ..factor }, expected }
}
