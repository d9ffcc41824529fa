//! What the forms to sign in and to register have in common: where to go next, and the way back after an error.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use models::session::FlashKind;
use serde::Deserialize;

use crate::{
    accounts::Refusal, draft::Draft, error_pages::prefers_json, local_path::LocalPath,
    problem::Problem, redirect::see_other, session::Visit, site::Site,
};

/// The query of a form: where to go once it succeeds.
#[derive(Deserialize)]
pub(crate) struct Destination {
    #[serde(default)]
    next: String,
}

impl Destination {
    /// The place, if it is one of this site.
    pub(super) fn next(&self) -> Option<LocalPath> {
        LocalPath::parse(&self.next)
    }
}

/// Shows the form at `form` again with what is wrong and what was typed; who prefers JSON is told at once.
pub(super) async fn back_to_form(
    request: &HttpRequest,
    site: &Site,
    mut visit: Visit,
    form: &str,
    username: String,
    refusal: &Refusal,
) -> Result<HttpResponse, Problem> {
    if prefers_json(request) {
        return Err(Problem::new(status(refusal), refusal.to_string()));
    }
    visit.flash(FlashKind::Error, refusal.to_string());
    let draft = Draft {
        username,
        wrong: refusal.field(),
    };
    let mut response = see_other(form);
    draft.leave(&mut response, site.cookie.secure)?;
    visit.answer(response).await
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::WrongCredentials => StatusCode::UNAUTHORIZED,
        Refusal::UsernameTaken => StatusCode::CONFLICT,
        Refusal::TryAgain => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::MissingCredentials(_) | Refusal::EmptyField(_) | Refusal::Invalid { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}
