use actix_web::{HttpResponse, web::Data};
use models::session::FlashKind;
use serde::Deserialize;

use crate::{
    csrf::ProtectedForm,
    local_path::LocalPath,
    pages::{self, LogoutPage, Page},
    problem::Problem,
    redirect::see_other,
    session::Visit,
    site::Site,
};

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct LogoutFields {
    /// Where to go then; the index page unless told otherwise.
    #[serde(default)]
    next: String,
}

/// `GET /account/logout`
pub(crate) async fn show(site: Data<Site>, mut visit: Visit) -> Result<HttpResponse, Problem> {
    if visit.user().is_none() {
        return visit.answer(see_other(&site.routes.index)).await;
    }
    let flash = visit.take_flash();
    let csrf = visit.csrf().expose().to_owned();
    let page = Page::new(&site, visit.user(), flash);
    let response = pages::html(&LogoutPage {
        page: &page,
        csrf: &csrf,
    })?;
    visit.answer(response).await
}

/// `POST /account/logout`
pub(crate) async fn submit(form: ProtectedForm<LogoutFields>) -> Result<HttpResponse, Problem> {
    let ProtectedForm {
        site,
        mut visit,
        fields,
    } = form;
    visit.sign_out().await?;
    visit.flash(FlashKind::Info, "You are signed out.");
    let next = LocalPath::parse(&fields.next);
    let next = next.map_or_else(|| site.routes.index.to_string(), |next| next.to_string());
    visit.answer(see_other(next)).await
}
