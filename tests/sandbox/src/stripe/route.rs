//! Which request is which: the paths of the API, their names on the fault dial, and what they answer with.

use http::Method;

/// A request by method and path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route<'a> {
    CreateIntent,
    ListIntents,
    Intent(&'a str),
    Confirm(&'a str),
    Cancel(&'a str),
    CreateRefund,
    ListRefunds,
    Refund(&'a str),
    CreateCustomer,
    ListCustomers,
    Customer(&'a str),
    UpdateCustomer(&'a str),
    ListPaymentMethods,
    ListPaymentMethodsOf(&'a str),
    PaymentMethod(&'a str),
    Attach(&'a str),
    Charge(&'a str),
    BalanceTransaction(&'a str),
    CreateEndpoint,
    ListEndpoints,
    Endpoint(&'a str),
    UpdateEndpoint(&'a str),
    DeleteEndpoint(&'a str),
    Unknown,
}

impl<'a> Route<'a> {
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method.as_str(), parts.as_slice()) {
            ("POST", ["v1", "payment_intents"]) => Self::CreateIntent,
            ("GET", ["v1", "payment_intents"]) => Self::ListIntents,
            ("GET", ["v1", "payment_intents", id]) => Self::Intent(id),
            ("POST", ["v1", "payment_intents", id, "confirm"]) => Self::Confirm(id),
            ("POST", ["v1", "payment_intents", id, "cancel"]) => Self::Cancel(id),
            ("POST", ["v1", "refunds"]) => Self::CreateRefund,
            ("GET", ["v1", "refunds"]) => Self::ListRefunds,
            ("GET", ["v1", "refunds", id]) => Self::Refund(id),
            ("POST", ["v1", "customers"]) => Self::CreateCustomer,
            ("GET", ["v1", "customers"]) => Self::ListCustomers,
            ("GET", ["v1", "customers", id]) => Self::Customer(id),
            ("POST", ["v1", "customers", id]) => Self::UpdateCustomer(id),
            ("GET", ["v1", "customers", id, "payment_methods"]) => Self::ListPaymentMethodsOf(id),
            ("GET", ["v1", "payment_methods"]) => Self::ListPaymentMethods,
            ("GET", ["v1", "payment_methods", id]) => Self::PaymentMethod(id),
            ("POST", ["v1", "payment_methods", id, "attach"]) => Self::Attach(id),
            ("GET", ["v1", "charges", id]) => Self::Charge(id),
            ("GET", ["v1", "balance_transactions", id]) => Self::BalanceTransaction(id),
            ("POST", ["v1", "webhook_endpoints"]) => Self::CreateEndpoint,
            ("GET", ["v1", "webhook_endpoints"]) => Self::ListEndpoints,
            ("GET", ["v1", "webhook_endpoints", id]) => Self::Endpoint(id),
            ("POST", ["v1", "webhook_endpoints", id]) => Self::UpdateEndpoint(id),
            ("DELETE", ["v1", "webhook_endpoints", id]) => Self::DeleteEndpoint(id),
            _ => Self::Unknown,
        }
    }

    /// Whether it is about webhook endpoints, which another key opens.
    pub(super) fn is_of_endpoints(self) -> bool {
        matches!(
            self,
            Self::CreateEndpoint
                | Self::ListEndpoints
                | Self::Endpoint(_)
                | Self::UpdateEndpoint(_)
                | Self::DeleteEndpoint(_)
        )
    }

    /// The name on the fault dial.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::CreateIntent => "create_payment_intent",
            Self::ListIntents => "list",
            Self::Intent(_) => "retrieve",
            Self::Confirm(_) => "confirm",
            Self::Cancel(_) => "cancel",
            Self::CreateRefund => "create_refund",
            Self::ListRefunds => "list_refunds",
            Self::Refund(_) => "retrieve_refund",
            Self::CreateCustomer => "create_customer",
            Self::ListCustomers => "list_customers",
            Self::Customer(_) => "retrieve_customer",
            Self::UpdateCustomer(_) => "update_customer",
            Self::ListPaymentMethods | Self::ListPaymentMethodsOf(_) => "list_payment_methods",
            Self::PaymentMethod(_) => "retrieve_payment_method",
            Self::Attach(_) => "attach_payment_method",
            Self::Charge(_) => "retrieve_charge",
            Self::BalanceTransaction(_) => "retrieve_balance_transaction",
            Self::CreateEndpoint => "create_endpoint",
            Self::ListEndpoints => "list_endpoints",
            Self::Endpoint(_) => "retrieve_endpoint",
            Self::UpdateEndpoint(_) => "update_endpoint",
            Self::DeleteEndpoint(_) => "delete_endpoint",
            Self::Unknown => "unknown",
        }
    }

    /// The permissions that a restricted key needs for it. What is expanded needs its own.
    pub(super) fn needs(self, query: &str) -> Vec<&'static str> {
        let mut needs = match self {
            Self::CreateIntent | Self::ListIntents | Self::Intent(_) | Self::Confirm(_) | Self::Cancel(_) => {
                vec!["payment_intents"]
            }
            Self::CreateRefund | Self::ListRefunds | Self::Refund(_) => vec!["refunds"],
            Self::CreateCustomer | Self::ListCustomers | Self::Customer(_) | Self::UpdateCustomer(_) => {
                vec!["customers"]
            }
            Self::ListPaymentMethods | Self::ListPaymentMethodsOf(_) | Self::PaymentMethod(_) | Self::Attach(_) => {
                vec!["payment_methods"]
            }
            Self::Charge(_) => vec!["charges"],
            Self::BalanceTransaction(_) => vec!["balance"],
            Self::CreateEndpoint
            | Self::ListEndpoints
            | Self::Endpoint(_)
            | Self::UpdateEndpoint(_)
            | Self::DeleteEndpoint(_)
            | Self::Unknown => vec![],
        };
        if query.contains("latest_charge") {
            needs.push("charges");
        }
        if query.contains("balance_transaction") {
            needs.push("balance");
        }
        needs
    }

    /// The kind of object in the answer, and whether the answer is a list of them.
    pub(super) fn answers_with(self) -> (&'static str, bool) {
        match self {
            Self::CreateIntent | Self::Intent(_) | Self::Confirm(_) | Self::Cancel(_) => ("payment_intent", false),
            Self::ListIntents => ("payment_intent", true),
            Self::CreateRefund | Self::Refund(_) => ("refund", false),
            Self::ListRefunds => ("refund", true),
            Self::CreateCustomer | Self::Customer(_) | Self::UpdateCustomer(_) => ("customer", false),
            Self::ListCustomers => ("customer", true),
            Self::PaymentMethod(_) | Self::Attach(_) => ("payment_method", false),
            Self::ListPaymentMethods | Self::ListPaymentMethodsOf(_) => ("payment_method", true),
            Self::Charge(_) => ("charge", false),
            Self::BalanceTransaction(_) => ("balance_transaction", false),
            Self::CreateEndpoint | Self::Endpoint(_) | Self::UpdateEndpoint(_) | Self::DeleteEndpoint(_) => {
                ("webhook_endpoint", false)
            }
            Self::ListEndpoints => ("webhook_endpoint", true),
            Self::Unknown => ("", false),
        }
    }
}
