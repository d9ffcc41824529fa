use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
    http::header,
    web::Data,
};

use crate::site::Site;

/// A cookie for this host alone, over HTTPS alone where `secure`, that no script can read and that requests from other
/// sites carry only where they open a page. Behind TLS its name is to begin with `__Host-`, which has browsers hold
/// everybody else to the same (RFC 6265bis, section 4.1.3.2).
pub(crate) fn site_cookie(
    name: &'static str,
    value: String,
    max_age_secs: u64,
    secure: bool,
) -> Cookie<'static> {
    let max_age = Duration::seconds(i64::try_from(max_age_secs).unwrap_or(i64::MAX));
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(max_age)
        .finish()
}

/// The value of the first cookie of this name that came with a request.
///
/// The name is compared to the letter: browsers keep others from setting `__Host-…`, and know nothing of the white space
/// and encodings that `HttpRequest::cookie` takes to mean the same.
pub(crate) fn cookie<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get_all(header::COOKIE)
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Are the cookies of the site that got this request for HTTPS alone?
pub(crate) fn is_secure(request: &HttpRequest) -> bool {
    request
        .app_data::<Data<Site>>()
        .is_some_and(|site| site.cookie.secure)
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};

    use super::*;

    #[test]
    fn a_cookie_has_its_name_to_the_letter() {
        let value_of = |line: &[u8]| {
            let line = HeaderValue::from_bytes(line).unwrap();
            let request = TestRequest::get().insert_header((header::COOKIE, line));
            cookie(&request.to_http_request(), "__Host-sid").map(str::to_owned)
        };
        assert_eq!(value_of(b"a=1; __Host-sid=x=y; b").as_deref(), Some("x=y"));
        assert_eq!(
            value_of(b"__Host-sid=first;__Host-sid=second").unwrap(),
            "first"
        );
        for other in [
            &b"%5F%5FHost-sid=x"[..],
            b"__host-sid=x",
            b"\xe2\x80\x80__Host-sid=x",
            b"\xc2\xa0__Host-sid=x",
            b"__Host-sid =x",
            b"__Host-sid",
            b"x__Host-sid=x",
        ] {
            assert_eq!(value_of(other), None, "{}", other.escape_ascii());
        }
    }
}
