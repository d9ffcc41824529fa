use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CROSS_ORIGIN_OPENER_POLICY,
        CROSS_ORIGIN_RESOURCE_POLICY, HeaderName, HeaderValue, InvalidHeaderValue,
        PERMISSIONS_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
        X_FRAME_OPTIONS,
    },
    middleware::Next,
    web::Data,
};
use url::Url;

use crate::site::Site;

/// Two years, for all hosts below this one too.
const HTTPS_ONLY: &str = "max-age=63072000; includeSubDomains";

/// What browsers could let pages do, of which ours do nothing.
const FEATURES: [&str; 21] = [
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
];

/// What every answer tells the browser to be careful about, unless it says otherwise itself.
pub(crate) struct SecurityHeaders(Vec<(HeaderName, HeaderValue)>);

impl SecurityHeaders {
    /// For a site whose static files are at `static_url` if they are elsewhere, and which is `secure` if browsers reach
    /// it over HTTPS.
    pub(crate) fn new(static_url: Option<&Url>, secure: bool) -> Result<Self, InvalidHeaderValue> {
        let fixed = HeaderValue::from_static;
        let mut headers = vec![
            (
                CONTENT_SECURITY_POLICY,
                HeaderValue::try_from(content_policy(static_url))?,
            ),
            (
                PERMISSIONS_POLICY,
                HeaderValue::try_from(FEATURES.map(|name| format!("{name}=()")).join(", "))?,
            ),
            (X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
            (X_FRAME_OPTIONS, fixed("DENY")),
            (REFERRER_POLICY, fixed("same-origin")),
            (CROSS_ORIGIN_OPENER_POLICY, fixed("same-origin")),
            (CROSS_ORIGIN_RESOURCE_POLICY, fixed("same-origin")),
            (CACHE_CONTROL, fixed("no-store")),
        ];
        if secure {
            headers.push((STRICT_TRANSPORT_SECURITY, fixed(HTTPS_ONLY)));
        }
        Ok(Self(headers))
    }
}

/// Middleware: what every answer tells the browser to be careful about.
pub(crate) async fn security_headers(
    site: Data<Site>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    for (name, value) in &site.security_headers.0 {
        if !headers.contains_key(name) {
            headers.insert(name.clone(), value.clone());
        }
    }
    Ok(response)
}

/// This site alone, and where the static files are if they are elsewhere. Nothing inline, and no text becomes a
/// script: the pages use no sink of the DOM that could make one (Trusted Types).
fn content_policy(static_url: Option<&Url>) -> String {
    let files = static_url.map_or_else(String::new, |url| {
        format!(" {}", url.origin().ascii_serialization())
    });
    [
        "default-src 'none'".to_owned(),
        format!("script-src 'self'{files}"),
        format!("style-src 'self'{files}"),
        format!("img-src 'self' data:{files}"),
        format!("font-src 'self'{files}"),
        // Which is also where the socket is, by WebSocket or by polling.
        "connect-src 'self'".to_owned(),
        "object-src 'none'".to_owned(),
        "base-uri 'none'".to_owned(),
        "form-action 'self'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
        "require-trusted-types-for 'script'".to_owned(),
        "trusted-types 'none'".to_owned(),
    ]
    .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_site_unless_static_files_are_elsewhere() {
        assert_eq!(
            content_policy(None),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'"
        );
        let cdn = Url::parse("https://cdn.example:8443/packtchat/").unwrap();
        let policy = content_policy(Some(&cdn));
        for part in [
            "script-src 'self' https://cdn.example:8443;",
            "style-src 'self' https://cdn.example:8443;",
            "font-src 'self' https://cdn.example:8443;",
            "img-src 'self' data: https://cdn.example:8443;",
            "connect-src 'self';",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
    }

    #[test]
    fn https_is_remembered_where_there_is_https() {
        let has = |secure| {
            let headers = SecurityHeaders::new(None, secure).unwrap();
            let mut names = headers.0.iter().map(|(name, _)| name);
            names.any(|name| *name == STRICT_TRANSPORT_SECURITY)
        };
        assert!(has(true));
        assert!(!has(false));
    }
}
