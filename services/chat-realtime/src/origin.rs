//! Which pages may connect.
//!
//! Browsers let a page of any site open a WebSocket to any other, and send that one's cookies along. So a request that
//! names its `Origin` must come from a page of this site, or of one the operator has named. One without an `Origin` is
//! not a browser's, and carries no more than its sender has.

use std::net::IpAddr;

use actix_web::http::{Uri, header, uri::Scheme};
use serde::{Deserialize, Deserializer};
use settings::{TrustedProxies, comma_separated};
use socketio::HandshakeData;

/// Longest origin in the log, in characters.
const MAX_LOGGED: usize = 128;

/// What a refused client reads.
const REFUSED: &str = "Pages of this origin may not connect";

/// The site a page belongs to: scheme, host and port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Origin {
    secure: bool,
    /// In lower case.
    host: String,
    port: u16,
}

impl Origin {
    /// An origin as browsers write it, such as `https://chat.example.org` or `http://localhost:8080`.
    ///
    /// `None` for everything else, so for `null`, which stands for pages of no site.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let secure = match uri.scheme()? {
            scheme if *scheme == Scheme::HTTPS => true,
            scheme if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        let (host, port) = (authority.host(), authority.port_u16());
        let rest = authority.as_str().strip_prefix(host)?;
        let bare = rest.is_empty() || port.is_some_and(|port| rest == format!(":{port}"));
        let nothing_else = uri.path_and_query().is_none_or(|rest| rest.as_str() == "/");
        (!host.is_empty() && bare && nothing_else).then(|| Self {
            secure,
            host: host.to_ascii_lowercase(),
            port: port.unwrap_or(if secure { 443 } else { 80 }),
        })
    }

    /// As browsers write it.
    #[must_use]
    pub fn serialized(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        let host = &self.host;
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => format!("{scheme}://{host}"),
            (_, port) => format!("{scheme}://{host}:{port}"),
        }
    }
}

/// The origins beside its own whose pages may connect; comma-separated in a variable. Default none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AllowedOrigins(Vec<Origin>);

impl AllowedOrigins {
    /// These origins.
    #[must_use]
    pub fn new(origins: Vec<Origin>) -> Self {
        Self(origins)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Origin] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for AllowedOrigins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "an origin such as https://chat.example.org";
        comma_separated(deserializer, what, Origin::parse).map(Self)
    }
}

/// Decides which handshakes may go on.
#[derive(Clone, Debug)]
pub(crate) struct OriginCheck {
    /// The site is reached over TLS, whatever a proxy says.
    pub(crate) secure: bool,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) allowed: AllowedOrigins,
}

impl OriginCheck {
    /// # Errors
    /// What to tell a client that is refused.
    pub(crate) fn check(&self, request: &HandshakeData) -> Result<(), String> {
        let Some(origin) = request.header(header::ORIGIN.as_str()) else {
            return Ok(());
        };
        let host = request.header(header::HOST.as_str()).unwrap_or_default();
        if self.may_connect(origin, host, self.scheme(request)) {
            return Ok(());
        }
        let origin: String = origin.chars().take(MAX_LOGGED).collect();
        tracing::info!(origin, "a page of another origin may not connect");
        Err(REFUSED.to_owned())
    }

    /// `secure`: whether the request came over TLS, if that is known.
    fn may_connect(&self, origin: &str, host: &str, secure: Option<bool>) -> bool {
        let Some(origin) = Origin::parse(origin) else {
            return false;
        };
        if self.allowed.all().contains(&origin) {
            return true;
        }
        let scheme = if origin.secure { "https" } else { "http" };
        secure.is_none_or(|secure| secure == origin.secure)
            && Origin::parse(&format!("{scheme}://{host}")).as_ref() == Some(&origin)
    }

    fn scheme(&self, request: &HandshakeData) -> Option<bool> {
        if self.secure {
            return Some(true);
        }
        let peer: IpAddr = request.peer_addr()?.ip().to_canonical();
        if !self.trusted_proxies.addresses().contains(&peer) {
            return None;
        }
        match request.header(header::X_FORWARDED_PROTO.as_str())? {
            "https" => Some(true),
            "http" => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{IntoDeserializer, value};

    use super::*;

    fn check(allowed: &str) -> OriginCheck {
        OriginCheck {
            secure: false,
            trusted_proxies: TrustedProxies::default(),
            allowed: AllowedOrigins(allowed.split(',').filter_map(Origin::parse).collect()),
        }
    }

    #[test]
    fn the_pages_of_the_host_asked_may_connect() {
        for (origin, host, secure) in [
            ("https://chat.example.org", "chat.example.org", Some(true)),
            ("https://chat.example.org", "chat.example.org", None),
            (
                "https://chat.example.org",
                "chat.example.org:443",
                Some(true),
            ),
            ("http://chat.example.org", "Chat.Example.Org:80", None),
            ("http://localhost:8080", "localhost:8080", Some(false)),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", None),
            ("http://[::1]:8080", "[::1]:8080", None),
        ] {
            assert!(
                check("").may_connect(origin, host, secure),
                "{origin} of {host}"
            );
        }
    }

    #[test]
    fn the_pages_of_others_may_not() {
        for (origin, host, secure) in [
            ("null", "chat.example.org", None),
            ("", "chat.example.org", None),
            ("https://evil.example.org", "chat.example.org", None),
            (
                "https://chat.example.org.evil.com",
                "chat.example.org",
                None,
            ),
            ("https://example.org", "chat.example.org", None),
            ("https://chat.example.org:8443", "chat.example.org", None),
            ("https://chat.example.org", "chat.example.org:8443", None),
            ("http://chat.example.org", "chat.example.org", Some(true)),
            ("https://chat.example.org", "chat.example.org", Some(false)),
            ("http://chat.example.org", "chat.example.org:443", None),
            ("ftp://chat.example.org", "chat.example.org", None),
            ("file://", "chat.example.org", None),
            ("chat.example.org", "chat.example.org", None),
            (
                "https://chat.example.org@evil.com",
                "chat.example.org",
                None,
            ),
            ("https://x@chat.example.org", "x@chat.example.org", None),
            (
                "https://chat.example.org/path",
                "chat.example.org/path",
                None,
            ),
            (
                "https://chat.example.org, https://evil.com",
                "chat.example.org",
                None,
            ),
            ("https://chat.example.org", "", None),
            ("http://", "", None),
            ("http://:80", ":80", None),
            ("http://x:", "x:", None),
        ] {
            assert!(
                !check("").may_connect(origin, host, secure),
                "{origin} of {host}"
            );
        }
    }

    #[test]
    fn the_pages_the_operator_named_may() {
        let check = check("https://www.example.org,http://localhost:5173");
        for (origin, may) in [
            ("https://www.example.org", true),
            ("http://localhost:5173", true),
            ("http://www.example.org", false),
            ("https://www.example.org:444", false),
            ("null", false),
        ] {
            assert_eq!(
                check.may_connect(origin, "chat.example.org", Some(true)),
                may,
                "{origin}"
            );
        }
    }

    #[test]
    fn origins_are_named_between_commas() {
        let read = |text: &str| -> Result<AllowedOrigins, value::Error> {
            AllowedOrigins::deserialize(text.into_deserializer())
        };
        let two = read("https://a.example:443, http://B.example:81,").unwrap();
        let two: Vec<_> = two.all().iter().map(Origin::serialized).collect();
        assert_eq!(two, ["https://a.example", "http://b.example:81"]);
        assert!(read("").unwrap().all().is_empty());
        for wrong in ["*", "a.example", "https://a.example/chat", "null"] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains(&format!("'{wrong}'")), "{error}");
        }
    }
}
