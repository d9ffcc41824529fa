use std::{sync::LazyLock, time::Duration};

use redis::Script;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{Redis, Unavailable};

static HOLD: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/lease_hold.lua")));
static RELEASE: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/lease_release.lua")));

/// The right to do something that one process at a time should do.
///
/// It lies in Redis and expires unless its holder renews it, so the death of the holder passes it on. It spares double
/// work and does not prevent it: a holder that stood still may go on for a moment after another one has taken over, so
/// what it guards must be safe to do twice at once.
pub struct Lease {
    redis: Redis,
    key: &'static str,
    token: String,
    lasts: Duration,
}

impl Lease {
    /// The lease of this key for `holder`, whose name an operator reads in Redis. Asks nothing yet.
    #[must_use]
    pub fn new(redis: Redis, key: &'static str, holder: &str, lasts: Duration) -> Self {
        Self {
            redis,
            key,
            token: format!("{holder} {}", Uuid::new_v4()),
            lasts,
        }
    }

    /// How often somebody who wants the lease should ask for it, and its holder renews it.
    #[must_use]
    pub fn rhythm(&self) -> Duration {
        self.lasts / 3
    }

    /// Takes the lease where it is free, or renews it; false while somebody else holds it.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn hold(&self) -> Result<bool, Unavailable> {
        let mut invocation = HOLD.key(self.key);
        invocation
            .arg(&self.token)
            .arg(u64::try_from(self.lasts.as_millis()).unwrap_or(u64::MAX));
        self.redis
            .script::<u8>(&invocation)
            .await
            .map(|held| held == 1)
    }

    /// Renews a held lease until it is lost: until somebody else has it, or it may have expired because Redis did not
    /// answer.
    pub async fn keep(&self) {
        let mut good_until = Instant::now() + self.rhythm() * 2;
        loop {
            sleep(self.rhythm()).await;
            // It lasts from some moment after this one.
            let asked = Instant::now();
            match self.hold().await {
                Ok(true) => good_until = asked + self.rhythm() * 2,
                Ok(false) => return,
                Err(_) if Instant::now() >= good_until => return,
                Err(_) => {}
            }
        }
    }

    /// Gives the lease back, so that another process need not wait for its expiry.
    ///
    /// # Errors
    /// When Redis does not answer; then it expires.
    pub async fn release(&self) -> Result<(), Unavailable> {
        let mut invocation = RELEASE.key(self.key);
        invocation.arg(&self.token);
        self.redis.script(&invocation).await
    }
}
