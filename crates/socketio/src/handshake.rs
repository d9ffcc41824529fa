use std::net::{IpAddr, SocketAddr};

use actix_http::RequestHead;
use actix_web::{
    HttpResponse,
    cookie::Cookie,
    http::{Method, StatusCode, header},
};
use engineioxide_core::{ProtocolVersion, Sid, TransportType};

use crate::config::{Config, Transports};

/// The request a connection began with, copied into two strings so that it costs an idle
/// connection little.
#[derive(Debug)]
pub struct HandshakeData {
    query: Box<str>,
    /// `name: value` lines. Header values hold no line breaks.
    headers: Box<str>,
    peer_addr: Option<SocketAddr>,
    client: Option<IpAddr>,
}

impl HandshakeData {
    pub(crate) fn new(request: &RequestHead, config: &Config) -> Self {
        let mut headers = String::new();
        for (name, value) in &request.headers {
            if let Ok(value) = value.to_str() {
                headers.push_str(name.as_str());
                headers.push(':');
                headers.push_str(value);
                headers.push('\n');
            }
        }
        Self {
            query: request.uri.query().unwrap_or_default().into(),
            headers: headers.into(),
            peer_addr: request.peer_addr,
            client: client_addr(request, &config.trusted_proxies),
        }
    }

    /// The first header of this name, whatever its case. Values that are not visible ASCII are
    /// left out.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.lines()
            .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
    }

    /// The cookie of this name, whose value is percent-decoded. Its name is not: browsers keep
    /// others from setting `__Host-…`, and know nothing of encodings that mean the same.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.lines()
            .filter(|(key, _)| *key == header::COOKIE.as_str())
            .flat_map(|(_, value)| value.split(';'))
            .filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| Cookie::parse_encoded(format!("value={value}")).ok())
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

    /// The client's address: that of the other end, or, where that is one of
    /// [`Config::trusted_proxies`], the one it forwards for.
    #[must_use]
    pub fn client_addr(&self) -> Option<IpAddr> {
        self.client
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.lines().filter_map(|line| line.split_once(':'))
    }
}

fn client_addr(request: &RequestHead, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = request.peer_addr?.ip().to_canonical();
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    // A proxy appends; what stands before its own entry is the client's word.
    let last = request.headers.get_all("x-forwarded-for").last();
    let forwarded = last
        .and_then(|value| value.to_str().ok()?.rsplit(',').next())
        .and_then(|address| address.trim().parse().ok());
    Some(forwarded.unwrap_or(peer))
}

fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

/// Why a request cannot begin a session or go on with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    UnknownTransport,
    UnknownSid,
    BadHandshakeMethod,
    BadRequest,
    /// The application refuses it, for this reason.
    Forbidden(String),
    UnsupportedVersion,
    /// The body is larger than allowed.
    TooLarge,
    /// Too many connections from one address.
    TooManyFromAddress,
    /// Too many connections, or the server stops.
    Full,
    /// Nothing is served at the path asked for.
    WrongPath,
}

/// Seconds after which one who found the server full may try again.
const RETRY_AFTER: &str = "2";

impl Rejection {
    /// The code of the protocol's errors; the others are HTTP's alone.
    fn code(&self) -> Option<u8> {
        match self {
            Self::UnknownTransport => Some(0),
            Self::UnknownSid => Some(1),
            Self::BadHandshakeMethod => Some(2),
            Self::BadRequest => Some(3),
            Self::Forbidden(_) => Some(4),
            Self::UnsupportedVersion => Some(5),
            Self::TooLarge | Self::TooManyFromAddress | Self::Full | Self::WrongPath => None,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyFromAddress => StatusCode::TOO_MANY_REQUESTS,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::WrongPath => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn message(&self) -> &str {
        match self {
            Self::UnknownTransport => "Transport unknown",
            Self::UnknownSid => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden(message) => message,
            Self::UnsupportedVersion => "Unsupported protocol version",
            Self::TooLarge => "Payload too large",
            Self::TooManyFromAddress => "Too many connections from this address",
            Self::Full => "Too many connections, try again soon",
            Self::WrongPath => "Not found",
        }
    }

    pub(crate) fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        if matches!(self, Self::Full | Self::TooManyFromAddress) {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
        }
        match self.code() {
            Some(code) => response.json(serde_json::json!({
                "code": code,
                "message": self.message(),
            })),
            None => response.json(serde_json::json!({ "message": self.message() })),
        }
    }
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A new session.
    Open,
    /// This session, over the transport of the request.
    Session(Sid),
}

/// Checks a request in the order of the reference implementation. `upgrade`: whether it asks for
/// a WebSocket.
pub(crate) fn verify(
    request: &RequestHead,
    upgrade: bool,
    transports: Transports,
) -> Result<Wish, Rejection> {
    let query = request.uri.query().unwrap_or_default();
    let websocket = match parameter(query, "transport").map(|name| name.parse()) {
        Some(Ok(TransportType::Websocket)) if transports.websocket => true,
        Some(Ok(TransportType::Polling)) if transports.polling => false,
        _ => return Err(Rejection::UnknownTransport),
    };
    if let Some(id) = parameter(query, "sid") {
        let id = id.parse().map_err(|_| Rejection::UnknownSid)?;
        return if websocket == upgrade {
            Ok(Wish::Session(id))
        } else {
            Err(Rejection::BadRequest)
        };
    }
    if request.method != Method::GET {
        return Err(Rejection::BadHandshakeMethod);
    }
    if websocket != upgrade {
        return Err(Rejection::BadRequest);
    }
    match parameter(query, "EIO").map(|version| version.parse()) {
        Some(Ok(ProtocolVersion::V4)) => Ok(Wish::Open),
        _ => Err(Rejection::UnsupportedVersion),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{HttpRequest, test::TestRequest};

    use super::*;

    fn data(request: &HttpRequest, trusted_proxies: Vec<IpAddr>) -> HandshakeData {
        let config = Config {
            trusted_proxies,
            ..Config::default()
        };
        HandshakeData::new(request.head(), &config)
    }

    #[test]
    fn keeps_what_an_application_asks_for() {
        let request = TestRequest::get()
            .uri("/socket.io/?EIO=4&name=J%C3%BCrgen+K")
            .insert_header(("X-Forwarded-For", "10.0.0.1"))
            .append_header(("Cookie", "a=1; packtchat.sid=s%3Ax.y"))
            .append_header(("Cookie", "b=2"))
            .peer_addr(([127, 0, 0, 1], 4000).into())
            .to_http_request();
        let data = data(&request, vec![]);
        assert_eq!(data.header("x-forwarded-for"), Some("10.0.0.1"));
        assert_eq!(data.header("origin"), None);
        assert_eq!(data.cookie("packtchat.sid").as_deref(), Some("s:x.y"));
        assert_eq!(data.cookie("b").as_deref(), Some("2"));
        assert_eq!(data.cookie("c"), None);
        assert_eq!(data.query("name").as_deref(), Some("Jürgen K"));
        assert_eq!(data.peer_addr(), Some(([127, 0, 0, 1], 4000).into()));
    }

    #[test]
    fn a_cookie_has_its_name_to_the_letter() {
        for other in [
            "%5F%5FHost-sid=x",
            "__host-sid=x",
            "__Host-sid =x",
            "__Host-sid",
            "x__Host-sid=x",
        ] {
            let request = TestRequest::get().insert_header(("Cookie", other));
            let data = data(&request.to_http_request(), vec![]);
            assert_eq!(data.cookie("__Host-sid"), None, "{other}");
        }
    }

    #[test]
    fn believes_only_trusted_proxies_and_only_their_own_entry() {
        let proxy = IpAddr::from([127, 0, 0, 1]);
        let request = |forwarded: &'static [&str]| {
            let mut request = TestRequest::get().peer_addr((proxy, 4000).into());
            for forwarded in forwarded {
                request = request.append_header(("X-Forwarded-For", *forwarded));
            }
            request.to_http_request()
        };
        let client = |forwarded, trusted| data(&request(forwarded), trusted).client_addr();
        let expected = Some(IpAddr::from([10, 0, 0, 2]));
        assert_eq!(client(&["10.0.0.2"], vec![]), Some(proxy));
        assert_eq!(client(&["10.0.0.2"], vec![proxy]), expected);
        assert_eq!(client(&["10.0.0.1, 10.0.0.2"], vec![proxy]), expected);
        assert_eq!(client(&["10.0.0.1", "10.0.0.2"], vec![proxy]), expected);
        assert_eq!(client(&["nonsense"], vec![proxy]), Some(proxy));
        assert_eq!(client(&[], vec![proxy]), Some(proxy));
    }

    #[test]
    fn rejects_like_the_reference_implementation() {
        let both = Config::default().transports;
        let id = Sid::new();
        let known = format!("/?transport=polling&EIO=4&sid={id}");
        let upgrading = format!("/?transport=websocket&EIO=4&sid={id}");
        for (method, uri, upgrade, expected) in [
            ("GET", "/", false, Err(Rejection::UnknownTransport)),
            (
                "GET",
                "/?transport=x&EIO=4",
                false,
                Err(Rejection::UnknownTransport),
            ),
            (
                "GET",
                "/?transport=websocket&EIO=4&sid=x",
                true,
                Err(Rejection::UnknownSid),
            ),
            (
                "GET",
                "/?transport=polling&EIO=4&sid=",
                false,
                Err(Rejection::UnknownSid),
            ),
            ("GET", &known, false, Ok(Wish::Session(id))),
            ("POST", &known, false, Ok(Wish::Session(id))),
            ("GET", &known, true, Err(Rejection::BadRequest)),
            ("GET", &upgrading, true, Ok(Wish::Session(id))),
            ("GET", &upgrading, false, Err(Rejection::BadRequest)),
            (
                "POST",
                "/?transport=websocket&EIO=4",
                true,
                Err(Rejection::BadHandshakeMethod),
            ),
            (
                "POST",
                "/?transport=polling&EIO=4",
                false,
                Err(Rejection::BadHandshakeMethod),
            ),
            (
                "PUT",
                "/?transport=polling&EIO=4",
                false,
                Err(Rejection::BadHandshakeMethod),
            ),
            (
                "GET",
                "/?transport=websocket&EIO=4",
                false,
                Err(Rejection::BadRequest),
            ),
            (
                "GET",
                "/?transport=websocket&EIO=3",
                true,
                Err(Rejection::UnsupportedVersion),
            ),
            (
                "GET",
                "/?transport=polling",
                false,
                Err(Rejection::UnsupportedVersion),
            ),
            (
                "GET",
                "/?transport=polling&EIO=abc",
                false,
                Err(Rejection::UnsupportedVersion),
            ),
            ("GET", "/?transport=websocket&EIO=4", true, Ok(Wish::Open)),
            ("GET", "/?transport=polling&EIO=4", false, Ok(Wish::Open)),
        ] {
            let request = TestRequest::with_uri(uri)
                .method(method.parse().unwrap())
                .to_http_request();
            assert_eq!(
                verify(request.head(), upgrade, both),
                expected,
                "{method} {uri}"
            );
        }
    }

    #[test]
    fn a_transport_that_is_switched_off_is_unknown() {
        let only = |polling, websocket| Transports { polling, websocket };
        for (uri, upgrade, transports) in [
            ("/?transport=polling&EIO=4", false, only(false, true)),
            ("/?transport=websocket&EIO=4", true, only(true, false)),
        ] {
            let request = TestRequest::with_uri(uri).to_http_request();
            let rejection = verify(request.head(), upgrade, transports);
            assert_eq!(rejection, Err(Rejection::UnknownTransport));
        }
    }
}
