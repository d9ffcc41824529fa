use std::time::Duration;

use anyhow::{Context, bail};
use models::UserId;
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use super::{DatabaseError, postgres, sqlite};
use crate::settings::DatabaseSettings;

/// The accounts, in a database that several processes may share. Cloning shares the connections.
#[derive(Clone)]
pub struct Accounts {
    pub(super) pool: AnyPool,
    begin: &'static str,
}

/// What is particular to a kind of database.
pub(super) struct Dialect {
    /// Most connections of one process.
    pub(super) connections: u32,
    /// Begins a transaction that writes.
    pub(super) begin: &'static str,
    /// What is to be said once on each connection.
    pub(super) greeting: String,
}

impl Accounts {
    /// Opens the database and brings its tables up to date. A file of SQLite is made where it is missing.
    ///
    /// # Errors
    /// When the URL is of neither database, it cannot be made, reached, opened or written, or its tables are those
    /// of another version of PacktChat.
    pub async fn open(settings: &DatabaseSettings) -> anyhow::Result<Self> {
        let url = settings.url.expose();
        let deadline = Duration::from_millis(settings.deadline_ms);
        let dialect = match url.split_once("://") {
            Some(("sqlite", _)) => sqlite::prepare(url, deadline).await?,
            Some(("postgres" | "postgresql", _)) => postgres::prepare(url, deadline).await?,
            _ => bail!(
                "PACKTCHAT__DATABASE__URL must be sqlite:// and the path of a file, or postgres:// and a database"
            ),
        };
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = url
            .parse()
            .context("PACKTCHAT__DATABASE__URL is not a URL")?;
        let greeting = dialect.greeting;
        let pool = AnyPoolOptions::new()
            .max_connections(dialect.connections)
            .acquire_timeout(deadline)
            .after_connect(move |connection, _| {
                // Made of constants and a number.
                let greeting = sqlx::raw_sql(AssertSqlSafe(greeting.clone()));
                Box::pin(async move { greeting.execute(connection).await.map(drop) })
            })
            .connect_with(options)
            .await
            .context("cannot open the accounts database")?;
        Ok(Self {
            pool,
            begin: dialect.begin,
        })
    }

    /// Does the database answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes the database once nobody uses it any more.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that writes. Dropped, it changes nothing.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Any>, DatabaseError> {
        Ok(self.pool.begin_with(self.begin).await?)
    }
}

/// Makes every other change of this account wait until the transaction ends; `false` when there is no such account.
///
/// `SELECT … FOR UPDATE` says it in PostgreSQL alone.
pub(super) async fn lock_account(tx: &mut AnyConnection, id: UserId) -> Result<bool, sqlx::Error> {
    let locked = sqlx::query("UPDATE accounts SET id = id WHERE id = $1")
        .bind(id.to_string())
        .execute(tx)
        .await?;
    Ok(locked.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told<T>(settings: &DatabaseSettings, question: &'static str) -> T
    where
        T: for<'r> sqlx::Decode<'r, Any> + sqlx::Type<Any> + Send + Unpin,
    {
        let accounts = Accounts::open(settings).await.unwrap();
        let answer = sqlx::query_scalar(question).fetch_one(&accounts.pool);
        answer.await.unwrap()
    }

    #[tokio::test]
    async fn connections_to_sqlite_wait_for_the_disk_and_for_who_writes() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/a.db", folder.path().display());
        let settings = DatabaseSettings::new(&url);
        for (question, expected) in [
            ("PRAGMA synchronous", 2),
            ("PRAGMA foreign_keys", 1),
            ("PRAGMA busy_timeout", 2_000),
        ] {
            let answer: i64 = told(&settings, question).await;
            assert_eq!(answer, expected, "{question}");
        }
    }

    #[tokio::test]
    async fn statements_of_postgresql_have_a_deadline() {
        let settings = DatabaseSettings::new(&stack::postgres_database().await.unwrap());
        let answer: String = told(&settings, "SHOW statement_timeout").await;
        assert_eq!(answer, "2s");
    }
}
