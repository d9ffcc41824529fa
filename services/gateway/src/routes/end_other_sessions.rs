use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::account_action;
use crate::{csrf::ProtectedForm, problem::Problem};

/// The form sends its CSRF token and nothing else.
#[derive(Deserialize)]
pub(crate) struct EndOtherSessionsFields {}

/// `POST /account/sessions/end-others`: signs out everywhere but here.
pub(crate) async fn submit(
    request: HttpRequest,
    form: ProtectedForm<EndOtherSessionsFields>,
) -> Result<HttpResponse, Problem> {
    let ProtectedForm { site, visit, .. } = form;
    let outcome = match account_action::user(&visit) {
        Ok(user) => {
            let ended = site.sessions.end_all(user.id, visit.id()).await?;
            tracing::info!(user = %user.id, ended, "all other sessions ended");
            Ok("You are signed out everywhere else.".to_owned())
        }
        Err(refusal) => Err(refusal),
    };
    account_action::answer(&request, &site, visit, outcome).await
}
