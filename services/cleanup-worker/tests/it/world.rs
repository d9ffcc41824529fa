//! The servers of one test, and what is in Redis.

use std::time::Duration;

use cleanup_worker::{
    cleaning::{Removed, clean},
    settings::Keep,
};
use messaging::{
    Append, Chats, Connection, Presence, Published, Redis, Retention, Rooms, Subscriber,
};
use models::{ChatId, Limits, MessageText, RoomName, User, UserId, UserType, now_ms};
use settings::RedisSettings;
use stack::TestServers;
use tokio::{process::Command, sync::mpsc};

/// Longest wait for something that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// 1970, which is older than anything is kept.
pub(crate) const LONG_AGO: u64 = 1_000;

const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) struct World {
    pub(crate) servers: TestServers,
    pub(crate) redis: Redis,
}

impl World {
    pub(crate) async fn new() -> Self {
        let servers = TestServers::start().await.unwrap();
        let redis = Redis::connect(&RedisSettings::new(&servers.redis_url())).unwrap();
        Self { servers, redis }
    }

    /// What `redis-cli` prints.
    pub(crate) async fn redis_cli(&self, arguments: &[&str]) -> String {
        let port = self.servers.redis.port().to_string();
        let output = Command::new("redis-cli")
            .args(["-e", "-p", &port])
            .args(arguments)
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    pub(crate) fn retention(&self) -> Retention {
        Retention::new(self.redis.clone())
    }

    /// Removes what has not been active for an hour.
    pub(crate) async fn clean(&self) -> Removed {
        clean(&self.retention(), Keep::For(HOUR)).await.unwrap()
    }

    pub(crate) async fn list(&self, room: &RoomName) {
        Rooms::new(self.redis.clone()).add(room).await.unwrap();
    }

    /// Lists a room whose last activity was long ago.
    pub(crate) async fn list_long_ago(&self, room: &RoomName) {
        let score = LONG_AGO.to_string();
        self.redis_cli(&["ZADD", "rooms", &score, room.as_str()])
            .await;
    }

    pub(crate) async fn rooms(&self) -> Vec<RoomName> {
        Rooms::new(self.redis.clone()).list(10_000).await.unwrap()
    }

    /// Says something in the room now.
    pub(crate) async fn say(&self, room: &RoomName) -> u64 {
        let message = Append {
            id: ChatId::generate(),
            room: room.clone(),
            message: MessageText::parse("hello".to_owned(), &Limits::default()).unwrap(),
            user: user("alice"),
        };
        let chats = Chats::new(self.redis.clone());
        chats.append(&message).await.unwrap().seq
    }

    /// The same as so many messages said long ago. Only for names that are their own hash tag.
    pub(crate) async fn said_long_ago(&self, room: &RoomName, messages: u32) {
        let script = "for _ = 1, ARGV[1] do \
                        local seq = redis.call('INCR', KEYS[2]) \
                        redis.call('XADD', KEYS[1], seq .. '-0', 'chat', '{}', 'ts', ARGV[2]) \
                      end";
        let (chats, seq) = (
            format!("rooms:{{{room}}}:chats"),
            format!("rooms:{{{room}}}:seq"),
        );
        let (messages, ts) = (messages.to_string(), LONG_AGO.to_string());
        self.redis_cli(&["EVAL", script, "2", &chats, &seq, &messages, &ts])
            .await;
    }

    pub(crate) async fn messages(&self, room: &RoomName) -> u32 {
        let chats = format!("rooms:{{{room}}}:chats");
        self.redis_cli(&["XLEN", &chats]).await.parse().unwrap()
    }

    /// Enters a room now.
    pub(crate) async fn enter(&self, room: &RoomName, user: &User) {
        let connection = Connection {
            user: user.clone(),
            socket: user.id.to_string(),
            room: room.clone(),
        };
        let presence = Presence::new(self.redis.clone());
        presence.introduce(user).await.unwrap();
        assert!(presence.join(&connection).await.unwrap());
    }

    /// The same as entering by a node that has died since.
    pub(crate) async fn entered_by_a_dead_node(&self, room: &RoomName, user: &User) {
        self.enter(room, user).await;
        let connections = format!("rooms:{{{room}}}:user:{}", user.id);
        self.redis_cli(&["DEL", &connections]).await;
        let present = format!("rooms:{{{room}}}");
        let (score, id) = (LONG_AGO.to_string(), user.id.to_string());
        self.redis_cli(&["ZADD", &present, &score, &id]).await;
    }

    /// What is published on this channel from now on.
    pub(crate) async fn subscribe(&self, channel: String) -> Subscription {
        let (subscriber, published) = Subscriber::start(&self.redis);
        subscriber.subscribe(channel).await.unwrap();
        Subscription {
            published,
            _subscriber: subscriber,
        }
    }
}

pub(crate) struct Subscription {
    published: mpsc::Receiver<Published>,
    _subscriber: Subscriber,
}

impl Subscription {
    /// The next packet that is published, without the first two lines of its envelope.
    pub(crate) async fn next_packet(&mut self) -> String {
        let next = tokio::time::timeout(SOON, self.published.recv()).await;
        match next.unwrap().unwrap() {
            Published::Message { payload, .. } => {
                let text = String::from_utf8(payload.to_vec()).unwrap();
                text.strip_prefix("0\n\n").unwrap().to_owned()
            }
            Published::Resubscribed => panic!("the subscription was lost"),
        }
    }
}

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::parse(name, &Limits::default()).unwrap()
}

pub(crate) fn user(name: &str) -> User {
    User {
        id: UserId::generate(),
        user: name.to_owned(),
        kind: UserType::local(),
    }
}

pub(crate) fn an_hour_ago() -> u64 {
    now_ms() - 3_600_000
}
