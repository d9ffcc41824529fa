//! What the forms of the account page have in common: who may send them, and the way back.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use models::{User, session::FlashKind};

use crate::{
    accounts::Refusal, draft::Draft, error_pages::prefers_json, problem::Problem,
    redirect::see_other, session::Visit, site::Site,
};

/// `GET` of an address that only takes a form: its error pages lead here.
pub(crate) async fn to_account(site: Data<Site>) -> HttpResponse {
    see_other(&site.routes.account)
}

/// Who is signed in.
pub(super) fn user(visit: &Visit) -> Result<User, Refusal> {
    visit.user().cloned().ok_or(Refusal::SignInAgain)
}

/// Who is signed in, and has proved it lately.
pub(super) fn fresh_user(visit: &Visit) -> Result<User, Refusal> {
    if visit.is_fresh() {
        user(visit)
    } else {
        Err(Refusal::SignInAgain)
    }
}

/// Back to the account page, which tells what was done, or what is wrong. Who prefers JSON is told at once.
pub(super) async fn answer(
    request: &HttpRequest,
    site: &Site,
    mut visit: Visit,
    outcome: Result<String, Refusal>,
) -> Result<HttpResponse, Problem> {
    let page = match visit.user() {
        Some(_) => site.routes.account.to_string(),
        None => site.routes.login_then_account(),
    };
    let mut response = see_other(page);
    match outcome {
        Ok(done) => visit.flash(FlashKind::Info, done),
        Err(refusal) if prefers_json(request) => {
            return Err(refusal.into());
        }
        Err(refusal) => {
            visit.flash(FlashKind::Error, refusal.to_string());
            let draft = Draft {
                username: String::new(),
                wrong: refusal.field(),
            };
            draft.leave(&mut response, site.cookie.secure)?;
        }
    }
    visit.answer(response).await
}
