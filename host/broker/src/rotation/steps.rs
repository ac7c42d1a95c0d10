//! Answers for the order of steps that takes a credential from whoever else may have it.
//!
//! The rule of an emergency: revoke first, then mint. But a refresh token that was revoked mints nothing. Where the provider takes the
//! old pair away at a renewal, or each refresh token works once only, the renewal itself takes it from a thief, and comes first.
//! Where a refresh token works many times, only its revocation does, and then a person must consent anew.
//!
//! Invariant: after the steps of an emergency nothing that the host can end is alive, and what it cannot end is said in the line.

use portcullis_model::rotation::{Held, Mode, Nature, Renewal, Revocation, Step};

/// The steps for one item.
pub fn steps(mode: Mode, held: &Held) -> Vec<Step> {
    match mode {
        Mode::Planned => planned(held),
        Mode::Emergency | Mode::Rehearsal if held.needs_person => by_person(held.nature),
        Mode::Emergency | Mode::Rehearsal => emergency(held.nature),
    }
}

fn planned(held: &Held) -> Vec<Step> {
    match held.nature.renewal {
        Renewal::Own | Renewal::RefreshToken if !held.needs_person => vec![Step::Mint],
        _ => Vec::new(),
    }
}

fn emergency(nature: Nature) -> Vec<Step> {
    match nature.renewal {
        Renewal::Holder => vec![Step::Revoke],
        Renewal::Person => by_person(nature),
        Renewal::Own if nature.revocable => vec![Step::Revoke, Step::Mint],
        Renewal::Own => vec![Step::Mint],
        Renewal::RefreshToken if nature.renewal_ends_old => vec![Step::Mint],
        Renewal::RefreshToken if nature.refresh_once && nature.revocable => vec![Step::Mint, Step::RevokeOld],
        Renewal::RefreshToken if nature.revocable => by_person(nature),
        Renewal::RefreshToken => vec![Step::Mint],
    }
}

/// What is left to do where no new one can be minted.
pub fn by_person(nature: Nature) -> Vec<Step> {
    if nature.revocable { vec![Step::Revoke, Step::Person] } else { vec![Step::Person] }
}

/// What became of the old one once a new one is in use, as far as that alone says it.
pub fn after_mint(mode: Mode, nature: Nature, before: Revocation) -> Revocation {
    match before {
        Revocation::Not if nature.renewal_ends_old => Revocation::Replaced,
        Revocation::Not if mode != Mode::Planned && !nature.revocable => Revocation::NotOffered,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::rotation::{Family, Item};

    use super::*;

    fn held(renewal: Renewal, [renewal_ends_old, refresh_once, revocable]: [bool; 3], needs_person: bool) -> Held {
        Held {
            item: Item {
                family: Family::Connection,
                tenant: "acme".parse().unwrap(),
                installation: Some("ins_1".parse().unwrap()),
                name: "a".into(),
            },
            plugin: None,
            provider: None,
            generation: 1,
            issued: None,
            nature: Nature { renewal, renewal_ends_old, refresh_once, revocable },
            needs_person,
        }
    }

    #[test]
    fn what_mints_by_itself_is_revoked_first_and_what_needs_its_refresh_token_is_not() {
        use Renewal::{Holder, Own, Person, RefreshToken};
        use Step::{Mint, Revoke, RevokeOld};
        for (renewal, facts, expected) in [
            (Own, [false, false, true], vec![Revoke, Mint]),
            (Own, [false, false, false], vec![Mint]),
            (RefreshToken, [true, true, true], vec![Mint]),
            (RefreshToken, [false, true, true], vec![Mint, RevokeOld]),
            (RefreshToken, [false, false, true], vec![Revoke, Step::Person]),
            (RefreshToken, [false, false, false], vec![Mint]),
            (Person, [false, false, true], vec![Revoke, Step::Person]),
            (Person, [false, false, false], vec![Step::Person]),
            (Holder, [false, false, true], vec![Revoke]),
        ] {
            assert_eq!(steps(Mode::Emergency, &held(renewal, facts, false)), expected, "{renewal:?} {facts:?}");
        }
    }

    #[test]
    fn in_good_order_nothing_is_taken_away() {
        for renewal in [Renewal::Own, Renewal::RefreshToken] {
            assert_eq!(steps(Mode::Planned, &held(renewal, [false, true, true], false)), [Step::Mint]);
            assert!(steps(Mode::Planned, &held(renewal, [false, true, true], true)).is_empty());
        }
        for renewal in [Renewal::Person, Renewal::Holder] {
            assert!(steps(Mode::Planned, &held(renewal, [false, false, true], false)).is_empty());
        }
    }

    #[test]
    fn a_line_says_what_the_host_could_not_end() {
        let nature = |ends, revocable| held(Renewal::Own, [ends, false, revocable], false).nature;
        let after = |mode, ends, revocable| after_mint(mode, nature(ends, revocable), Revocation::Not);
        assert_eq!(after(Mode::Emergency, false, false), Revocation::NotOffered);
        assert_eq!(after(Mode::Emergency, true, false), Revocation::Replaced);
        assert_eq!(after(Mode::Planned, false, true), Revocation::Not);
        assert_eq!(after_mint(Mode::Emergency, nature(true, true), Revocation::Confirmed), Revocation::Confirmed);
    }
}
