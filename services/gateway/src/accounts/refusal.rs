use actix_web::http::StatusCode;
use models::account::AuthReply;

use crate::{draft::Field, problem::Problem, throttle::Wait};

/// Why something about an account is not done; the text is for the person who tried.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    /// A field of the form to sign in is empty.
    #[error("Missing credentials")]
    MissingCredentials(Field),
    /// A field of another form is empty.
    #[error("Please fill out all the fields")]
    EmptyField(Field),
    /// Which of the two is wrong is not told.
    #[error("Wrong Username or Password")]
    WrongCredentials,
    /// The one to be replaced.
    #[error("That is not your current password.")]
    WrongPassword,
    /// For this account, or from this address.
    #[error("Too many wrong passwords. Try again in {0}.")]
    TooManyPasswords(Wait),
    /// From this address.
    #[error("Too many new accounts from your network. Try again in {0}.")]
    TooManyRegistrations(Wait),
    /// With providers, from this address.
    #[error("Too many sign-ins from your network. Try again in {0}.")]
    TooManySignIns(Wait),
    /// For this account.
    #[error("You have changed your name too often. Try again in {0}.")]
    TooManyNames(Wait),
    /// From this address.
    #[error("Too many visitors from your network. Try again in {0}.")]
    TooManyVisitors(Wait),
    /// The name belongs to somebody else.
    #[error("User exists!")]
    UsernameTaken,
    /// Others are known by this name, or one that looks like it.
    #[error("Somebody else has this name already. Please choose another.")]
    NameTaken,
    /// The name or the password will not do.
    #[error("{message}")]
    Invalid {
        /// Which of them, where it is known.
        field: Option<Field>,
        /// What is wrong with it.
        message: String,
    },
    /// An operator has disabled the account.
    #[error("This account is disabled. Please ask those who run this site.")]
    Disabled,
    /// It was removed while somebody was signed in.
    #[error("This account does not exist any more.")]
    NoAccount,
    /// What cannot be undone is only for those who proved lately who they are.
    #[error(
        "This is for those who signed in less than 15 minutes ago. Please sign in again first."
    )]
    SignInAgain,
    /// Nobody has configured this provider.
    #[error("There is no such way to sign in here. Please choose one of those on this page.")]
    UnknownProvider,
    /// It did not answer in time.
    #[error(
        "This way to sign in does not answer just now. Please try again in a moment, or choose another one."
    )]
    ProviderUnavailable,
    /// What the provider sent proves nothing.
    #[error(
        "We were not told for certain who you are. Please try again, or choose another way to sign in."
    )]
    SignInRefused,
    /// The person, or their provider, said no.
    #[error("You cancelled it. Please try again, or choose another way to sign in.")]
    Cancelled,
    /// This session has not begun it, has finished it before, or began it too long ago.
    #[error(
        "This sign-in was begun in another browser, was finished before, or took more than ten minutes. Please try again."
    )]
    StaleSignIn,
    /// Whom the provider knows has an account here, or this account has another one of that provider.
    #[error("It belongs to another account already. Sign in with it to use that account.")]
    IdentityTaken,
    /// Without it nobody could sign in to the account.
    #[error(
        "It is the only way to sign in to your account. Set a password or link another one first."
    )]
    LastWayIn,
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
            Self::NameTaken => Some(Field::DisplayName),
            Self::WrongPassword => Some(Field::OldPassword),
            Self::Invalid { field, .. } => *field,
            _ => None,
        }
    }

    /// What it is for callers who prefer JSON.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::WrongCredentials | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::TooManyPasswords(_)
            | Self::TooManyRegistrations(_)
            | Self::TooManySignIns(_)
            | Self::TooManyNames(_)
            | Self::TooManyVisitors(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Disabled | Self::NoAccount | Self::SignInAgain => StatusCode::FORBIDDEN,
            Self::SignInRefused | Self::Cancelled | Self::StaleSignIn => StatusCode::FORBIDDEN,
            Self::UnknownProvider => StatusCode::NOT_FOUND,
            Self::UsernameTaken | Self::NameTaken | Self::IdentityTaken | Self::LastWayIn => {
                StatusCode::CONFLICT
            }
            Self::ProviderUnavailable | Self::TryAgain => StatusCode::SERVICE_UNAVAILABLE,
            Self::MissingCredentials(_) | Self::EmptyField(_) | Self::Invalid { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(refusal.status(), refusal.to_string());
        match refusal {
            Refusal::TooManyPasswords(wait)
            | Refusal::TooManyRegistrations(wait)
            | Refusal::TooManySignIns(wait)
            | Refusal::TooManyNames(wait)
            | Refusal::TooManyVisitors(wait) => problem.retry_after(wait.secs()),
            _ => problem,
        }
    }
}

impl From<AuthReply> for Refusal {
    fn from(reply: AuthReply) -> Self {
        match reply {
            AuthReply::WrongCredentials => Self::WrongCredentials,
            AuthReply::UsernameTaken => Self::UsernameTaken,
            AuthReply::Invalid { message } => Self::Invalid {
                field: None,
                message,
            },
            AuthReply::Disabled => Self::Disabled,
            AuthReply::UnknownProvider => Self::UnknownProvider,
            AuthReply::ProviderUnavailable => Self::ProviderUnavailable,
            AuthReply::SignInRefused => Self::SignInRefused,
            AuthReply::IdentityTaken => Self::IdentityTaken,
            AuthReply::LastWayIn => Self::LastWayIn,
            AuthReply::Unavailable => Self::TryAgain,
            AuthReply::Accepted { .. }
            | AuthReply::Account { .. }
            | AuthReply::Providers { .. }
            | AuthReply::SignInBegun { .. }
            | AuthReply::NewIdentity { .. } => {
                tracing::error!("auth gave an answer to another question");
                Self::TryAgain
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_sign_in_points_at_no_field() {
        assert_eq!(Refusal::WrongCredentials.field(), None);
    }
}
