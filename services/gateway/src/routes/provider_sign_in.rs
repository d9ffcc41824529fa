//! Signing in with an identity provider: what beginning and finishing have in common.

use std::fmt::Display;

use actix_web::{HttpRequest, HttpResponse};
use models::session::{FlashKind, SignInPurpose};

use crate::{
    accounts::Refusal, error_pages::prefers_json, local_path::LocalPath, problem::Problem,
    redirect::see_other, session::Visit, site::Site,
};

/// Longest name of a provider, in bytes.
const MAX_NAME: usize = 64;

/// Begins a sign-in that this session remembers, and tells where to send the browser.
pub(super) async fn begin(
    site: &Site,
    visit: &mut Visit,
    provider: &str,
    purpose: SignInPurpose,
) -> Result<String, Refusal> {
    if !is_name(provider) {
        return Err(Refusal::UnknownProvider);
    }
    let begun = site
        .accounts
        .begin_sign_in(provider, redirect_uri(site, provider))
        .await?;
    let url = begun.url.clone();
    visit.remember_sign_in(provider, begun, purpose);
    Ok(url)
}

/// Where this provider sends browsers back to.
pub(super) fn redirect_uri(site: &Site, provider: &str) -> String {
    site.public_url.of(&site.routes.provider_callback(provider))
}

/// Could a provider have this name? Any other is neither asked about nor logged.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.len() <= MAX_NAME && text.chars().all(plain)
}

/// The page a sign-in for this purpose comes back to when it does not succeed.
pub(super) fn form(site: &Site, visit: &Visit, purpose: &SignInPurpose) -> String {
    match purpose {
        // Who is signed in would be sent on from the form to sign in.
        _ if visit.user().is_some() => site.routes.account.to_string(),
        SignInPurpose::Link => site.routes.login_then_account(),
        SignInPurpose::SignIn { next } => site.routes.login_then(path(next).as_ref()),
    }
}

/// Back to this page, which tells why it did not succeed. Who prefers JSON is told at once.
pub(super) async fn back(
    request: &HttpRequest,
    mut visit: Visit,
    page: impl Display,
    refusal: Refusal,
) -> Result<HttpResponse, Problem> {
    if prefers_json(request) {
        return Err(refusal.into());
    }
    visit.flash(FlashKind::Error, refusal.to_string());
    visit.answer(see_other(page)).await
}

/// The next page, as the session remembers it.
pub(super) fn path(next: &Option<String>) -> Option<LocalPath> {
    next.as_deref().and_then(LocalPath::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_short() {
        for name in ["google", "my-idp_2", &"x".repeat(MAX_NAME)] {
            assert!(is_name(name), "{name}");
        }
        for bad in [
            "",
            "a b",
            "a/b",
            "ü",
            "a\nb",
            "<b>",
            &"x".repeat(MAX_NAME + 1),
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
