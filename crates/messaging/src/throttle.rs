use std::{sync::LazyLock, time::Duration};

use redis::Script;

use crate::{Redis, Unavailable};

static BEGIN: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/throttle_begin.lua")));

static GIVE_BACK: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/throttle_give_back.lua")));

/// Slows down guessing, counted over all nodes by Redis' clock. Cloning is cheap.
///
/// An attempt is counted before anybody looks whether it is right, in one atomic step for all its buckets, and given
/// back if it was. So however many are made at the same moment, no more than the free ones go through. After those, each
/// begins a wait twice as long as the one before it; attempts during a wait are refused, and not counted.
#[derive(Clone)]
pub struct Throttle {
    redis: Redis,
}

/// Where attempts are counted: for one account, one address, …
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bucket {
    /// One of [`models::redis_keys`]' throttle keys.
    pub key: String,
    /// Attempts that nobody has to wait after, but for the last of them; at least 1.
    pub free: u32,
    /// How long to wait after the last free attempt; each further one doubles it.
    pub first_wait: Duration,
    /// After how long one attempt is forgotten, at least a millisecond; also the longest wait.
    pub forget: Duration,
}

/// An attempt that was counted.
#[must_use = "an attempt that succeeds is to be given back"]
#[derive(Debug)]
pub struct Attempt {
    counted: Vec<Counted>,
}

#[derive(Debug)]
struct Counted {
    bucket: Bucket,
    /// When the next attempt may be made, as Redis has it.
    next: String,
}

impl Throttle {
    /// Counts in this Redis.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// Counts an attempt in all these buckets; or in none, when `Err` holds how long to wait.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn begin(
        &self,
        buckets: Vec<Bucket>,
    ) -> Result<Result<Attempt, Duration>, Unavailable> {
        if buckets.is_empty() {
            return Ok(Ok(Attempt { counted: vec![] }));
        }
        let mut invocation = BEGIN.prepare_invoke();
        for bucket in &buckets {
            invocation
                .key(&bucket.key)
                .arg(bucket.free)
                .arg(millis(bucket.first_wait))
                .arg(millis(bucket.forget));
        }
        let (wait, next) = self
            .redis
            .script::<Vec<String>>(&invocation)
            .await
            .map(split)?;
        if wait > 0 {
            return Ok(Err(Duration::from_millis(wait)));
        }
        let counted = buckets
            .into_iter()
            .zip(next)
            .map(|(bucket, next)| Counted { bucket, next })
            .collect();
        Ok(Ok(Attempt { counted }))
    }

    /// The attempt succeeded, or came to nothing: as if it had not been made.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn give_back(&self, attempt: Attempt) -> Result<(), Unavailable> {
        if attempt.counted.is_empty() {
            return Ok(());
        }
        let mut invocation = GIVE_BACK.prepare_invoke();
        for Counted { bucket, next } in &attempt.counted {
            invocation
                .key(&bucket.key)
                .arg(millis(bucket.forget))
                .arg(next);
        }
        self.redis.script(&invocation).await
    }
}

fn split(answer: Vec<String>) -> (u64, impl Iterator<Item = String>) {
    let mut answer = answer.into_iter();
    let wait = answer.next().and_then(|wait| wait.parse().ok());
    (wait.unwrap_or_default(), answer)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
