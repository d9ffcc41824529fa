//! The two databases, and what tests do to them behind `auth`'s back.

use std::path::Path;

use auth::{
    accounts::{Accounts, Creation, FirstWayIn},
    settings::DatabaseSettings,
};
use models::{DisplayName, Limits, User, Username, account::Identity};
use sqlx::{Any, AnyConnection, ConnectOptions, Connection, Transaction, any::AnyConnectOptions};
use tempfile::TempDir;

use crate::world::BEGIN;

/// The password of everybody: `correct horse`, hashed with 1,000 rounds.
pub(crate) const PHC: &str =
    "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$cBg8D2DungRB9k76szThf5ehfyBz991ay6PT8Srwk4M";

/// Where accounts are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    /// An empty one, whose files, if any, are in this folder.
    pub(crate) async fn url(self, folder: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}/accounts.db", folder.display()),
            Self::Postgres => stack::postgres_database().await.unwrap(),
        }
    }

    /// Keeps everybody else from writing to it.
    pub(crate) async fn lock(self, connection: &mut AnyConnection) -> Transaction<'_, Any> {
        match self {
            Self::Sqlite => connection.begin_with(BEGIN).await.unwrap(),
            Self::Postgres => {
                let mut writer = connection.begin().await.unwrap();
                sqlx::query("LOCK TABLE accounts IN EXCLUSIVE MODE")
                    .execute(&mut *writer)
                    .await
                    .unwrap();
                writer
            }
        }
    }

    /// An empty one; the settings open it again.
    pub(crate) async fn open(self) -> Opened {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = DatabaseSettings::new(&self.url(folder.path()).await);
        // Tests want many at once.
        settings.deadline_ms = 30_000;
        Opened {
            accounts: Accounts::open(&settings).await.unwrap(),
            settings,
            _folder: folder,
        }
    }
}

/// An open database of one test.
pub(crate) struct Opened {
    pub(crate) accounts: Accounts,
    pub(crate) settings: DatabaseSettings,
    _folder: TempDir,
}

impl Opened {
    /// As another process would open it.
    pub(crate) async fn again(&self) -> Accounts {
        Accounts::open(&self.settings).await.unwrap()
    }

    /// Behind the back of all.
    pub(crate) async fn execute(&self, statement: &'static str) {
        let mut connection = connect(self.settings.url.expose()).await;
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }
}

pub(crate) async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = url.parse().unwrap();
    options.connect().await.unwrap()
}

pub(crate) fn name(text: &str) -> Username {
    Username::parse(text, &Limits::default()).unwrap()
}

pub(crate) fn shown(text: &str) -> DisplayName {
    DisplayName::parse(text, &Limits::default()).unwrap()
}

pub(crate) fn identity(provider: &str, subject: &str) -> Identity {
    Identity {
        provider: provider.to_owned(),
        subject: subject.to_owned(),
        label: format!("{subject}@example.com"),
    }
}

/// Makes an account with a password, and must succeed.
pub(crate) async fn create(accounts: &Accounts, username: &str) -> User {
    created(
        accounts
            .create(&name(username), FirstWayIn::Password(PHC))
            .await
            .unwrap(),
    )
}

/// Makes an account of a provider, and must succeed.
pub(crate) async fn create_with(accounts: &Accounts, username: &str, identity: &Identity) -> User {
    created(
        accounts
            .create(&name(username), FirstWayIn::Identity(identity))
            .await
            .unwrap(),
    )
}

fn created(creation: Creation) -> User {
    match creation {
        Creation::Created(user) => user,
        other => panic!("not made: {other:?}"),
    }
}
