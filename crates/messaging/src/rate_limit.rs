use std::{sync::LazyLock, time::Duration};

use models::{Limits, UserId, redis_keys};
use redis::Script;

use crate::{Redis, Unavailable};

static SCRIPT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/rate_limit.lua")));

/// How much a user may do, counted over all nodes. Cloning is cheap.
#[derive(Clone)]
pub struct RateLimit {
    redis: Redis,
    key: fn(UserId) -> String,
    per_second: u32,
    burst: u32,
}

impl RateLimit {
    /// The limits on messages, counted in this Redis.
    #[must_use]
    pub fn of_messages(redis: Redis, limits: &Limits) -> Self {
        Self {
            redis,
            key: redis_keys::user_rate,
            per_second: limits.messages_per_second,
            burst: limits.message_burst.max(1),
        }
    }

    /// The limits on what else people ask the chat for, counted in this Redis.
    #[must_use]
    pub fn of_requests(redis: Redis, limits: &Limits) -> Self {
        Self {
            redis,
            key: redis_keys::user_request_rate,
            per_second: limits.requests_per_second,
            burst: limits.request_burst.max(1),
        }
    }

    /// Counts one; `Err` holds how long to wait when it is one too many, which is not counted.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn admit(&self, user: UserId) -> Result<Result<(), Duration>, Unavailable> {
        if self.per_second == 0 {
            return Ok(Ok(()));
        }
        let mut invocation = SCRIPT.key((self.key)(user));
        invocation.arg(1_000_000 / self.per_second).arg(self.burst);
        let wait: u64 = self.redis.script(&invocation).await?;
        Ok(if wait == 0 {
            Ok(())
        } else {
            Err(Duration::from_millis(wait))
        })
    }
}
