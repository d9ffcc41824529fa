use models::account::AuthReply;

use super::Auth;

/// Begins a sign-in with a provider. Asked again, it begins another one; the first is forgotten.
pub(super) async fn begin_sign_in(auth: &Auth, provider: &str, redirect_uri: &str) -> AuthReply {
    let Some(provider) = auth.providers.get(provider) else {
        return AuthReply::UnknownProvider;
    };
    match provider.begin(redirect_uri).await {
        Ok(begun) => AuthReply::SignInBegun {
            url: begun.url,
            state: begun.state,
            nonce: begun.nonce,
            verifier: begun.verifier,
        },
        Err(failure) => failure.reply(&provider.shown().name),
    }
}
