use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{
        CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        X_FRAME_OPTIONS,
    },
    middleware::Next,
    web::Data,
};
use url::Url;

use crate::site::Site;

/// Middleware: what every answer tells the browser to be careful about.
pub(crate) async fn security_headers(
    site: Data<Site>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(CONTENT_SECURITY_POLICY, site.content_policy.clone());
    Ok(response)
}

/// The Content-Security-Policy: this site alone, and where the static files are if they are elsewhere.
pub(crate) fn content_policy(static_url: Option<&Url>) -> Result<HeaderValue, anyhow::Error> {
    let elsewhere = static_url.map_or_else(String::new, |url| {
        let origin = url.origin().ascii_serialization();
        format!("script-src 'self' {origin}; style-src 'self' {origin}; font-src 'self' {origin}; ")
    });
    let pictures = static_url.map_or_else(String::new, |url| {
        format!(" {}", url.origin().ascii_serialization())
    });
    let policy = format!(
        "default-src 'self'; {elsewhere}img-src 'self' data:{pictures}; object-src 'none'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'"
    );
    Ok(HeaderValue::from_str(&policy)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_site_unless_static_files_are_elsewhere() {
        let own = content_policy(None).unwrap();
        assert_eq!(
            own.to_str().unwrap(),
            "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
             frame-ancestors 'none'; form-action 'self'"
        );
        let cdn = Url::parse("https://cdn.example:8443/packtchat/").unwrap();
        let policy = content_policy(Some(&cdn)).unwrap();
        let policy = policy.to_str().unwrap();
        for part in [
            "script-src 'self' https://cdn.example:8443;",
            "style-src 'self' https://cdn.example:8443;",
            "font-src 'self' https://cdn.example:8443;",
            "img-src 'self' data: https://cdn.example:8443;",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
    }
}
