use std::time::Instant;

use actix_web::{
    Error,
    body::{BodySize, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
};
use tracing::Instrument;

use crate::request_id::RequestId;

/// Longest path in a line, in bytes; paths are ASCII.
const MAX_PATH: usize = 256;

/// Middleware: one line for each request, and a span around everything else that is logged for it.
///
/// Neither queries nor headers are logged: they may hold what nobody but the visitor should read.
pub(crate) async fn access_log(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let method = request.method().clone();
    let path: String = request.path().chars().take(MAX_PATH).collect();
    let request_id = RequestId::in_request(request.request());
    let span = tracing::info_span!("request", %request_id);
    let response = next.call(request).instrument(span).await?;
    let bytes = match response.response().body().size() {
        BodySize::Sized(bytes) if method != Method::HEAD => bytes,
        _ => 0,
    };
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = response.status().as_u16();
    tracing::info!(%method, path, status, ms, bytes, %request_id, "{method} {path} {status}");
    Ok(response)
}
