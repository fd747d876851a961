//! What DHL asks for a shipment (POST /rates).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::wire::{Account, AddedService, Package, PostalAddress, amount};
use crate::domain::shipping::{Carrier, Consignment, Customs, Day, Rate};
use crate::vendors::lenient::{self, Each, read_of};

/// Where to ask.
pub(super) const PATH: &str = "/rates";
/// The price in the currency that the account is billed in; the others are list prices of the country and of DHL.
const BILLED: &str = "BILLC";
/// Characters of a day at the start of a time.
const DAY_CHARS: usize = 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    customer_details: Customers,
    accounts: Vec<Account<'a>>,
    /// Duties paid, as they will be bought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    value_added_services: Vec<AddedService>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_code: Option<&'a str>,
    planned_shipping_date_and_time: String,
    unit_of_measurement: &'static str,
    is_customs_declarable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    monetary_amount: Vec<DeclaredValue>,
    estimated_delivery_date: Estimated,
    packages: Vec<Package>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Customers {
    shipper_details: PostalAddress,
    receiver_details: PostalAddress,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeclaredValue {
    type_code: &'static str,
    value: Box<RawValue>,
    currency: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Estimated {
    is_requested: bool,
    /// With the days that the customs take.
    type_code: &'static str,
}

/// The question: all products, or one.
pub(super) fn request(consignment: &Consignment, product: Option<&str>, planned: &str, account: &str) -> Vec<u8> {
    let is_customs_declarable = consignment.is_declarable();
    let total = consignment.customs.as_ref().and_then(Customs::total);
    let declared = total.map(|total| DeclaredValue {
        type_code: "declaredValue",
        value: amount(total),
        currency: total.currency.code(),
    });
    let request = Request {
        customer_details: Customers {
            shipper_details: PostalAddress::of(&consignment.shipper.address),
            receiver_details: PostalAddress::of(&consignment.recipient.address),
        },
        accounts: Account::all(consignment, account),
        value_added_services: AddedService::all(consignment),
        product_code: product,
        planned_shipping_date_and_time: planned.to_owned(),
        unit_of_measurement: "metric",
        is_customs_declarable,
        monetary_amount: declared.into_iter().collect(),
        estimated_delivery_date: Estimated { is_requested: true, type_code: "QDDC" },
        packages: consignment.parcels.iter().map(Package::of).collect(),
    };
    serde_json::to_vec(&request).unwrap_or_default()
}

#[derive(Deserialize)]
struct RateResponse {
    #[serde(deserialize_with = "lenient::list")]
    products: Vec<Each<Product>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product {
    #[serde(default, rename = "productCode", deserialize_with = "lenient::text")]
    code: Option<String>,
    #[serde(default, rename = "productName", deserialize_with = "lenient::text")]
    name: Option<String>,
    /// That it is sold to customers with an agreement only.
    #[serde(default, rename = "isCustomerAgreement", deserialize_with = "lenient::maybe")]
    by_agreement: Option<bool>,
    #[serde(default, deserialize_with = "lenient::list")]
    total_price: Vec<Price>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    delivery_capabilities: Option<Delivery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Price {
    #[serde(default, deserialize_with = "lenient::text")]
    currency_type: Option<String>,
    #[serde(default, rename = "priceCurrency", deserialize_with = "lenient::text")]
    currency: Option<String>,
    #[serde(default, rename = "price", deserialize_with = "lenient::text")]
    decimal: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    #[serde(default, deserialize_with = "lenient::text")]
    estimated_delivery_date_and_time: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    total_transit_days: Option<String>,
}

/// The rates of an answer; `None` when none of them can be read. What is sold to accounts with an agreement only is no offer
/// to ours.
pub(super) fn read(body: &[u8]) -> Option<Vec<Rate>> {
    let mut answer: RateResponse = serde_json::from_slice(body).ok()?;
    answer.products.retain(|Each(product)| product.as_ref().is_none_or(|product| product.by_agreement != Some(true)));
    read_of(answer.products, Product::rate)
}

impl Product {
    fn rate(self) -> Option<Rate> {
        let service = self.code?;
        let billed = self.total_price.iter().find(|price| price.currency_type.as_deref() == Some(BILLED))?;
        let price = lenient::price(billed.decimal.as_deref()?, billed.currency.as_deref()?)?;
        let delivery = self.delivery_capabilities;
        let days = delivery.as_ref().and_then(|delivery| delivery.total_transit_days.as_deref()?.parse().ok());
        let date =
            delivery.and_then(|delivery| Day::parse(delivery.estimated_delivery_date_and_time?.get(..DAY_CHARS)?));
        let name = self.name.map_or_else(|| format!("DHL {service}"), |name| format!("DHL {name}"));
        Some(Rate { carrier: Carrier::Dhl, service, name, price, transit_days: days, delivery_date: date })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_product_is_left_out_and_never_the_whole_answer() {
        let body = br#"{"products":[
            {"productName":"EXPRESS WORLDWIDE","productCode":"P","weight":{},"unheard":[1],
             "totalPrice":[{"currencyType":"PULCL","priceCurrency":"EUR","price":7},
                           {"currencyType":"BILLC","priceCurrency":"GBP","price":141.51}],
             "deliveryCapabilities":{"estimatedDeliveryDateAndTime":"2026-01-22T23:59:00","totalTransitDays":"2"}},
            {"productCode":"D","totalPrice":[{"currencyType":"BILLC","priceCurrency":"GBP","price":"20"}],
             "deliveryCapabilities":""},
            {"productCode":"X","totalPrice":[{"currencyType":"BILLC","priceCurrency":"GBP"}]},
            {"productCode":"Y","totalPrice":[{"currencyType":"BASEC","priceCurrency":"EUR","price":9}]},
            {"productCode":"Z","totalPrice":[{"currencyType":"BILLC","priceCurrency":"GBP","price":0}]},
            {"totalPrice":[{"currencyType":"BILLC","priceCurrency":"GBP","price":9}]},
            null, "odd"]}"#;
        let rates = read(body).expect("rates");
        let told: Vec<_> = rates.iter().map(|rate| (rate.service.as_str(), rate.price.to_string())).collect();
        assert_eq!(told, [("P", "141.51 GBP".to_owned()), ("D", "20.00 GBP".to_owned())]);
        assert_eq!((rates[0].name.as_str(), rates[0].transit_days), ("DHL EXPRESS WORLDWIDE", Some(2)));
        assert_eq!(rates[0].delivery_date, Day::parse("2026-01-22"));
        assert_eq!(read(b"{}"), None);
        assert_eq!(read(br#"{"products":[]}"#), Some(vec![]));
        assert_eq!(read(br#"{"products":[{"productCode":"X"},7]}"#), None, "prices of which none can be read");
        let priced = |agreed: bool| {
            let price = r#""totalPrice":[{"currencyType":"BILLC","priceCurrency":"EUR","price":20}]"#;
            let body = format!(r#"{{"products":[{{"productCode":"P","isCustomerAgreement":{agreed},{price}}}]}}"#);
            read(body.as_bytes()).map(|rates| rates.len())
        };
        assert_eq!((priced(false), priced(true)), (Some(1), Some(0)));
    }
}
