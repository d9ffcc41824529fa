use std::fmt;

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};
use uuid::Uuid;

/// The header that carries a [`RequestId`] from the load balancer to us and from us to the browser.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken from outside, in bytes.
const MAX_BYTES: usize = 64;

/// What names a request in the load balancer's log, in ours and in the answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The load balancer's id where it gave a well-formed one, else a fresh one.
    fn of(given: Option<&HeaderValue>) -> Self {
        given
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_well_formed(id))
            .map_or_else(Self::generate, |id| Self(id.to_owned()))
    }

    fn generate() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    /// The id of this request; empty before [`request_id`] has run.
    pub(crate) fn in_request(request: &HttpRequest) -> Self {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self(String::new()))
    }
}

/// Bounded and of harmless characters, since it ends in logs.
fn is_well_formed(id: &str) -> bool {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    !id.is_empty() && id.len() <= MAX_BYTES && id.chars().all(harmless)
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Middleware: gives the request its id and tells it in the answer.
pub(crate) async fn request_id(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = RequestId::of(request.headers().get(X_REQUEST_ID));
    request.extensions_mut().insert(id.clone());
    let mut response = next.call(request).await?;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &str) -> RequestId {
        RequestId::of(HeaderValue::from_str(given).ok().as_ref())
    }

    #[test]
    fn a_well_formed_id_is_kept() {
        for id in ["a", "7F000001:9C40_0A-1.2", &"x".repeat(64)] {
            assert_eq!(of(id).to_string(), id);
        }
    }

    #[test]
    fn any_other_is_replaced() {
        for bad in ["", "a b", "a\"b", "<script>", "ä", &"x".repeat(65)] {
            let id = of(bad).to_string();
            assert_ne!(id, bad);
            assert!(is_well_formed(&id), "{id}");
        }
        assert_ne!(RequestId::of(None), RequestId::of(None));
    }
}
