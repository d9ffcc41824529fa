use models::{RoomName, now_ms, redis_keys};
use redis::{self, pipe};

use crate::{Envelope, Redis, Unavailable};

/// The list of rooms. Cloning is cheap.
#[derive(Clone)]
pub struct Rooms {
    redis: Redis,
}

impl Rooms {
    /// The rooms in this Redis.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// At most so many rooms, the most recently active first.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn list(&self, limit: usize) -> Result<Vec<RoomName>, Unavailable> {
        let mut command = redis::cmd("ZRANGE");
        command
            .arg(redis_keys::ROOMS)
            .arg(0)
            .arg(limit.saturating_sub(1))
            .arg("REV");
        let names: Vec<String> = self.redis.query(&command).await?;
        Ok(names.into_iter().map(RoomName::stored).collect())
    }

    /// Lists the room, or marks it active where it is listed. True when it is new.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn add(&self, room: &RoomName) -> Result<bool, Unavailable> {
        let now = now_ms();
        let mut pipeline = pipe();
        pipeline
            .cmd("ZADD")
            .arg(redis_keys::ROOMS)
            .arg("NX")
            .arg(now)
            .arg(room.as_str())
            .cmd("ZADD")
            .arg(redis_keys::ROOMS)
            .arg("GT")
            .arg(now)
            .arg(room.as_str())
            .ignore();
        let (added,): (u64,) = self.redis.pipeline(&pipeline).await?;
        Ok(added == 1)
    }

    /// Marks the room active now.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn mark_active(&self, room: &RoomName) -> Result<(), Unavailable> {
        let mut command = redis::cmd("ZADD");
        command
            .arg(redis_keys::ROOMS)
            .arg("GT")
            .arg(now_ms())
            .arg(room.as_str());
        self.redis.query(&command).await
    }

    /// Tells every socket of every node, but `except`, this Socket.IO packet.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn tell_everybody(
        &self,
        packet: &str,
        except: Option<&str>,
    ) -> Result<(), Unavailable> {
        let mut command = redis::cmd("PUBLISH");
        command
            .arg(redis_keys::LOBBY_CHANNEL)
            .arg(Envelope::of_event(packet, except));
        self.redis.query(&command).await
    }
}
