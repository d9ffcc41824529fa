use actix_web::{
    HttpRequest, HttpResponse,
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
    Ok(file.answer(&request))
}
