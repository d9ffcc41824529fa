use std::fmt::Display;

use actix_web::{HttpResponse, http::header};

/// Sends the browser on to another page of this site with a GET, whatever the method of this request was.
pub(crate) fn see_other(location: impl Display) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location.to_string()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}
