use models::{UserId, account::Identity, now_ms};
use sqlx::{AnyConnection, Row};

use super::{Accounts, DatabaseError, database::lock_account, find::stored_time};

/// What became of the wish to link an identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Linking {
    /// It is linked to the account, now or since before.
    Linked,
    /// It belongs to another account, or the account has another one of its provider.
    Taken,
    /// There is no such account.
    NoAccount,
}

/// What became of the wish to unlink an identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unlinking {
    /// The account has none of this provider, now or since before.
    Unlinked,
    /// It is the only way to sign in.
    LastWayIn,
    /// There is no such account.
    NoAccount,
}

impl Accounts {
    /// Lets an account be signed in to with this identity.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn link(&self, id: UserId, identity: &Identity) -> Result<Linking, DatabaseError> {
        let mut tx = self.begin().await?;
        if !lock_account(&mut tx, id).await? {
            return Ok(Linking::NoAccount);
        }
        let linked =
            insert(&mut tx, id, identity).await? || is_linked(&mut tx, id, identity).await?;
        tx.commit().await?;
        Ok(if linked {
            Linking::Linked
        } else {
            Linking::Taken
        })
    }

    /// Takes the identity of a provider away from an account, unless it is the only way to sign in.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn unlink(&self, id: UserId, provider: &str) -> Result<Unlinking, DatabaseError> {
        let mut tx = self.begin().await?;
        // Two that are unlinked at the same time must not each count on the other.
        if !lock_account(&mut tx, id).await? {
            return Ok(Unlinking::NoAccount);
        }
        let removed = sqlx::query("DELETE FROM identities WHERE account_id = $1 AND provider = $2")
            .bind(id.to_string())
            .bind(provider)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if removed > 0 && ways_in(&mut tx, id).await? == 0 {
            return Ok(Unlinking::LastWayIn);
        }
        tx.commit().await?;
        Ok(Unlinking::Unlinked)
    }
}

/// Links an identity that belongs to nobody to an account that has none of its provider; `false` otherwise.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    id: UserId,
    identity: &Identity,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO identities (provider, subject, account_id, label, linked) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(&identity.provider)
    .bind(&identity.subject)
    .bind(id.to_string())
    .bind(&identity.label)
    .bind(stored_time(now_ms()))
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn is_linked(
    connection: &mut AnyConnection,
    id: UserId,
    identity: &Identity,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT account_id FROM identities WHERE provider = $1 AND subject = $2")
        .bind(&identity.provider)
        .bind(&identity.subject)
        .fetch_optional(connection)
        .await?;
    let owner: Option<String> = row.map(|row| row.try_get("account_id")).transpose()?;
    Ok(owner == Some(id.to_string()))
}

/// How many ways to sign in an account has.
async fn ways_in(connection: &mut AnyConnection, id: UserId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM passwords WHERE account_id = $1) \
              + (SELECT count(*) FROM identities WHERE account_id = $1)",
    )
    .bind(id.to_string())
    .fetch_one(connection)
    .await
}
