use actix_web::{
    HttpMessage,
    http::header::{AcceptEncoding, Encoding, Header},
};

/// A way a file lies ready.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Coding {
    /// As it is.
    Identity,
    /// Brotli.
    Brotli,
    /// Gzip.
    Gzip,
}

impl Coding {
    /// Its name in `Content-Encoding`; the file as it is has none.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }
}

/// The best of the codings at hand for this request: the one it likes best, Brotli where it likes several as well.
/// Who accepts none of them gets the file as it is, which is of more use than a refusal.
pub(super) fn choose(request: &impl HttpMessage, brotli: bool, gzip: bool) -> Coding {
    let mut at_hand = vec![Encoding::identity()];
    if brotli {
        at_hand.push(Encoding::brotli());
    }
    if gzip {
        at_hand.push(Encoding::gzip());
    }
    let chosen = AcceptEncoding::parse(request)
        .ok()
        .and_then(|accept| accept.negotiate(at_hand.iter()));
    match chosen {
        Some(encoding) if encoding == Encoding::brotli() => Coding::Brotli,
        Some(encoding) if encoding == Encoding::gzip() => Coding::Gzip,
        _ => Coding::Identity,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::ACCEPT_ENCODING, test::TestRequest};

    use super::*;

    #[test]
    fn quality_decides_then_size() {
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip, br", Coding::Brotli),
            ("br;q=0.5, gzip;q=0.8", Coding::Gzip),
            ("br;q=0, gzip", Coding::Gzip),
            ("gzip", Coding::Gzip),
            ("GZIP", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("gzip;q=0.1, identity", Coding::Identity),
            ("zstd", Coding::Identity),
            ("", Coding::Identity),
            ("identity;q=0", Coding::Identity),
            ("br;q=nonsense", Coding::Identity),
        ] {
            let request = TestRequest::get()
                .insert_header((ACCEPT_ENCODING, accept))
                .to_http_request();
            assert_eq!(choose(&request, true, true), expected, "{accept}");
        }
    }

    #[test]
    fn only_what_is_at_hand_is_chosen() {
        let request = TestRequest::get()
            .insert_header((ACCEPT_ENCODING, "br, gzip;q=0.5"))
            .to_http_request();
        assert_eq!(choose(&request, false, true), Coding::Gzip);
        assert_eq!(choose(&request, false, false), Coding::Identity);
        let without = TestRequest::get().to_http_request();
        assert_eq!(choose(&without, true, true), Coding::Identity);
    }
}
