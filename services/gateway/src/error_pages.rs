use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{Accept, CACHE_CONTROL, CONTENT_TYPE, Header, HeaderValue, RETRY_AFTER},
    },
    middleware::Next,
    mime,
    web::Data,
};
use serde_json::json;

use crate::{
    local_path::LocalPath,
    pages::{self, Page},
    problem::{Problem, detail_of},
    request_id::RequestId,
    site::Site,
};

/// Seconds after which a client may come back to a 503.
const RETRY_AFTER_SECS: u32 = 2;

/// Middleware: an error gets its page, or its problem document (RFC 9457) where the caller prefers JSON. The cause
/// of a 500 is logged here, once.
pub(crate) async fn error_pages(
    site: Data<Site>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let detail = match response
        .error()
        .and_then(|error| error.as_error::<Problem>())
    {
        Some(problem) => {
            if let Some(cause) = problem.cause() {
                tracing::error!(error = format!("{cause:#}"), "a request failed");
            }
            problem.detail().to_owned()
        }
        None => detail_of(status).to_owned(),
    };
    let (content_type, body) = if prefers_json(&request) {
        (
            "application/problem+json",
            document(&request, status, &detail),
        )
    } else {
        (
            "text/html; charset=utf-8",
            page(&site, &request, status, &detail),
        )
    };
    let mut response = response.set_body(BoxBody::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECS));
    }
    Ok(ServiceResponse::new(request, response))
}

/// Would the caller rather read JSON than a page?
pub(crate) fn prefers_json(request: &impl HttpMessage) -> bool {
    let Ok(accept) = Accept::parse(request) else {
        return false;
    };
    accept
        .ranked()
        .iter()
        .find_map(|wanted| match (wanted.subtype(), wanted.suffix()) {
            (mime::JSON, _) | (_, Some(mime::JSON)) => Some(true),
            (mime::HTML | mime::STAR, _) => Some(false),
            _ => None,
        })
        .unwrap_or(false)
}

fn document(request: &HttpRequest, status: StatusCode, detail: &str) -> String {
    json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "request_id": RequestId::in_request(request).to_string(),
    })
    .to_string()
}

fn page(site: &Site, request: &HttpRequest, status: StatusCode, detail: &str) -> String {
    let page = Page::of_anybody(site);
    // Only paths of our routes come here, but what is made a link is parsed like any other.
    let path = LocalPath::parse(request.path())
        .map_or_else(|| site.routes.index.to_string(), |path| path.to_string());
    pages::error(
        &page,
        status,
        detail,
        &path,
        &RequestId::in_request(request),
    )
    .unwrap_or_else(|error| {
        tracing::error!(%error, "an error page could not be rendered");
        detail.to_owned()
    })
}

/// The answer to whatever has no route.
pub(crate) async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::not_found())
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::ACCEPT, test::TestRequest};

    use super::*;

    #[test]
    fn the_first_of_json_and_html_wins() {
        for (accept, json) in [
            ("", false),
            ("*/*", false),
            ("application/json", true),
            ("application/problem+json", true),
            ("application/json, */*;q=0.5", true),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                false,
            ),
            ("text/html;q=0.5, application/json", true),
            ("application/json;q=0.5, text/html", false),
            ("image/png", false),
            ("no sense at all", false),
        ] {
            let request = TestRequest::get()
                .insert_header((ACCEPT, accept))
                .to_http_request();
            assert_eq!(prefers_json(&request), json, "{accept}");
        }
    }
}
