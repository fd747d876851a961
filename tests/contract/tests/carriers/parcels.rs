//! What is sent in these tests.

use crossdock::domain::money::Currency;
use crossdock::domain::shipping::{
    Address, Carrier, Consignment, Customs, CustomsItem, Day, Dimensions, Incoterm, Parcel, Party, PickupRequest,
};
use crossdock::domain::{Money, Timestamp};

use crate::carriers::NOW;

/// Somebody in that country, with everything that is known of people or with as little as possible.
pub(crate) fn party(country: &str, in_full: bool) -> Party {
    let (city, state, postal, phone) = match country {
        "US" => ("Timonium", Some("MD"), Some("21093-1234"), "+14105550123"),
        "CA" => ("Toronto", Some("ON"), Some("M5H 2N2"), "+14165550123"),
        "PR" => ("San Juan", Some("PR"), Some("00901"), "+17875550123"),
        "AU" => ("Sydney", Some("NSW"), Some("2000"), "+61255501234"),
        "HK" => ("Hong Kong", None, None, "+85255501234"),
        "CH" => ("Zürich", None, Some("8001"), "+41445550123"),
        "FR" => ("Paris", None, Some("75001"), "+33155501234"),
        _ => ("Berlin", None, Some("10117"), "+4930550123"),
    };
    let line = |text: &str| text.to_owned().into();
    Party {
        name: line("Zoë Åström-Featherstonehaugh the 3d"),
        company: in_full.then(|| line("Größte Schrauben GmbH & Co. KG a.A.")),
        phone: Some(line(phone)),
        email: in_full.then(|| line("zoe@example.com")),
        address: Address {
            street_lines: if in_full {
                vec![line("10 Main St"), line("Suite \"4\" / Tür 7"), line("Hinterhof, drittes Tor von links, o")]
            } else {
                vec![line("10 Main St")]
            },
            city: line(city),
            state: state.map(str::to_owned),
            postal_code: postal.map(line),
            country: country.to_owned(),
            residential: in_full.then_some(true),
        },
    }
}

/// A consignment of two parcels and all that can be said of them, or of one and as little as possible.
pub(crate) fn consignment(from: &str, to: &str, in_full: bool) -> Consignment {
    let heavy = Parcel::of_mg(70_000_000, Dimensions::of_um([3_000_000, 254_000, 1])).unwrap();
    let light = Parcel::of_mg(1, None).unwrap();
    Consignment {
        shipper: party(from, in_full),
        recipient: party(to, in_full),
        parcels: if in_full { vec![heavy, light] } else { vec![light] },
        ship_date: Day::parse("2025-05-02").unwrap(),
        ship_at: None,
        customs: None,
    }
}

/// What a shopper tells at the checkout: the countries, the postal codes and a parcel.
pub(crate) fn at_the_checkout(from: &str, to: &str) -> Consignment {
    let mut told = consignment(from, to, false);
    for party in [&mut told.shipper, &mut told.recipient] {
        party.name = String::new().into();
        party.phone = None;
        party.address.street_lines.clear();
        party.address.city = String::new().into();
    }
    told
}

/// A consignment with a declaration.
pub(crate) fn declared(from: &str, to: &str, incoterm: Incoterm, in_full: bool) -> Consignment {
    let money = |value, code| Money { value, currency: Currency::parse(code).unwrap() };
    let item = |description: &str, unit_value, hs_code: Option<&str>| CustomsItem {
        description: description.to_owned(),
        quantity: 3,
        unit_value,
        unit_weight_g: 250,
        unit_weight_mg: Some(250_001),
        origin_country: "SE".to_owned(),
        hs_code: hs_code.map(str::to_owned),
    };
    let screws = item(
        "Schrauben aus rostfreiem Stahl, 9 mm, für Möbel aus Holz und Metall..",
        money(1_099, "EUR"),
        Some("731815"),
    );
    let one = item("Nut", money(1, "EUR"), None);
    let items = if in_full { vec![screws, one] } else { vec![one] };
    let invoice = in_full.then(|| "o-1".to_owned());
    Consignment { customs: Some(Customs { items, incoterm, invoice }), ..consignment(from, to, in_full) }
}

/// The wish to have something fetched, from noon to five by the clock there.
pub(crate) fn pickup(carrier: Carrier, from: &str, to: &str, offset_min: i16) -> PickupRequest {
    let midnight = NOW - NOW % 86_400 + 86_400 - i64::from(offset_min) * 60;
    PickupRequest {
        carrier,
        party: party(from, true),
        ready: Timestamp::from_seconds(midnight + 12 * 3_600),
        close: Timestamp::from_seconds(midnight + 17 * 3_600),
        offset_min,
        parcels: 3,
        weight_g: 100_000,
        weight_mg: None,
        heaviest_g: 40_000,
        heaviest_mg: None,
        destination_country: to.to_owned(),
        service: None,
    }
}
