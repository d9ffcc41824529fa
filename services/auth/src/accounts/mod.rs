//! Who has an account, and how they prove it.
//!
//! [`Accounts`] is all the rest of the service knows of the database: no SQL outside this folder. Each method is
//! one transaction, safe beside other processes on the same database; what must be unique is decided there.

mod sqlite;

use models::User;

pub use sqlite::Accounts;

/// An account, with what its owner signs in with.
pub struct Account {
    /// The account, as others see it.
    pub user: User,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: u64,
    /// `None` for an account that signs in some other way.
    pub password: Option<StoredPassword>,
}

/// A password as stored.
pub struct StoredPassword {
    /// Algorithm, work factor, salt and hash as a PHC string.
    pub phc: String,
    /// When its owner last chose it, in milliseconds since the Unix epoch.
    pub changed: u64,
}

/// What became of a new account.
pub enum Creation {
    /// It was made.
    Created(User),
    /// The name belongs to another account.
    UsernameTaken,
}

/// Why a stored password is replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Replacement {
    /// Its owner chose another one.
    Chosen,
    /// The same password, hashed with a higher work factor.
    Rehashed,
}

/// The accounts could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the accounts database failed: {0}")]
pub struct DatabaseError(#[from] sqlx::Error);
