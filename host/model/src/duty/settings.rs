//! What profiles set, and the meet of all that are on (ACC-9).

use serde::{Deserialize, Serialize};

use crate::{region::Region, regional::Regions};

/// Whom a second factor is asked of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondFactor {
    /// Nobody.
    #[default]
    Nobody,
    /// Whoever does something privileged.
    Privileged,
    /// Everybody who signs in.
    Everyone,
}

/// One setting, as a profile has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A session without use ends after so many minutes.
    IdleMinutes(u32),
    /// A session ends after so many hours, used or not.
    SessionHours(u32),
    /// For so many minutes a second factor that was shown counts for privileged acts.
    StepUpMinutes(u32),
    /// Whom a second factor is asked of.
    SecondFactor(SecondFactor),
    /// People sign in through their own identity provider alone.
    SsoOnly(bool),
    /// People come from named networks, or show a second factor.
    NetworksOrSecondFactor(bool),
    /// What is signed as a token lasts at most so many minutes.
    JwtMinutes(u32),
    /// No static token leaves, but by an accepted risk.
    OauthOnly(bool),
    /// Nothing leaves without TLS, but by an accepted risk of the tenant's own.
    TlsOnly(bool),
    /// Card numbers are covered in every text that plugins read.
    CoverCards(bool),
    /// Data goes to these regions alone.
    Regions(Vec<Region>),
    /// Plugins that use generative AI are named.
    AiNotice(bool),
    /// What the host enforces for every tenant is part of this profile by name.
    HostEnforced(bool),
    /// Somebody's word must be there and not be over.
    Attested(bool),
}

impl Value {
    /// What it asks for, in an admin's words.
    pub fn words(&self) -> String {
        match self {
            Self::IdleMinutes(n) => format!("sessions without use end after {n} minutes"),
            Self::SessionHours(n) => format!("sessions end after {n} hours"),
            Self::StepUpMinutes(n) => format!("a second factor counts for {n} minutes"),
            Self::SecondFactor(SecondFactor::Nobody) => "no second factor is asked for".to_owned(),
            Self::SecondFactor(SecondFactor::Privileged) => "a second factor for privileged acts".to_owned(),
            Self::SecondFactor(SecondFactor::Everyone) => "SSO or a second factor for everybody".to_owned(),
            Self::SsoOnly(_) => "sign-in through the own identity provider alone".to_owned(),
            Self::NetworksOrSecondFactor(_) => "named networks or a second factor for everybody".to_owned(),
            Self::JwtMinutes(n) => format!("signed tokens end within {n} minutes"),
            Self::OauthOnly(_) => "OAuth alone, no static tokens".to_owned(),
            Self::TlsOnly(_) => "nothing leaves without TLS".to_owned(),
            Self::CoverCards(_) => "card numbers are covered in every text that plugins read".to_owned(),
            Self::Regions(regions) => {
                let names: Vec<String> = regions.iter().map(ToString::to_string).collect();
                format!("data goes to {} alone", names.join(" and "))
            }
            Self::AiNotice(_) => "plugins that use generative AI are named".to_owned(),
            Self::HostEnforced(_) => "by the host itself".to_owned(),
            Self::Attested(_) => "a statement that has not lapsed".to_owned(),
        }
    }
}

/// What holds in a tenant, by all of its profiles together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// After how many minutes without use a session ends.
    pub idle_minutes: u32,
    /// After how many hours a session ends.
    pub session_hours: u32,
    /// For how many minutes a second factor counts.
    pub step_up_minutes: u32,
    /// Whom a second factor is asked of.
    pub second_factor: SecondFactor,
    /// Whether people may sign in without their own identity provider.
    pub native_sign_in: bool,
    /// Whether people come from named networks, or show a second factor.
    pub networks_or_second_factor: bool,
    /// How many minutes what is signed as a token may last.
    pub jwt_minutes: u32,
    /// Whether static tokens are refused.
    pub oauth_only: bool,
    /// Whether hosts without TLS are refused.
    pub tls_only: bool,
    /// Whether card numbers are covered.
    pub cover_cards: bool,
    /// Whether plugins with generative AI are named.
    pub ai_notice: bool,
    /// Rules about regions, each of which must allow a destination.
    pub regions: Vec<Regions>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            idle_minutes: u32::MAX,
            session_hours: u32::MAX,
            step_up_minutes: u32::MAX,
            second_factor: SecondFactor::Nobody,
            native_sign_in: true,
            networks_or_second_factor: false,
            jwt_minutes: u32::MAX,
            oauth_only: false,
            tls_only: false,
            cover_cards: false,
            ai_notice: false,
            regions: Vec::new(),
        }
    }
}

impl Settings {
    /// What both allow.
    #[must_use]
    pub fn meet(mut self, other: Self) -> Self {
        self.regions.extend(other.regions);
        self.regions.sort();
        self.regions.dedup();
        Self {
            idle_minutes: self.idle_minutes.min(other.idle_minutes),
            session_hours: self.session_hours.min(other.session_hours),
            step_up_minutes: self.step_up_minutes.min(other.step_up_minutes),
            second_factor: self.second_factor.max(other.second_factor),
            native_sign_in: self.native_sign_in && other.native_sign_in,
            networks_or_second_factor: self.networks_or_second_factor || other.networks_or_second_factor,
            jwt_minutes: self.jwt_minutes.min(other.jwt_minutes),
            oauth_only: self.oauth_only || other.oauth_only,
            tls_only: self.tls_only || other.tls_only,
            cover_cards: self.cover_cards || other.cover_cards,
            ai_notice: self.ai_notice || other.ai_notice,
            regions: self.regions,
        }
    }

    /// These with one more value. It narrows or changes nothing.
    #[must_use]
    pub fn with(self, value: &Value) -> Self {
        let mut one = Self::default();
        match value {
            Value::IdleMinutes(n) => one.idle_minutes = *n,
            Value::SessionHours(n) => one.session_hours = *n,
            Value::StepUpMinutes(n) => one.step_up_minutes = *n,
            Value::SecondFactor(whom) => one.second_factor = *whom,
            Value::SsoOnly(on) => one.native_sign_in = !on,
            Value::NetworksOrSecondFactor(on) => one.networks_or_second_factor = *on,
            Value::JwtMinutes(n) => one.jwt_minutes = *n,
            Value::OauthOnly(on) => one.oauth_only = *on,
            Value::TlsOnly(on) => one.tls_only = *on,
            Value::CoverCards(on) => one.cover_cards = *on,
            Value::AiNotice(on) => one.ai_notice = *on,
            Value::Regions(regions) => one.regions = Regions::new(regions.clone()).into_iter().collect(),
            Value::HostEnforced(_) | Value::Attested(_) => {}
        }
        self.meet(one)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let factor =
            prop_oneof![Just(SecondFactor::Nobody), Just(SecondFactor::Privileged), Just(SecondFactor::Everyone)];
        let regions = prop::collection::vec(prop_oneof![Just("EEA"), Just("DE"), Just("US"), Just("CH")], 1..3);
        prop_oneof![
            (1..90u32).prop_map(Value::IdleMinutes),
            (1..90u32).prop_map(Value::SessionHours),
            (1..90u32).prop_map(Value::StepUpMinutes),
            factor.prop_map(Value::SecondFactor),
            any::<bool>().prop_map(Value::SsoOnly),
            any::<bool>().prop_map(Value::NetworksOrSecondFactor),
            (1..90u32).prop_map(Value::JwtMinutes),
            any::<bool>().prop_map(Value::OauthOnly),
            any::<bool>().prop_map(Value::TlsOnly),
            any::<bool>().prop_map(Value::CoverCards),
            any::<bool>().prop_map(Value::AiNotice),
            regions.prop_map(|all| Value::Regions(all.into_iter().map(|one| one.parse().unwrap()).collect())),
        ]
    }

    fn any_settings() -> impl Strategy<Value = Settings> {
        prop::collection::vec(any_value(), 0..6)
            .prop_map(|values| values.iter().fold(Settings::default(), |all, one| all.with(one)))
    }

    /// Whether the first asks for at least as much as the second, in each single thing.
    fn no_looser(a: &Settings, b: &Settings) -> bool {
        a.idle_minutes <= b.idle_minutes
            && a.session_hours <= b.session_hours
            && a.step_up_minutes <= b.step_up_minutes
            && a.jwt_minutes <= b.jwt_minutes
            && a.second_factor >= b.second_factor
            && a.native_sign_in <= b.native_sign_in
            && a.networks_or_second_factor >= b.networks_or_second_factor
            && a.oauth_only >= b.oauth_only
            && a.tls_only >= b.tls_only
            && a.cover_cards >= b.cover_cards
            && a.ai_notice >= b.ai_notice
            && b.regions.iter().all(|one| a.regions.contains(one))
    }

    proptest! {
        #[test]
        fn meet_is_a_meet_and_never_looser_than_either(a in any_settings(), b in any_settings(), c in any_settings()) {
            let meet = a.clone().meet(b.clone());
            prop_assert_eq!(&meet, &b.clone().meet(a.clone()));
            prop_assert_eq!(&a, &a.clone().meet(a.clone()));
            prop_assert_eq!(meet.clone().meet(c.clone()), a.clone().meet(b.clone().meet(c)));
            prop_assert!(no_looser(&meet, &a) && no_looser(&meet, &b));
            prop_assert_eq!(&a, &a.clone().meet(Settings::default()));
        }
    }

    #[test]
    fn each_value_narrows_what_it_speaks_of() {
        let settings = Settings::default()
            .with(&Value::IdleMinutes(60))
            .with(&Value::IdleMinutes(15))
            .with(&Value::IdleMinutes(30))
            .with(&Value::SecondFactor(SecondFactor::Everyone))
            .with(&Value::SecondFactor(SecondFactor::Privileged))
            .with(&Value::SsoOnly(true))
            .with(&Value::CoverCards(true))
            .with(&Value::CoverCards(false));
        assert_eq!((settings.idle_minutes, settings.second_factor), (15, SecondFactor::Everyone));
        assert!(settings.cover_cards && !settings.native_sign_in && !settings.oauth_only);
    }
}
