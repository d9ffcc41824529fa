use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::account_action;
use crate::{accounts::Refusal, csrf::ProtectedForm, problem::Problem, session::Visit, site::Site};

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct UnlinkFields {
    /// The provider's name.
    #[serde(default)]
    provider: String,
}

/// `POST /account/unlink`: the account can no longer be signed in to with this provider.
pub(crate) async fn submit(
    request: HttpRequest,
    form: ProtectedForm<UnlinkFields>,
) -> Result<HttpResponse, Problem> {
    let ProtectedForm {
        site,
        visit,
        fields,
    } = form;
    let outcome = unlink(&site, &visit, fields.provider).await;
    account_action::answer(&request, &site, visit, outcome).await
}

async fn unlink(site: &Site, visit: &Visit, provider: String) -> Result<String, Refusal> {
    let user = account_action::fresh_user(visit)?;
    let label = site.providers.label(&provider);
    site.accounts.unlink(user.id, provider).await?;
    Ok(format!("From now on you cannot sign in with {label}."))
}
