//! The forms to sign in and to register: the same fields, the same way on, and the same way back after an error.

use actix_web::{HttpRequest, HttpResponse};
use models::{
    User, Username,
    session::{Flash, FlashKind},
};
use serde::Deserialize;

use crate::{
    accounts::Refusal,
    csrf::ProtectedForm,
    draft::{Draft, Field},
    error_pages::prefers_json,
    known_browser::KnownBrowser,
    local_path::LocalPath,
    pages::{AccountForm, Bounds, FormField, Page},
    problem::Problem,
    redirect::see_other,
    route_map::RouteMap,
    session::Visit,
    site::Site,
};

/// What the form sends; a field that is missing counts as empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct AccountFields {
    pub(super) username: String,
    pub(super) password: String,
    next: String,
}

/// The query of the form: where to go once it succeeds.
#[derive(Deserialize)]
pub(crate) struct Destination {
    #[serde(default)]
    pub(super) next: String,
    /// There where a page was left because its session had ended.
    ended: Option<String>,
}

/// What those read who come from such a page.
const SIGNED_OUT: &str = "You were signed out. Sign in to go on where you were.";

/// Shows the form that `render` makes; who is signed in already goes on at once.
pub(super) async fn show(
    site: &Site,
    mut visit: Visit,
    destination: &Destination,
    draft: Draft,
    render: impl FnOnce(&Page<'_>, AccountForm<'_>) -> Result<HttpResponse, Problem>,
) -> Result<HttpResponse, Problem> {
    let next = LocalPath::parse(&destination.next);
    if visit.user().is_some() {
        return visit.answer(onwards(site, next.as_ref())).await;
    }
    let mut flash = visit.take_flash();
    if destination.ended.is_some() && flash.is_empty() {
        flash.push(Flash {
            kind: FlashKind::Info,
            message: SIGNED_OUT.to_owned(),
        });
    }
    let csrf = visit.csrf().expose().to_owned();
    let page = Page::new(site, None, flash);
    let form = AccountForm {
        csrf: &csrf,
        next: next.as_ref(),
        username: FormField {
            value: &draft.username,
            wrong: draft.wrong == Some(Field::Username),
        },
        password: FormField {
            value: "",
            wrong: draft.wrong == Some(Field::Password),
        },
        bounds: Bounds(site.limits),
        providers: &site.providers.known(),
    };
    let mut response = render(&page, form)?;
    draft.forget(&mut response, site.cookie.secure)?;
    visit.answer(response).await
}

/// Signs in whom the accounts know, whose account knows the browser from then on. Anybody else gets the form, whose
/// address is `way_back`, again with what is wrong and what was typed. Who prefers JSON is told at once.
pub(super) async fn answer(
    request: &HttpRequest,
    browser: KnownBrowser,
    form: ProtectedForm<AccountFields>,
    outcome: Result<User, Refusal>,
    way_back: fn(&RouteMap, Option<&LocalPath>) -> String,
) -> Result<HttpResponse, Problem> {
    let ProtectedForm {
        site,
        mut visit,
        fields,
    } = form;
    let next = LocalPath::parse(&fields.next);
    let refusal = match outcome {
        Ok(user) => {
            visit.sign_in(user).await?;
            let mut response = onwards(&site, next.as_ref());
            if let Ok(account) = Username::of_any_length(&fields.username) {
                browser.remember(&site, &account, &mut response)?;
            }
            return visit.answer(response).await;
        }
        Err(refusal) => refusal,
    };
    if prefers_json(request) {
        return Err(refusal.into());
    }
    visit.flash(FlashKind::Error, refusal.to_string());
    let draft = Draft {
        username: fields.username,
        wrong: refusal.field(),
    };
    let mut response = see_other(way_back(&site.routes, next.as_ref()));
    draft.leave(&mut response, site.cookie.secure)?;
    visit.answer(response).await
}

/// To where somebody who is signed in wanted to go.
pub(super) fn onwards(site: &Site, next: Option<&LocalPath>) -> HttpResponse {
    match next {
        Some(next) => see_other(next),
        None => see_other(&site.routes.chat),
    }
}
