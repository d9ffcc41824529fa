use actix_web::{HttpResponse, web::Data};

use crate::{
    pages::{self, IndexPage, Page},
    problem::Problem,
    session::Visit,
    site::Site,
};

/// `GET /`. Where sessions cannot be had, the page greets nobody in particular rather than fail.
pub(crate) async fn show(site: Data<Site>, visit: Option<Visit>) -> Result<HttpResponse, Problem> {
    let Some(mut visit) = visit else {
        let page = Page::of_anybody(&site);
        return pages::html(&IndexPage { page: &page });
    };
    let flash = visit.take_flash();
    let page = Page::new(&site, visit.user(), flash);
    let response = pages::html(&IndexPage { page: &page })?;
    visit.answer(response).await
}
