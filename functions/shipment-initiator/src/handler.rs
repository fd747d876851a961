//! shipment-initiator: buys labels and has parcels fetched, once each, and shows what became of it.

mod answers;

use crossdock::domain::ShipmentId;
use crossdock::domain::input::CreateShipment;
use crossdock::domain::shipping::PickupRequest;
use crossdock::effects::contact::AppKeys;
use crossdock::effects::intake::{Repeatable, request_hash, shipment_not_found};
use crossdock::error::Result;
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction, no_such_route};
use crossdock::shipping::{Asked, Asker, Shipments};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;

/// The route of a create in the record of requests.
const CREATE: &str = "POST /shipments";

/// The shipments' API.
pub struct ShipmentInitiator {
    shipments: Shipments,
    app_keys: Keyring<AppKeys>,
}

impl ShipmentInitiator {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { shipments: system.shipments()?, app_keys: system.app_keys()? })
    }

    /// What is worth doing before the first request.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.app_keys.get().map(drop).boxed(), self.shipments.list.warm().boxed()]
    }

    async fn create(&self, request: &ApiRequest) -> Result<Answer> {
        let body = request.json_body()?;
        let input = CreateShipment::parse(body, request.received_at)?;
        let hash = request_hash("POST", &request.path, body);
        let repeatable = Repeatable { route: CREATE, key: request.idempotency_key()?, hash };
        let lease = request.lease();
        let asker = Asker { correlation: &request.correlation, lease: &lease };
        // On the heap: it holds a shipment in many states.
        match Box::pin(self.shipments.create(&input, &repeatable, asker)).await? {
            Asked::Worked(worked) => answers::created(worked, self.shipments.labels()),
            Asked::Standing(shipment) => Ok(answers::as_it_is(&shipment, self.shipments.labels())?.replayed()),
        }
    }

    async fn show(&self, id: &str) -> Result<Answer> {
        let id = ShipmentId::parse(id).ok_or_else(shipment_not_found)?;
        answers::shown(200, &self.shipments.list.shipment(&id).await?, self.shipments.labels())
    }

    async fn pickup(&self, request: &ApiRequest) -> Result<Answer> {
        let key = request.required_idempotency_key()?;
        let body = request.json_body()?;
        let wish = PickupRequest::parse(body, request.received_at)?;
        let (hash, lease) = (request_hash("POST", &request.path, body), request.lease());
        let asker = Asker { correlation: &request.correlation, lease: &lease };
        match self.shipments.pickup(&wish, (&key, &hash), asker).await? {
            Asked::Worked(worked) => answers::scheduled(worked),
            Asked::Standing(pickup) => Ok(answers::pickup(&pickup).replayed()),
        }
    }
}

impl HttpFunction for ShipmentInitiator {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (&request.method, segments.as_slice()) {
            (&Method::POST, ["shipments"]) => self.create(&request).await,
            (&Method::GET, ["shipments", id]) => self.show(id).await,
            (&Method::POST, ["pickups"]) => self.pickup(&request).await,
            _ => Err(no_such_route()),
        }
    }
}
