use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Query},
};
use serde::Deserialize;

use super::back_to_form::{Destination, back_to_form};
use crate::{
    csrf::ProtectedForm,
    draft::{Draft, Field},
    local_path::LocalPath,
    pages::{self, Bounds, FormField, LoginPage, Page},
    problem::Problem,
    redirect::see_other,
    session::Visit,
    site::Site,
};

/// What the form sends; a field that is missing counts as empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoginFields {
    username: String,
    password: String,
    next: String,
}

/// `GET /account/login`
pub(crate) async fn show(
    site: Data<Site>,
    mut visit: Visit,
    destination: Query<Destination>,
    draft: Draft,
) -> Result<HttpResponse, Problem> {
    let next = destination.next();
    if visit.user().is_some() {
        return visit.answer(onwards(&site, next.as_ref())).await;
    }
    let flash = visit.take_flash();
    let csrf = visit.begin().csrf.clone();
    let page = Page::new(&site, None, flash);
    let mut response = pages::html(&LoginPage {
        page: &page,
        csrf: &csrf,
        next: next.as_ref(),
        username: FormField::new(Field::Username, &draft.username, draft.wrong, &page),
        password: FormField::new(Field::Password, "", draft.wrong, &page),
        bounds: Bounds(site.limits),
        register: site.routes.register_then(next.as_ref()),
    })?;
    draft.forget(&mut response, site.cookie.secure)?;
    visit.answer(response).await
}

/// `POST /account/login`
pub(crate) async fn submit(
    request: HttpRequest,
    form: ProtectedForm<LoginFields>,
) -> Result<HttpResponse, Problem> {
    let ProtectedForm {
        site,
        mut visit,
        fields,
    } = form;
    let next = LocalPath::parse(&fields.next);
    match site
        .accounts
        .sign_in(&fields.username, &fields.password)
        .await
    {
        Ok(user) => {
            visit.sign_in(user).await?;
            visit.answer(onwards(&site, next.as_ref())).await
        }
        Err(refusal) => {
            let form = site.routes.login_then(next.as_ref());
            back_to_form(&request, &site, visit, &form, fields.username, &refusal).await
        }
    }
}

/// To where somebody who is signed in wanted to go.
pub(super) fn onwards(site: &Site, next: Option<&LocalPath>) -> HttpResponse {
    match next {
        Some(next) => see_other(next),
        None => see_other(&site.routes.chat),
    }
}
