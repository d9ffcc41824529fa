use std::path::Path;

use actix_web::{
    HttpMessage, HttpResponse,
    http::header::{
        CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, EntityTag, Header, IfNoneMatch, VARY,
    },
};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::encoding::{Coding, choose};

/// A file and its compressed forms.
pub(crate) struct StaticFile {
    content_type: &'static str,
    identity: Representation,
    brotli: Option<Representation>,
    gzip: Option<Representation>,
}

/// One form of a file.
struct Representation {
    bytes: Bytes,
    etag: EntityTag,
}

impl Representation {
    fn new(bytes: Bytes) -> Self {
        let digest = Sha256::digest(&bytes);
        let tag = digest[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            bytes,
            etag: EntityTag::new_strong(tag),
        }
    }
}

impl StaticFile {
    pub(super) fn new(
        content_type: &'static str,
        identity: Bytes,
        brotli: Option<Bytes>,
        gzip: Option<Bytes>,
    ) -> Self {
        Self {
            content_type,
            identity: Representation::new(identity),
            brotli: brotli.map(Representation::new),
            gzip: gzip.map(Representation::new),
        }
    }

    /// The answer to this request: the form it likes best, or that it has it already.
    pub(crate) fn answer(&self, request: &impl HttpMessage) -> HttpResponse {
        let coding = choose(request, self.brotli.is_some(), self.gzip.is_some());
        let form = match coding {
            Coding::Brotli => self.brotli.as_ref(),
            Coding::Gzip => self.gzip.as_ref(),
            Coding::Identity => None,
        };
        let form = form.unwrap_or(&self.identity);
        let known = is_known(request, &form.etag);
        let mut answer = if known {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        // The names carry a hash of the contents: what has a name never changes.
        answer
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .insert_header((ETAG, form.etag.clone()))
            .insert_header((VARY, "Accept-Encoding"));
        if known {
            return answer.finish();
        }
        if let Some(name) = coding.name() {
            answer.insert_header((CONTENT_ENCODING, name));
        }
        answer
            .insert_header((CONTENT_TYPE, self.content_type))
            .body(form.bytes.clone())
    }
}

fn is_known(request: &impl HttpMessage, etag: &EntityTag) -> bool {
    // A request without the header parses as one with an empty list.
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(etag)),
        Err(_) => false,
    }
}

/// The type of a file, by its extension.
pub(super) fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|ext| ext.to_str()) {
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("avif") => "image/avif",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        http::{
            StatusCode,
            header::{ACCEPT_ENCODING, IF_NONE_MATCH},
        },
        test::TestRequest,
    };

    use super::*;

    fn file() -> StaticFile {
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        StaticFile::new("text/css", bytes("plain"), Some(bytes("brotli")), None)
    }

    fn answer(encoding: &str, known: Option<&str>) -> HttpResponse {
        let mut request = TestRequest::get().insert_header((ACCEPT_ENCODING, encoding));
        if let Some(known) = known {
            request = request.insert_header((IF_NONE_MATCH, known));
        }
        file().answer(&request.to_http_request())
    }

    fn etag(answer: &HttpResponse) -> String {
        answer
            .headers()
            .get(ETAG)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn each_form_has_its_own_tag() {
        let (plain, brotli) = (etag(&answer("identity", None)), etag(&answer("br", None)));
        assert_ne!(plain, brotli);
        assert_eq!(
            answer("br", Some(&brotli)).status(),
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(
            answer("br", Some(&format!("\"x\", W/{brotli}"))).status(),
            StatusCode::NOT_MODIFIED
        );
        assert_eq!(answer("br", Some("*")).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer("br", Some(&plain)).status(), StatusCode::OK);
        assert_eq!(answer("br", Some("nonsense")).status(), StatusCode::OK);
    }

    #[test]
    fn types_are_those_browsers_insist_on() {
        for (name, expected) in [
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.svg", "image/svg+xml"),
            ("a", "application/octet-stream"),
        ] {
            assert_eq!(content_type(Path::new(name)), expected);
        }
    }
}
