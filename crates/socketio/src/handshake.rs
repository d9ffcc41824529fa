use std::net::SocketAddr;

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::Cookie,
    http::{Method, StatusCode, header},
    web::Query,
};
use engineioxide_core::{ProtocolVersion, TransportType};

/// The request a connection began with, copied into two strings so that it costs an idle
/// connection little.
#[derive(Debug)]
pub struct HandshakeData {
    query: Box<str>,
    /// `name: value` lines. Header values hold no line breaks.
    headers: Box<str>,
    peer_addr: Option<SocketAddr>,
}

impl HandshakeData {
    pub(crate) fn new(request: &HttpRequest) -> Self {
        let mut headers = String::new();
        for (name, value) in request.headers() {
            if let Ok(value) = value.to_str() {
                headers.push_str(name.as_str());
                headers.push(':');
                headers.push_str(value);
                headers.push('\n');
            }
        }
        Self {
            query: request.query_string().into(),
            headers: headers.into(),
            peer_addr: request.peer_addr(),
        }
    }

    /// The first header of this name, whatever its case. Values that are not visible ASCII are
    /// left out.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines()
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The cookie of this name, percent-decoded.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.lines()
            .filter(|(key, _)| *key == header::COOKIE.as_str())
            .flat_map(|(_, value)| value.split(';'))
            .filter_map(|pair| Cookie::parse_encoded(pair.trim()).ok())
            .find(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
    }

    /// The first query parameter of this name, percent-decoded.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        parameter(&self.query, name)
    }

    /// The other end of the TCP connection: with a proxy in front, the proxy.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.lines().filter_map(|line| line.split_once(':'))
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    Query::<Vec<(String, String)>>::from_query(query)
        .ok()?
        .into_inner()
        .into_iter()
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Why a request cannot begin or go on with a session; the discriminants are the protocol's
/// codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    UnknownTransport = 0,
    UnknownSid = 1,
    BadHandshakeMethod = 2,
    BadRequest = 3,
    UnsupportedVersion = 5,
}

impl Rejection {
    fn message(self) -> &'static str {
        match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSid => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::UnsupportedVersion => "Unsupported protocol version",
        }
    }

    pub(crate) fn response(self) -> HttpResponse {
        HttpResponse::build(StatusCode::BAD_REQUEST).json(serde_json::json!({
            "code": self as u8,
            "message": self.message(),
        }))
    }
}

/// Checks a request in the order of the reference implementation.
pub(crate) fn verify(request: &HttpRequest) -> Result<(), Rejection> {
    let query = request.query_string();
    match parameter(query, "transport").map(|name| name.parse()) {
        Some(Ok(TransportType::Websocket)) => {}
        _ => return Err(Rejection::UnknownTransport),
    }
    // Sessions begin and stay on their WebSocket, so no request can refer to one.
    if parameter(query, "sid").is_some() {
        return Err(Rejection::UnknownSid);
    }
    if request.method() != Method::GET {
        return Err(Rejection::BadHandshakeMethod);
    }
    if !request.headers().contains_key(header::UPGRADE) {
        return Err(Rejection::BadRequest);
    }
    match parameter(query, "EIO").map(|version| version.parse()) {
        Some(Ok(ProtocolVersion::V4)) => Ok(()),
        _ => Err(Rejection::UnsupportedVersion),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn keeps_what_an_application_asks_for() {
        let request = TestRequest::get()
            .uri("/socket.io/?EIO=4&name=J%C3%BCrgen+K")
            .insert_header(("X-Forwarded-For", "10.0.0.1"))
            .append_header(("Cookie", "a=1; packtchat.sid=s%3Ax.y"))
            .append_header(("Cookie", "b=2"))
            .peer_addr(([127, 0, 0, 1], 4000).into())
            .to_http_request();
        let data = HandshakeData::new(&request);
        assert_eq!(data.header("x-forwarded-for"), Some("10.0.0.1"));
        assert_eq!(data.header("origin"), None);
        assert_eq!(data.cookie("packtchat.sid").as_deref(), Some("s:x.y"));
        assert_eq!(data.cookie("b").as_deref(), Some("2"));
        assert_eq!(data.cookie("c"), None);
        assert_eq!(data.query("name").as_deref(), Some("Jürgen K"));
        assert_eq!(data.peer_addr(), Some(([127, 0, 0, 1], 4000).into()));
    }

    #[test]
    fn rejects_like_the_reference_implementation() {
        let upgrade = ("Upgrade", "websocket");
        for (method, uri, rejection) in [
            (Method::GET, "/", Rejection::UnknownTransport),
            (
                Method::GET,
                "/?transport=x&EIO=4",
                Rejection::UnknownTransport,
            ),
            (
                Method::GET,
                "/?transport=polling&EIO=4",
                Rejection::UnknownTransport,
            ),
            (
                Method::GET,
                "/?transport=websocket&EIO=4&sid=x",
                Rejection::UnknownSid,
            ),
            (
                Method::POST,
                "/?transport=websocket&EIO=4",
                Rejection::BadHandshakeMethod,
            ),
            (
                Method::GET,
                "/?transport=websocket&EIO=3",
                Rejection::UnsupportedVersion,
            ),
            (
                Method::GET,
                "/?transport=websocket",
                Rejection::UnsupportedVersion,
            ),
        ] {
            let request = TestRequest::with_uri(uri)
                .method(method)
                .insert_header(upgrade)
                .to_http_request();
            assert_eq!(verify(&request), Err(rejection), "{uri}");
        }
        let uri = "/?transport=websocket&EIO=4";
        let request = TestRequest::with_uri(uri).to_http_request();
        assert_eq!(verify(&request), Err(Rejection::BadRequest));
        let request = TestRequest::with_uri(uri)
            .insert_header(upgrade)
            .to_http_request();
        assert_eq!(verify(&request), Ok(()));
    }
}
