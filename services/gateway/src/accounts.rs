use messaging::{RpcClient, RpcError};
use models::{
    Limits, Password, User, Username,
    account::{AuthReply, AuthRequest},
};

use crate::draft::Field;

/// Accounts, as `auth` keeps them. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Accounts {
    auth: RpcClient,
    limits: Limits,
}

/// Why nobody is signed in or registered; the text is for the person who tried.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    /// A field of the form to sign in is empty.
    #[error("Missing credentials")]
    MissingCredentials(Field),
    /// A field of the form to register is empty.
    #[error("Please fill out all the fields")]
    EmptyField(Field),
    /// Which of the two is wrong is not told.
    #[error("Wrong Username or Password")]
    WrongCredentials,
    /// The name belongs to somebody else.
    #[error("User exists!")]
    UsernameTaken,
    /// The name or the password will not do.
    #[error("{message}")]
    Invalid {
        /// Which of them, where it is known.
        field: Option<Field>,
        /// What is wrong with it.
        message: String,
    },
    /// `auth` is away, or did not answer in time.
    #[error("We cannot look at accounts just now. Please try again in a moment.")]
    TryAgain,
}

impl Refusal {
    /// The field it is about, if it is about one.
    pub(crate) fn field(&self) -> Option<Field> {
        match self {
            Self::MissingCredentials(field) | Self::EmptyField(field) => Some(*field),
            Self::UsernameTaken => Some(Field::Username),
            Self::Invalid { field, .. } => *field,
            Self::WrongCredentials | Self::TryAgain => None,
        }
    }
}

impl Accounts {
    pub(crate) fn new(auth: RpcClient, limits: Limits) -> Self {
        Self { auth, limits }
    }

    /// Who this is, if the password is theirs.
    pub(crate) async fn sign_in(&self, username: &str, password: &str) -> Result<User, Refusal> {
        if let Some(field) = empty_field(username, password) {
            return Err(Refusal::MissingCredentials(field));
        }
        // What no account can have is not worth a question.
        let username = Username::parse(username, &self.limits);
        let password = Password::attempt(password, &self.limits);
        let (Ok(username), Some(password)) = (username, password) else {
            return Err(Refusal::WrongCredentials);
        };
        self.ask(AuthRequest::Verify {
            username: username.to_string(),
            password,
        })
        .await
    }

    /// The new account of this name.
    pub(crate) async fn register(&self, username: &str, password: &str) -> Result<User, Refusal> {
        if let Some(field) = empty_field(username, password) {
            return Err(Refusal::EmptyField(field));
        }
        let username =
            Username::parse(username, &self.limits).map_err(|error| Refusal::Invalid {
                field: Some(Field::Username),
                message: error.to_string(),
            })?;
        let password =
            Password::choose(password, &self.limits).map_err(|error| Refusal::Invalid {
                field: Some(Field::Password),
                message: error.to_string(),
            })?;
        self.ask(AuthRequest::Register {
            username: username.to_string(),
            password,
        })
        .await
    }

    async fn ask(&self, request: AuthRequest) -> Result<User, Refusal> {
        let reply = self.auth.call(&request).await.map_err(|error: RpcError| {
            tracing::warn!(%error, "auth did not answer");
            Refusal::TryAgain
        })?;
        match reply {
            AuthReply::Accepted { user } => Ok(user),
            AuthReply::WrongCredentials => Err(Refusal::WrongCredentials),
            AuthReply::UsernameTaken => Err(Refusal::UsernameTaken),
            AuthReply::Invalid { message } => Err(Refusal::Invalid {
                field: None,
                message,
            }),
            AuthReply::Unavailable => Err(Refusal::TryAgain),
            other => {
                tracing::error!(?other, "auth gave an answer to another question");
                Err(Refusal::TryAgain)
            }
        }
    }
}

fn empty_field(username: &str, password: &str) -> Option<Field> {
    if username.trim().is_empty() {
        Some(Field::Username)
    } else if password.is_empty() {
        Some(Field::Password)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_empty_field_is_named() {
        assert_eq!(empty_field("", ""), Some(Field::Username));
        assert_eq!(empty_field(" \t", "x"), Some(Field::Username));
        assert_eq!(empty_field("x", ""), Some(Field::Password));
        assert_eq!(empty_field("x", " "), None);
    }

    #[test]
    fn a_wrong_sign_in_points_at_no_field() {
        assert_eq!(Refusal::WrongCredentials.field(), None);
    }
}
