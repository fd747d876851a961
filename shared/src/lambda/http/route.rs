//! Routes, as the log names them. A path holds what nobody should read in a log: ids of customers, which some shops make of
//! mail addresses, and tokens with which anybody can unsubscribe somebody.

/// Every route: those of infra/openapi.yaml, of the links in mails, and of webhooks. A segment in braces is any.
pub const ROUTES: &[&str] = &[
    "/payments",
    "/payments/{payment_id}",
    "/payments/{payment_id}/confirm",
    "/payments/{payment_id}/cancel",
    "/payments/{payment_id}/refunds",
    "/customers",
    "/customers/{customer_id}/payment-methods",
    "/orders/{order_id}",
    "/messages",
    "/messages/{message_id}",
    "/campaigns",
    "/campaigns/{campaign_id}",
    "/campaigns/{campaign_id}/cancel",
    "/contacts/preferences",
    "/contacts/lookup",
    "/contacts/lift",
    "/rates",
    "/shipments",
    "/shipments/{shipment_id}",
    "/addresses/validate",
    "/pickups",
    "/tracking/{carrier}/{tracking_number}",
    "/health",
    "/health/ready",
    "/health/ready/details",
    "/unsubscribe/{link}",
    "/oauth/token",
    "/ups/oauth/token",
    "/stripe",
    "/sendgrid",
    "/twilio",
    "/postmark",
    "/fedex",
    "/ups",
    "/",
];

/// What a path is called that no route has.
pub const NO_ROUTE: &str = "none";

/// The route of a path's segments.
pub(super) fn route(segments: &[String]) -> &'static str {
    let is_this = |route: &&&str| {
        let parts: Vec<&str> = route.split('/').filter(|part| !part.is_empty()).collect();
        let fits = |(part, segment): (&&str, &String)| part.starts_with('{') || part == segment;
        parts.len() == segments.len() && parts.iter().zip(segments).all(fits)
    };
    ROUTES.iter().find(is_this).copied().unwrap_or(NO_ROUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> &'static str {
        let segments: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        route(&segments)
    }

    #[test]
    fn a_path_is_named_by_its_route_and_never_by_what_is_in_it() {
        assert_eq!(of("/customers/ada@example.com/payment-methods"), "/customers/{customer_id}/payment-methods");
        assert_eq!(of("/unsubscribe/con_1.token"), "/unsubscribe/{link}");
        assert_eq!(of("/contacts/lookup"), "/contacts/lookup");
        assert_eq!((of("/"), of(""), of("//")), ("/", "/", "/"));
        for other in ["/wp-admin", "/unsubscribe/a/b", "/customers/ada@example.com", "/payments/a/b/c", "/{payment_id}"]
        {
            assert_eq!(of(other), NO_ROUTE, "{other}");
        }
    }
}
