//! The requests of HTTP long-polling.

use actix_cors::Cors as Middleware;
use actix_web::{
    HttpRequest, HttpResponse,
    cookie::Cookie,
    http::{Method, header},
    web,
};
use bytes::Bytes;
use engineioxide_core::Sid;
use tokio::{sync::oneshot, time::timeout};

use super::{
    polling::{Answer, Polling, Visit},
    task::{Carrier, Task, now},
};
use crate::{
    config::{Config, Cors},
    connection::Connection,
    handshake::{HandshakeData, Rejection, Wish, verify},
    server::SocketIo,
};

/// Seconds a browser may go by the answer to a preflight request.
const PREFLIGHT_KEPT: usize = 600;

/// Answers a request of a client that polls.
pub(crate) async fn serve(
    io: SocketIo,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let mut response = match answer(&io, &request, payload).await {
        Ok(response) => response,
        Err(rejection) => rejection.response(),
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    response
}

async fn answer(
    io: &SocketIo,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Rejection> {
    let config = io.0.hub().config();
    match verify(request.head(), false, config.transports)? {
        Wish::Open => open(io, request).await,
        Wish::Session(id) => {
            let visits = io.0.hub().polling(id).ok_or(Rejection::UnknownSid)?;
            let visits = visits.ok_or(Rejection::BadRequest)?;
            let (reply, answer) = oneshot::channel();
            let visit = match *request.method() {
                Method::GET => Visit::Poll(reply),
                Method::POST => Visit::Post(body(payload, config).await?, reply),
                _ => return Err(Rejection::BadHandshakeMethod),
            };
            // Full only for a client that has more requests under way than it may.
            visits.try_send(visit).map_err(|_| Rejection::BadRequest)?;
            respond(answer).await
        }
    }
}

async fn open(io: &SocketIo, request: &HttpRequest) -> Result<HttpResponse, Rejection> {
    let shared = &io.0;
    let hub = shared.hub();
    let request = HandshakeData::new(request.head(), hub.config());
    shared.allow(&request)?;
    let place = hub.admit(request.client_addr())?;
    let upgradable = hub.config().transports.websocket;
    let connection = Connection::open(shared.clone(), request, place, upgradable, now());
    let cookie = cookie(hub.config(), connection.id());
    let (entry, visits) = hub.register(connection.id());
    let (reply, answer) = oneshot::channel();
    let polling = Polling::new(entry, visits, reply);
    Task::spawn(shared, connection, Carrier::Polling(Box::new(polling)));
    let mut response = respond(answer).await?;
    if let Some(cookie) = cookie {
        // It is well-formed: its name and attributes are the operator's, its value is an id.
        let _ = response.add_cookie(&cookie);
    }
    Ok(response)
}

/// The cookie to set on a client whose connection has this id.
pub(crate) fn cookie(config: &Config, id: Sid) -> Option<Cookie<'static>> {
    let mut cookie = config.cookie.clone()?;
    cookie.set_value(id.as_str().to_owned());
    Some(cookie)
}

/// A session that ends without an answer is not known any more.
async fn respond(answer: oneshot::Receiver<Answer>) -> Result<HttpResponse, Rejection> {
    match answer.await.map_err(|_| Rejection::UnknownSid)? {
        Answer::Payload(payload) => Ok(HttpResponse::Ok()
            .content_type("text/plain; charset=UTF-8")
            .body(payload)),
        Answer::Accepted => Ok(HttpResponse::Ok().content_type("text/html").body("ok")),
        Answer::Rejected(rejection) => Err(rejection),
    }
}

/// The body of a request, if it is not too large and comes in time.
async fn body(payload: web::Payload, config: &Config) -> Result<Bytes, Rejection> {
    let body = payload.to_bytes_limited(config.max_payload);
    match timeout(config.ping_timeout, body).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Err(_)) => Err(Rejection::TooLarge),
        Ok(Ok(Err(_))) | Err(_) => Err(Rejection::BadRequest),
    }
}

/// What answers browsers that ask for pages of other origins.
pub(crate) fn cors(cors: Option<&Cors>) -> Middleware {
    let Some(cors) = cors else {
        // Allows none.
        return Middleware::default();
    };
    let mut middleware = Middleware::default()
        // As the reference has it; which methods do what they should is not a matter of origins.
        .allowed_methods(["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"])
        .allow_any_header()
        .max_age(PREFLIGHT_KEPT);
    if cors.credentials {
        middleware = middleware.supports_credentials();
    }
    if cors.origins.is_empty() {
        middleware = middleware.allow_any_origin();
    }
    for origin in &cors.origins {
        middleware = middleware.allowed_origin(origin);
    }
    middleware
}
