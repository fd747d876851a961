//! One API call from request to answer: the key, the idempotency key, the checks, the work, the headers.

use super::command::{self, Command};
use super::events::{Origin, pretty};
use super::failure::Failure;
use super::form::Form;
use super::idempotency::Answered;
use super::parameters::refuse_unknown;
use super::route::Route;
use super::{API_VERSION, Charge, Customer, PaymentIntent, PaymentMethod, Refund, State, customers, expand, refunds};
use crate::answer::{answer, header_text, set};
use crate::faults::Mishap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, header};
use serde_json::Value;

impl State {
    /// One API call. `took_ms` is how late its answer will be: until then its key counts as in use.
    pub(crate) fn call(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        took_ms: u64,
    ) -> Response<Bytes> {
        self.pass_time(now_ms);
        let request_id = format!("req_{}", self.ids.next("req", 14));
        let (replayed, outcome) = match self.respond(now_ms, request, mishap, took_ms, &request_id) {
            Ok((replayed, answered)) => (replayed, answered),
            Err(failure) => {
                let body = pretty(&failure.body(&request_id));
                (false, Answered { request_id: request_id.clone(), status: failure.status, body })
            }
        };
        let mut response = answer(now_ms, outcome.status, "application/json", outcome.body);
        set(&mut response, HeaderName::from_static("request-id"), &request_id);
        set(&mut response, HeaderName::from_static("stripe-version"), API_VERSION);
        if let Some(key) = header_text(request, "idempotency-key") {
            set(&mut response, HeaderName::from_static("idempotency-key"), key);
        }
        if replayed {
            set(&mut response, HeaderName::from_static("idempotent-replayed"), "true");
            set(&mut response, HeaderName::from_static("original-request"), &outcome.request_id);
        }
        if let Mishap::Throttled(seconds) = mishap {
            set(&mut response, header::RETRY_AFTER, &seconds.to_string());
            set(&mut response, HeaderName::from_static("stripe-rate-limited-reason"), "global-rate");
        }
        response
    }

    /// The answer, and whether it is a replay. What fails here is not remembered.
    fn respond(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        took_ms: u64,
        request_id: &str,
    ) -> Result<(bool, Answered), Failure> {
        let wanted = Route::of(request.method(), request.uri().path());
        self.authorize(request, wanted)?;
        match mishap {
            Mishap::Throttled(_) => return Err(Failure::throttled()),
            Mishap::Locked => return Err(Failure::locked()),
            Mishap::None | Mishap::During(_) | Mishap::After(_) => {}
        }
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        if wanted.is_of_endpoints() {
            return self.of_endpoints(now_ms, request, wanted, (mishap, took_ms), request_id);
        }
        if let Some(lacking) = wanted.needs(query).into_iter().find(|resource| self.lacks.contains(*resource)) {
            return Err(Failure::forbidden(lacking));
        }
        if *request.method() == Method::GET {
            let query = parse(query.as_bytes())?;
            let paths = expand::paths(&query, wanted.answers_with())?;
            let mut found = self.read(now_ms, wanted, &query, request)?;
            self.leave_out_what_is_too_new(now_ms, &mut found);
            self.expand(now_ms, &mut found, &paths);
            return match mishap {
                Mishap::During(status) | Mishap::After(status) => Err(Failure::server(status)),
                _ => Ok((false, Answered { request_id: request_id.to_owned(), status: 200, body: pretty(&found) })),
            };
        }
        refuse_other_than_form(request)?;
        let form = parse(request.body())?;
        let key = header_text(request, "idempotency-key");
        if let Some(key) = key
            && let Some(first) = self.keys.look_up(now_ms, key, path, &form)?
        {
            let answered = Answered { request_id: first.request_id, status: first.status, body: first.body };
            return Ok((true, answered));
        }
        let paths = expand::paths(&form, wanted.answers_with())?;
        let command = match wanted {
            Route::CreateIntent => Command::Create(command::create(&form)?),
            Route::Confirm(id) => command::confirm(id, &form)?,
            Route::Cancel(id) => command::cancel(id, &form)?,
            Route::CreateRefund => refunds::refund(&form)?,
            Route::CreateCustomer => Command::CreateCustomer(customers::changes(&form)?),
            Route::UpdateCustomer(id) => {
                Command::UpdateCustomer { id: id.to_owned(), changes: customers::changes(&form)? }
            }
            Route::Attach(id) => command::attach(id, &form)?,
            _ => return Err(unrecognized(request)),
        };
        self.look_up(&command)?;
        let origin = Origin { request_id: Some(request_id.to_owned()), idempotency_key: key.map(str::to_owned) };
        let outcome = match mishap {
            Mishap::During(status) => Err(Failure::server(status)),
            Mishap::After(status) => {
                let _ = self.execute(now_ms, command, &origin);
                Err(Failure::server(status))
            }
            _ => self.execute(now_ms, command, &origin),
        };
        let (status, body) = match outcome {
            Ok(mut object) => {
                self.expand(now_ms, &mut object, &paths);
                (200, object)
            }
            Err(failure) => (failure.status, failure.body(request_id)),
        };
        let answered = Answered { request_id: request_id.to_owned(), status, body: pretty(&body) };
        if let Some(key) = key {
            self.keys.remember(now_ms, took_ms, key, path, &form, &answered);
        }
        Ok((false, answered))
    }

    fn read(&self, now_ms: i64, wanted: Route<'_>, query: &Form, request: &Request<Bytes>) -> Result<Value, Failure> {
        let (what, param, id, found) = match wanted {
            Route::ListIntents => return self.list_intents(query),
            Route::ListRefunds => return self.list_refunds(query),
            Route::ListCustomers => return self.list_customers(query),
            Route::ListPaymentMethods => return self.list_payment_methods(query, None),
            Route::ListPaymentMethodsOf(customer) => return self.list_payment_methods(query, Some(customer)),
            Route::Intent(id) => ("payment_intent", "intent", id, self.payment_intent(id).map(PaymentIntent::to_json)),
            Route::Refund(id) => ("refund", "refund", id, self.refund(id).map(Refund::to_json)),
            Route::Customer(id) => ("customer", "id", id, self.customer(id).map(Customer::to_json)),
            Route::Charge(id) => ("charge", "id", id, self.charge(id).map(Charge::to_json)),
            Route::PaymentMethod(id) => {
                ("PaymentMethod", "payment_method", id, self.payment_method(id).map(PaymentMethod::to_json))
            }
            Route::BalanceTransaction(id) => {
                let found = self.balance_transaction(id).map(|movement| movement.to_json(now_ms / 1000));
                ("balance transaction", "id", id, found)
            }
            _ => return Err(unrecognized(request)),
        };
        refuse_unknown(query, &[])?;
        found.ok_or_else(|| Failure::no_such(what, id, param, 404))
    }

    fn authorize(&self, request: &Request<Bytes>, wanted: Route<'_>) -> Result<(), Failure> {
        let Some(given) = header_text(request, header::AUTHORIZATION) else {
            return Err(Failure::unauthorized("You did not provide an API key."));
        };
        let basic = || {
            let decoded = STANDARD.decode(given.strip_prefix("Basic ")?).ok()?;
            let text = String::from_utf8(decoded).ok()?;
            Some(text.strip_suffix(':').unwrap_or(&text).to_owned())
        };
        let key = given.strip_prefix("Bearer ").map(str::to_owned).or_else(basic).unwrap_or_default();
        // Each is a restricted key: the one takes money, the other makes endpoints.
        match (key == self.api_key, key == self.admin_api_key) {
            (true, _) if !wanted.is_of_endpoints() => return Ok(()),
            (_, true) if wanted.is_of_endpoints() => return Ok(()),
            (true, _) => return Err(Failure::forbidden("webhook_endpoints")),
            (_, true) => return Err(Failure::forbidden("payment_intents")),
            (false, false) => {}
        }
        let shown: String = key.chars().take(8).collect();
        Err(Failure::unauthorized(format!("Invalid API Key provided: {shown}****")))
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Form, Failure> {
    Form::parse(bytes).map_err(|name| {
        Failure::invalid(Some("parameter_unknown"), Some(&name), format!("Received unknown parameter: {name}"))
    })
}

fn refuse_other_than_form(request: &Request<Bytes>) -> Result<(), Failure> {
    let content_type = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
    if request.body().is_empty() || content_type.starts_with("application/x-www-form-urlencoded") {
        return Ok(());
    }
    let message = "Invalid request (check that your POST content type is application/x-www-form-urlencoded).";
    Err(Failure::invalid(None, None, message))
}

fn unrecognized(request: &Request<Bytes>) -> Failure {
    let message = format!("Unrecognized request URL ({}: {}).", request.method(), request.uri().path());
    Failure { status: 404, ..Failure::invalid(None, None, message) }
}
