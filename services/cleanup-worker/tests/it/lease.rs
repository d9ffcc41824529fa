use std::time::Duration;

use messaging::{Lease, Redis};
use settings::RedisSettings;
use stack::{TcpProxy, eventually};

use crate::world::{SOON, World};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(600);

fn lease(redis: &Redis, holder: &str, lasts: Duration) -> Lease {
    Lease::new(redis.clone(), "lease", holder, lasts)
}

#[tokio::test]
async fn one_holds_it_and_an_operator_sees_who() {
    let world = World::new().await;
    let (first, second) = (
        lease(&world.redis, "one", LONG),
        lease(&world.redis, "two", LONG),
    );
    assert!(first.hold().await.unwrap());
    assert!(!second.hold().await.unwrap());
    assert!(first.hold().await.unwrap(), "its holder renews it");
    assert!(world.redis_cli(&["GET", "lease"]).await.starts_with("one "));
    let left: u64 = world.redis_cli(&["PTTL", "lease"]).await.parse().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
}

#[tokio::test]
async fn given_back_it_is_free_at_once_but_only_by_its_holder() {
    let world = World::new().await;
    let (first, second) = (
        lease(&world.redis, "one", LONG),
        lease(&world.redis, "two", LONG),
    );
    assert!(first.hold().await.unwrap());
    second.release().await.unwrap();
    assert!(!second.hold().await.unwrap());
    first.release().await.unwrap();
    assert!(second.hold().await.unwrap());
}

#[tokio::test]
async fn two_processes_of_one_name_are_two() {
    let world = World::new().await;
    let (first, second) = (
        lease(&world.redis, "one", LONG),
        lease(&world.redis, "one", LONG),
    );
    assert!(first.hold().await.unwrap());
    assert!(!second.hold().await.unwrap());
}

#[tokio::test]
async fn it_expires_unless_it_is_kept() {
    let world = World::new().await;
    let (dead, alive) = (
        lease(&world.redis, "dead", SHORT),
        lease(&world.redis, "alive", SHORT * 10),
    );
    assert!(dead.hold().await.unwrap());
    eventually(SOON, "the lease of the dead is free", async || {
        alive.hold().await.unwrap()
    })
    .await;
    let kept = tokio::time::timeout(SHORT * 12, alive.keep()).await;
    assert!(
        kept.is_err(),
        "keeping ends only with the loss of the lease"
    );
    assert!(!dead.hold().await.unwrap());
}

#[tokio::test]
async fn keeping_ends_when_somebody_else_has_it_or_redis_is_away() {
    let world = World::new().await;
    let mut proxy = TcpProxy::start(&world.servers.redis_url()).await.unwrap();
    let redis = Redis::connect(&RedisSettings::new(proxy.url())).unwrap();
    let holder = lease(&redis, "one", SHORT);
    assert!(holder.hold().await.unwrap());
    world.redis_cli(&["SET", "lease", "somebody else"]).await;
    tokio::time::timeout(SOON, holder.keep()).await.unwrap();

    world.redis_cli(&["DEL", "lease"]).await;
    assert!(holder.hold().await.unwrap());
    proxy.cut().await;
    tokio::time::timeout(SOON, holder.keep()).await.unwrap();
}
