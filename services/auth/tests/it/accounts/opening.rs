use std::{fs, os::unix::fs::PermissionsExt, path::Path, pin::pin, time::Duration};

use auth::{accounts::Accounts, settings::DatabaseSettings};
use futures_util::future::join_all;
use sqlx::{ConnectOptions, Connection, Row, migrate::Migrator, sqlite::SqliteConnectOptions};

use crate::{
    database::{Database, connect, create, name},
    world::BEGIN,
};

on_both_databases!(
    many_may_open_an_empty_database_at_once,
    what_was_made_is_there_again
);

static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");

fn settings(path: &Path) -> DatabaseSettings {
    DatabaseSettings::new(&format!("sqlite://{}", path.display()))
}

async fn many_may_open_an_empty_database_at_once(database: Database) {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = DatabaseSettings::new(&database.url(folder.path()).await);
    settings.deadline_ms = 30_000;
    for opened in join_all((0..8).map(|_| Accounts::open(&settings))).await {
        opened.unwrap();
    }
}

async fn what_was_made_is_there_again(database: Database) {
    let opened = database.open().await;
    let user = create(&opened.accounts, "alice").await;
    opened.accounts.close().await;
    let account = opened.again().await.by_id(user.id).await.unwrap();
    assert_eq!(account.unwrap().user, user);
}

#[tokio::test]
async fn a_file_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = Accounts::open(&settings(&folder.path().join("a.db")))
        .await
        .unwrap();
    create(&accounts, "alice").await;
    for file in ["a.db", "a.db-wal"] {
        let mode = fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_file_has_a_write_ahead_log() {
    let opened = Database::Sqlite.open().await;
    let mut connection = connect(opened.settings.url.expose()).await;
    let mode = sqlx::query("PRAGMA journal_mode")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(mode.get::<String, _>(0), "wal");
}

/// SQLite does not let who sets the journal mode wait for a writer, as it lets another writer.
#[tokio::test]
async fn opening_waits_for_who_writes_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(&folder.path().join("a.db"));
    settings.deadline_ms = 30_000;
    let options: SqliteConnectOptions = settings.url.expose().parse().unwrap();
    let mut other = options.create_if_missing(true).connect().await.unwrap();
    let writing = other.begin_with(BEGIN).await.unwrap();
    let mut opening = pin!(Accounts::open(&settings));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut opening).await;
    assert!(early.is_err(), "it does not wait");
    writing.rollback().await.unwrap();
    opening.await.unwrap();
}

#[tokio::test]
async fn the_first_migration_is_that_of_databases_in_the_field() {
    let first = SQLITE.iter().next().unwrap();
    let checksum: String = first
        .checksum
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(
        checksum.starts_with("2628152b2140eea0bece8daa45edb830"),
        "{checksum}"
    );
}

#[tokio::test]
async fn a_file_of_the_first_version_opens_with_its_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(&folder.path().join("a.db"));
    let options: SqliteConnectOptions = settings.url.expose().parse().unwrap();
    let mut old = options.create_if_missing(true).connect().await.unwrap();
    SQLITE.run_to(1, &mut old).await.unwrap();
    for (number, username) in [(1, "mad.hatter1"), (2, "alice"), (3, "a1ice")] {
        sqlx::query("INSERT INTO accounts VALUES (?1, ?2, 'local', ?3)")
            .bind(format!("00000000-0000-7000-8000-00000000000{number}"))
            .bind(username)
            .bind(number)
            .execute(&mut old)
            .await
            .unwrap();
    }
    old.close().await.unwrap();

    let accounts = Accounts::open(&settings).await.unwrap();
    let old = accounts.by_username(&name("a1ice")).await.unwrap().unwrap();
    assert_eq!((old.user.user.as_str(), old.disabled), ("a1ice", None));
    let mut connection = connect(settings.url.expose()).await;
    let looks = sqlx::query("SELECT look, account_id FROM looks ORDER BY account_id")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let looks: Vec<(String, char)> = looks
        .iter()
        .map(|row| (row.get(0), row.get::<String, _>(1).pop().unwrap()))
        .collect();
    assert_eq!(
        looks,
        [("rnad.hatterl".to_owned(), '1'), ("alice".to_owned(), '2')]
    );
}

#[tokio::test]
async fn a_wrong_place_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("not-a-database");
    fs::write(&file, "x".repeat(4096)).unwrap();
    let port = stack::ports::free_port().unwrap();
    for (url, expected) in [
        (
            "mysql://localhost/x".to_owned(),
            "PACKTCHAT__DATABASE__URL must be sqlite:// and the path of a file, or postgres://",
        ),
        (
            "sqlite:///nowhere/at/all/a.db".to_owned(),
            "the folder /nowhere/at/all",
        ),
        (format!("sqlite://{}", file.display()), "not-a-database"),
        (
            format!("postgres://packtchat:hidden@127.0.0.1:{port}/chat"),
            &format!("the accounts database chat on 127.0.0.1:{port}"),
        ),
    ] {
        let error = Accounts::open(&DatabaseSettings::new(&url))
            .await
            .err()
            .unwrap();
        let told = format!("{error:#}");
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("hidden"), "{told}");
    }
}
