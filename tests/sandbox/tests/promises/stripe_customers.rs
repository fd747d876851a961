//! Customers, their saved cards, and payments in their absence.

use crate::caller::{Answer, PAYMENT, START_MS, get, pay, post, take_events, types};
use sandbox::{CallFault, Sandbox, Settings, Vendor};
use serde_json::json;

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

fn customer(sandbox: &mut Sandbox, form: &str) -> String {
    let made = post(sandbox, START_MS, "/v1/customers", None, form);
    assert_eq!(made.status, 200, "{:#}", made.json);
    made.text("/id").to_owned()
}

/// Pays at once with more parameters.
fn pay_with(sandbox: &mut Sandbox, form: &str) -> Answer {
    post(sandbox, START_MS, "/v1/payment_intents", None, &format!("{PAYMENT}&confirm=true&{form}"))
}

fn attach(sandbox: &mut Sandbox, method: &str, customer: &str) -> Answer {
    let path = format!("/v1/payment_methods/{method}/attach");
    post(sandbox, START_MS, &path, None, &format!("customer={customer}"))
}

#[test]
fn a_customer_is_made_found_and_told() {
    let mut sandbox = sandbox();
    let form = "email=ada@example.com&name=Ada&address[line1]=Main+St+1&address[country]=DE&metadata[person]=p-1";
    let made = post(&mut sandbox, START_MS, "/v1/customers", Some("c1"), form);
    assert_eq!((made.status, made.text("/email"), made.text("/address/country")), (200, "ada@example.com", "DE"));
    assert_eq!((made.text("/metadata/person"), &made.json["phone"]), ("p-1", &json!(null)));
    let again = post(&mut sandbox, START_MS, "/v1/customers", Some("c1"), form);
    assert_eq!((again.header("idempotent-replayed"), &again.bytes), ("true", &made.bytes));
    assert_eq!(get(&mut sandbox, START_MS, &format!("/v1/customers/{}", made.text("/id"))).bytes, made.bytes);
    let events = take_events(&mut sandbox, START_MS + 1000);
    assert_eq!((types(&events), &events[0]["data"]["object"]), (vec!["customer.created"], &made.json));
}

#[test]
fn a_change_tells_what_was_before_and_no_change_tells_nothing() {
    let mut sandbox = sandbox();
    let id = customer(&mut sandbox, "email=ada@example.com&name=Ada&metadata[a]=1&metadata[b]=2");
    take_events(&mut sandbox, START_MS + 1000);
    let path = format!("/v1/customers/{id}");
    let changed = post(&mut sandbox, START_MS, &path, None, "email=ada@example.org&name=&metadata[b]=&metadata[c]=3");
    assert_eq!((changed.text("/email"), &changed.json["name"]), ("ada@example.org", &json!(null)));
    assert_eq!(changed.json["metadata"], json!({ "a": "1", "c": "3" }));
    let events = take_events(&mut sandbox, START_MS + 1000);
    assert_eq!(types(&events), ["customer.updated"]);
    let before = json!({ "email": "ada@example.com", "name": "Ada", "metadata": { "b": "2", "c": null } });
    assert_eq!(events[0]["data"]["previous_attributes"], before);
    post(&mut sandbox, START_MS, &path, None, "email=ada@example.org");
    assert!(take_events(&mut sandbox, START_MS + 1000).is_empty());
    let cleared = post(&mut sandbox, START_MS, &path, None, "metadata=");
    assert_eq!(cleared.json["metadata"], json!({}));
}

#[test]
fn customers_are_listed_by_email_and_time() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "email=ada@example.com");
    customer(&mut sandbox, "email=bob@example.com");
    let found = get(&mut sandbox, START_MS, "/v1/customers?email=ada@example.com");
    assert_eq!((found.json["data"].as_array().unwrap().len(), found.text("/data/0/id")), (1, ada.as_str()));
    let page = get(&mut sandbox, START_MS, "/v1/customers?limit=1");
    assert_eq!(page.json["has_more"], true);
    let after = format!("/v1/customers?created[gt]={}", START_MS / 1000);
    assert_eq!(get(&mut sandbox, START_MS, &after).json["data"], json!([]));
}

#[test]
fn customers_that_make_no_sense_are_refused() {
    let mut sandbox = sandbox();
    for (form, param) in [
        ("email=nobody", "email"),
        ("name=%20&colour=red", "colour"),
        ("address[planet]=earth", "address[planet]"),
        (&format!("phone={}", "1".repeat(21)), "phone"),
        ("source=tok_visa", "source"),
    ] {
        let refused = post(&mut sandbox, START_MS, "/v1/customers", None, form);
        assert_eq!((refused.status, refused.text("/error/param")), (400, param), "{form}");
    }
    assert_eq!(post(&mut sandbox, START_MS, "/v1/customers/cus_nobody", None, "name=Ada").status, 404);
    assert_eq!(get(&mut sandbox, START_MS, "/v1/customers/cus_nobody").status, 404);
    assert!(sandbox.stripe().customers().is_empty());
}

#[test]
fn a_stored_500_has_made_the_customer_and_the_list_finds_it() {
    let mut sandbox = sandbox();
    sandbox.faults().next_calls(Vendor::Stripe, "create_customer", 1, CallFault::ErrorAfter { status: 500 });
    for _ in 0..2 {
        assert_eq!(post(&mut sandbox, START_MS, "/v1/customers", Some("c1"), "email=ada@example.com").status, 500);
    }
    let found = get(&mut sandbox, START_MS, "/v1/customers?email=ada@example.com");
    assert_eq!(found.json["data"].as_array().unwrap().len(), 1);
}

#[test]
fn payments_of_a_customer_carry_it_and_are_listed_by_it() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "name=Ada");
    pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let paid = pay_with(&mut sandbox, &format!("customer={ada}&payment_method=pm_card_visa"));
    assert_eq!(paid.text("/customer"), ada);
    assert_eq!(sandbox.stripe().charges()[1].customer.as_deref(), Some(ada.as_str()));
    let found = get(&mut sandbox, START_MS, &format!("/v1/payment_intents?customer={ada}"));
    assert_eq!((found.json["data"].as_array().unwrap().len(), found.text("/data/0/id")), (1, paid.text("/id")));
    let refused = get(&mut sandbox, START_MS, "/v1/payment_intents?customer=cus_nobody");
    assert_eq!((refused.status, refused.text("/error/code")), (400, "resource_missing"));
    let refused = post(&mut sandbox, START_MS, "/v1/payment_intents", None, &format!("{PAYMENT}&customer=cus_nobody"));
    assert_eq!((refused.text("/error/code"), refused.text("/error/param")), ("resource_missing", "customer"));
}

#[test]
fn every_use_of_a_test_token_is_a_payment_method_of_its_own() {
    let mut sandbox = sandbox();
    let (first, second) =
        (pay(&mut sandbox, START_MS, "k1", "pm_card_visa"), pay(&mut sandbox, START_MS, "k2", "pm_card_visa"));
    assert_ne!(first.text("/payment_method"), second.text("/payment_method"));
    let method = get(&mut sandbox, START_MS, &format!("/v1/payment_methods/{}", first.text("/payment_method")));
    assert_eq!(
        (method.text("/type"), method.text("/card/last4"), method.text("/card/brand")),
        ("card", "4242", "visa")
    );
}

#[test]
fn a_card_is_charged_again_only_when_it_is_somebodys() {
    let mut sandbox = sandbox();
    let once = pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    let again = pay_with(&mut sandbox, &format!("payment_method={}", once.text("/payment_method")));
    assert_eq!((again.status, again.text("/error/param")), (400, "payment_method"));
    let ada = customer(&mut sandbox, "name=Ada");
    assert_eq!(attach(&mut sandbox, once.text("/payment_method"), &ada).status, 400);
    let saved = attach(&mut sandbox, "pm_card_visa", &ada);
    let form = format!("customer={ada}&payment_method={}", saved.text("/id"));
    for _ in 0..2 {
        assert_eq!(pay_with(&mut sandbox, &form).text("/status"), "succeeded");
    }
}

#[test]
fn another_customers_card_is_refused() {
    let mut sandbox = sandbox();
    let (ada, bob) = (customer(&mut sandbox, "name=Ada"), customer(&mut sandbox, "name=Bob"));
    let card = attach(&mut sandbox, "pm_card_visa", &ada).text("/id").to_owned();
    for (form, words) in [
        (format!("payment_method={card}"), "belongs to the Customer"),
        (format!("payment_method={card}&customer={bob}"), "does not have a payment method with the ID"),
    ] {
        let refused = pay_with(&mut sandbox, &form);
        assert_eq!((refused.status, refused.text("/error/type")), (400, "invalid_request_error"));
        assert!(refused.text("/error/message").contains(words), "{:#}", refused.json);
    }
    let refused = attach(&mut sandbox, &card, &bob);
    assert_eq!(
        refused.text("/error/message"),
        "The payment method you provided has already been attached to a customer."
    );
    assert_eq!(attach(&mut sandbox, &card, &ada).status, 200, "the owner may attach it again");
    assert_eq!(attach(&mut sandbox, "pm_nobody", &ada).status, 404);
    assert_eq!(attach(&mut sandbox, "pm_card_visa", "cus_nobody").status, 400);
    assert!(sandbox.stripe().payment_intents().is_empty());
}

#[test]
fn a_bad_card_cannot_be_saved_but_one_that_fails_later_can() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "name=Ada");
    let declined = attach(&mut sandbox, "pm_card_visa_chargeDeclined", &ada);
    assert_eq!((declined.status, declined.text("/error/code")), (402, "card_declined"));
    let saved = attach(&mut sandbox, "pm_card_chargeCustomerFail", &ada);
    assert_eq!(saved.status, 200);
    let charged = pay_with(&mut sandbox, &format!("customer={ada}&payment_method={}", saved.text("/id")));
    assert_eq!((charged.status, charged.text("/error/payment_method/id")), (402, saved.text("/id")));
}

#[test]
fn the_cards_of_a_customer_are_listed_page_by_page_on_both_paths() {
    let mut sandbox = sandbox();
    let (ada, bob) = (customer(&mut sandbox, "name=Ada"), customer(&mut sandbox, "name=Bob"));
    let ids = [(); 3].map(|()| attach(&mut sandbox, "pm_card_visa", &ada).text("/id").to_owned());
    attach(&mut sandbox, "pm_card_mastercard", &bob);
    for path in [format!("/v1/payment_methods?customer={ada}&"), format!("/v1/customers/{ada}/payment_methods?")] {
        let page = get(&mut sandbox, START_MS, &format!("{path}type=card&limit=2"));
        assert_eq!((page.text("/data/0/id"), page.text("/data/1/id")), (ids[2].as_str(), ids[1].as_str()));
        assert_eq!(page.json["has_more"], true);
        let page = get(&mut sandbox, START_MS, &format!("{path}type=card&limit=2&starting_after={}", ids[1]));
        assert_eq!((page.text("/data/0/id"), &page.json["has_more"]), (ids[0].as_str(), &json!(false)));
    }
    for (path, status) in [
        ("/v1/payment_methods?type=card", 400),
        ("/v1/payment_methods?customer=cus_nobody", 400),
        ("/v1/customers/cus_nobody/payment_methods", 404),
        (&format!("/v1/payment_methods?customer={ada}&type=sepa_debit"), 400),
    ] {
        assert_eq!(get(&mut sandbox, START_MS, path).status, status, "{path}");
    }
}

#[test]
fn a_card_is_saved_when_the_payment_succeeds_and_the_shopper_agreed() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "name=Ada");
    let list = format!("/v1/payment_methods?customer={ada}");
    pay_with(&mut sandbox, &format!("customer={ada}&payment_method=pm_card_visa"));
    pay_with(
        &mut sandbox,
        &format!("customer={ada}&setup_future_usage=off_session&payment_method=pm_card_visa_chargeDeclined"),
    );
    assert_eq!(get(&mut sandbox, START_MS, &list).json["data"], json!([]));
    let paid =
        pay_with(&mut sandbox, &format!("customer={ada}&setup_future_usage=off_session&payment_method=pm_card_visa"));
    assert_eq!(paid.text("/setup_future_usage"), "off_session");
    assert_eq!(get(&mut sandbox, START_MS, &list).text("/data/0/id"), paid.text("/payment_method"));
}

#[test]
fn a_saved_card_pays_in_absence_and_a_bank_that_wants_the_shopper_declines() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "name=Ada");
    for (token, status) in [
        ("pm_card_visa", 200),
        ("pm_card_threeDSecure2Required", 402),
        ("pm_card_authenticationRequired", 402),
        ("pm_card_authenticationRequiredOnSetup", 402),
    ] {
        let card = attach(&mut sandbox, token, &ada).text("/id").to_owned();
        let paid = pay_with(&mut sandbox, &format!("customer={ada}&payment_method={card}&off_session=true"));
        assert_eq!(paid.status, status, "{token}");
        if status == 402 {
            assert_eq!(paid.text("/error/code"), "authentication_required");
            assert_eq!(paid.text("/error/payment_intent/status"), "requires_payment_method");
            assert_eq!(paid.text("/error/payment_method/id"), card);
        }
    }
}

#[test]
fn a_card_that_was_set_up_with_the_shopper_needs_no_authentication_in_absence() {
    let mut sandbox = sandbox();
    let ada = customer(&mut sandbox, "name=Ada");
    let card = "pm_card_authenticationRequiredOnSetup";
    let asked = pay_with(&mut sandbox, &format!("customer={ada}&setup_future_usage=off_session&payment_method={card}"));
    assert_eq!(asked.text("/status"), "requires_action");
    let paid = sandbox.shopper_authenticates(START_MS, asked.text("/id"), true).unwrap();
    let saved = paid["payment_method"].as_str().unwrap();
    let form = format!("customer={ada}&payment_method={saved}");
    assert_eq!(pay_with(&mut sandbox, &format!("{form}&off_session=true")).text("/status"), "succeeded");
    assert_eq!(pay_with(&mut sandbox, &form).text("/status"), "requires_action", "the shopper is there to be asked");
}

#[test]
fn a_customer_that_was_deleted_is_told_of_once_and_found_by_nobody() {
    let mut sandbox = Sandbox::new(Settings::default());
    let made = post(&mut sandbox, START_MS, "/v1/customers", None, "email=ada%40example.com");
    let id = made.text("/id").to_owned();
    let form = format!("amount=1099&currency=eur&customer={id}");
    let saving = format!("{form}&payment_method=pm_card_visa&confirm=true&setup_future_usage=off_session");
    let card = post(&mut sandbox, START_MS, "/v1/payment_intents", None, &saving).text("/payment_method").to_owned();
    take_events(&mut sandbox, START_MS + 1000);
    sandbox.merchant_deletes_customer(START_MS + 1000, &id).unwrap();
    assert_eq!(types(&take_events(&mut sandbox, START_MS + 2000)), ["customer.deleted"]);
    assert!(sandbox.merchant_deletes_customer(START_MS + 1000, &id).is_err());
    let refused = post(&mut sandbox, START_MS, "/v1/payment_intents", None, &form);
    assert_eq!(
        (refused.status, refused.text("/error/code"), refused.text("/error/param")),
        (400, "resource_missing", "customer")
    );
    let used = format!("amount=1099&currency=eur&payment_method={card}&confirm=true");
    assert_eq!(post(&mut sandbox, START_MS, "/v1/payment_intents", None, &used).text("/error/param"), "payment_method");
}

#[test]
fn a_key_may_do_what_it_has_permissions_for() {
    let mut sandbox = Sandbox::new(Settings::default());
    let paid = pay(&mut sandbox, START_MS, "k1", "pm_card_visa");
    sandbox.set_stripe_key_lacking(&["balance"]);
    let path = format!("/v1/payment_intents/{}", paid.text("/id"));
    assert_eq!(get(&mut sandbox, START_MS, &path).status, 200);
    let expanded = get(&mut sandbox, START_MS, &format!("{path}?expand[]=latest_charge.balance_transaction"));
    assert_eq!((expanded.status, expanded.text("/error/type")), (403, "invalid_request_error"));
    sandbox.set_stripe_key_lacking(&[]);
    assert_eq!(get(&mut sandbox, START_MS, &path).status, 200);
}
