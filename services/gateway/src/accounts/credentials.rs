use models::{Password, User, Username, account::AuthRequest};

use super::{Accounts, Refusal};
use crate::draft::Field;

impl Accounts {
    /// Who this is, if the password is theirs.
    pub(crate) async fn sign_in(&self, username: &str, password: &str) -> Result<User, Refusal> {
        if let Some(field) = empty_field(username, password) {
            return Err(Refusal::MissingCredentials(field));
        }
        // What no account can have is not worth a question.
        let username = Username::of_any_length(username);
        let password = Password::attempt(password, &self.limits);
        let (Ok(username), Some(password)) = (username, password) else {
            return Err(Refusal::WrongCredentials);
        };
        self.ask_for_user(AuthRequest::Verify {
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
        let username = self.username(username)?;
        let password = self.new_password(password, Field::Password)?;
        password
            .check_for(username.as_str())
            .map_err(|error| Refusal::Invalid {
                field: Some(Field::Password),
                message: error.to_string(),
            })?;
        self.ask_for_user(AuthRequest::Register {
            username: username.to_string(),
            password,
        })
        .await
    }

    /// Replaces a password, which its owner has to know; `old` is `None` for an account that has none yet.
    pub(crate) async fn change_password(
        &self,
        user: &User,
        old: Option<&str>,
        new: &str,
    ) -> Result<User, Refusal> {
        if old == Some("") {
            return Err(Refusal::EmptyField(Field::OldPassword));
        }
        if new.is_empty() {
            return Err(Refusal::EmptyField(Field::NewPassword));
        }
        let new = self.new_password(new, Field::NewPassword)?;
        let old = old
            .map(|old| Password::attempt(old, &self.limits).ok_or(Refusal::WrongPassword))
            .transpose()?;
        let request = AuthRequest::ChangePassword {
            id: user.id,
            old,
            new,
        };
        match self.ask_for_user(request).await {
            Err(Refusal::WrongCredentials) => Err(Refusal::WrongPassword),
            Err(Refusal::Invalid { message, .. }) => Err(Refusal::Invalid {
                field: Some(Field::NewPassword),
                message,
            }),
            outcome => outcome,
        }
    }

    pub(super) fn username(&self, typed: &str) -> Result<Username, Refusal> {
        Username::parse(typed, &self.limits).map_err(|error| Refusal::Invalid {
            field: Some(Field::Username),
            message: error.to_string(),
        })
    }

    fn new_password(&self, typed: &str, field: Field) -> Result<Password, Refusal> {
        Password::choose(typed, &self.limits).map_err(|error| Refusal::Invalid {
            field: Some(field),
            message: error.to_string(),
        })
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
}
