//! Throttles against a real Redis.

#![allow(clippy::unwrap_used, reason = "also in functions that only tests call")]

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use messaging::{Attempt, Bucket, Redis, Throttle};
use settings::RedisSettings;
use stack::{Durability, Redis as Server, eventually};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(20);
/// What Redis' clock and this process' may differ by in a few seconds.
const CLOCKS: Duration = Duration::from_millis(50);

struct World {
    throttle: Throttle,
    _server: Server,
    _dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(dir.path(), Durability::None).await.unwrap();
        let redis = Redis::connect(&RedisSettings::new(&server.url())).unwrap();
        Self {
            throttle: Throttle::new(redis),
            _server: server,
            _dir: dir,
        }
    }

    async fn begin(&self, buckets: &[Bucket]) -> Result<Attempt, Duration> {
        self.throttle.begin(buckets.to_vec()).await.unwrap()
    }

    async fn fails(&self, bucket: &Bucket) {
        let _failed = self.begin(std::slice::from_ref(bucket)).await.unwrap();
    }

    /// Attempts without a pause until one goes through; tells when that was made. Hands what is
    /// left of the wait, as the others read it, to `refused`.
    async fn fails_at_last(&self, bucket: &Bucket, refused: impl Fn(Duration)) -> Instant {
        let mut began = Instant::now();
        eventually(SOON, "an attempt goes through", async || {
            began = Instant::now();
            let attempt = self.begin(std::slice::from_ref(bucket)).await;
            attempt.map_err(&refused).is_ok()
        })
        .await;
        began
    }
}

fn bucket(name: &str, free: u32, forget: Duration) -> Bucket {
    Bucket {
        key: format!("{{throttle}}:{name}"),
        free,
        first_wait: MINUTE,
        forget,
    }
}

#[tokio::test]
async fn of_a_thousand_attempts_at_once_the_free_ones_go_through() {
    let world = World::new().await;
    let bucket = [bucket("a", 7, LONG)];
    let attempts = join_all((0..1_000).map(|_| world.begin(&bucket))).await;
    let (admitted, refused): (Vec<_>, Vec<_>) = attempts.into_iter().partition(Result::is_ok);
    assert_eq!(admitted.len(), 7);
    assert!(refused.into_iter().all(|wait| wait.unwrap_err() <= MINUTE));
}

#[tokio::test]
async fn each_wait_is_twice_the_one_before_however_often_one_tries_during_it() {
    let world = World::new().await;
    let bucket = Bucket {
        first_wait: Duration::from_millis(500),
        ..bucket("a", 1, LONG)
    };
    let mut began = Instant::now();
    world.fails(&bucket).await;
    for wait in [1, 2, 4].map(|times| times * bucket.first_wait) {
        // The wait began after `began`, however late the machine asks.
        let is_left = |left: Duration| {
            assert!(left <= wait, "{left:?} of {wait:?}");
            let ends = left + began.elapsed();
            assert!(ends >= wait - CLOCKS, "{ends:?} instead of {wait:?}");
        };
        let next = world.fails_at_last(&bucket, is_left).await;
        is_left(Duration::ZERO);
        began = next;
    }
}

#[tokio::test]
async fn what_is_given_back_was_never_made() {
    let world = World::new().await;
    let bucket = bucket("a", 2, LONG);
    for _ in 0..20 {
        let right = world.begin(std::slice::from_ref(&bucket)).await.unwrap();
        world.throttle.give_back(right).await.unwrap();
    }
    world.fails(&bucket).await;
    // The last free one: without giving it back, it would begin a wait.
    let right = world.begin(std::slice::from_ref(&bucket)).await.unwrap();
    world.throttle.give_back(right).await.unwrap();
    world.fails(&bucket).await;
    assert!(world.begin(&[bucket]).await.is_err());
}

#[tokio::test]
async fn a_success_does_not_end_the_wait_that_a_later_failure_began() {
    let world = World::new().await;
    let bucket = bucket("a", 2, LONG);
    let right = world.begin(std::slice::from_ref(&bucket)).await.unwrap();
    world.fails(&bucket).await;
    world.throttle.give_back(right).await.unwrap();
    assert!(world.begin(&[bucket]).await.is_err());
}

#[tokio::test]
async fn a_bucket_that_says_wait_leaves_the_others_as_they_are() {
    let world = World::new().await;
    let (full, other) = (bucket("full", 1, LONG), bucket("other", 2, LONG));
    world.fails(&full).await;
    for _ in 0..5 {
        assert!(world.begin(&[other.clone(), full.clone()]).await.is_err());
    }
    world.fails(&other).await;
    world.fails(&other).await;
    assert!(world.begin(&[other]).await.is_err());
}

#[tokio::test]
async fn attempts_are_forgotten_and_no_wait_is_longer_than_that_takes() {
    let world = World::new().await;
    let bucket = bucket("a", 2, Duration::from_millis(200));
    for _ in 0..8 {
        let is_left = |left| assert!(left <= bucket.forget, "{left:?}");
        world.fails_at_last(&bucket, is_left).await;
    }
    let both = [bucket.clone()];
    eventually(SOON, "two go through one after the other", async || {
        world.begin(&both).await.is_ok() && world.begin(&both).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn nothing_to_count_in_lets_everybody_through() {
    let world = World::new().await;
    let attempt = world.begin(&[]).await.unwrap();
    world.throttle.give_back(attempt).await.unwrap();
}
