use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Query},
};
use models::Username;

use super::account_form::{self, AccountFields, Destination};
use crate::{
    client_address::ClientAddress,
    csrf::ProtectedForm,
    draft::Draft,
    known_browser::KnownBrowser,
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
    client: ClientAddress,
    browser: KnownBrowser,
    form: ProtectedForm<AccountFields>,
) -> Result<HttpResponse, Problem> {
    let AccountFields {
        username, password, ..
    } = &form.fields;
    let site = &form.site;
    let register = site.accounts.register(username, password);
    let account = Username::parse(username, &site.limits).ok();
    let throttle = &site.throttle;
    let outcome = throttle
        .registration(client.0, account.as_ref(), register)
        .await;
    account_form::answer(&request, browser, form, outcome, RouteMap::register_then).await
}
