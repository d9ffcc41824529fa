use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Query},
};

use super::account_form::{self, AccountFields, Destination};
use crate::{
    csrf::ProtectedForm,
    draft::Draft,
    pages::{self, RegisterPage},
    problem::Problem,
    route_map::RouteMap,
    session::Visit,
    site::Site,
};

/// `GET /account/register`
pub(crate) async fn show(
    site: Data<Site>,
    visit: Visit,
    destination: Query<Destination>,
    draft: Draft,
) -> Result<HttpResponse, Problem> {
    account_form::show(&site, visit, &destination, draft, |page, form| {
        let login = site.routes.login_then(form.next);
        pages::html(&RegisterPage { page, form, login })
    })
    .await
}

/// `POST /account/register`
pub(crate) async fn submit(
    request: HttpRequest,
    form: ProtectedForm<AccountFields>,
) -> Result<HttpResponse, Problem> {
    let AccountFields {
        username, password, ..
    } = &form.fields;
    let outcome = form.site.accounts.register(username, password).await;
    account_form::answer(&request, form, outcome, RouteMap::register_then).await
}
