//! What the gateway asks `auth` over the queue [`crate::amqp_names::AUTH_REQUESTS`], and what it is answered.

use serde::{Deserialize, Serialize};

use crate::{Password, User, UserId};

/// A question to `auth`. `Debug` shows no password.
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
    /// Replace the password of an account, whose owner proves to know the old one.
    ChangePassword {
        /// Whose.
        id: UserId,
        /// The one to replace.
        old: Password,
        /// The one to set.
        new: Password,
    },
}

/// The answer to an [`AuthRequest`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum AuthReply {
    /// Registered, verified or changed: this is the account.
    Accepted {
        /// Whose account.
        user: User,
    },
    /// Wrong username or password; which of them is not told.
    WrongCredentials,
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
