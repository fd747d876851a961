//! `POST /rates`.

use std::time::Duration;

use super::customs::RawCustoms;
use super::parcel::RawParcel;
use super::party::RawParty;
use super::{CARRIER, RawConsignment, Use};
use crate::domain::input::{Findings, Object, findings_incomplete, json};
use crate::domain::shipping::{Carrier, Consignment};
use crate::domain::{OrderId, Timestamp};
use crate::error::Result;

/// How long a storefront may let us ask the carriers, in milliseconds: below it none of them answers, above it shoppers
/// are gone.
const DEADLINE_MS: std::ops::RangeInclusive<u64> = 100..=2_500;

/// `POST /rates`, checked.
#[derive(Clone, Debug)]
pub struct QuoteRates {
    /// For which order, when there is one already.
    pub order_id: Option<OrderId>,
    /// What is to be sent. Names, phones and streets may be missing: the name and the city are empty then, and there is
    /// no line of a street.
    pub consignment: Consignment,
    /// Whom to ask: at least one, each once.
    pub carriers: Vec<Carrier>,
    /// How long to wait for them; none: as long as it takes at most.
    pub deadline: Option<Duration>,
}

#[derive(serde::Deserialize)]
struct RawRates {
    order_id: Option<String>,
    shipper: Object<RawParty>,
    recipient: Object<RawParty>,
    packages: Vec<Object<RawParcel>>,
    ship_date: Option<String>,
    ship_at: Option<String>,
    carriers: Option<Vec<String>>,
    customs: Option<Object<RawCustoms>>,
    deadline_ms: Option<u64>,
}

impl QuoteRates {
    /// Reads and checks a request body at this time.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self> {
        let raw: RawRates = json(body)?;
        let mut bad = Findings::default();
        let order_id = raw.order_id.as_deref().and_then(|id| bad.order_id(id));
        let carriers = bad.carriers(raw.carriers);
        let deadline_fits = raw.deadline_ms.is_none_or(|ms| DEADLINE_MS.contains(&ms));
        bad.unless(deadline_fits, "deadline_ms", "must be 100 to 2500");
        let consignment = RawConsignment {
            shipper: raw.shipper.0,
            recipient: raw.recipient.0,
            packages: raw.packages,
            ship_date: raw.ship_date,
            ship_at: raw.ship_at,
            customs: raw.customs,
        };
        let consignment = consignment.checked(Use::Quote, order_id.as_ref(), now, &mut bad);
        bad.into_result()?;
        let consignment = consignment.ok_or_else(findings_incomplete)?;
        Ok(Self { order_id, consignment, carriers, deadline: raw.deadline_ms.map(Duration::from_millis) })
    }
}

impl Findings {
    /// Whom to ask; everybody when nobody is named. Each once.
    fn carriers(&mut self, names: Option<Vec<String>>) -> Vec<Carrier> {
        let Some(names) = names else { return Carrier::ALL.to_vec() };
        let most = Carrier::ALL.len();
        self.unless((1..=most).contains(&names.len()), "carriers", "must be one to three carriers");
        let mut carriers = Vec::with_capacity(most);
        for (n, name) in names.iter().take(most).enumerate() {
            let carrier = Carrier::parse(name);
            self.unless(carrier.is_some(), &format!("carriers[{n}]"), CARRIER);
            carriers.extend(carrier.filter(|carrier| !carriers.contains(carrier)));
        }
        carriers
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bodies::{quote, quoted, with};
    use super::*;
    use crate::domain::shipping::Parcel;

    #[test]
    fn a_quote_needs_no_more_than_two_places_and_a_parcel() {
        let parsed = quoted(&quote()).expect("valid");
        assert_eq!(parsed.carriers, Carrier::ALL);
        assert_eq!((parsed.order_id, parsed.deadline), (None, None));
        let consignment = parsed.consignment;
        assert_eq!(consignment.ship_date.to_string(), "2026-05-04");
        assert_eq!(consignment.parcels, [Parcel { weight_g: 2_500, weight_mg: None, dimensions: None }]);
        assert_eq!(consignment.shipper.name.expose(), "");
        assert!(consignment.customs.is_none(), "within the European Union nothing is declared");
    }

    #[test]
    fn carriers_are_asked_once_each_and_within_a_bounded_time() {
        let mut body = quote();
        (body["carriers"], body["deadline_ms"]) = (json!(["dhl", "ups", "dhl"]), json!(2_500));
        let parsed = quoted(&body).expect("valid");
        assert_eq!(parsed.carriers, [Carrier::Dhl, Carrier::Ups]);
        assert_eq!(parsed.deadline, Some(Duration::from_millis(2_500)));
        assert_eq!(with(quoted, quote(), "/carriers", json!(["ups", "dpd"])), ["carriers[1]"]);
        assert_eq!(with(quoted, quote(), "/carriers", json!([])), ["carriers"]);
        assert_eq!(with(quoted, quote(), "/deadline_ms", json!(100)), [""; 0]);
        for bad in [json!(99), json!(2_501), json!(-1), json!(1.5), json!("1000")] {
            assert_eq!(with(quoted, quote(), "/deadline_ms", bad.clone()), ["deadline_ms"], "{bad}");
        }
    }
}
