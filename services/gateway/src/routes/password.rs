use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use models::User;
use serde::Deserialize;

use super::account_action;
use crate::{accounts::Refusal, csrf::ProtectedForm, problem::Problem, session::Visit, site::Site};

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct PasswordFields {
    /// Missing where the account has no password yet.
    old: Option<String>,
    #[serde(default)]
    new: String,
}

/// `POST /account/password`: replaces the password or sets the first one, and ends all other sessions.
pub(crate) async fn submit(
    request: HttpRequest,
    form: ProtectedForm<PasswordFields>,
) -> Result<HttpResponse, Problem> {
    let ProtectedForm {
        site,
        mut visit,
        fields,
    } = form;
    let outcome = match change(&site, &visit, &fields).await {
        Ok(user) => {
            end_all(&site, &mut visit, user, fields.old.is_some()).await?;
            let done = "Your password is set, and you are signed out everywhere else.";
            Ok(done.to_owned())
        }
        Err(refusal) => Err(refusal),
    };
    account_action::answer(&request, &site, visit, outcome).await
}

async fn change(site: &Site, visit: &Visit, fields: &PasswordFields) -> Result<User, Refusal> {
    // Who cannot prove to know the old password has to have proved in another way who they are.
    let user = match fields.old {
        Some(_) => account_action::user(visit)?,
        None => account_action::fresh_user(visit)?,
    };
    let change = site
        .accounts
        .change_password(&user, fields.old.as_deref(), &fields.new);
    site.throttle.old_password(user.id, change).await
}

/// Ends all sessions, and goes on in a new one.
async fn end_all(site: &Site, visit: &mut Visit, user: User, proved: bool) -> Result<(), Problem> {
    let id = user.id;
    let renewed = if proved {
        visit.sign_in(user).await
    } else {
        visit.renew().await
    };
    // The new session is not kept before this request is answered.
    let ended = match renewed {
        Ok(()) => site.sessions.end_all(id, None).await.is_ok(),
        Err(_) => false,
    };
    if ended {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Your password is set, but you could not be signed out everywhere else. Please do so on your account page in \
         a moment.",
    ))
}
