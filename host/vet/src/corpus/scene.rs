//! In which state the plugin finds the world: how the help desk, the stores and the far servers answer in one call.

use crate::dice::Dice;

/// How the help desk and the plugin's own storage answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Desk {
    /// As on any day.
    #[default]
    Usual,
    /// With much of everything: conversations of several pages, long texts.
    Full,
    /// With texts that are meant to do harm.
    Odd,
    /// Nothing that is asked for is there.
    Gone,
    /// Tickets are closed; what is written is refused as a conflict.
    Closed,
    /// Nobody answers.
    Down,
}

/// How far servers answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Far {
    /// 200, with JSON.
    #[default]
    Usual,
    /// With this status.
    Status(u16),
    /// 200, with something else than JSON.
    Garbage,
    /// 200, with a large body full of what nobody wants to pass on.
    Hostile,
    /// With more than is let in.
    TooMuch,
    /// Not at all.
    Down,
}

/// Both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scene {
    pub desk: Desk,
    pub far: Far,
}

impl Scene {
    /// The scenes that are tried one after the other.
    pub fn all(statuses: &[u16]) -> Vec<(String, Self)> {
        let desk = |name: &str, desk| (name.to_owned(), Self { desk, ..Self::default() });
        let far = |name: String, far| (name, Self { far, ..Self::default() });
        let mut all = vec![
            desk("as usual", Desk::Usual),
            desk("a full help desk", Desk::Full),
            desk("odd texts in the help desk", Desk::Odd),
            desk("an empty help desk", Desk::Gone),
            desk("a closed ticket", Desk::Closed),
            desk("services that do not answer", Desk::Down),
            far("answers that are no JSON".into(), Far::Garbage),
            far("answers with hostile bodies".into(), Far::Hostile),
            far("answers that are too long".into(), Far::TooMuch),
            far("servers that do not answer".into(), Far::Down),
        ];
        all.extend(statuses.iter().map(|status| far(format!("answers with status {status}"), Far::Status(*status))));
        all
    }

    /// One by chance: as usual, half the time.
    pub fn by_chance(dice: &mut Dice, statuses: &[u16]) -> Self {
        if dice.one_in(2) {
            return Self::default();
        }
        let all = Self::all(statuses);
        let mut one = || dice.pick(&all).map(|(_, scene)| *scene).unwrap_or_default();
        Self { desk: one().desk, far: one().far }
    }
}
