use actix_web::{HttpRequest, HttpResponse};
use models::session::SignInPurpose;
use serde::Deserialize;

use super::{account_action, provider_sign_in};
use crate::{
    client_address::ClientAddress,
    csrf::ProtectedForm,
    pages::{self, OnwardsPage, Page},
    problem::Problem,
};

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct LinkFields {
    /// The provider's name.
    #[serde(default)]
    provider: String,
}

/// `POST /account/link`: on to the provider, whose identity is linked when the browser comes back.
///
/// The way on is a page rather than a redirect: the Content-Security-Policy lets forms lead to this site alone, and
/// browsers hold redirects of a form to that, too.
pub(crate) async fn submit(
    request: HttpRequest,
    client: ClientAddress,
    form: ProtectedForm<LinkFields>,
) -> Result<HttpResponse, Problem> {
    let ProtectedForm {
        site,
        mut visit,
        fields: LinkFields { provider },
    } = form;
    let begun = match account_action::fresh_user(&visit) {
        Ok(_) => {
            let begin = provider_sign_in::begin(&site, &mut visit, &provider, SignInPurpose::Link);
            site.throttle.provider(client.0, begin).await
        }
        Err(refusal) => Err(refusal),
    };
    let url = match begun {
        Ok(url) => url,
        Err(refusal) => {
            return account_action::answer(&request, &site, visit, Err(refusal)).await;
        }
    };
    let page = Page::new(&site, visit.user(), Vec::new());
    let response = pages::html(&OnwardsPage {
        page: &page,
        provider: &site.providers.label(&provider),
        url: &url,
    })?;
    visit.answer(response).await
}
