use models::{Token, account::AuthReply};

use super::Auth;

/// Finishes a sign-in with a provider: whose account does the identity belong to that it proves?
///
/// A code is good for one exchange. Delivered again, the request is refused by the provider, and answered
/// [`AuthReply::SignInRefused`]: the person signs in once more.
pub(super) async fn finish_sign_in(
    auth: &Auth,
    provider: &str,
    redirect_uri: &str,
    code: &Token,
    nonce: &Token,
    verifier: &Token,
) -> anyhow::Result<AuthReply> {
    let Some(provider) = auth.providers.get(provider) else {
        return Ok(AuthReply::UnknownProvider);
    };
    let proven = match provider.finish(redirect_uri, code, nonce, verifier).await {
        Ok(proven) => proven,
        Err(failure) => return Ok(failure.reply(&provider.shown().name)),
    };
    let identity = proven.identity;
    let account = auth
        .accounts
        .by_identity(&identity.provider, &identity.subject)
        .await?;
    Ok(match account {
        Some(account) if account.disabled.is_some() => {
            tracing::info!(user = %account.user.id, "a disabled account was not let in");
            AuthReply::Disabled
        }
        Some(account) => {
            let provider = &identity.provider;
            tracing::info!(user = %account.user.id, provider, "identity recognized");
            AuthReply::Accepted { user: account.user }
        }
        None => AuthReply::NewIdentity {
            username: auth
                .accounts
                .free_username(&proven.wish, &auth.limits)
                .await?
                .to_string(),
            identity,
        },
    })
}
