//! Where webhooks go: the registered endpoints, and the addresses that single webhooks bring along.

use http::uri::{Authority, Parts, Scheme};
use http::{HeaderValue, Uri};

/// A webhook URL that is registered at a vendor.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: Uri,
    host: Option<HeaderValue>,
}

impl Endpoint {
    /// None unless the URL is absolute. `host` replaces the `Host` header.
    pub(super) fn new(url: &str, host: Option<&str>) -> Option<Self> {
        let url = url.parse::<Uri>().ok().filter(|url| url.scheme().is_some() && url.host().is_some())?;
        Some(Self { url, host: host.and_then(|host| HeaderValue::from_str(host).ok()) })
    }

    fn host_text(&self) -> Option<&str> {
        self.host.as_ref().and_then(|host| host.to_str().ok())
    }
}

/// Where one webhook goes.
#[derive(Debug)]
pub(super) struct Target {
    /// The URL as the vendor knows it.
    pub(super) public: String,
    /// The URL to connect to.
    pub(super) address: Uri,
    /// What the `Host` header says, if not what the address says.
    pub(super) host: Option<HeaderValue>,
}

/// The target of a webhook: its own URL if it has one, else the vendor's endpoint. None when there is neither, or the URL
/// is none.
pub(super) fn target(endpoint: Option<&Endpoint>, own_url: Option<&str>) -> Option<Target> {
    let Some(own_url) = own_url else {
        let endpoint = endpoint?;
        let public = match endpoint.host_text() {
            Some(host) => format!("https://{host}{}", endpoint.url.path_and_query()?),
            None => endpoint.url.to_string(),
        };
        return Some(Target { public, address: endpoint.url.clone(), host: endpoint.host.clone() });
    };
    let public: Uri = own_url.parse().ok()?;
    let stands_in = |endpoint: &&Endpoint| endpoint.host_text() == public.authority().map(Authority::as_str);
    let (address, host) = match endpoint.filter(stands_in) {
        Some(endpoint) => (at(&endpoint.url, &public)?, endpoint.host.clone()),
        None => (public, None),
    };
    Some(Target { public: own_url.to_owned(), address, host })
}

/// Path and query of a URL at the scheme and authority of another.
fn at(place: &Uri, url: &Uri) -> Option<Uri> {
    let mut parts = Parts::default();
    parts.scheme = Some(place.scheme().cloned().unwrap_or(Scheme::HTTP));
    parts.authority = Some(place.authority()?.clone());
    parts.path_and_query = Some(url.path_and_query()?.clone());
    Uri::from_parts(parts).ok()
}
