use models::{User, UserId, UserType, Username, account::Identity};
use sqlx::{Row, any::AnyRow};

use super::{Account, Accounts, DatabaseError, StoredPassword};

/// The rows of accounts with their passwords, and what further is said.
macro_rules! select_accounts {
    ($($rest:literal),+) => {
        concat!(
            "SELECT id, username, display_name, kind, created, disabled, phc, changed \
             FROM accounts LEFT JOIN passwords ON passwords.account_id = accounts.id ",
            $($rest),+
        )
    };
}
pub(super) use select_accounts;

impl Accounts {
    /// The account of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_username(&self, username: &Username) -> Result<Option<Account>, DatabaseError> {
        // All rows there are, one at most: to stop at the first would end the query in another way where there is one.
        let rows = sqlx::query(select_accounts!("WHERE username = $1"))
            .bind(username.as_str())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.first().map(account).transpose()?)
    }

    /// The account of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_id(&self, id: UserId) -> Result<Option<Account>, DatabaseError> {
        let row = sqlx::query(select_accounts!("WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.as_ref().map(account).transpose()?)
    }

    /// The account this identity is linked to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_identity(
        &self,
        provider: &str,
        subject: &str,
    ) -> Result<Option<Account>, DatabaseError> {
        let row = sqlx::query(select_accounts!(
            "JOIN identities ON identities.account_id = id WHERE provider = $1 AND subject = $2"
        ))
        .bind(provider)
        .bind(subject)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(account).transpose()?)
    }

    /// The identities linked to an account, in the order of their providers' names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn identities(&self, id: UserId) -> Result<Vec<Identity>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT provider, subject, label FROM identities WHERE account_id = $1 ORDER BY provider",
        )
        .bind(id.to_string())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(identity).collect::<Result<_, _>>()?)
    }
}

/// The account in a row of [`select_accounts`].
pub(super) fn account(row: &AnyRow) -> Result<Account, sqlx::Error> {
    let id: String = row.try_get("id")?;
    let kind: String = row.try_get("kind")?;
    let username: String = row.try_get("username")?;
    let display_name: Option<String> = row.try_get("display_name")?;
    let disabled: Option<i64> = row.try_get("disabled")?;
    let phc: Option<String> = row.try_get("phc")?;
    let changed: Option<i64> = row.try_get("changed")?;
    Ok(Account {
        user: User {
            id: id.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?,
            user: display_name.clone().unwrap_or_else(|| username.clone()),
            kind: if kind == UserType::local().as_str() {
                UserType::local()
            } else {
                UserType::provider(&kind)
            },
        },
        username,
        display_name,
        created: wire_time(row.try_get("created")?),
        disabled: disabled.map(wire_time),
        password: phc.zip(changed).map(|(phc, changed)| StoredPassword {
            phc,
            changed: wire_time(changed),
        }),
    })
}

/// The identity in a row that has its columns.
pub(super) fn identity(row: &AnyRow) -> Result<Identity, sqlx::Error> {
    Ok(Identity {
        provider: row.try_get("provider")?,
        subject: row.try_get("subject")?,
        label: row.try_get("label")?,
    })
}

/// A time in milliseconds, as the databases hold it.
pub(super) fn stored_time(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

fn wire_time(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}
