use actix_web::{HttpResponse, http::header, web::Data};

use crate::site::Site;

/// `GET /favicon.ico`, for what asks without having read a page.
pub(crate) async fn redirect(site: Data<Site>) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, site.assets.logo.as_str()))
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .finish()
}
