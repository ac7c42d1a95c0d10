//! Where a destination is (DAT-7): a country by its ISO 3166-1 alpha-2 code, or one of three wider areas.
//!
//! Invariant: each region is written in one way only.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// The pattern of [`Region`]; whether there is such a country is seen by reading it.
pub(super) const REGION: &str = "^([A-Z]{2}|EEA|GLOBAL)$";

/// Wider than a country: the European Economic Area, the European Union, anywhere.
const AREAS: [&str; 3] = ["EEA", "EU", "GLOBAL"];

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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Region(String);

impl Region {
    /// As it is written: `DE`, `EEA`, `EU`, `GLOBAL`.
    pub fn as_str(&self) -> &str {
        &self.0
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
}
