//! The names of Redis keys and channels; `docs/redis.md` lists them with type, expiry and owner.
//!
//! What belongs to one room carries the room's name as hash tag (`rooms:{lobby}:chats`), so that a cluster keeps
//! it on one shard and a script may touch all of it. Braces and `%` within a room's name are percent-encoded;
//! otherwise a room called `}` would have an empty hash tag.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{
    ChatId, RoomName, Token, UserId, Username, device_cookie::DeviceId, session::SessionId,
};

/// Sorted set: room name by last activity, in milliseconds since the Unix epoch.
pub const ROOMS: &str = "rooms";
/// Sorted set: user id by last activity, in milliseconds since the Unix epoch.
pub const USERS: &str = "users";
/// Channel for what concerns everybody: rooms added and removed.
pub const LOBBY_CHANNEL: &str = "rooms:events";
/// Channel: sessions that ended or changed, see [`crate::session::SessionNews`].
pub const SESSIONS_CHANNEL: &str = "sessions:events";
/// String: the cleanup-worker that is at work, expiring with its lease.
pub const CLEANUP_LEADER: &str = "cleanup:leader";

/// The hash tag of a room's keys.
fn tag(room: &RoomName) -> String {
    let name = room.as_str();
    name.replace('%', "%25")
        .replace('{', "%7B")
        .replace('}', "%7D")
}

/// Sorted set: user ids now in the room, by last heartbeat.
#[must_use]
pub fn room_users(room: &RoomName) -> String {
    format!("rooms:{{{}}}", tag(room))
}

/// Sorted set: the connections one user has in the room, by last heartbeat.
#[must_use]
pub fn room_user_connections(room: &RoomName, user: UserId) -> String {
    format!("rooms:{{{}}}:user:{user}", tag(room))
}

/// Stream: the room's messages; the entry of message `seq` has the id `<seq>-0`.
#[must_use]
pub fn room_chats(room: &RoomName) -> String {
    format!("rooms:{{{}}}:chats", tag(room))
}

/// String: the room's last `seq`. Outlives the messages, so that a number is never given twice.
#[must_use]
pub fn room_seq(room: &RoomName) -> String {
    format!("rooms:{{{}}}:seq", tag(room))
}

/// String: the answer a message id was given, for as long as a client may repeat it.
#[must_use]
pub fn room_sent(room: &RoomName, user: UserId, id: &ChatId) -> String {
    format!("rooms:{{{}}}:sent:{user}:{id}", tag(room))
}

/// Channel: what happens in the room.
#[must_use]
pub fn room_channel(room: &RoomName) -> String {
    format!("rooms:{{{}}}:events", tag(room))
}

/// The room of a channel made by [`room_channel`].
#[must_use]
pub fn room_of_channel(channel: &str) -> Option<RoomName> {
    let tag = channel.strip_prefix("rooms:{")?.strip_suffix("}:events")?;
    let name = tag
        .replace("%7D", "}")
        .replace("%7B", "{")
        .replace("%25", "%");
    Some(RoomName::stored(name))
}

/// Hash: a user's name and type.
#[must_use]
pub fn user(id: UserId) -> String {
    format!("user:{id}")
}

/// String: the room the user was last seen entering.
#[must_use]
pub fn user_room(id: UserId) -> String {
    format!("user:{id}:room")
}

/// String: how far ahead of the sustained rate of messages a user is (generic cell rate algorithm).
#[must_use]
pub fn user_rate(id: UserId) -> String {
    format!("user:{id}:rate")
}

/// String: the same for what else a user asks the chat for.
#[must_use]
pub fn user_request_rate(id: UserId) -> String {
    format!("user:{id}:request-rate")
}

/// Sorted set: the ids of a user's sessions by last use, in milliseconds since the Unix epoch.
#[must_use]
pub fn user_sessions(id: UserId) -> String {
    format!("user:{id}:sessions")
}

/// String: a session, as JSON.
#[must_use]
pub fn session(id: &SessionId) -> String {
    format!("sess:{}", id.as_str())
}

/// String: a token that is good once was used; made from its digest.
#[must_use]
pub fn spent(token: &Token) -> String {
    let digest = Sha256::digest(token.expose());
    format!("spent:{}", URL_SAFE_NO_PAD.encode(&digest[..16]))
}

/// String: sign-ins to an account from browsers it does not know, whether or not there is such an account. The hash
/// tag is that of all throttles, so that one script may count in several of them.
#[must_use]
pub fn throttled_account(name: &Username) -> String {
    // Names are typed by strangers, and sometimes are passwords.
    let digest = Sha256::digest(name.as_str());
    let digest = URL_SAFE_NO_PAD.encode(&digest[..16]);
    format!("{{throttle}}:account:{digest}")
}

/// String: sign-ins from one browser that an account knows.
#[must_use]
pub fn throttled_device(device: &DeviceId) -> String {
    format!("{{throttle}}:device:{}", device.as_str())
}

/// String: sign-ins from a network, see [`network`].
#[must_use]
pub fn throttled_address(address: IpAddr) -> String {
    format!("{{throttle}}:address:{}", network(address))
}

/// String: accounts made from a network, see [`network`].
#[must_use]
pub fn throttled_registrations(address: IpAddr) -> String {
    format!("{{throttle}}:registrations:{}", network(address))
}

/// String: steps of sign-ins with providers from a network, see [`network`].
#[must_use]
pub fn throttled_providers(address: IpAddr) -> String {
    format!("{{throttle}}:providers:{}", network(address))
}

/// String: visitors from a network for whom something is kept, see [`network`].
#[must_use]
pub fn throttled_visitors(address: IpAddr) -> String {
    format!("{{throttle}}:visitors:{}", network(address))
}

/// String: changes of an account's display name.
#[must_use]
pub fn throttled_names(id: UserId) -> String {
    format!("{{throttle}}:names:{id}")
}

/// String: checks of an account's password by somebody who is signed in to it.
#[must_use]
pub fn throttled_password(id: UserId) -> String {
    format!("{{throttle}}:password:{id}")
}

/// What one person can easily have all addresses of: an IPv4 address, or the first 64 bits of an IPv6 address.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn room(name: &str) -> RoomName {
        RoomName::parse(name, &Limits::default()).unwrap()
    }

    #[test]
    fn keys_of_a_room_share_its_hash_tag() {
        assert_eq!(room_users(&room("lobby")), "rooms:{lobby}");
        assert_eq!(room_chats(&room("lobby")), "rooms:{lobby}:chats");
    }

    #[test]
    fn one_person_is_one_network() {
        let key = |address: &str| throttled_address(address.parse().unwrap());
        assert_eq!(key("192.0.2.7"), "{throttle}:address:192.0.2.7");
        assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
        assert_ne!(key("192.0.2.7"), key("192.0.2.8"));
        assert_eq!(
            key("2001:db8:0:1::1"),
            "{throttle}:address:2001:db8:0:1::/64"
        );
        assert_eq!(key("2001:db8:0:1::1"), key("2001:db8:0:1:ffff::9"));
        assert_ne!(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
    }

    #[test]
    fn what_was_typed_as_a_name_is_not_in_redis() {
        let name = Username::parse("hunter2hunter2", &Limits::default()).unwrap();
        assert!(!throttled_account(&name).contains("hunter2"));
    }

    #[test]
    fn no_room_name_can_break_out_of_the_hash_tag() {
        assert_eq!(room_chats(&room("}")), "rooms:{%7D}:chats");
        assert_eq!(
            room_chats(&room("a}:chats{b")),
            "rooms:{a%7D:chats%7Bb}:chats"
        );
        assert_ne!(room_chats(&room("%7D")), room_chats(&room("}")));
        for name in [
            "lobby", "}", "{", "%7D", "%257B", "a%b{c}d", "50% off", "}:events",
        ] {
            assert_eq!(
                room_of_channel(&room_channel(&room(name))),
                Some(room(name))
            );
        }
    }
}
