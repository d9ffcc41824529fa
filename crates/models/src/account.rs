//! What the gateway asks `auth`, and what it is answered.
//!
//! Questions of people who are not signed in yet, each of which costs a password hash, have a queue of their own
//! ([`AuthRequest::queue`]), so that a flood of them cannot starve those who are signed in.

use serde::{Deserialize, Serialize};

use crate::{
    Password, Token, User, UserId,
    amqp_names::{AUTH_LOGINS, AUTH_REQUESTS},
};

/// A question to `auth`. `Debug` shows no password, code or token.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthRequest {
    /// Make an account with a password.
    Register {
        /// As typed; `auth` parses it.
        username: String,
        /// As typed; `auth` parses it.
        password: Password,
    },
    /// Is this the password of this account?
    Verify {
        /// As typed.
        username: String,
        /// As typed.
        password: Password,
    },
    /// Replace the password of an account, whose owner proves to know the old one; or give it its first one.
    ChangePassword {
        /// Whose.
        id: UserId,
        /// The one to replace; `None` for an account that has none yet.
        old: Option<Password>,
        /// The one to set.
        new: Password,
    },
    /// What is kept of an account, for its owner.
    GetAccount {
        /// Whose.
        id: UserId,
    },
    /// Show another name to others.
    SetDisplayName {
        /// Whose.
        id: UserId,
        /// As typed; `auth` parses it. Empty for the username.
        name: String,
    },
    /// The identity providers people may sign in with.
    ListProviders,
    /// Begin a sign-in with a provider.
    BeginSignIn {
        /// Its name.
        provider: String,
        /// Where the provider sends the browser back to.
        redirect_uri: String,
    },
    /// Finish it: exchange the code for an ID token and verify that.
    FinishSignIn {
        /// The provider's name.
        provider: String,
        /// As it was when the sign-in began.
        redirect_uri: String,
        /// What the provider gave the browser.
        code: Token,
        /// What only the browser's session and the ID token know (OpenID Connect Core 1.0, section 3.1.2.1).
        nonce: Token,
        /// What only the browser's session knows, and the provider has the digest of (RFC 7636, section 4.1).
        verifier: Token,
    },
    /// Make an account without a password for an identity that belongs to none.
    CreateWithIdentity {
        /// As [`AuthReply::NewIdentity`] told it.
        identity: Identity,
        /// As typed; `auth` parses it.
        username: String,
    },
    /// Let an account be signed in to with this identity too.
    LinkIdentity {
        /// Whose account.
        id: UserId,
        /// As [`AuthReply::NewIdentity`] told it.
        identity: Identity,
    },
    /// Take an identity away from its account.
    UnlinkIdentity {
        /// Whose account.
        id: UserId,
        /// The provider of the identity.
        provider: String,
    },
}

impl AuthRequest {
    /// The queue it belongs into.
    #[must_use]
    pub fn queue(&self) -> &'static str {
        match self {
            Self::Register { .. } | Self::Verify { .. } => AUTH_LOGINS,
            _ => AUTH_REQUESTS,
        }
    }
}

/// The answer to an [`AuthRequest`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum AuthReply {
    /// Registered, verified, signed in, linked or changed: this is the account.
    Accepted {
        /// Whose account.
        user: User,
    },
    /// What is kept of an account.
    Account {
        /// The account.
        account: AccountDetails,
    },
    /// The configured providers, in the order of their names.
    Providers {
        /// All of them.
        providers: Vec<Provider>,
    },
    /// Send the browser there, and remember the rest in its session.
    SignInBegun {
        /// The provider's page.
        url: String,
        /// What the provider must send back (RFC 6749, section 10.12).
        state: Token,
        /// See [`AuthRequest::FinishSignIn`].
        nonce: Token,
        /// See [`AuthRequest::FinishSignIn`].
        verifier: Token,
    },
    /// The provider has proved who this is, and no account belongs to them yet.
    NewIdentity {
        /// Who.
        identity: Identity,
        /// A username that is free at the moment.
        username: String,
    },
    /// The identity belongs to an account already, or the account has another one of that provider.
    IdentityTaken,
    /// It is the only way to sign in to the account.
    LastWayIn,
    /// The provider refused, or what it sent does not prove anything; the reason is in `auth`'s log.
    SignInRefused,
    /// The provider did not answer in time.
    ProviderUnavailable,
    /// No provider of this name is configured.
    UnknownProvider,
    /// Wrong username or password; which of them is not told.
    WrongCredentials,
    /// The password is right, and an operator has disabled the account.
    Disabled,
    /// The name belongs to somebody else.
    UsernameTaken,
    /// The name or the password will not do; the sentence is for the person who typed it.
    Invalid {
        /// What is wrong with it.
        message: String,
    },
    /// The account's database did not answer: try again in a moment.
    Unavailable,
}

/// An identity provider, as the form to sign in shows it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Provider {
    /// Its name in addresses and settings: `google`, `facebook`, …
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// The colour of its button, `#rrggbb`.
    pub colour: String,
}

/// Somebody, as a provider knows them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// The provider's name.
    pub provider: String,
    /// Who it is: unique and never given to anybody else by this provider (OpenID Connect Core 1.0, section 2, `sub`).
    pub subject: String,
    /// What the provider calls them, for their own eyes: an e-mail address or a name.
    pub label: String,
}

/// What is kept of an account, for its owner.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AccountDetails {
    /// As others see it.
    pub user: User,
    /// What it is signed in to with.
    pub username: String,
    /// Has it a password?
    pub has_password: bool,
    /// The identities linked to it, at most one of each provider, in the order of the providers' names.
    pub identities: Vec<Identity>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strangers_wait_in_the_queue_of_logins() {
        let id = UserId::generate();
        assert_eq!(AuthRequest::GetAccount { id }.queue(), AUTH_REQUESTS);
        let password: Password = serde_json::from_str("\"correct horse\"").unwrap();
        let verify = AuthRequest::Verify {
            username: "alice".to_owned(),
            password,
        };
        assert_eq!(verify.queue(), AUTH_LOGINS);
    }
}
