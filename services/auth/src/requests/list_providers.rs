use models::account::AuthReply;

use super::Auth;

/// Tells which identity providers people may sign in with.
pub(super) fn list_providers(auth: &Auth) -> AuthReply {
    AuthReply::Providers {
        providers: auth
            .providers
            .iter()
            .map(|one| one.shown().clone())
            .collect(),
    }
}
