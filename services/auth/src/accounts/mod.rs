//! Who has an account, and how they prove it.
//!
//! [`Accounts`] is all the rest of the service knows of the database: no SQL outside this folder. Each method is
//! one transaction, safe beside other processes on the same database; what must be unique is decided there.
//!
//! The statements are written once for both databases, which `sqlx`'s `Any` driver allows as long as they keep to what
//! both understand: texts, 64-bit integers, `ON CONFLICT DO NOTHING`. `sqlite` and `postgres` hold what differs.

mod changes;
mod create;
mod database;
mod find;
mod free_username;
mod identities;
mod looks;
mod postgres;
mod sqlite;
mod transfer;

use models::{User, account::Identity};

pub use create::Creation;
pub use database::Accounts;
pub use identities::{Linking, Unlinking};
pub use transfer::{Import, Record};

/// An account, with what its owner signs in with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// The account, as others see it: by its display name, where it has one.
    pub user: User,
    /// What its owner signs in with.
    pub username: String,
    /// What others see instead of the username, if its owner wishes so.
    pub display_name: Option<String>,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: u64,
    /// Since when nobody may sign in to it, in milliseconds since the Unix epoch; `None` for an account in good order.
    pub disabled: Option<u64>,
    /// `None` for an account that signs in some other way.
    pub password: Option<StoredPassword>,
}

/// A password as stored. `Debug` does not show it.
#[derive(Clone, Eq, PartialEq)]
pub struct StoredPassword {
    /// Algorithm, work factor, salt and hash as a PHC string.
    pub phc: String,
    /// When its owner last chose it, in milliseconds since the Unix epoch.
    pub changed: u64,
}

impl std::fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The first way to sign in to an account.
#[derive(Clone, Copy, Debug)]
pub enum FirstWayIn<'a> {
    /// A password, hashed to this PHC string.
    Password(&'a str),
    /// Somebody a provider knows.
    Identity(&'a Identity),
}

/// Why a stored password is replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Replacement {
    /// Its owner chose another one.
    Chosen,
    /// The same password, hashed with a higher work factor.
    Rehashed,
}

/// What became of the wish for a display name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Naming {
    /// The account, as others see it now.
    Named(User),
    /// Somebody else has a name that looks the same.
    Taken,
    /// There is no such account.
    NoAccount,
}

/// The accounts could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the accounts database failed: {0}")]
pub struct DatabaseError(#[from] sqlx::Error);
