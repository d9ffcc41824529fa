use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
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

/// Are the cookies of the site that got this request for HTTPS alone?
pub(crate) fn is_secure(request: &HttpRequest) -> bool {
    request
        .app_data::<Data<Site>>()
        .is_some_and(|site| site.cookie.secure)
}
