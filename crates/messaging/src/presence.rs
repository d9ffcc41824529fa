use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::future::try_join;
use models::{
    RoomName, User, UserId, UserType,
    events::{ADD_USER, NAMESPACE, REMOVE_USER, UserInRoom},
    now_ms, redis_keys,
};
use redis::{self, Script, pipe};

use crate::{Envelope, Redis, Unavailable};

static JOIN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/join.lua")));
static HEARTBEAT: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("scripts/heartbeat.lua")));
static LEAVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/leave.lua")));

/// How many connections one heartbeat script speaks for, so that no script holds Redis up.
const HEARTBEAT_BATCH: usize = 100;
/// How many users one command marks active.
const MARK_BATCH: usize = 500;
/// How many users one sweep of a room removes at most; the next sweep goes on.
const SWEEP_BATCH: usize = 100;

/// Who is in which room, over all nodes, by connection. Cloning is cheap.
///
/// A user is in a room while at least one of their connections is. A connection counts for [`Presence::FRESH`] after
/// its last heartbeat, so what a dead node leaves behind goes by itself.
#[derive(Clone)]
pub struct Presence {
    redis: Redis,
}

/// One socket in one room.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Whose it is.
    pub user: User,
    /// The socket's id, unique over all nodes.
    pub socket: String,
    /// Where it is.
    pub room: RoomName,
}

/// What came of the heartbeats of a room.
#[derive(Debug, Default)]
pub struct Heartbeat {
    /// The connections that have lost their place.
    pub lost: Vec<Arc<Connection>>,
    /// There are users in the room no connection of whom has been heard of: [`Presence::sweep`] it.
    pub sweep: bool,
}

impl Presence {
    /// How long a heartbeat counts.
    pub const FRESH: Duration = Duration::from_secs(20);
    /// How often a node should send the heartbeats of its connections.
    pub const HEARTBEAT: Duration = Duration::from_secs(5);

    /// The presence in this Redis.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// Writes down who a user is, for others to see.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn introduce(&self, user: &User) -> Result<(), Unavailable> {
        let mut pipeline = pipe();
        pipeline
            .cmd("HSET")
            .arg(redis_keys::user(user.id))
            .arg("name")
            .arg(&user.user)
            .arg("type")
            .arg(user.kind.as_str())
            .ignore()
            // Cleanup lets a forgotten user's name expire; this one is back.
            .cmd("PERSIST")
            .arg(redis_keys::user(user.id))
            .ignore()
            .cmd("ZADD")
            .arg(redis_keys::USERS)
            .arg("GT")
            .arg(now_ms())
            .arg(user.id.to_string())
            .ignore();
        self.redis.pipeline(&pipeline).await
    }

    /// The connection enters its room. The room's others are told if the user was not there yet; true then. What dead
    /// nodes have left there is swept, so that the newcomer does not see it.
    ///
    /// # Errors
    /// When Redis does not answer; it may have entered then, so leave it.
    pub async fn join(&self, connection: &Connection) -> Result<bool, Unavailable> {
        let payload = envelope(ADD_USER, connection, Some(&connection.socket))?;
        let invocation = invocation(
            &JOIN,
            &connection.room,
            connection.user.id,
            &connection.socket,
            payload,
        );
        let mut command = redis::cmd("SET");
        command
            .arg(redis_keys::user_room(connection.user.id))
            .arg(connection.room.as_str())
            .arg("EX")
            .arg(86_400);
        let ((new, unheard_of), ()): ((u8, u8), ()) =
            try_join(self.redis.script(&invocation), self.redis.query(&command)).await?;
        if unheard_of == 1 {
            self.sweep(&connection.room).await?;
        }
        Ok(new == 1)
    }

    /// The connection leaves its room. The room is told if it was the user's last one there; true then.
    ///
    /// # Errors
    /// When Redis does not answer; the connection goes by itself when its heartbeat is no longer fresh.
    pub async fn leave(&self, connection: &Connection) -> Result<bool, Unavailable> {
        let payload = envelope(REMOVE_USER, connection, None)?;
        let invocation = invocation(
            &LEAVE,
            &connection.room,
            connection.user.id,
            &connection.socket,
            payload,
        );
        let gone: u8 = self.redis.script(&invocation).await?;
        Ok(gone == 1)
    }

    /// Keeps the places of these connections, all of one room. Those that have lost theirs, because Redis or this node
    /// stood still, should join again, each that still lives.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn heartbeat(
        &self,
        room: &RoomName,
        connections: &[Arc<Connection>],
    ) -> Result<Heartbeat, Unavailable> {
        let mut heartbeat = Heartbeat::default();
        for batch in connections.chunks(HEARTBEAT_BATCH) {
            let mut invocation = HEARTBEAT.key(redis_keys::room_users(room));
            invocation.arg(fresh_ms());
            for connection in batch {
                let user = connection.user.id;
                invocation
                    .key(redis_keys::room_user_connections(room, user))
                    .arg(user.to_string());
            }
            for connection in batch {
                invocation.arg(&connection.socket);
            }
            let (lost, unheard_of): (Vec<usize>, u8) = self.redis.script(&invocation).await?;
            let lost = lost.into_iter().filter_map(|number| batch.get(number - 1));
            heartbeat.lost.extend(lost.cloned());
            heartbeat.sweep = unheard_of == 1;
        }
        Ok(heartbeat)
    }

    /// Marks users active now. One with a connection is, however silent.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn mark_active(&self, users: &[UserId]) -> Result<(), Unavailable> {
        let now = now_ms();
        for batch in users.chunks(MARK_BATCH) {
            let mut command = redis::cmd("ZADD");
            command.arg(redis_keys::USERS).arg("GT");
            for user in batch {
                command.arg(now).arg(user.to_string());
            }
            self.redis.query::<()>(&command).await?;
        }
        Ok(())
    }

    /// Removes the users of a room no connection of whom has been heard of, and tells the room. Any node may, at any
    /// time: each user is announced once. The number of users removed.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn sweep(&self, room: &RoomName) -> Result<usize, Unavailable> {
        let mut command = redis::cmd("ZRANGEBYSCORE");
        command
            .arg(redis_keys::room_users(room))
            .arg("-inf")
            .arg(self.redis_clock_ms().await?.saturating_sub(fresh_ms()))
            .arg("LIMIT")
            .arg(0)
            .arg(SWEEP_BATCH);
        let ids: Vec<String> = self.redis.query(&command).await?;
        let mut removed = 0;
        for user in self.users(&ids).await? {
            let gone = Connection {
                user,
                socket: String::new(),
                room: room.clone(),
            };
            removed += usize::from(self.leave(&gone).await?);
        }
        Ok(removed)
    }

    /// Everybody in the room, over all nodes, by name.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn in_room(&self, room: &RoomName) -> Result<Vec<User>, Unavailable> {
        let mut command = redis::cmd("ZRANGE");
        command.arg(redis_keys::room_users(room)).arg(0).arg(-1);
        let ids: Vec<String> = self.redis.query(&command).await?;
        let mut users = self.users(&ids).await?;
        users.sort_by(|a, b| a.user.cmp(&b.user).then(a.id.cmp(&b.id)));
        Ok(users)
    }

    /// Heartbeats are marked with Redis's clock, so that the clocks of nodes may differ.
    async fn redis_clock_ms(&self) -> Result<u64, Unavailable> {
        let (secs, micros): (u64, u64) = self.redis.query(&redis::cmd("TIME")).await?;
        Ok(secs * 1_000 + micros / 1_000)
    }

    /// The users of these ids; one nobody introduced goes by its id.
    async fn users(&self, ids: &[String]) -> Result<Vec<User>, Unavailable> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<UserId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let mut pipeline = pipe();
        for id in &ids {
            pipeline
                .cmd("HMGET")
                .arg(redis_keys::user(*id))
                .arg("name")
                .arg("type");
        }
        let known: Vec<(Option<String>, Option<String>)> = self.redis.pipeline(&pipeline).await?;
        let users = ids.into_iter().zip(known).map(|(id, (name, kind))| User {
            id,
            user: name.unwrap_or_else(|| id.to_string()),
            kind: kind.map_or_else(UserType::local, |kind| UserType::provider(&kind)),
        });
        Ok(users.collect())
    }
}

fn fresh_ms() -> u64 {
    u64::try_from(Presence::FRESH.as_millis()).unwrap_or(u64::MAX)
}

fn invocation<'a>(
    script: &'a Script,
    room: &RoomName,
    user: UserId,
    socket: &str,
    payload: String,
) -> redis::ScriptInvocation<'a> {
    let mut invocation = script.key(redis_keys::room_users(room));
    invocation
        .key(redis_keys::room_user_connections(room, user))
        .arg(user.to_string())
        .arg(socket)
        .arg(fresh_ms())
        .arg(redis_keys::room_channel(room))
        .arg(payload);
    invocation
}

fn envelope(
    event: &str,
    connection: &Connection,
    except: Option<&str>,
) -> Result<String, Unavailable> {
    let user = UserInRoom {
        user: connection.user.clone(),
        room: connection.room.as_str().to_owned(),
    };
    let json = serde_json::to_string(&user).map_err(Unavailable::redis)?;
    Ok(Envelope::of_event(
        &format!("2{NAMESPACE},[\"{event}\",{json}]"),
        except,
    ))
}
