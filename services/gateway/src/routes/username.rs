use actix_web::{HttpRequest, HttpResponse, web::Data};
use models::session::{FlashKind, Newcomer};
use serde::Deserialize;

use super::{account_form::onwards, provider_sign_in};
use crate::{
    accounts::Refusal,
    client_address::ClientAddress,
    csrf::ProtectedForm,
    draft::{Draft, Field},
    error_pages::prefers_json,
    pages::{self, Bounds, FormField, Page, UsernamePage},
    problem::Problem,
    redirect::see_other,
    session::Visit,
    site::Site,
};

/// What the form sends; with `cancel` the rest does not count.
#[derive(Deserialize)]
pub(crate) struct UsernameFields {
    #[serde(default)]
    username: String,
    cancel: Option<String>,
}

/// `GET /account/username`: somebody whom a provider has proved, and who has no account, chooses its name.
pub(crate) async fn show(
    site: Data<Site>,
    mut visit: Visit,
    draft: Draft,
) -> Result<HttpResponse, Problem> {
    let Some(newcomer) = newcomer(&visit) else {
        let elsewhere = elsewhere(&site, &visit);
        return visit.answer(elsewhere).await;
    };
    let flash = visit.take_flash();
    let csrf = visit.csrf().expose().to_owned();
    let page = Page::new(&site, None, flash);
    let typed = Some(draft.username.as_str()).filter(|typed| !typed.is_empty());
    let mut response = pages::html(&UsernamePage {
        page: &page,
        csrf: &csrf,
        provider: &site.providers.label(&newcomer.identity.provider),
        identity: &newcomer.identity.label,
        username: FormField {
            value: typed.unwrap_or(&newcomer.username),
            wrong: draft.wrong == Some(Field::Username),
        },
        bounds: Bounds(site.limits),
    })?;
    draft.forget(&mut response, site.cookie.secure)?;
    visit.answer(response).await
}

/// `POST /account/username`: makes the account and signs in.
pub(crate) async fn submit(
    request: HttpRequest,
    client: ClientAddress,
    form: ProtectedForm<UsernameFields>,
) -> Result<HttpResponse, Problem> {
    let ProtectedForm {
        site,
        mut visit,
        fields,
    } = form;
    let Some(newcomer) = newcomer(&visit) else {
        let elsewhere = elsewhere(&site, &visit);
        return visit.answer(elsewhere).await;
    };
    let next = provider_sign_in::path(&newcomer.next);
    let login = site.routes.login_then(next.as_ref());
    if fields.cancel.is_some() {
        visit.change().newcomer = None;
        return provider_sign_in::back(&request, visit, login, Refusal::Cancelled).await;
    }
    let register = site
        .accounts
        .register_identity(newcomer.identity, &fields.username);
    let outcome = site.throttle.registration(client.0, None, register).await;
    let refusal = match outcome {
        Ok(user) => {
            visit.sign_in(user).await?;
            return visit.answer(onwards(&site, next.as_ref())).await;
        }
        // They have an account by now, made in another browser.
        Err(refusal @ Refusal::IdentityTaken) => {
            visit.change().newcomer = None;
            return provider_sign_in::back(&request, visit, login, refusal).await;
        }
        Err(refusal) => refusal,
    };
    if prefers_json(&request) {
        return Err(refusal.into());
    }
    visit.flash(FlashKind::Error, refusal.to_string());
    let draft = Draft {
        username: fields.username,
        wrong: refusal.field(),
    };
    let mut response = see_other(&site.routes.username);
    draft.leave(&mut response, site.cookie.secure)?;
    visit.answer(response).await
}

fn newcomer(visit: &Visit) -> Option<Newcomer> {
    let session = visit.session()?;
    match session.user {
        Some(_) => None,
        None => session.newcomer.clone(),
    }
}

/// Where those go who have no name to choose.
fn elsewhere(site: &Site, visit: &Visit) -> HttpResponse {
    match visit.user() {
        Some(_) => onwards(site, None),
        None => see_other(&site.routes.login),
    }
}
