use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path},
};
use models::{
    Token,
    session::{FlashKind, Newcomer, SignIn, SignInPurpose},
};
use url::form_urlencoded;

use super::{account_form::onwards, provider_sign_in};
use crate::{
    accounts::{Proven, Refusal},
    client_address::ClientAddress,
    problem::Problem,
    redirect::see_other,
    session::Visit,
    sign_ins::PATIENCE,
    site::Site,
};

/// Longest value taken from the query, in bytes. The longest codes known have a quarter of it.
const MAX_VALUE: usize = 8_192;

/// What the provider sends the browser back with (RFC 6749, sections 4.1.2 and 4.1.2.1); empty for what is missing.
#[derive(Default)]
struct Callback {
    code: String,
    state: String,
    error: String,
}

impl Callback {
    fn parse(query: &str) -> Self {
        let mut callback = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                "code" => &mut callback.code,
                "state" => &mut callback.state,
                "error" => &mut callback.error,
                _ => continue,
            };
            if value.len() <= MAX_VALUE {
                *field = value.into_owned();
            }
        }
        callback
    }

    /// The error's code, as far as it may stand in a log.
    fn error_for_log(&self) -> &str {
        if provider_sign_in::is_name(&self.error) {
            &self.error
        } else {
            "(not a code)"
        }
    }
}

/// `GET /auth/{provider}/callback`: whom the provider has proved is signed in, linked, or asked for a username.
///
/// The answer is always a redirect, so that the code stands in no address that is shown or referred to.
pub(crate) async fn finish(
    request: HttpRequest,
    site: Data<Site>,
    mut visit: Visit,
    client: ClientAddress,
    provider: Path<String>,
) -> Result<HttpResponse, Problem> {
    let callback = Callback::parse(request.query_string());
    let Some(sign_in) = take(&site, &mut visit, &provider, &callback.state).await? else {
        tracing::warn!("a sign-in came back to a session that did not begin it, or not lately");
        let purpose = SignInPurpose::SignIn { next: None };
        let form = provider_sign_in::form(&site, &visit, &purpose);
        return provider_sign_in::back(&request, visit, form, Refusal::StaleSignIn).await;
    };
    let purpose = sign_in.purpose.clone();
    let prove = prove(&site, sign_in, callback);
    let outcome = match site.throttle.provider(client.0, prove).await {
        Ok(proven) => settle(&site, &mut visit, &purpose, proven, &provider).await?,
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok(response) => visit.answer(response).await,
        Err(refusal) => {
            let form = provider_sign_in::form(&site, &visit, &purpose);
            provider_sign_in::back(&request, visit, form, refusal).await
        }
    }
}

/// The sign-in that came back, for the first of those that bring its state: also of two at the same moment, which both
/// find it in the session.
async fn take(
    site: &Site,
    visit: &mut Visit,
    provider: &str,
    state: &str,
) -> Result<Option<SignIn>, Problem> {
    let Some(sign_in) = visit.take_sign_in(provider, state) else {
        return Ok(None);
    };
    let is_first = site.sessions.spend(&sign_in.state, PATIENCE).await?;
    Ok(is_first.then_some(sign_in))
}

/// Has `auth` find out who it is.
async fn prove(site: &Site, sign_in: SignIn, callback: Callback) -> Result<Proven, Refusal> {
    if !callback.error.is_empty() {
        let provider = &sign_in.provider;
        let error = callback.error_for_log();
        tracing::warn!(provider, error, "a provider refused a sign-in");
        return Err(match callback.error.as_str() {
            "access_denied" => Refusal::Cancelled,
            "temporarily_unavailable" | "server_error" => Refusal::ProviderUnavailable,
            _ => Refusal::SignInRefused,
        });
    }
    if callback.code.is_empty() {
        tracing::warn!(
            provider = sign_in.provider,
            "a sign-in came back without a code"
        );
        return Err(Refusal::SignInRefused);
    }
    let redirect_uri = provider_sign_in::redirect_uri(site, &sign_in.provider);
    let code = Token::from(callback.code);
    let proven = site.accounts.finish_sign_in(sign_in, redirect_uri, code);
    proven.await
}

/// Does what the sign-in was begun for.
async fn settle(
    site: &Site,
    visit: &mut Visit,
    purpose: &SignInPurpose,
    proven: Proven,
    provider: &str,
) -> Result<Result<HttpResponse, Refusal>, Problem> {
    match (purpose, proven) {
        (SignInPurpose::SignIn { next }, Proven::Owner(user)) => {
            visit.sign_in(user).await?;
            let next = provider_sign_in::path(next);
            Ok(Ok(onwards(site, next.as_ref())))
        }
        (SignInPurpose::SignIn { next }, Proven::Stranger { identity, username }) => {
            // Whoever knew the id before must not get the account of who comes now.
            visit.renew().await?;
            visit.change().newcomer = Some(Newcomer {
                identity,
                username,
                next: next.clone(),
            });
            Ok(Ok(see_other(&site.routes.username)))
        }
        (SignInPurpose::Link, proven) => Ok(link(site, visit, proven, provider).await),
    }
}

async fn link(
    site: &Site,
    visit: &mut Visit,
    proven: Proven,
    provider: &str,
) -> Result<HttpResponse, Refusal> {
    let user = visit.user().ok_or(Refusal::StaleSignIn)?.clone();
    match proven {
        Proven::Owner(owner) if owner.id != user.id => return Err(Refusal::IdentityTaken),
        Proven::Owner(_) => {}
        Proven::Stranger { identity, .. } => {
            site.accounts.link(user.id, identity).await?;
        }
    }
    let label = site.providers.label(provider);
    let message = format!("From now on you can sign in with {label}.");
    visit.flash(FlashKind::Info, message);
    Ok(see_other(&site.routes.account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_or_unknown_is_not_taken() {
        let long = "x".repeat(MAX_VALUE + 1);
        let callback = Callback::parse(&format!("code={long}&state=a%20b&iss=https%3A%2F%2Fx"));
        assert_eq!(callback.code, "");
        assert_eq!(callback.state, "a b");
        assert_eq!(callback.error, "");
    }

    #[test]
    fn only_codes_of_errors_are_logged() {
        for (query, logged) in [
            ("error=access_denied", "access_denied"),
            ("error=%1b%5b31m%0ano", "(not a code)"),
        ] {
            assert_eq!(Callback::parse(query).error_for_log(), logged);
        }
    }
}
