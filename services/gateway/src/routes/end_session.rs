use actix_web::{HttpRequest, HttpResponse};
use models::session::FlashKind;
use serde::Deserialize;

use super::account_action;
use crate::{csrf::ProtectedForm, problem::Problem, redirect::see_other};

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct EndSessionFields {
    /// The handle of the session to end.
    #[serde(default)]
    session: String,
}

/// `POST /account/sessions/end`: signs out one of one's sessions, which may be this one.
pub(crate) async fn submit(
    request: HttpRequest,
    form: ProtectedForm<EndSessionFields>,
) -> Result<HttpResponse, Problem> {
    let ProtectedForm {
        site,
        mut visit,
        fields,
    } = form;
    let user = match account_action::user(&visit) {
        Ok(user) => user,
        Err(refusal) => {
            return account_action::answer(&request, &site, visit, Err(refusal)).await;
        }
    };
    if visit
        .id()
        .is_some_and(|id| id.handle().as_str() == fields.session)
    {
        visit.sign_out().await?;
        visit.flash(FlashKind::Info, "You are signed out.");
        return visit.answer(see_other(&site.routes.index)).await;
    }
    let ended = site.sessions.end_one(user.id, &fields.session).await?;
    tracing::info!(user = %user.id, ended, "one of the sessions is to end");
    let done = if ended {
        "You are signed out there."
    } else {
        "You were signed out there already."
    };
    account_action::answer(&request, &site, visit, Ok(done.to_owned())).await
}
