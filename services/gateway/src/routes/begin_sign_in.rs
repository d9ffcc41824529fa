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
    local_path::LocalPath, problem::Problem, redirect::see_other, session::Visit, site::Site,
};

/// `GET /auth/{provider}`: on to the provider's page.
pub(crate) async fn begin(
    request: HttpRequest,
    site: Data<Site>,
    mut visit: Visit,
    provider: Path<String>,
    destination: Query<Destination>,
) -> Result<HttpResponse, Problem> {
    let next = LocalPath::parse(&destination.next);
    if visit.user().is_some() {
        return visit.answer(onwards(&site, next.as_ref())).await;
    }
    let purpose = SignInPurpose::SignIn {
        next: next.map(|next| next.to_string()),
    };
    match provider_sign_in::begin(&site, &mut visit, &provider, purpose.clone()).await {
        Ok(url) => visit.answer(see_other(url)).await,
        Err(refusal) => {
            let form = provider_sign_in::form(&site, &visit, &purpose);
            provider_sign_in::back(&request, visit, form, refusal).await
        }
    }
}
