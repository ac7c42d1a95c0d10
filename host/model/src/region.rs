//! Where a destination is, and which of them a tenant allows (DAT-7): a country by its ISO 3166-1 alpha-2 code, or one of three
//! wider areas.
//!
//! What lies in an area is that area's own member states. Territories elsewhere that belong to one of them have codes of their
//! own and are named by those.
//!
//! Invariants: each region is written in one way only; a wider area lies in no narrower one, so that "anywhere" is allowed by
//! nothing but "anywhere".

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Wider than a country: the European Economic Area, the European Union, anywhere.
const AREAS: [&str; 3] = ["EEA", "EU", "GLOBAL"];

/// The member states of the European Union.
const EU: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";

/// What the European Economic Area has beside them.
const EEA: &str = "IS LI NO";

/// The officially assigned codes of ISO 3166-1 alpha-2.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD \
    CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF \
    GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN \
    KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA \
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI \
    SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI \
    VN VU WF WS YE YT ZA ZM ZW";

/// Where a destination is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    /// As it is written: `DE`, `EEA`, `EU`, `GLOBAL`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether all of `other` lies in it.
    pub fn holds(&self, other: &Self) -> bool {
        let among = |list: &str| list.split(' ').any(|code| code == other.0);
        self == other
            || match self.0.as_str() {
                "GLOBAL" => true,
                "EEA" => other.0 == "EU" || among(EU) || among(EEA),
                "EU" => among(EU),
                _ => false,
            }
    }
}

impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match AREAS.contains(&text) || COUNTRIES.split(' ').any(|code| code == text) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "'{text}' is no region; write a country's two capital letters (ISO 3166-1, such as DE, or GB for the United \
                 Kingdom), EEA, EU, or GLOBAL where it may be anywhere"
            )),
        }
    }
}

impl TryFrom<String> for Region {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> String {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_or_an_area_in_its_one_spelling() {
        for text in ["DE", "GB", "US", "ZW", "EEA", "EU", "GLOBAL"] {
            assert_eq!(text.parse::<Region>().map(|region| region.to_string()).as_deref(), Ok(text));
        }
        for text in ["", " ", "de", "UK", "XX", "DEU", "D", "DE ", "DE AT", "Europe", "global"] {
            assert!(text.parse::<Region>().unwrap_err().contains("such as DE"), "{text}");
        }
    }

    #[test]
    fn the_codes_are_a_list_of_two_letters_each_in_order() {
        let codes: Vec<&str> = COUNTRIES.split(' ').collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.windows(2).all(|two| two[0] < two[1]), "{codes:?}");
        assert!(codes.iter().all(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())));
    }

    #[test]
    fn an_area_holds_its_members_and_nothing_wider() {
        let region = |text: &str| text.parse::<Region>().unwrap();
        for (wide, narrow, holds) in [
            ("DE", "DE", true),
            ("EU", "DE", true),
            ("EEA", "DE", true),
            ("EEA", "NO", true),
            ("EEA", "EU", true),
            ("GLOBAL", "US", true),
            ("GLOBAL", "GLOBAL", true),
            ("EU", "NO", false),
            ("EU", "EEA", false),
            ("EEA", "GB", false),
            ("EEA", "CH", false),
            ("EEA", "GLOBAL", false),
            ("DE", "EU", false),
            ("DE", "AT", false),
            ("US", "GLOBAL", false),
        ] {
            assert_eq!(region(wide).holds(&region(narrow)), holds, "{wide} {narrow}");
        }
        assert_eq!(EU.split(' ').count(), 27);
        assert!(EU.split(' ').chain(EEA.split(' ')).all(|code| code.parse::<Region>().is_ok()));
    }
}
