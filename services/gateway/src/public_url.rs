use std::fmt;

use serde::Deserialize;
use url::Url;

/// Where browsers reach the site: an `http` or `https` origin.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct PublicUrl(Url);

/// Why the site cannot be where it is configured to be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPublicUrl {
    /// It is no address of a whole site.
    #[error(
        "{0:?} will not do as http.public_url: give http:// or https:// and the host, with a port where it needs one, \
         and nothing after it"
    )]
    Form(String),
    /// One says HTTPS, the other does not.
    #[error(
        "PACKTCHAT__HTTP__PUBLIC_URL is {url} while PACKTCHAT__SESSION__SECURE is {secure}: set it to true where \
         browsers reach the site over https, and to false where they do not"
    )]
    Secure {
        /// Where browsers are said to reach the site.
        url: PublicUrl,
        /// Whether they are said to do so over HTTPS.
        secure: bool,
    },
}

impl PublicUrl {
    /// Parses `http://host`, `https://host:port`, …
    ///
    /// # Errors
    /// When it is no address, another scheme's, or more than an origin.
    pub fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        Url::parse(text)
            .ok()
            .filter(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.path() == "/"
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && url.username().is_empty()
                    && url.password().is_none()
            })
            .map(Self)
            .ok_or_else(|| InvalidPublicUrl::Form(text.to_owned()))
    }

    /// The address of a path of the site, such as one of [`RouteMap`](crate::RouteMap)'s.
    #[must_use]
    pub fn of(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// Do browsers reach the site over HTTPS?
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Holds it to what the sessions' setting says of HTTPS.
    ///
    /// # Errors
    /// When one says yes and the other no.
    pub fn fits(&self, secure: bool) -> Result<(), InvalidPublicUrl> {
        if self.is_https() == secure {
            Ok(())
        } else {
            let url = self.clone();
            Err(InvalidPublicUrl::Secure { url, secure })
        }
    }
}

impl Default for PublicUrl {
    #[expect(clippy::expect_used, reason = "the text is a constant, and tested")]
    fn default() -> Self {
        Self::parse("http://localhost:8080").expect("the default is an origin")
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = InvalidPublicUrl;

    fn try_from(text: String) -> Result<Self, InvalidPublicUrl> {
        Self::parse(&text)
    }
}

/// The origin, without a slash at its end.
impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_pages_begin_with_it() {
        assert_eq!(
            PublicUrl::default().of("/chat"),
            "http://localhost:8080/chat"
        );
        let url = PublicUrl::parse("https://Chat.Example:443/").unwrap();
        assert_eq!(url.of("/"), "https://chat.example/");
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for wrong in [
            "",
            "chat.example",
            "ftp://chat.example",
            "https://chat.example/chat",
            "https://chat.example?x",
            "https://chat.example/#x",
            "https://me@chat.example",
        ] {
            let error = PublicUrl::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("http.public_url"), "{error}");
        }
    }

    #[test]
    fn it_must_fit_what_cookies_are_told() {
        let (plain, secure) = (
            PublicUrl::default(),
            PublicUrl::parse("https://chat.example").unwrap(),
        );
        assert!(plain.fits(false).is_ok() && secure.fits(true).is_ok());
        for (url, secure) in [(plain, true), (secure, false)] {
            let error = url.fits(secure).unwrap_err().to_string();
            assert!(error.contains("PACKTCHAT__SESSION__SECURE is "), "{error}");
        }
    }
}
