//! The servers of one test, and the services on them.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use gateway::settings::{AuthSettings, HttpSettings, Settings, StaticSettings, ThrottleSettings};
use lifecycle::Lifecycle;
use messaging::{Amqp, Redis, RpcClient, Sessions};
use models::{
    Limits, User, UserId, UserType,
    account::{AuthReply, AuthRequest, Identity},
    amqp_names::AUTH_LOGINS,
    redis_keys,
    session::{Session, SessionId, SessionKeys},
};
use settings::{
    AmqpSettings, LifecycleSettings, RedisSettings, SessionSettings, TelemetrySettings,
};
use stack::{TestServers, eventually};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinHandle,
};

use crate::{browser::Browser, dist};

/// Longest wait for something that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(20);

const SECRET: &str = "a secret for tests, long enough to sign";

pub(crate) struct World {
    pub(crate) servers: TestServers,
    pub(crate) dist: PathBuf,
}

impl World {
    /// Redis, RabbitMQ and a built web client; no service yet.
    pub(crate) async fn new() -> Self {
        let servers = TestServers::start().await.unwrap();
        let dist = dist::write(&servers.dir());
        Self { servers, dist }
    }

    /// A gateway and an `auth`, both ready.
    pub(crate) async fn with_auth() -> (Self, Service, Service) {
        let world = Self::new().await;
        let auth = world.auth().await;
        let gateway = world.gateway().await;
        (world, gateway, auth)
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            redis: RedisSettings::new(&self.servers.redis_url()),
            amqp: AmqpSettings::new(&self.servers.amqp_url()),
            session: SessionSettings::new(SECRET),
            static_files: StaticSettings::new(&self.dist),
            http: HttpSettings {
                listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                workers: Some(1),
                ..HttpSettings::default()
            },
            routes: gateway::RouteMap::default(),
            auth: AuthSettings::default(),
            throttle: ThrottleSettings::default(),
            limits: Limits::default(),
            lifecycle: LifecycleSettings::default(),
            telemetry: TelemetrySettings::default(),
        }
    }

    pub(crate) async fn gateway(&self) -> Service {
        let service = Self::start(self.settings()).await;
        service.is_ready().await;
        service
    }

    /// A gateway that may not be ready yet.
    pub(crate) async fn start(settings: Settings) -> Service {
        let lifecycle = Lifecycle::new();
        let amqp = Amqp::connect(&settings.amqp).unwrap();
        let application = gateway::startup::build(settings, amqp, &lifecycle)
            .await
            .unwrap();
        Service {
            port: application.port(),
            lifecycle,
            task: tokio::spawn(application.run()),
        }
    }

    /// What a gateway says that does not start with these settings.
    pub(crate) async fn refusal(settings: Settings) -> String {
        let amqp = Amqp::connect(&settings.amqp).unwrap();
        let refused = gateway::startup::build(settings, amqp, &Lifecycle::new()).await;
        format!("{:#}", refused.err().unwrap())
    }

    pub(crate) async fn auth(&self) -> Service {
        self.auth_with(BTreeMap::new()).await
    }

    /// An `auth` that knows these providers.
    pub(crate) async fn auth_with(
        &self,
        providers: BTreeMap<String, auth::providers::ProviderSettings>,
    ) -> Service {
        let database = self.servers.dir().join("accounts.sqlite");
        let settings = auth::settings::Settings {
            amqp: AmqpSettings::new(&self.servers.amqp_url()),
            database: auth::settings::DatabaseSettings::new(&format!(
                "sqlite://{}",
                database.display()
            )),
            passwords: auth::settings::PasswordSettings {
                rounds: 1_000,
                hash_threads: 1,
            },
            providers,
            limits: Limits::default(),
            lifecycle: LifecycleSettings::default(),
            telemetry: TelemetrySettings::default(),
        };
        let lifecycle = Lifecycle::new();
        let amqp = Amqp::connect(&settings.amqp).unwrap();
        let application = auth::startup::build(settings, amqp, &lifecycle)
            .await
            .unwrap();
        let service = Service {
            port: 0,
            lifecycle,
            task: tokio::spawn(application.run()),
        };
        service.is_ready().await;
        service
    }

    /// The sessions as another service sees them.
    pub(crate) fn sessions(&self) -> Sessions {
        let redis = Redis::connect(&RedisSettings::new(&self.servers.redis_url())).unwrap();
        Sessions::new(redis, &SessionSettings::new(SECRET)).unwrap()
    }

    /// The cookie of somebody signed in under this name, whatever the name is.
    pub(crate) async fn signed_in(&self, name: &str) -> String {
        let session = Session::signed_in(User {
            id: UserId::generate(),
            user: name.to_owned(),
            kind: UserType::local(),
        });
        self.keep(&session).await
    }

    /// Keeps a session that holds this, and tells its cookie.
    pub(crate) async fn keep(&self, session: &Session) -> String {
        let id = SessionId::generate();
        let sessions = self.sessions();
        sessions.create(&id, session).await.unwrap();
        sessions.cookie_value(&id)
    }

    /// What the session of this cookie holds.
    pub(crate) async fn session(&self, cookie: &str) -> Session {
        self.sessions().load(cookie).await.unwrap().unwrap().1
    }

    /// Lets the session of this cookie hold something else.
    pub(crate) async fn change_session(&self, cookie: &str, change: impl FnOnce(&mut Session)) {
        let sessions = self.sessions();
        let (id, mut session) = sessions.load(cookie).await.unwrap().unwrap();
        change(&mut session);
        assert!(sessions.save(&id, &session).await.unwrap());
    }

    /// Asks `auth` as a gateway does.
    pub(crate) async fn ask_auth(&self, request: &AuthRequest) -> AuthReply {
        let amqp = Amqp::connect(&AmqpSettings::new(&self.servers.amqp_url())).unwrap();
        let client = RpcClient::start(&amqp, request.queue(), SOON);
        client.call(request).await.unwrap()
    }

    /// The new account of somebody a provider knows.
    pub(crate) async fn account_of(&self, identity: &Identity, username: &str) -> User {
        let request = AuthRequest::CreateWithIdentity {
            identity: identity.clone(),
            username: username.to_owned(),
        };
        match self.ask_auth(&request).await {
            AuthReply::Accepted { user } => user,
            other => panic!("{other:?}"),
        }
    }

    /// What Redis answers to a command about the session of this cookie.
    pub(crate) async fn ask_redis(&self, command: &str, cookie: &str, argument: &str) -> String {
        let keys = SessionKeys::new(SECRET.as_bytes()).unwrap();
        let key = redis_keys::session(&keys.verify(cookie).unwrap());
        self.redis_line(&format!("{command} {key} {argument}"))
            .await
    }

    /// Does a question lie in the queue of `auth`?
    pub(crate) async fn waits_for_auth(&self) -> bool {
        let depth = self.servers.queue_depth(AUTH_LOGINS).await;
        depth.is_ok_and(|depth| depth.ready == 1)
    }

    /// The first line of what Redis answers.
    pub(crate) async fn redis_line(&self, command: &str) -> String {
        let address = ("127.0.0.1", self.servers.redis.port());
        let mut connection = BufReader::new(TcpStream::connect(address).await.unwrap());
        let command = format!("{}\r\n", command.trim());
        connection.write_all(command.as_bytes()).await.unwrap();
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}

/// A running service; stops when dropped.
pub(crate) struct Service {
    pub(crate) port: u16,
    pub(crate) lifecycle: Lifecycle,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Service {
    pub(crate) async fn is_ready(&self) {
        eventually(SOON, "the service is ready", async || {
            self.lifecycle.report().await.ready
        })
        .await;
    }

    pub(crate) async fn is_unready(&self) {
        eventually(SOON, "the service is not ready", async || {
            !self.lifecycle.report().await.ready
        })
        .await;
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.lifecycle.stop().cancel();
        let ended = tokio::time::timeout(SOON, &mut self.task).await;
        ended.expect("the service ends").unwrap().unwrap();
    }

    /// A browser that has never been here.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.port)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.lifecycle.stop().cancel();
    }
}
