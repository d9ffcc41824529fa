use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Query},
};
use models::session::SignInPurpose;

use super::{
    account_form::{Destination, onwards},
    provider_sign_in,
};
use crate::{
    client_address::ClientAddress, local_path::LocalPath, problem::Problem, redirect::see_other,
    session::Visit, site::Site,
};

/// `GET /auth/{provider}`: on to the provider's page.
///
/// Where another site's page leads here, somebody might be signed in who did not mean to be: they get the form, whose
/// buttons say what they do (OWASP ASVS 5.0, 7.6.2).
pub(crate) async fn begin(
    request: HttpRequest,
    site: Data<Site>,
    mut visit: Visit,
    client: ClientAddress,
    provider: Path<String>,
    destination: Query<Destination>,
) -> Result<HttpResponse, Problem> {
    let next = LocalPath::parse(&destination.next);
    if visit.user().is_some() {
        return visit.answer(onwards(&site, next.as_ref())).await;
    }
    if is_led_here(&request) {
        let form = site.routes.login_then(next.as_ref());
        return visit.answer(see_other(form)).await;
    }
    let purpose = SignInPurpose::SignIn {
        next: next.map(|next| next.to_string()),
    };
    let begin = provider_sign_in::begin(&site, &mut visit, &provider, purpose.clone());
    match site.throttle.provider(client.0, begin).await {
        Ok(url) => visit.answer(see_other(url)).await,
        Err(refusal) => {
            let form = provider_sign_in::form(&site, &visit, &purpose);
            provider_sign_in::back(&request, visit, form, refusal).await
        }
    }
}

/// Has a page of another site led the browser here? Those that do not say count as led by nobody.
fn is_led_here(request: &HttpRequest) -> bool {
    let site = request.headers().get("sec-fetch-site");
    site.is_some_and(|site| site != "same-origin" && site != "none")
}
