use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::account_action;
use crate::{accounts::Refusal, csrf::ProtectedForm, problem::Problem, session::Visit, site::Site};

/// What the form sends; an empty name stands for the username.
#[derive(Deserialize)]
pub(crate) struct DisplayNameFields {
    #[serde(default)]
    display_name: String,
}

/// `POST /account/display-name`: others see this name from now on, in the chat too.
pub(crate) async fn submit(
    request: HttpRequest,
    form: ProtectedForm<DisplayNameFields>,
) -> Result<HttpResponse, Problem> {
    let ProtectedForm {
        site,
        mut visit,
        fields,
    } = form;
    let outcome = rename(&site, &mut visit, fields.display_name).await?;
    account_action::answer(&request, &site, visit, outcome).await
}

async fn rename(
    site: &Site,
    visit: &mut Visit,
    name: String,
) -> Result<Result<String, Refusal>, Problem> {
    let renamed = match account_action::user(visit) {
        Ok(user) => {
            let rename = site.accounts.set_display_name(user.id, name);
            site.throttle.rename(user.id, rename).await
        }
        Err(refusal) => Err(refusal),
    };
    let user = match renamed {
        Ok(user) => user,
        Err(refusal) => return Ok(Err(refusal)),
    };
    site.sessions.rename(&user).await?;
    let message = format!("From now on others see you as {}.", user.user);
    visit.change().user = Some(user);
    Ok(Ok(message))
}
