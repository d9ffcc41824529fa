//! Sessions against a real Redis.

#![allow(clippy::unwrap_used, reason = "also in functions that only tests call")]

use messaging::{Published, Redis, Sessions, Subscriber};
use models::{
    User, UserId, UserType, now_ms, redis_keys,
    session::{Session, SessionHandle, SessionId, SessionNews},
};
use settings::{RedisSettings, SessionSettings};
use stack::{Durability, Redis as Server};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

const SECRET: &str = "a-secret-for-tests-long-enough-to-sign";
const NEW_SECRET: &str = "another-secret-for-tests-as-long-as-it";

struct World {
    redis: Redis,
    sessions: Sessions,
    _server: Server,
    _dir: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(SessionSettings::new(SECRET)).await
    }

    async fn with(settings: SessionSettings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(dir.path(), Durability::None).await.unwrap();
        let redis = Redis::connect(&RedisSettings::new(&server.url())).unwrap();
        Self {
            sessions: Sessions::new(redis.clone(), &settings).unwrap(),
            redis,
            _server: server,
            _dir: dir,
        }
    }

    async fn sign_in(&self, user: &User) -> SessionId {
        let id = SessionId::generate();
        let session = Session::signed_in(user.clone());
        self.sessions.create(&id, &session).await.unwrap();
        id
    }

    async fn lives(&self, id: &SessionId) -> bool {
        self.load(id).await.is_some()
    }

    async fn load(&self, id: &SessionId) -> Option<Session> {
        let cookie = self.sessions.cookie_value(id);
        let found = self.sessions.load(&cookie).await.unwrap();
        found.map(|(_, session)| session)
    }

    /// The sessions of a user, the one used last first.
    async fn handles(&self, user: &User) -> Vec<SessionHandle> {
        let listed = self.sessions.of_user(user.id).await.unwrap();
        listed.into_iter().map(|session| session.handle).collect()
    }

    async fn listen(&self) -> (Subscriber, Receiver<Published>) {
        let (subscriber, news) = Subscriber::start(&self.redis);
        let channel = redis_keys::SESSIONS_CHANNEL.to_owned();
        subscriber.subscribe(channel).await.unwrap();
        (subscriber, news)
    }
}

fn user(name: &str) -> User {
    User {
        id: UserId::generate(),
        user: name.to_owned(),
        kind: UserType::local(),
    }
}

async fn next(news: &mut Receiver<Published>) -> SessionNews {
    match news.recv().await.unwrap() {
        Published::Message { payload, .. } => serde_json::from_slice(&payload).unwrap(),
        Published::Resubscribed => panic!("the connection was lost"),
    }
}

#[tokio::test]
async fn a_session_that_has_ended_stays_ended() {
    let world = World::new().await;
    let alice = user("alice");
    let [here, there] = [world.sign_in(&alice).await, world.sign_in(&alice).await];
    let session = world.load(&there).await.unwrap();
    let (_subscriber, mut news) = world.listen().await;

    let handle = there.handle();
    let ended = world.sessions.end_one(alice.id, handle.as_str()).await;
    assert!(ended.unwrap());
    assert_eq!(
        next(&mut news).await,
        SessionNews::Ended(vec![handle.clone()])
    );
    // A request that was under way writes what it knows.
    assert!(!world.sessions.save(&there, &session).await.unwrap());
    assert!(!world.lives(&there).await);
    assert!(world.lives(&here).await);
    assert_eq!(world.handles(&alice).await, [here.handle()]);
    let again = world.sessions.end_one(alice.id, handle.as_str()).await;
    assert!(!again.unwrap(), "it ended twice");
}

#[tokio::test]
async fn nobody_ends_the_sessions_of_others() {
    let world = World::new().await;
    let [alice, mallory] = [user("alice"), user("mallory")];
    let id = world.sign_in(&alice).await;
    let handle = id.handle();
    let ended = world.sessions.end_one(mallory.id, handle.as_str()).await;
    assert!(!ended.unwrap());
    assert!(world.lives(&id).await);
}

#[tokio::test]
async fn all_others_end_together() {
    let world = World::new().await;
    let [alice, bob] = [user("alice"), user("bob")];
    let kept = world.sign_in(&alice).await;
    let others = [world.sign_in(&alice).await, world.sign_in(&alice).await];
    let bobs = world.sign_in(&bob).await;
    let ended = world.sessions.end_all(alice.id, Some(&kept)).await.unwrap();
    assert_eq!(ended, 2);
    for id in &others {
        assert!(!world.lives(id).await);
    }
    assert!(world.lives(&kept).await);
    assert!(world.lives(&bobs).await);
    assert_eq!(world.sessions.end_all(alice.id, None).await.unwrap(), 1);
    assert!(world.handles(&alice).await.is_empty());
}

#[tokio::test]
async fn the_one_used_last_is_the_first_in_the_list() {
    let world = World::new().await;
    let alice = user("alice");
    let [first, second] = [world.sign_in(&alice).await, world.sign_in(&alice).await];
    // The clock of the list is in milliseconds.
    let before = now_ms();
    while now_ms() == before {
        tokio::task::yield_now().await;
    }
    assert!(world.lives(&first).await);
    assert_eq!(
        world.handles(&alice).await,
        [first.handle(), second.handle()]
    );
    let listed = world.sessions.of_user(alice.id).await.unwrap();
    assert!(listed[0].used > before, "{listed:?}");
}

#[tokio::test]
async fn however_much_it_is_used_it_ends_at_its_absolute_age() {
    let mut settings = SessionSettings::new(SECRET);
    settings.absolute_secs = 1_000;
    let world = World::with(settings).await;
    let alice = user("alice");
    let ids = [SessionId::generate(), SessionId::generate()];
    for (id, age_secs) in ids.iter().zip([900, 1_001]) {
        let session = Session {
            created: now_ms() - age_secs * 1_000,
            ..Session::signed_in(alice.clone())
        };
        world.sessions.create(id, &session).await.unwrap();
    }
    assert!(world.lives(&ids[0]).await);
    assert!(!world.lives(&ids[1]).await);
    let ended = world.sessions.keep(&ids).await.unwrap();
    assert_eq!(ended, [ids[1].clone()]);
}

#[tokio::test]
async fn whoever_has_too_many_loses_the_one_used_least_lately() {
    let world = World::new().await;
    let alice = user("alice");
    let oldest = world.sign_in(&alice).await;
    let before = now_ms();
    while now_ms() == before {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        world.sign_in(&alice).await;
    }
    assert_eq!(world.handles(&alice).await.len(), 100);
    assert!(!world.lives(&oldest).await);
}

#[tokio::test]
async fn another_name_comes_into_all_sessions() {
    let world = World::new().await;
    let mut alice = user("alice");
    let ids = [world.sign_in(&alice).await, world.sign_in(&alice).await];
    let (_subscriber, mut news) = world.listen().await;
    alice.user = "Alice".to_owned();
    world.sessions.rename(&alice).await.unwrap();
    let SessionNews::Changed(mut changed) = next(&mut news).await else {
        panic!("sessions ended");
    };
    let mut expected = ids.clone().map(|id| id.handle());
    changed.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    expected.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    assert_eq!(changed, expected);
    for id in &ids {
        assert_eq!(world.load(id).await.unwrap().user, Some(alice.clone()));
    }
}

#[tokio::test]
async fn a_new_secret_signs_and_the_one_before_is_still_good() {
    let world = World::new().await;
    let id = world.sign_in(&user("alice")).await;
    let old = world.sessions.cookie_value(&id);

    let rotated = SessionSettings {
        previous_secrets: Some(format!("{SECRET}\n{}", "x".repeat(32)).into()),
        ..SessionSettings::new(NEW_SECRET)
    };
    let sessions = Sessions::new(world.redis.clone(), &rotated).unwrap();
    assert!(sessions.load(&old).await.unwrap().is_some());
    assert_ne!(sessions.cookie_value(&id), old);

    let after = Sessions::new(world.redis.clone(), &SessionSettings::new(NEW_SECRET)).unwrap();
    assert!(after.load(&old).await.unwrap().is_none());
    let new = sessions.cookie_value(&id);
    assert!(after.load(&new).await.unwrap().is_some());

    let weak = SessionSettings {
        previous_secrets: Some("short".into()),
        ..SessionSettings::new(NEW_SECRET)
    };
    assert!(Sessions::new(world.redis.clone(), &weak).is_err());
}
