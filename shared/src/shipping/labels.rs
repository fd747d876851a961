//! Labels: bytes in the object store, under keys that only we know; whoever prints one gets a link for some minutes.

use std::time::Duration;

use serde::Serialize;

use crate::aws::Objects;
use crate::domain::ShipmentId;
use crate::effects::Opaque;
use crate::effects::observation::StoredLabel;
use crate::effects::shipment::Shipment;
use crate::error::Result;
use crate::vendors::carrier::Document;

/// How long a link to a label is good: for the clerk who has just asked for it.
const LINK_VALID: Duration = Duration::from_secs(15 * 60);

/// The labels' bucket.
#[derive(Clone)]
pub struct Labels {
    objects: Objects,
}

/// A label as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct SignedLabel {
    /// Where it can be fetched for a quarter of an hour.
    pub label_url: String,
    /// `application/pdf`, `image/gif`, `image/png`.
    pub media_type: String,
}

impl Labels {
    /// Labels in this bucket.
    pub const fn new(objects: Objects) -> Self {
        Self { objects }
    }

    /// Keeps the documents of one purchase, one after the other: they are few. The same purchase has the same keys.
    pub(super) async fn keep(
        &self,
        shipment: &ShipmentId,
        reference: &str,
        documents: &[Document],
    ) -> Result<Vec<StoredLabel>> {
        let mut kept = Vec::with_capacity(documents.len());
        for (number, document) in (1..).zip(documents) {
            let ending = document.media_type.rsplit('/').next().unwrap_or("bin");
            let key = format!("labels/{shipment}/{reference}-{number}.{ending}");
            self.objects.put(&key, document.content.expose().clone(), document.media_type, "").await?;
            kept.push(StoredLabel { key, media_type: document.media_type.to_owned() });
        }
        Ok(kept)
    }

    /// The labels with links that are good for a while. Signing sends nothing.
    pub fn signed(&self, shipment: &Shipment) -> Result<Vec<SignedLabel>> {
        let sign = |label: &StoredLabel| {
            let label_url = self.objects.link(&label.key, LINK_VALID)?;
            Ok(SignedLabel { label_url, media_type: label.media_type.clone() })
        };
        let labels = shipment.labels.as_ref().map(Opaque::read).transpose()?.unwrap_or_default();
        labels.iter().map(sign).collect()
    }
}
