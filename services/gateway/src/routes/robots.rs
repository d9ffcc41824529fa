use actix_web::{HttpResponse, http::header, web::Data};

use crate::site::Site;

/// `GET /robots.txt`: the index page is for search engines, forms and the chat are not.
pub(crate) async fn show(site: Data<Site>) -> HttpResponse {
    let routes = &site.routes;
    let mut text = "User-agent: *\n".to_owned();
    for path in [
        &routes.login,
        &routes.register,
        &routes.logout,
        &routes.auth,
        &routes.username,
        &routes.account,
        &routes.chat,
    ] {
        text.push_str(&format!("Disallow: {path}\n"));
    }
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=86400"))
        .body(text)
}
