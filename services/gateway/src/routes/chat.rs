use actix_web::{HttpResponse, web::Data};

use crate::{
    local_path::LocalPath,
    pages::{self, ChatPage, Page},
    problem::Problem,
    redirect::see_other,
    session::Visit,
    site::Site,
};

/// `GET /chat`
pub(crate) async fn show(site: Data<Site>, mut visit: Visit) -> Result<HttpResponse, Problem> {
    let flash = match visit.user() {
        Some(_) => visit.take_flash(),
        None => Vec::new(),
    };
    let Some(user) = visit.user() else {
        let next = LocalPath::parse(site.routes.chat.as_str());
        let login = site.routes.login_then(next.as_ref());
        return visit.answer(see_other(login)).await;
    };
    let json = serde_json::to_string(user).map_err(Problem::broke)?;
    let page = Page::new(&site, Some(user), flash);
    let response = pages::html(&ChatPage {
        page: &page,
        user: &json,
        message_chars: site.limits.message_chars,
    })?;
    visit.answer(response).await
}
