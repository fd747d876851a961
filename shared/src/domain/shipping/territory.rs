//! Where an address is, for the customs and for the carriers: parts of countries that stand outside of their country's
//! customs or tax area, and those that have a code of their own which shops do not always write. One table, by country and
//! postal code, for everybody who asks.
//!
//! Sources: Regulation (EU) No 952/2013, article 4, and Directive 2006/112/EC, articles 5 to 7 (the customs and the tax area
//! of the European Union); 19 CFR 101.1 (of the United States); the Windsor Framework, articles 4 and 5 (Northern Ireland);
//! the customs treaties of Switzerland with Liechtenstein (1923) and for Büsingen (1964); of postal codes, the postal services'.

use super::Address;

/// The customs territory of the European Union: its members, and Monaco by its treaty with France.
const EU: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MC MT NL PL PT RO SE SI SK";
/// Other countries that share one area: its name, and they.
const SHARED: [(&str, &str); 3] = [("CH", "CH LI"), ("GB", "GB IM"), ("US", "PR US")];
/// Goods in Northern Ireland are in the areas of the Union and of the United Kingdom alike.
const NORTHERN_IRELAND: &str = "XI";

/// A part of a country.
struct Part {
    /// The country whose code shops write.
    country: &'static str,
    /// How its postal codes begin, without blanks and hyphens.
    postal: &'static str,
    /// The code that it has of its own in ISO 3166-1, else the country's.
    code: &'static str,
    /// The area that it is in, where that is not its code's.
    area: &'static str,
}

const fn part(country: &'static str, postal: &'static str, code: &'static str) -> Part {
    Part { country, postal, code, area: "" }
}

/// One without a code of its own.
const fn exclave(country: &'static str, postal: &'static str, area: &'static str) -> Part {
    Part { country, postal, code: country, area }
}

/// The more particular first.
const PARTS: [Part; 39] = [
    exclave("ES", "35 38", CANARIES),
    exclave("ES", "51", CEUTA),
    exclave("ES", "52", MELILLA),
    exclave("IT", "23041", "Livigno"),
    exclave("IT", "22061", "Campione d'Italia"),
    part("IT", "4789", "SM"),
    part("IT", "00120", "VA"),
    exclave("DE", "78266", "CH"),
    exclave("DE", "27498", "Helgoland"),
    exclave("GR", "63086", "Athos"),
    part("FI", "22", "AX"),
    part("FR", "97133", "BL"),
    part("FR", "97150", "MF"),
    part("FR", "971", "GP"),
    part("FR", "972", "MQ"),
    part("FR", "973", "GF"),
    part("FR", "974", "RE"),
    part("FR", "975", "PM"),
    part("FR", "976", "YT"),
    part("FR", "986", "WF"),
    part("FR", "987", "PF"),
    part("FR", "988", "NC"),
    part("FR", "98000", "MC"),
    exclave("GB", "BT", NORTHERN_IRELAND),
    part("GB", "JE", "JE"),
    part("GB", "GY", "GG"),
    part("GB", "IM", "IM"),
    part("GB", "GX11", "GI"),
    part("NO", "8099 917", "SJ"),
    part("DK", "39", "GL"),
    part("DK", "FO", "FO"),
    part("US", "006 007 009", "PR"),
    part("US", "008", "VI"),
    part("US", "96799", "AS"),
    part("US", "9691 9692 96931 96932", "GU"),
    part("US", "9695", "MP"),
    part("US", "96939 96940", "PW"),
    part("US", "96941 96942 96943 96944", "FM"),
    part("US", "9696 9697", "MH"),
];

/// Parts of the United States, and states in free association with them, whose codes stand in its list of states, too.
const US_STATES: &str = "AS FM GU MH MP PR PW UM VI";

/// The area of the Canary Islands.
pub const CANARIES: &str = "Canary Islands";
/// The area of Ceuta.
pub const CEUTA: &str = "Ceuta";
/// The area of Melilla.
pub const MELILLA: &str = "Melilla";

/// Where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Territory<'a> {
    /// Its code in ISO 3166-1, whatever the shop wrote: `PR` for `US` with the state `PR`.
    pub code: &'a str,
    /// The customs and tax area: a code or a name.
    pub area: &'a str,
}

impl<'a> Territory<'a> {
    /// Where this address is: by its postal code, else by its state, else by its country.
    pub fn of(address: &'a Address) -> Self {
        let country = address.country.as_str();
        let postal = address.postal_code.as_ref().map(|code| plain(code.expose(), country)).unwrap_or_default();
        let begins = |part: &&Part| part.postal.split(' ').any(|start| postal.starts_with(start));
        let by_postal = PARTS.iter().filter(|part| part.country == country).find(begins);
        match (by_postal, address.state.as_deref()) {
            (Some(part), _) if part.area.is_empty() => Self::of_country(part.code),
            (Some(part), _) => Self { code: part.code, area: part.area },
            (None, Some(state)) if country == "US" && lists(US_STATES, state) => Self::of_country(state),
            (None, _) => Self::of_country(country),
        }
    }

    /// The same of a country of which no more is known.
    pub fn of_country(code: &'a str) -> Self {
        let shared = SHARED.iter().find(|(_, members)| lists(members, code)).map(|(area, _)| *area);
        let area = if lists(EU, code) { "EU" } else { shared.unwrap_or(code) };
        Self { code, area }
    }

    /// Whether goods go from one to the other without a declaration.
    pub fn shares_customs_with(self, other: Territory<'_>) -> bool {
        let both_ways = |one: &str, other: &str| one == NORTHERN_IRELAND && matches!(other, "EU" | "GB");
        self.area == other.area || both_ways(self.area, other.area) || both_ways(other.area, self.area)
    }
}

fn lists(list: &str, code: &str) -> bool {
    list.split_ascii_whitespace().any(|listed| listed == code)
}

/// A postal code without blanks, hyphens and the country's code before it.
fn plain(code: &str, country: &str) -> String {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    match code.strip_prefix(country) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.to_owned(),
        _ => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shipping::country::is_country;

    fn is_free(from: (&str, &str), to: (&str, &str)) -> bool {
        let (from, to) = (Address::in_country(from.0, from.1, ""), Address::in_country(to.0, to.1, ""));
        let (from, to) = (Territory::of(&from), Territory::of(&to));
        assert_eq!(from.shares_customs_with(to), to.shares_customs_with(from), "{from:?} {to:?}");
        from.shares_customs_with(to)
    }

    #[test]
    fn a_declaration_is_needed_where_goods_leave_their_customs_or_tax_area() {
        for (from, to) in [
            (("DE", "10115"), ("DE", "20095")),
            (("DE", "10115"), ("FR", "75001")),
            (("FR", "75001"), ("MC", "98000")),
            (("DE", "10115"), ("FR", "98000")),
            (("US", "10001"), ("PR", "00901")),
            (("US", "10001"), ("US", "00901")),
            (("CH", "8001"), ("LI", "9490")),
            (("CH", "8001"), ("DE", "78266")),
            (("ES", "35002"), ("ES", "38001")),
            (("ES", "28001"), ("ES", "07001")),
            (("DE", "10115"), ("GB", "BT1 5GS")),
            (("GB", "SW1A 1AA"), ("GB", "BT15GS")),
            (("GB", "SW1A 1AA"), ("GB", "IM1 1AA")),
            (("GB", "SW1A 1AA"), ("IM", "IM1 1AA")),
            (("FI", "00100"), ("SE", "11120")),
            (("FI", "22100"), ("AX", "22100")),
            (("RE", "97400"), ("FR", "97400")),
        ] {
            assert!(is_free(from, to), "{from:?} {to:?}");
        }
        for (from, to) in [
            (("DE", "10115"), ("CH", "8001")),
            (("DE", "10115"), ("GB", "SW1A 1AA")),
            (("DE", "10115"), ("NO", "0155")),
            (("DE", "10115"), ("ES", "35002")),
            (("ES", "28001"), ("ES", "38001")),
            (("ES", "28001"), ("ES", "51001")),
            (("ES", "51001"), ("ES", "52001")),
            (("IT", "20121"), ("IT", "23041")),
            (("IT", "20121"), ("IT", "22061")),
            (("IT", "20121"), ("SM", "47890")),
            (("DE", "10115"), ("DE", "78266")),
            (("DE", "10115"), ("DE", "27498")),
            (("FI", "00100"), ("FI", "22100")),
            (("FI", "00100"), ("FI", "FI-22100")),
            (("FR", "75001"), ("FR", "97400")),
            (("FR", "75001"), ("GP", "97110")),
            (("FR", "97110"), ("FR", "97133")),
            (("GB", "SW1A 1AA"), ("GB", "JE2 3AB")),
            (("GB", "SW1A 1AA"), ("GG", "GY1 1AA")),
            (("US", "10001"), ("GB", "BT1 5GS")),
            (("NO", "0155"), ("NO", "9170")),
            (("DK", "1050"), ("DK", "3900")),
            (("US", "10001"), ("US", "00802")),
            (("US", "10001"), ("US", "96910")),
            (("US", "10001"), ("VI", "00802")),
            (("US", "10001"), ("CA", "K1A 0A6")),
            (("GR", "10431"), ("GR", "630 86")),
        ] {
            assert!(!is_free(from, to), "{from:?} {to:?}");
        }
    }

    #[test]
    fn a_part_with_a_code_of_its_own_has_it_whatever_the_shop_writes() {
        for (country, postal, state, expected) in [
            ("US", "00901", "PR", "PR"),
            ("US", "", "PR", "PR"),
            ("US", "00802", "", "VI"),
            ("US", "", "GU", "GU"),
            ("US", "96950-0001", "MP", "MP"),
            ("US", "10001", "NY", "US"),
            ("US", "96701", "HI", "US"),
            ("FR", "97400", "", "RE"),
            ("FR", "97150", "", "MF"),
            ("FR", "98000", "", "MC"),
            ("FR", "69971", "", "FR"),
            ("GB", "GY1 1AA", "", "GG"),
            ("GB", "BT1 5GS", "", "GB"),
            ("GB", "B1 1AA", "", "GB"),
            ("ES", "35002", "", "ES"),
            ("NO", "9170", "", "SJ"),
            ("DE", "35037", "", "DE"),
            ("PR", "00901", "", "PR"),
            ("CA", "", "PR", "CA"),
        ] {
            assert_eq!(
                Territory::of(&Address::in_country(country, postal, state)).code,
                expected,
                "{country} {postal} {state}"
            );
        }
    }

    #[test]
    fn every_code_of_the_table_is_a_country_s() {
        let codes = PARTS.iter().flat_map(|part| [part.country, part.code]);
        let lists = [EU, US_STATES, "CH LI GB IM PR US"].into_iter().flat_map(str::split_whitespace);
        assert!(codes.chain(lists).all(is_country));
        assert_eq!(EU.split_whitespace().count(), 28);
    }
}
