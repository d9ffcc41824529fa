//! Where the accounts and the sessions are.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use auth::accounts::Accounts;
use auth::settings::{DatabaseSettings, PasswordSettings};
use serde::Deserialize;
use settings::{RedisSettings, Secret};
use stack::State;

use super::Where;
use crate::source_tree::SourceTree;

/// Longest wait for an auth process that writes at the same time, in milliseconds.
const PATIENCE_MS: u64 = 30_000;

/// The settings of services that matter here; further variables of theirs are not looked at.
#[derive(Deserialize)]
struct Settings {
    database: Option<DatabaseSettings>,
    redis: Option<RedisSettings>,
    #[serde(default)]
    passwords: PasswordSettings,
}

/// Where the accounts and the sessions are.
pub(super) struct Place {
    database: DatabaseSettings,
    pub(super) redis: Option<RedisSettings>,
    pub(super) passwords: PasswordSettings,
}

impl Place {
    /// # Errors
    /// When a setting is wrong, or nothing says where the accounts are.
    pub(super) fn find(wishes: Where) -> anyhow::Result<Place> {
        let settings: Settings = settings::load()?;
        let dir = match wishes.dir {
            Some(dir) => Some(dir),
            None => SourceTree::find().ok().map(|tree| tree.data()),
        };
        let mut database = match (wishes.database, settings.database) {
            (Some(url), _) => DatabaseSettings::new(&url),
            (None, Some(database)) => database,
            (None, None) => of_stack(dir.as_deref())?,
        };
        database.deadline_ms = database.deadline_ms.max(PATIENCE_MS);
        let redis = match (wishes.redis, settings.redis) {
            (Some(url), _) => Some(RedisSettings::new(&url)),
            (None, Some(redis)) => Some(redis),
            (None, None) => match dir {
                Some(dir) => State::read(&dir)?.map(|state| RedisSettings::new(&state.redis_url)),
                None => None,
            },
        };
        Ok(Place {
            database,
            redis,
            passwords: settings.passwords,
        })
    }

    /// Opens the database, which must be there.
    ///
    /// # Errors
    /// When it is missing or cannot be opened.
    pub(super) async fn open(&self) -> anyhow::Result<Accounts> {
        if let Some(file) = sqlite_file(&self.database.url) {
            ensure!(
                file.is_file(),
                "there is no accounts database {}: say where it is with --database, or with --dir for a chat of \
                 `packtchat up`",
                file.display()
            );
        }
        self.open_or_make().await
    }

    /// Opens the database; a file of SQLite is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) async fn open_or_make(&self) -> anyhow::Result<Accounts> {
        Accounts::open(&self.database).await
    }
}

/// The database of the chat that `packtchat up` keeps in this directory.
fn of_stack(dir: Option<&Path>) -> anyhow::Result<DatabaseSettings> {
    let dir = dir.context(
        "where are the accounts? Give --database or PACKTCHAT__DATABASE__URL, or --dir for a chat of `packtchat up`",
    )?;
    let file = stack::service::accounts_file(dir);
    Ok(DatabaseSettings::new(&format!(
        "sqlite://{}",
        file.display()
    )))
}

/// The file of a database of SQLite.
fn sqlite_file(url: &Secret) -> Option<PathBuf> {
    let path = url.expose().strip_prefix("sqlite://")?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    Some(path.into())
}
