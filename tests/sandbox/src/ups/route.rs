//! Which request is which: the paths of the APIs and their names on the fault dial.

use http::Method;

/// A request by method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Token,
    /// By its option: `Rate`, `Shop` and both with the time in transit.
    Rates(&'a str),
    Ship,
    Void(&'a str),
    RecoverLabel,
    Track(&'a str),
    TrackReference(&'a str),
    /// By its option: 1, 2, 3.
    ValidateAddress(&'a str),
    Pickup,
    /// 01: by account; 02: by the confirmation.
    CancelPickup(&'a str),
    Subscribe {
        version: &'a str,
        kind: &'a str,
    },
    WrongMethod,
    Unknown,
}

impl<'a> Route<'a> {
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (wanted, route) = match parts.as_slice() {
            ["security", "v1", "oauth", "token"] => ("POST", Self::Token),
            ["api", "rating", _, option] => ("POST", Self::Rates(option)),
            ["api", "shipments", _, "ship"] => ("POST", Self::Ship),
            ["api", "shipments", _, "void", "cancel", number] => ("DELETE", Self::Void(number)),
            ["api", "shipments", _, "pickup", by] => ("DELETE", Self::CancelPickup(by)),
            // Recovery has versions of its own.
            ["api", "labels", "v1" | "v1701" | "v1903" | "v2603", "recovery"] => ("POST", Self::RecoverLabel),
            ["api", "track", "v1", "details", number] => ("GET", Self::Track(number)),
            ["api", "track", "v1", "reference", "details", reference] => ("GET", Self::TrackReference(reference)),
            ["api", "track", version @ ("v1" | "v2"), "subscription", kind, "package"] => {
                ("POST", Self::Subscribe { version, kind })
            }
            ["api", "addressvalidation", _, option] => ("POST", Self::ValidateAddress(option)),
            ["api", "pickupcreation", _, "pickup"] => ("POST", Self::Pickup),
            _ => return Self::Unknown,
        };
        if method.as_str() == wanted { route } else { Self::WrongMethod }
    }
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    match Route::of(method, path) {
        Route::Token => "token",
        Route::Rates(_) => "rates",
        Route::Ship => "ship",
        Route::Void(_) => "void",
        Route::RecoverLabel => "recover_label",
        Route::Track(_) => "track",
        Route::TrackReference(_) => "track_reference",
        Route::ValidateAddress(_) => "validate_address",
        Route::Pickup => "pickup",
        Route::CancelPickup(_) => "cancel_pickup",
        Route::Subscribe { .. } => "subscribe",
        Route::WrongMethod | Route::Unknown => "unknown",
    }
}
