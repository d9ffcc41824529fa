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
    pages::{self, LoginPage},
    problem::Problem,
    route_map::RouteMap,
    session::Visit,
    site::Site,
};

/// `GET /account/login`
pub(crate) async fn show(
    site: Data<Site>,
    visit: Visit,
    destination: Query<Destination>,
    draft: Draft,
) -> Result<HttpResponse, Problem> {
    account_form::show(&site, visit, &destination, draft, |page, form| {
        let register = site.routes.register_then(form.next);
        pages::html(&LoginPage {
            page,
            form,
            register,
        })
    })
    .await
}

/// `POST /account/login`
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
    let sign_in = site.accounts.sign_in(username, password);
    let outcome = match Username::of_any_length(username) {
        Ok(account) => {
            let device = browser.of(site, &account);
            let throttle = &site.throttle;
            throttle.sign_in(&account, device, client.0, sign_in).await
        }
        // No account has such a name, and nothing will be asked.
        Err(_) => sign_in.await,
    };
    account_form::answer(&request, browser, form, outcome, RouteMap::login_then).await
}
