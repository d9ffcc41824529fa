//! The servers of one test, the nodes on them, and people.

use std::{net::SocketAddr, time::Duration};

use chat_realtime::{
    settings::{HttpSettings, Settings, SocketSettings},
    startup,
};
use lifecycle::{Lifecycle, Report};
use messaging::{Amqp, Redis, Sessions};
use models::{
    Limits, RoomName, User, UserId, UserType, redis_keys,
    session::{Session, SessionId},
};
use serde_json::{Value, json};
use settings::{
    AmqpSettings, LifecycleSettings, RedisSettings, SessionSettings, TelemetrySettings,
};
use stack::{TestServers, eventually};
use tokio::{task::JoinHandle, time::timeout};

use crate::{client::Client, redis};

/// Longest wait for something that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(20);

const SECRET: &str = "a secret for tests, long enough to sign";

/// Somebody with a session.
pub(crate) struct Person {
    pub(crate) user: User,
    pub(crate) session: SessionId,
    pub(crate) cookie: String,
}

impl Person {
    /// The user as clients are told.
    pub(crate) fn json(&self) -> Value {
        serde_json::to_value(&self.user).unwrap()
    }

    /// The user as `AddUser` and `RemoveUser` tell.
    pub(crate) fn in_room(&self, room: &str) -> Value {
        let mut json = self.json();
        json["room"] = json!(room);
        json
    }
}

pub(crate) struct World {
    pub(crate) servers: TestServers,
}

impl World {
    /// Redis and RabbitMQ; no node yet.
    pub(crate) async fn new() -> Self {
        Self {
            servers: TestServers::start().await.unwrap(),
        }
    }

    /// Two nodes that share one Redis.
    pub(crate) async fn with_two_nodes() -> (Self, Node, Node) {
        let world = Self::new().await;
        let a = world.node(world.settings()).await;
        let b = world.node(world.settings()).await;
        (world, a, b)
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            redis: RedisSettings::new(&self.servers.redis_url()),
            amqp: AmqpSettings::new(&self.servers.amqp_url()),
            session: SessionSettings::new(SECRET),
            http: HttpSettings {
                listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                workers: Some(2),
            },
            socket: SocketSettings::default(),
            limits: Limits::default(),
            lifecycle: LifecycleSettings::default(),
            telemetry: TelemetrySettings::default(),
        }
    }

    /// A node that is ready.
    pub(crate) async fn node(&self, settings: Settings) -> Node {
        let node = self.start(settings).await;
        eventually(SOON, "the node is ready", async || {
            node.report().await.ready
        })
        .await;
        node
    }

    /// A node that may not be ready yet.
    pub(crate) async fn start(&self, settings: Settings) -> Node {
        let lifecycle = Lifecycle::new();
        let amqp = Amqp::connect(&settings.amqp).unwrap();
        let application = startup::build(settings, amqp, &lifecycle).await.unwrap();
        Node {
            port: application.port(),
            lifecycle,
            task: tokio::spawn(application.run()),
        }
    }

    /// The nodes that listen to a channel.
    pub(crate) async fn listeners(&self, channel: &str) -> usize {
        let answer = self.redis(&format!("PUBSUB NUMSUB {channel}")).await;
        answer[1].parse().unwrap()
    }

    /// What Redis answers to an inline command.
    pub(crate) async fn redis(&self, command: &str) -> Vec<String> {
        redis::ask(self.servers.redis.port(), command).await
    }

    /// The connections somebody has in a room, as Redis has them.
    pub(crate) async fn connections(&self, person: &Person, room: &str) -> String {
        let key = redis_keys::room_user_connections(&room_name(room), person.user.id);
        self.redis(&format!("ZCARD {key}")).await.remove(0)
    }

    /// Another browser of the same user.
    pub(crate) async fn again(&self, person: &Person) -> Person {
        self.signed_in(Session::signed_in(person.user.clone()))
            .await
    }

    pub(crate) fn sessions(&self) -> Sessions {
        let redis = Redis::connect(&RedisSettings::new(&self.servers.redis_url())).unwrap();
        Sessions::new(redis, &SessionSettings::new(SECRET)).unwrap()
    }

    /// Somebody who is signed in.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let user = User {
            id: UserId::generate(),
            user: name.to_owned(),
            kind: UserType::local(),
        };
        self.signed_in(Session::signed_in(user)).await
    }

    /// Whoever this session is of.
    pub(crate) async fn signed_in(&self, session: Session) -> Person {
        let id = SessionId::generate();
        let sessions = self.sessions();
        sessions.create(&id, &session).await.unwrap();
        Person {
            user: session.user.unwrap(),
            cookie: sessions.cookie_value(&id),
            session: id,
        }
    }
}

/// A running node; stops when dropped.
pub(crate) struct Node {
    pub(crate) port: u16,
    lifecycle: Lifecycle,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Node {
    /// What it says of its readiness.
    pub(crate) async fn report(&self) -> Report {
        self.lifecycle.report().await
    }

    /// A socket of this person, in no room yet.
    pub(crate) async fn connect(&self, person: &Person) -> Client {
        Client::connect(self.port, &person.cookie).await
    }

    /// A socket of this person in a room.
    pub(crate) async fn enter(&self, person: &Person, room: &str) -> Client {
        let mut client = self.connect(person).await;
        client.enter(room).await;
        client
    }

    /// The same, though Redis may not answer the node in time yet.
    pub(crate) async fn enter_at_last(&self, person: &Person, room: &str) -> Client {
        let mut client = Client::connect_at_last(self.port, &person.cookie).await;
        client.enter_at_last(room).await;
        client
    }

    /// Tells the node to stop.
    pub(crate) fn begin_stop(&self) {
        self.lifecycle.stop().cancel();
    }

    /// What came of the run, which ends soon.
    pub(crate) async fn ended(mut self) -> anyhow::Result<()> {
        let ended = timeout(SOON, &mut self.task).await;
        ended.expect("the node ends").unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.begin_stop();
    }
}

pub(crate) fn room_name(name: &str) -> RoomName {
    RoomName::parse(name, &Limits::default()).unwrap()
}
