use std::{
    fs,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use backon::{ExponentialBuilder, Retryable};
use models::{User, UserId, UserType, Username, now_ms};
use sqlx::{
    ConnectOptions, Connection, Row, SqlitePool,
    error::ErrorKind,
    migrate::{MigrateError, Migrator},
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};

use super::{Account, Creation, DatabaseError, Replacement, StoredPassword};
use crate::settings::DatabaseSettings;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// SQLite lets one connection write at a time, and reads here are single rows.
const CONNECTIONS: u32 = 4;

/// Takes the write lock at once: a transaction that reads first and then wants to write is refused, rather than
/// made to wait, when another one wrote in between.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// The primary result code of SQLite for "another connection is writing".
const SQLITE_BUSY: i32 = 5;

/// The accounts, in a SQLite file that several processes may share. Cloning shares the connections.
#[derive(Clone)]
pub struct Accounts {
    pool: SqlitePool,
}

impl Accounts {
    /// Opens the database, makes it where it is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// When the URL is not one of SQLite, the file cannot be made, opened or written, or its tables are those of
    /// another version of PacktChat.
    pub async fn open(settings: &DatabaseSettings) -> anyhow::Result<Self> {
        let url = settings.url.expose();
        ensure!(
            url.starts_with("sqlite://"),
            "PACKTCHAT__DATABASE__URL must be sqlite:// and the path of a file"
        );
        let deadline = Duration::from_millis(settings.deadline_ms);
        let options = SqliteConnectOptions::from_str(url)
            .context("PACKTCHAT__DATABASE__URL is not a URL of SQLite")?
            .journal_mode(SqliteJournalMode::Wal)
            // An account somebody was told they have must outlive a power failure.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(deadline);
        let path = options.get_filename().to_owned();
        create_private(&path)?;
        prepare(&options, deadline)
            .await
            .with_context(|| format!("cannot prepare the accounts database {}", path.display()))?;
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(deadline)
            .connect_with(options)
            .await
            .with_context(|| format!("cannot open the accounts database {}", path.display()))?;
        Ok(Self { pool })
    }

    /// Does the database answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Makes an account with this name and this hashed password.
    ///
    /// # Errors
    /// When the database fails; then there is no account.
    pub async fn create(&self, username: &Username, phc: &str) -> Result<Creation, DatabaseError> {
        let user = User {
            id: UserId::generate(),
            user: username.as_str().to_owned(),
            kind: UserType::local(),
        };
        let id = user.id.to_string();
        let now = stored_time(now_ms());
        let mut tx = self.pool.begin_with(BEGIN).await?;
        let inserted = sqlx::query(
            "INSERT INTO accounts (id, username, kind, created) VALUES (?1, ?2, ?3, ?4)",
        )
        .bind(&id)
        .bind(&user.user)
        .bind(user.kind.as_str())
        .bind(now)
        .execute(&mut *tx)
        .await;
        if let Err(sqlx::Error::Database(error)) = &inserted
            && error.kind() == ErrorKind::UniqueViolation
        {
            return Ok(Creation::UsernameTaken);
        }
        inserted?;
        sqlx::query("INSERT INTO passwords (account_id, phc, changed) VALUES (?1, ?2, ?3)")
            .bind(&id)
            .bind(phc)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Creation::Created(user))
    }

    /// The account of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_username(&self, username: &Username) -> Result<Option<Account>, DatabaseError> {
        let row = sqlx::query(
            "SELECT id, username, kind, created, phc, changed
             FROM accounts LEFT JOIN passwords ON account_id = id
             WHERE username = ?1",
        )
        .bind(username.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| account(&row)).transpose()?)
    }

    /// The account of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn by_id(&self, id: UserId) -> Result<Option<Account>, DatabaseError> {
        let row = sqlx::query(
            "SELECT id, username, kind, created, phc, changed
             FROM accounts LEFT JOIN passwords ON account_id = id
             WHERE id = ?1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| account(&row)).transpose()?)
    }

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
            "UPDATE passwords SET phc = ?3, changed = COALESCE(?4, changed)
             WHERE account_id = ?1 AND phc = ?2",
        )
        .bind(id.to_string())
        .bind(old)
        .bind(new)
        .bind(chosen)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Closes the database once nobody uses it any more.
    pub async fn close(&self) {
        self.pool.close().await;
    }
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
async fn prepare(options: &SqliteConnectOptions, deadline: Duration) -> Result<(), MigrateError> {
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

fn account(row: &SqliteRow) -> Result<Account, sqlx::Error> {
    let id: String = row.try_get("id")?;
    let kind: String = row.try_get("kind")?;
    let phc: Option<String> = row.try_get("phc")?;
    let changed: Option<i64> = row.try_get("changed")?;
    Ok(Account {
        user: User {
            id: id.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?,
            user: row.try_get("username")?,
            kind: if kind == UserType::local().as_str() {
                UserType::local()
            } else {
                UserType::provider(&kind)
            },
        },
        created: wire_time(row.try_get("created")?),
        password: phc.zip(changed).map(|(phc, changed)| StoredPassword {
            phc,
            changed: wire_time(changed),
        }),
    })
}

fn stored_time(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

fn wire_time(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, pin::pin};

    use futures_util::future::join_all;
    use models::Limits;
    use tempfile::TempDir;

    use super::*;

    fn settings(path: &Path) -> DatabaseSettings {
        DatabaseSettings::new(&format!("sqlite://{}", path.display()))
    }

    async fn open() -> (TempDir, Accounts) {
        let dir = tempfile::tempdir().unwrap();
        let accounts = Accounts::open(&settings(&dir.path().join("a.db")))
            .await
            .unwrap();
        (dir, accounts)
    }

    fn name(text: &str) -> Username {
        Username::parse(text, &Limits::default()).unwrap()
    }

    async fn create(accounts: &Accounts, username: &str, phc: &str) -> Option<User> {
        match accounts.create(&name(username), phc).await.unwrap() {
            Creation::Created(user) => Some(user),
            Creation::UsernameTaken => None,
        }
    }

    #[tokio::test]
    async fn an_account_is_found_by_name_and_id() {
        let (_dir, accounts) = open().await;
        let user = create(&accounts, "alice", "phc").await.unwrap();
        let by_name = accounts.by_username(&name("Alice")).await.unwrap().unwrap();
        let by_id = accounts.by_id(user.id).await.unwrap().unwrap();
        assert_eq!(by_name.user, user);
        assert_eq!(by_id.user, user);
        assert_eq!(by_id.password.unwrap().phc, "phc");
        assert!(now_ms() - by_id.created < 60_000);
        assert!(accounts.by_username(&name("bob")).await.unwrap().is_none());
        assert!(accounts.by_id(UserId::generate()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_account_may_have_no_password() {
        let (_dir, accounts) = open().await;
        let user = create(&accounts, "alice", "phc").await.unwrap();
        sqlx::query("DELETE FROM passwords")
            .execute(&accounts.pool)
            .await
            .unwrap();
        let account = accounts.by_id(user.id).await.unwrap().unwrap();
        assert!(account.password.is_none());
    }

    #[tokio::test]
    async fn a_name_is_given_once() {
        let (_dir, accounts) = open().await;
        let user = create(&accounts, "alice", "first").await.unwrap();
        assert!(create(&accounts, "alice", "second").await.is_none());
        let kept = accounts.by_id(user.id).await.unwrap().unwrap();
        assert_eq!(kept.password.unwrap().phc, "first");
    }

    #[tokio::test]
    async fn a_password_is_replaced_only_if_it_is_the_expected_one() {
        let (_dir, accounts) = open().await;
        let id = create(&accounts, "alice", "one").await.unwrap().id;
        sqlx::query("UPDATE passwords SET changed = 7")
            .execute(&accounts.pool)
            .await
            .unwrap();
        let replace = |old, new, why| accounts.replace_password(id, old, new, why);
        assert!(!replace("two", "three", Replacement::Chosen).await.unwrap());
        assert!(replace("one", "two", Replacement::Rehashed).await.unwrap());
        let password = accounts.by_id(id).await.unwrap().unwrap().password.unwrap();
        assert_eq!((password.phc.as_str(), password.changed), ("two", 7));
        assert!(replace("two", "three", Replacement::Chosen).await.unwrap());
        let password = accounts.by_id(id).await.unwrap().unwrap().password.unwrap();
        assert_eq!(password.phc, "three");
        assert!(password.changed > 7);
    }

    #[tokio::test]
    async fn the_file_is_private_and_survives() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let accounts = Accounts::open(&settings(&path)).await.unwrap();
        let user = create(&accounts, "alice", "phc").await.unwrap();
        for file in ["a.db", "a.db-wal"] {
            let mode = fs::metadata(dir.path().join(file))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        accounts.close().await;
        let accounts = Accounts::open(&settings(&path)).await.unwrap();
        assert_eq!(accounts.by_id(user.id).await.unwrap().unwrap().user, user);
    }

    #[tokio::test]
    async fn many_may_open_an_empty_database_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(&dir.path().join("a.db"));
        settings.deadline_ms = 30_000;
        // SQLite does its work on a thread for each connection, so these do meet.
        for opened in join_all((0..8).map(|_| Accounts::open(&settings))).await {
            opened.unwrap();
        }
    }

    /// SQLite does not let who sets the journal mode wait for a writer, as it lets another writer.
    #[tokio::test]
    async fn opening_waits_for_who_writes_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(&dir.path().join("a.db"));
        settings.deadline_ms = 30_000;
        let options = SqliteConnectOptions::from_str(settings.url.expose()).unwrap();
        let mut other = options.create_if_missing(true).connect().await.unwrap();
        let writing = other.begin_with(BEGIN).await.unwrap();
        let mut opening = pin!(Accounts::open(&settings));
        let early = tokio::time::timeout(Duration::from_millis(200), &mut opening).await;
        assert!(early.is_err(), "it does not wait");
        writing.rollback().await.unwrap();
        opening.await.unwrap();
    }

    #[tokio::test]
    async fn a_wrong_url_or_folder_is_told() {
        let wrong = Accounts::open(&DatabaseSettings::new("postgres://localhost/x")).await;
        assert!(
            wrong
                .err()
                .unwrap()
                .to_string()
                .contains("PACKTCHAT__DATABASE__URL must be sqlite://")
        );
        let missing = Accounts::open(&DatabaseSettings::new("sqlite:///nowhere/at/all/a.db")).await;
        assert!(
            missing
                .err()
                .unwrap()
                .to_string()
                .contains("the folder /nowhere/at/all")
        );
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("not-a-database");
        fs::write(&path, "x".repeat(4096)).unwrap();
        let foreign = Accounts::open(&settings(&path)).await.err().unwrap();
        assert!(foreign.to_string().contains("not-a-database"), "{foreign}");
    }
}
