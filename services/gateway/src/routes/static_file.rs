use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue},
    web::{Data, Path},
};

use crate::{problem::Problem, site::Site};

/// `GET /static/assets/…`
pub(crate) async fn send(
    site: Data<Site>,
    path: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let file = site.files.get(&path).ok_or_else(Problem::not_found)?;
    let mut answer = file.answer(&request);
    if site.files.are_elsewhere() {
        // They are fetched from here for that other place, which sends the headers on.
        let anybody = HeaderValue::from_static("cross-origin");
        let headers = answer.headers_mut();
        headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, anybody);
    }
    Ok(answer)
}
