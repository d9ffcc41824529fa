use std::{collections::HashMap, sync::LazyLock};

use models::{
    Chat, ChatId, MessageText, RoomName, User,
    events::{ADD_CHAT, NAMESPACE, Stored},
    redis_keys,
};
use redis::{self, Script, pipe, streams::StreamRangeReply};

use crate::{Redis, Unavailable};

static APPEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/append.lua")));

/// How long a repeated message id gets its first answer again, in milliseconds: a day, longer than any client keeps
/// an unsent message.
const ANSWER_KEPT_MS: u64 = 86_400_000;

/// The messages of all rooms. Cloning is cheap.
#[derive(Clone)]
pub struct Chats {
    redis: Redis,
}

/// A message to store.
#[derive(Clone, Debug)]
pub struct Append {
    /// Makes it safe to repeat.
    pub id: ChatId,
    /// Where.
    pub room: RoomName,
    /// What.
    pub message: MessageText,
    /// Who.
    pub user: User,
}

/// A part of a room's messages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct History {
    /// In order.
    pub chats: Vec<Chat>,
    /// Some of what was asked for has been removed.
    pub gap: bool,
    /// There is more in the direction asked for.
    pub more: bool,
}

impl Chats {
    /// The messages in this Redis.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// Stores a message and publishes it to the room, in one atomic step: duplicate check, next `seq`, append,
    /// publication. A repeated id gets the first answer again and is not published again.
    ///
    /// # Errors
    /// When Redis does not answer; the message may be stored then, so repeat it with the same id.
    pub async fn append(&self, message: &Append) -> Result<Stored, Unavailable> {
        let [head, middle, tail] = json_around_numbers(message).map_err(Unavailable::redis)?;
        let mut invocation = APPEND.key(redis_keys::room_sent(
            &message.room,
            message.user.id,
            &message.id,
        ));
        invocation
            .key(redis_keys::room_seq(&message.room))
            .key(redis_keys::room_chats(&message.room))
            .arg(ANSWER_KEPT_MS)
            .arg(head)
            .arg(middle)
            .arg(tail)
            .arg(redis_keys::room_channel(&message.room))
            .arg(format!("2{NAMESPACE},[\"{ADD_CHAT}\","))
            .arg("]");
        let (seq, ts) = self.redis.script(&invocation).await?;
        Ok(Stored {
            id: message.id.clone(),
            seq,
            ts,
        })
    }

    /// The number of the room's last message, 0 when there was none.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn last_seq(&self, room: &RoomName) -> Result<u64, Unavailable> {
        let mut command = redis::cmd("GET");
        command.arg(redis_keys::room_seq(room));
        let last: Option<u64> = self.redis.query(&command).await?;
        Ok(last.unwrap_or_default())
    }

    /// The messages after number `since`, oldest first.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn since(
        &self,
        room: &RoomName,
        since: u64,
        limit: usize,
    ) -> Result<History, Unavailable> {
        let mut pipeline = pipe();
        pipeline
            .cmd("XRANGE")
            .arg(redis_keys::room_chats(room))
            .arg(format!("({since}-0"))
            .arg("+")
            .arg("COUNT")
            .arg(limit + 1)
            .cmd("GET")
            .arg(redis_keys::room_seq(room));
        let (entries, last): (StreamRangeReply, Option<u64>) =
            self.redis.pipeline(&pipeline).await?;
        let mut chats = parse(room, entries);
        let more = chats.len() > limit;
        chats.truncate(limit);
        let last = last.unwrap_or_default();
        let gap = match chats.first() {
            Some(first) => first.seq > since + 1,
            None => last != since,
        };
        Ok(History { chats, gap, more })
    }

    /// The last messages before number `before`, or the very last ones.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn before(
        &self,
        room: &RoomName,
        before: Option<u64>,
        limit: usize,
    ) -> Result<History, Unavailable> {
        let end = before.map_or_else(|| "+".to_owned(), |before| format!("({before}-0"));
        let mut command = redis::cmd("XREVRANGE");
        command
            .arg(redis_keys::room_chats(room))
            .arg(end)
            .arg("-")
            .arg("COUNT")
            .arg(limit + 1);
        let entries: StreamRangeReply = self.redis.query(&command).await?;
        let mut chats = parse(room, entries);
        let more = chats.len() > limit;
        chats.truncate(limit);
        chats.reverse();
        Ok(History {
            chats,
            gap: false,
            more,
        })
    }
}

/// The message's JSON, exactly as [`Chat`] is serialized, cut where Redis fills in `seq` and `ts`.
fn json_around_numbers(message: &Append) -> serde_json::Result<[String; 3]> {
    let id = serde_json::to_string(&message.id)?;
    let room = serde_json::to_string(&message.room)?;
    let text = serde_json::to_string(&message.message)?;
    let user = serde_json::to_string(&message.user)?;
    Ok([
        format!("{{\"id\":{id},\"seq\":"),
        format!(",\"room\":{room},\"message\":{text},\"ts\":"),
        format!(",\"user\":{user}}}"),
    ])
}

/// The messages of stream entries; one that cannot be read is left out and logged.
fn parse(room: &RoomName, entries: StreamRangeReply) -> Vec<Chat> {
    let chat = |fields: &HashMap<String, redis::Value>| {
        let value = fields.get("chat")?;
        let text: String = redis::from_redis_value_ref(value).ok()?;
        serde_json::from_str(&text).ok()
    };
    entries
        .ids
        .iter()
        .filter_map(|entry| {
            let chat = chat(&entry.map);
            if chat.is_none() {
                tracing::error!(%room, entry = entry.id, "a stored message cannot be read");
            }
            chat
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use models::{Limits, UserId, UserType};

    use super::*;

    #[test]
    fn the_scripts_json_is_that_of_the_type() {
        let limits = Limits::default();
        let message = Append {
            id: ChatId::generate(),
            room: RoomName::parse("a \"room\" {}", &limits).unwrap(),
            message: MessageText::parse(
                "line\n\"quoted\" \\ \u{1F389} \u{2028}".to_owned(),
                &limits,
            )
            .unwrap(),
            user: User {
                id: UserId::generate(),
                user: "alice".to_owned(),
                kind: UserType::local(),
            },
        };
        let [head, middle, tail] = json_around_numbers(&message).unwrap();
        let chat = Chat {
            id: message.id,
            seq: 7,
            room: message.room,
            message: message.message,
            ts: 1_700_000_000_000,
            user: message.user,
        };
        let made = format!("{head}7{middle}1700000000000{tail}");
        assert_eq!(made, serde_json::to_string(&chat).unwrap());
    }
}
