use std::sync::LazyLock;

use models::{
    Room, RoomName, UserId,
    events::{NAMESPACE, REMOVE_ROOM},
    redis_keys,
};
use redis::{self, Script, pipe};

use crate::{Envelope, Presence, Redis, Unavailable};

static ROOM: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/retention_room.lua")));
static UNLIST: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/retention_unlist.lua")));
static USERS: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/retention_users.lua")));

/// Most messages one script looks at, so that no script holds Redis up.
const MESSAGES_BATCH: usize = 100;
/// How long a removed room's `seq` is remembered, in seconds: 30 days.
const SEQ_OUTLIVES_ROOM_SECS: u64 = 30 * 86_400;
/// How long a forgotten user's name stays, in seconds: an hour, in case they come back this very moment.
const NAME_OUTLIVES_USER_SECS: u64 = 3_600;

/// Takes out of Redis what is no longer needed, in steps that are each small, atomic, and safe to do twice or by two
/// processes at once.
pub struct Retention {
    redis: Redis,
    presence: Presence,
}

/// Some of the listed rooms.
#[derive(Debug)]
pub struct RoomsPage {
    /// The rooms. A room may come up on two pages.
    pub rooms: Vec<ListedRoom>,
    /// What [`Retention::rooms`] takes for the next page; 0 after the last one.
    pub next: u64,
}

/// A room on the list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedRoom {
    /// Its name.
    pub name: RoomName,
    /// Its last activity, in milliseconds since the Unix epoch.
    pub active: u64,
}

/// What was removed of a room.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RoomRemains {
    /// The room itself is gone.
    pub removed: bool,
    /// So many messages are.
    pub messages: u64,
}

impl Retention {
    /// Retention in this Redis.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        let presence = Presence::new(redis.clone());
        Self { redis, presence }
    }

    /// About a hundred of the listed rooms, from `cursor` on; 0 begins. A room that is listed all the while is on one
    /// of the pages.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn rooms(&self, cursor: u64) -> Result<RoomsPage, Unavailable> {
        let mut command = redis::cmd("ZSCAN");
        command
            .arg(redis_keys::ROOMS)
            .arg(cursor)
            .arg("COUNT")
            .arg(100);
        let (next, rooms): (u64, Vec<(String, u64)>) = self.redis.query(&command).await?;
        let rooms = rooms
            .into_iter()
            .map(|(name, active)| ListedRoom {
                name: RoomName::stored(name),
                active,
            })
            .collect();
        Ok(RoomsPage { rooms, next })
    }

    /// Removes the users of a room whose nodes have died, and tells the room. How many they were.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn remove_lost_presence(&self, room: &RoomName) -> Result<u64, Unavailable> {
        let mut removed = 0;
        loop {
            match self.presence.sweep(room).await? {
                0 => return Ok(removed),
                more => removed += more as u64,
            }
        }
    }

    /// Removes a room's messages from before `old`, and the room as well if it is not active since then: nobody is in
    /// it, and neither list nor messages know of anything newer. Everybody is told of a removed room. Its `seq` goes
    /// on where it was if the room comes back within 30 days.
    ///
    /// # Errors
    /// When Redis does not answer; what has been removed by then is not counted.
    pub async fn remove_old_of_room(
        &self,
        room: &ListedRoom,
        old: u64,
    ) -> Result<RoomRemains, Unavailable> {
        let removable = room.active < old;
        let mut remains = RoomRemains::default();
        loop {
            let mut invocation = ROOM.key(redis_keys::room_users(&room.name));
            invocation
                .key(redis_keys::room_chats(&room.name))
                .key(redis_keys::room_seq(&room.name))
                .arg(old)
                .arg(u8::from(removable))
                .arg(u64::try_from(Presence::FRESH.as_millis()).unwrap_or(u64::MAX))
                .arg(MESSAGES_BATCH)
                .arg(SEQ_OUTLIVES_ROOM_SECS);
            let (emptied, messages): (u8, u64) = self.redis.script(&invocation).await?;
            remains.messages += messages;
            if emptied == 1 {
                remains.removed = self.unlist(&room.name, old).await?;
                return Ok(remains);
            }
            if messages < MESSAGES_BATCH as u64 {
                return Ok(remains);
            }
        }
    }

    async fn unlist(&self, room: &RoomName, old: u64) -> Result<bool, Unavailable> {
        let json = serde_json::to_string(&Room::from(room.clone())).map_err(Unavailable::redis)?;
        let packet = format!("2{NAMESPACE},[\"{REMOVE_ROOM}\",{json}]");
        let mut invocation = UNLIST.key(redis_keys::ROOMS);
        invocation
            .arg(room.as_str())
            .arg(old)
            .arg(redis_keys::LOBBY_CHANNEL)
            .arg(Envelope::of_event(&packet, None));
        self.redis
            .script::<u8>(&invocation)
            .await
            .map(|done| done == 1)
    }

    /// Forgets at most `limit` users who have not been active since `old`. How many they were; 0 when there are no
    /// more.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn forget_users(&self, old: u64, limit: usize) -> Result<u64, Unavailable> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command
            .arg(redis_keys::USERS)
            .arg("-inf")
            .arg(format!("({old}"))
            .arg("LIMIT")
            .arg(0)
            .arg(limit);
        let ids: Vec<String> = self.redis.query(&command).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        // The names go first and only by expiry, so that whoever turns out to be active can have theirs back.
        self.for_names(&ids, |key| {
            let mut expire = redis::cmd("EXPIRE");
            expire.arg(key).arg(NAME_OUTLIVES_USER_SECS);
            expire
        })
        .await?;
        let mut invocation = USERS.key(redis_keys::USERS);
        invocation.arg(old).arg(&ids);
        let kept: Vec<String> = self.redis.script(&invocation).await?;
        self.for_names(&kept, |key| {
            let mut persist = redis::cmd("PERSIST");
            persist.arg(key);
            persist
        })
        .await?;
        Ok((ids.len() - kept.len()) as u64)
    }

    /// Does this to the key with the name of each of these users; what is no user's id has none.
    async fn for_names(
        &self,
        ids: &[String],
        command: impl Fn(String) -> redis::Cmd,
    ) -> Result<(), Unavailable> {
        let mut pipeline = pipe();
        for id in ids.iter().filter_map(|id| id.parse::<UserId>().ok()) {
            pipeline.add_command(command(redis_keys::user(id))).ignore();
        }
        if pipeline.is_empty() {
            return Ok(());
        }
        self.redis.pipeline(&pipeline).await
    }
}
