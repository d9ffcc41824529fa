//! What is particular to SQLite: a file that is to be private, its journal, and its one writer.

use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use backon::{ExponentialBuilder, Retryable};
use sqlx::{
    ConnectOptions, Connection,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use super::database::Dialect;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");

/// SQLite lets one connection write at a time, and reads here are single rows.
const CONNECTIONS: u32 = 4;

/// Takes the write lock at once: a transaction that reads first and then wants to write is refused, rather than
/// made to wait, when another one wrote in between.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// The primary result code of SQLite for "another connection is writing".
const SQLITE_BUSY: i32 = 5;

/// Makes the file where it is missing, and brings its tables up to date.
pub(super) async fn prepare(url: &str, deadline: Duration) -> anyhow::Result<Dialect> {
    let options = SqliteConnectOptions::from_str(url)
        .context("PACKTCHAT__DATABASE__URL is not a URL of SQLite")?
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(deadline);
    let path = options.get_filename().to_owned();
    create_private(&path)?;
    migrate(&options, deadline)
        .await
        .with_context(|| format!("cannot prepare the accounts database {}", path.display()))?;
    Ok(Dialect {
        connections: CONNECTIONS,
        begin: BEGIN,
        // An account somebody was told they have must outlive a power failure.
        greeting: format!(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = {}",
            deadline.as_millis()
        ),
    })
}

/// Makes the file for its owner alone, before SQLite makes it for everybody.
fn create_private(path: &Path) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    ensure!(
        folder.is_dir(),
        "the folder {} of the accounts database does not exist: make it, or correct PACKTCHAT__DATABASE__URL",
        folder.display()
    );
    // Never opens a file that exists: closing it would drop the locks this process may hold on it.
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(e).with_context(|| format!("cannot make the accounts database {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Sets the journal mode and runs what migrations are missing, in one transaction, beside other processes that do
/// the same: whoever comes second waits, then finds the work done.
async fn migrate(options: &SqliteConnectOptions, deadline: Duration) -> Result<(), MigrateError> {
    let end = Instant::now() + deadline;
    let attempt = || async {
        let mut connection = options.connect().await?;
        let mut tx = connection.begin_with(BEGIN).await?;
        MIGRATIONS.run(&mut *tx).await?;
        tx.commit().await?;
        connection.close().await?;
        Ok(())
    };
    // SQLite refuses, rather than lets wait, two connections that set the journal mode at the same time.
    attempt
        .retry(
            ExponentialBuilder::default()
                .with_min_delay(Duration::from_millis(10))
                .with_max_delay(Duration::from_millis(200))
                .with_jitter()
                .without_max_times(),
        )
        .when(|error| Instant::now() < end && is_busy(error))
        .await
}

fn is_busy(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|extended| extended & 0xff == SQLITE_BUSY)
}
