//! The servers of one test, and `auth` on them.

use std::time::Duration;

use auth::{
    settings::{DatabaseSettings, PasswordSettings, Settings},
    startup,
};
use lifecycle::Lifecycle;
use messaging::{Amqp, RpcClient, RpcError};
use models::{
    Limits, Password, User, UserId,
    account::{AuthReply, AuthRequest, Identity},
    amqp_names::{AUTH_LOGINS, AUTH_REQUESTS},
};
use serde_json::Value;
use settings::{AmqpSettings, LifecycleSettings, TelemetrySettings};
use sqlx::AnyConnection;
use stack::{QueueDepth, TestServers, eventually};
use tokio::task::JoinHandle;

use crate::database::{self, Database};

/// Longest wait for something that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Keeps everybody else from writing to the database.
pub(crate) const BEGIN: &str = "BEGIN IMMEDIATE";

pub(crate) struct World {
    pub(crate) servers: TestServers,
    database_url: String,
}

/// A running `auth`.
pub(crate) struct Service {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) task: JoinHandle<anyhow::Result<()>>,
}

impl World {
    /// On SQLite.
    pub(crate) async fn new() -> Self {
        Self::on(Database::Sqlite).await
    }

    pub(crate) async fn on(database: Database) -> Self {
        let servers = TestServers::start().await.unwrap();
        let database_url = database.url(&servers.dir()).await;
        Self {
            servers,
            database_url,
        }
    }

    /// On SQLite with one `auth`, ready.
    pub(crate) async fn with_auth() -> (Self, Service, Client) {
        Self::with_auth_on(Database::Sqlite).await
    }

    /// With one `auth`, ready.
    pub(crate) async fn with_auth_on(database: Database) -> (Self, Service, Client) {
        let world = Self::on(database).await;
        let service = world.auth(world.settings()).await;
        let client = world.client();
        (world, service, client)
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            amqp: AmqpSettings::new(&self.servers.amqp_url()),
            database: DatabaseSettings::new(&self.database_url),
            passwords: PasswordSettings {
                rounds: 1_000,
                hash_threads: 1,
            },
            providers: std::collections::BTreeMap::new(),
            limits: Limits::default(),
            lifecycle: LifecycleSettings::default(),
            telemetry: TelemetrySettings::default(),
        }
    }

    /// Waits longer for the database than any test does.
    pub(crate) fn patient_settings(&self) -> Settings {
        let mut settings = self.settings();
        settings.database.deadline_ms = 300_000;
        settings
    }

    pub(crate) fn database_url(&self) -> &str {
        &self.database_url
    }

    pub(crate) async fn auth(&self, settings: Settings) -> Service {
        let lifecycle = Lifecycle::new();
        let amqp = Amqp::connect(&settings.amqp).unwrap();
        let application = startup::build(settings, amqp, &lifecycle).await.unwrap();
        let service = Service {
            lifecycle,
            task: tokio::spawn(application.run()),
        };
        service.is_ready().await;
        service
    }

    /// A gateway's view of `auth`.
    pub(crate) fn client(&self) -> Client {
        self.client_with_patience(SOON)
    }

    pub(crate) fn client_with_patience(&self, patience: Duration) -> Client {
        let amqp = Amqp::connect(&AmqpSettings::new(&self.servers.amqp_url())).unwrap();
        Client {
            logins: RpcClient::start(&amqp, AUTH_LOGINS, patience),
            requests: RpcClient::start(&amqp, AUTH_REQUESTS, patience),
        }
    }

    /// The database behind `auth`'s back.
    pub(crate) async fn database(&self) -> AnyConnection {
        database::connect(&self.database_url).await
    }

    pub(crate) async fn stored_phc(&self) -> String {
        let mut database = self.database().await;
        sqlx::query_scalar("SELECT phc FROM passwords")
            .fetch_one(&mut database)
            .await
            .unwrap()
    }

    /// Makes everything look done two minutes ago.
    pub(crate) async fn two_minutes_pass(&self) {
        let mut database = self.database().await;
        for query in [
            "UPDATE accounts SET created = created - 120000",
            "UPDATE passwords SET changed = changed - 120000",
        ] {
            sqlx::query(query).execute(&mut database).await.unwrap();
        }
    }

    /// Of the queue strangers wait in.
    pub(crate) async fn queue_depth(&self) -> QueueDepth {
        self.servers.queue_depth(AUTH_LOGINS).await.unwrap()
    }
}

impl Service {
    pub(crate) async fn is_ready(&self) {
        eventually(SOON, "auth is ready", async || {
            self.lifecycle.report().await.ready
        })
        .await;
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.lifecycle.stop().cancel();
        let ended = tokio::time::timeout(SOON, self.task).await;
        ended.expect("auth stops").unwrap().unwrap();
    }
}

/// Asks as the gateway does.
#[derive(Clone)]
pub(crate) struct Client {
    logins: RpcClient,
    requests: RpcClient,
}

impl Client {
    pub(crate) async fn ask(&self, request: &AuthRequest) -> AuthReply {
        let rpc = match request.queue() {
            AUTH_LOGINS => &self.logins,
            _ => &self.requests,
        };
        rpc.call(request).await.unwrap()
    }

    pub(crate) async fn ask_anything(&self, request: &Value) -> Result<AuthReply, RpcError> {
        self.logins.call(request).await
    }

    pub(crate) async fn register(&self, username: &str, password: &str) -> AuthReply {
        self.ask(&register(username, password)).await
    }

    /// Registers somebody who must be accepted.
    pub(crate) async fn registered(&self, username: &str, password: &str) -> User {
        accepted(self.register(username, password).await)
    }

    pub(crate) async fn verify(&self, username: &str, password: &str) -> AuthReply {
        self.ask(&verify(username, password)).await
    }

    pub(crate) async fn create_with(&self, identity: Identity, username: &str) -> AuthReply {
        let username = username.to_owned();
        self.ask(&AuthRequest::CreateWithIdentity { identity, username })
            .await
    }

    pub(crate) async fn link(&self, id: UserId, identity: Identity) -> AuthReply {
        self.ask(&AuthRequest::LinkIdentity { id, identity }).await
    }

    pub(crate) async fn unlink(&self, id: UserId, provider: &str) -> AuthReply {
        let provider = provider.to_owned();
        self.ask(&AuthRequest::UnlinkIdentity { id, provider })
            .await
    }

    pub(crate) async fn change_password(&self, id: UserId, old: &str, new: &str) -> AuthReply {
        self.ask(&AuthRequest::ChangePassword {
            id,
            old: Some(typed(old)),
            new: typed(new),
        })
        .await
    }
}

pub(crate) fn add_password(id: UserId, new: &str) -> AuthRequest {
    AuthRequest::ChangePassword {
        id,
        old: None,
        new: typed(new),
    }
}

pub(crate) fn register(username: &str, password: &str) -> AuthRequest {
    AuthRequest::Register {
        username: username.to_owned(),
        password: typed(password),
    }
}

pub(crate) fn verify(username: &str, password: &str) -> AuthRequest {
    AuthRequest::Verify {
        username: username.to_owned(),
        password: typed(password),
    }
}

/// A password as it comes from a form, whatever it is.
fn typed(text: &str) -> Password {
    serde_json::from_value(text.into()).unwrap()
}

pub(crate) fn accepted(reply: AuthReply) -> User {
    match reply {
        AuthReply::Accepted { user } => user,
        other => panic!("not accepted: {other:?}"),
    }
}
