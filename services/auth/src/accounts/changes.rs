use models::{DisplayName, UserId, now_ms};
use sqlx::AnyConnection;

use super::{
    Accounts, DatabaseError, Naming, Replacement,
    create::insert_password,
    database::lock_account,
    find::{account, select_accounts, stored_time},
    looks,
};

impl Accounts {
    /// Replaces an account's stored password, unless it is no longer `old`: then somebody else was faster, and
    /// `false` is the answer.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn replace_password(
        &self,
        id: UserId,
        old: &str,
        new: &str,
        why: Replacement,
    ) -> Result<bool, DatabaseError> {
        let chosen = (why == Replacement::Chosen).then(|| stored_time(now_ms()));
        let done = sqlx::query(
            "UPDATE passwords SET phc = $3, changed = COALESCE($4, changed) \
             WHERE account_id = $1 AND phc = $2",
        )
        .bind(id.to_string())
        .bind(old)
        .bind(new)
        .bind(chosen)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives an account its first password. `false` when it has one, or there is no such account.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn add_password(&self, id: UserId, phc: &str) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        let added =
            lock_account(&mut tx, id).await? && insert_password(&mut tx, id, phc, now_ms()).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Gives an account this password, whatever it had before. `false` when there is no such account.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn reset_password(&self, id: UserId, phc: &str) -> Result<bool, DatabaseError> {
        let mut tx = self.begin().await?;
        if !lock_account(&mut tx, id).await? {
            return Ok(false);
        }
        sqlx::query("DELETE FROM passwords WHERE account_id = $1")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        insert_password(&mut tx, id, phc, now_ms()).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Shows an account to others by this name, or by its username.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn set_display_name(
        &self,
        id: UserId,
        name: Option<&DisplayName>,
    ) -> Result<Naming, DatabaseError> {
        let mut tx = self.begin().await?;
        let updated = sqlx::query("UPDATE accounts SET display_name = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(name.map(DisplayName::as_str))
            .execute(&mut *tx)
            .await?;
        if updated.rows_affected() == 0 {
            return Ok(Naming::NoAccount);
        }
        let row = sqlx::query(select_accounts!("WHERE id = $1"))
            .bind(id.to_string())
            .fetch_one(&mut *tx)
            .await?;
        let account = account(&row)?;
        if !take_looks(&mut tx, id, &account.username, name).await? {
            return Ok(Naming::Taken);
        }
        tx.commit().await?;
        Ok(Naming::Named(account.user))
    }

    /// Lets nobody sign in to an account from now on, or lets them again. `false` when it is so already, or there is
    /// no such account.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn set_disabled(&self, id: UserId, disabled: bool) -> Result<bool, DatabaseError> {
        let since = disabled.then(|| stored_time(now_ms()));
        let done = sqlx::query(
            "UPDATE accounts SET disabled = $2 WHERE id = $1 AND (disabled IS NULL) = ($2 IS NOT NULL)",
        )
        .bind(id.to_string())
        .bind(since)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

/// Takes the looks of a display name, and gives up those of the one before. `false` when another account has one.
///
/// What is given up goes last: then whoever waits for it waits for somebody who waits for nobody.
async fn take_looks(
    tx: &mut AnyConnection,
    id: UserId,
    username: &str,
    name: Option<&DisplayName>,
) -> Result<bool, sqlx::Error> {
    let wanted = name.map(looks::of_display_name).unwrap_or_default();
    for look in &wanted {
        if !looks::take(tx, id, look).await? {
            return Ok(false);
        }
    }
    let username = looks::of_username(username);
    for look in looks::of_account(tx, id).await? {
        if look != username && !wanted.contains(&look) {
            looks::give_up(tx, &look).await?;
        }
    }
    Ok(true)
}
