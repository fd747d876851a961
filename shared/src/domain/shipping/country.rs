//! What the country alone says of an address: whether there is such a country, and what its addresses need.

/// ISO 3166-1 alpha-2, all 249 codes (2024).
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP \
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT \
    MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW \
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ \
    UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Where an address does without a postal code. After the Universal Postal Union's POST*CODE list of countries without a
/// system; with those whose system is younger than most of their shops' address books, or hardly used (Ireland, Ghana,
/// Jamaica, Panama, Tanzania …). In doubt a country is in: a missing code costs a refusal by the carrier, one that is
/// asked for and does not exist costs the order.
const WITHOUT_POSTAL_CODES: &str = "\
    AE AF AG AI AO AQ AW BF BI BJ BM BO BQ BS BV BW BZ CD CF CG CI CK CM CW DJ DM EH ER FJ GA GD GH GM GQ GY HK HM IE \
    JM KI KM KN KP LC LY ML MO MR MS MW NA NR NU PA QA RW SB SC SL SR SS ST SX SY TD TF TG TK TL TO TT TV TZ UG UM VC \
    VU YE ZW";

/// Where an address needs a state or province: what FedEx (US, CA, PR) and UPS (US, CA, VN) ask for; DHL asks nowhere.
const WITH_STATES: &str = "CA PR US VN";

fn lists(list: &str, code: &str) -> bool {
    list.split_ascii_whitespace().any(|listed| listed == code)
}

/// Whether this is a country's code: ISO 3166-1 alpha-2, upper case.
pub fn is_country(code: &str) -> bool {
    lists(COUNTRIES, code)
}

/// Whether an address in this country needs a postal code.
pub fn needs_postal_code(country: &str) -> bool {
    !lists(WITHOUT_POSTAL_CODES, country)
}

/// Whether an address in this country needs a state or province.
pub fn needs_state(country: &str) -> bool {
    lists(WITH_STATES, country)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_has_only_countries_each_once_and_in_order() {
        for (list, count) in [(COUNTRIES, 249), (WITHOUT_POSTAL_CODES, 79), (WITH_STATES, 4)] {
            let codes: Vec<&str> = list.split_ascii_whitespace().collect();
            assert_eq!(codes.len(), count, "{list}");
            assert!(codes.is_sorted_by(|one, next| one < next), "{list}");
            assert!(codes.iter().all(|code| is_country(code) && code.len() == 2), "{list}");
        }
    }

    #[test]
    fn what_is_no_code_of_iso_3166_is_no_country() {
        for code in ["", "DE ", "de", "XX", "UK", "EU", "DEU", "A", "AD AE"] {
            assert!(!is_country(code), "{code}");
        }
    }
}
