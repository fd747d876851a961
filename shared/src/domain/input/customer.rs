//! `POST /customers`, and the customer in `POST /payments`.

use super::limits::{NAME_MAX_CHARS, PHONE_MAX_CHARS};
use super::{Findings, findings_incomplete, json};
use crate::domain::{CustomerId, Private};
use crate::error::Result;

/// Who pays, checked.
#[derive(Clone, Debug)]
pub struct CreateCustomer {
    /// The shop's id of the customer.
    pub id: CustomerId,
    /// Where mails go.
    pub email: Private<String>,
    /// How to address them.
    pub name: Option<Private<String>>,
    /// Where to call them.
    pub phone: Option<Private<String>>,
    /// Whether it came with a payment. Whoever is at a checkout may give anybody's address.
    pub at_checkout: bool,
}

#[derive(serde::Deserialize)]
pub(super) struct RawCustomer {
    id: String,
    email: String,
    name: Option<String>,
    phone: Option<String>,
}

impl CreateCustomer {
    /// Reads and checks a request body.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let raw: RawCustomer = json(body)?;
        let mut bad = Findings::default();
        let customer = raw.checked("", &mut bad);
        bad.into_result()?;
        customer.ok_or_else(findings_incomplete)
    }
}

impl RawCustomer {
    pub(super) fn checked(self, path: &str, bad: &mut Findings) -> Option<CreateCustomer> {
        let id = CustomerId::parse(&self.id);
        bad.unless(id.is_some(), &format!("{path}id"), "must be 1 to 255 printable ASCII characters");
        let email = bad.email(&format!("{path}email"), &self.email);
        bad.text_within(NAME_MAX_CHARS, &format!("{path}name"), self.name.as_deref());
        bad.plain_text(PHONE_MAX_CHARS, &format!("{path}phone"), self.phone.as_deref());
        Some(CreateCustomer {
            id: id?,
            email: email?.into(),
            name: self.name.map(Private::new),
            phone: self.phone.map(Private::new),
            at_checkout: !path.is_empty(),
        })
    }
}
