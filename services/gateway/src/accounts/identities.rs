use models::{
    Token, User, UserId,
    account::{AuthReply, AuthRequest, Identity, Provider},
    session::SignIn,
};

use super::{Accounts, Refusal};
use crate::draft::Field;

/// A sign-in with a provider that has begun.
pub(crate) struct Begun {
    /// Where to send the browser.
    pub(crate) url: String,
    /// The three for the browser's session to remember.
    pub(crate) state: Token,
    pub(crate) nonce: Token,
    pub(crate) verifier: Token,
}

/// Whom a provider has proved.
pub(crate) enum Proven {
    /// The owner of this account.
    Owner(User),
    /// Somebody without one.
    Stranger {
        /// Who it is.
        identity: Identity,
        /// A username that is free at the moment.
        username: String,
    },
}

impl Accounts {
    /// The providers one may sign in with, in the order of their names.
    pub(crate) async fn providers(&self) -> Result<Vec<Provider>, Refusal> {
        match self.ask(AuthRequest::ListProviders).await? {
            AuthReply::Providers { providers } => Ok(providers),
            other => Err(Refusal::from(other)),
        }
    }

    /// Begins a sign-in with the provider of this name.
    pub(crate) async fn begin_sign_in(
        &self,
        provider: &str,
        redirect_uri: String,
    ) -> Result<Begun, Refusal> {
        let request = AuthRequest::BeginSignIn {
            provider: provider.to_owned(),
            redirect_uri,
        };
        match self.ask(request).await? {
            AuthReply::SignInBegun {
                url,
                state,
                nonce,
                verifier,
            } => Ok(Begun {
                url,
                state,
                nonce,
                verifier,
            }),
            other => Err(Refusal::from(other)),
        }
    }

    /// Finishes it with the code that the provider gave the browser.
    pub(crate) async fn finish_sign_in(
        &self,
        begun: SignIn,
        redirect_uri: String,
        code: Token,
    ) -> Result<Proven, Refusal> {
        let request = AuthRequest::FinishSignIn {
            provider: begun.provider,
            redirect_uri,
            code,
            nonce: begun.nonce,
            verifier: begun.verifier,
        };
        match self.ask(request).await? {
            AuthReply::Accepted { user } => Ok(Proven::Owner(user)),
            AuthReply::NewIdentity { identity, username } => {
                Ok(Proven::Stranger { identity, username })
            }
            other => Err(Refusal::from(other)),
        }
    }

    /// The new account, without a password, of somebody a provider has proved.
    pub(crate) async fn register_identity(
        &self,
        identity: Identity,
        username: &str,
    ) -> Result<User, Refusal> {
        if username.trim().is_empty() {
            return Err(Refusal::EmptyField(Field::Username));
        }
        let username = self.username(username)?;
        self.ask_for_user(AuthRequest::CreateWithIdentity {
            identity,
            username: username.to_string(),
        })
        .await
    }

    /// Lets the account be signed in to with this identity too.
    pub(crate) async fn link(&self, id: UserId, identity: Identity) -> Result<User, Refusal> {
        self.ask_for_owner(AuthRequest::LinkIdentity { id, identity })
            .await
    }

    /// Takes the identity of this provider away from the account.
    pub(crate) async fn unlink(&self, id: UserId, provider: String) -> Result<User, Refusal> {
        self.ask_for_owner(AuthRequest::UnlinkIdentity { id, provider })
            .await
    }
}
