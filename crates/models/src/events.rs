//! The socket events of namespace [`NAMESPACE`]: what a client sends, what it is answered, what it is told.
//!
//! An event is a verb and a noun. The reply to a `Get…` event carries the same name; an acknowledgement, where
//! the client asked for one, carries the same data as `{ok: true, …}` or `{ok: false, error}`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Chat, ChatId, Room, User};

/// The Socket.IO namespace of the chat.
pub const NAMESPACE: &str = "/packtchat";

/// What the `message` of a `connect_error` says when there is no valid session.
pub const NOT_AUTHENTICATED: &str = "Not Authenticated";

/// What the `message` of a `connect_error` says when the session could not be looked up; the client should
/// try again.
pub const TRY_AGAIN: &str = "Try again in a moment";

/// Client: who am I? Server: [`User`].
pub const GET_ME: &str = "GetMe";
/// Client: which rooms are there? Server: `[Room…]`, most recently active first.
pub const GET_ROOM: &str = "GetRoom";
/// Client: [`AddRoom`], enter a room, creating it where it is new. Server: [`Room`], there is a new room.
pub const ADD_ROOM: &str = "AddRoom";
/// Server: [`Room`], the room is gone.
pub const REMOVE_ROOM: &str = "RemoveRoom";
/// Client: [`GetUser`], who is in the room? Server: `[User…]`.
pub const GET_USER: &str = "GetUser";
/// Server: [`UserInRoom`], somebody came.
pub const ADD_USER: &str = "AddUser";
/// Server: [`UserInRoom`], somebody left with their last connection.
pub const REMOVE_USER: &str = "RemoveUser";
/// Client: [`GetChat`], what was said? Server: `[Chat…]` in order.
pub const GET_CHAT: &str = "GetChat";
/// Client: [`AddChat`], say something. Server: [`Chat`], to everybody in the room.
pub const ADD_CHAT: &str = "AddChat";

/// Payload of a client's [`ADD_ROOM`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct AddRoom {
    /// The room's name, 1 to 64 characters.
    pub name: String,
}

/// Payload of a client's [`GET_USER`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct GetUser {
    /// The room's name.
    pub room: String,
}

/// Payload of a client's [`GET_CHAT`].
///
/// With `since`, the messages after that number, oldest first; with `before`, the last ones before it; with
/// neither, the last ones. `since` and `before` together are invalid.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct GetChat {
    /// The room's name.
    pub room: String,
    /// The last `seq` the client has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The first `seq` the client has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// At most so many; 100 unless told, 500 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Payload of a client's [`ADD_CHAT`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct AddChat {
    /// The room to say it in; the sender must be there.
    pub room: String,
    /// What to say, 1 to 4,000 characters.
    pub message: String,
    /// Makes sending again safe: a repeated id gets the first answer again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Payload of a server's [`ADD_USER`] and [`REMOVE_USER`]: the [`User`], and the room they came to or left.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct UserInRoom {
    /// Who.
    #[serde(flatten)]
    pub user: User,
    /// The room's name.
    pub room: String,
}

/// Acknowledgement of [`GET_ME`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Me {
    /// The session's user.
    pub me: User,
}

/// Acknowledgement of [`GET_ROOM`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Rooms {
    /// Most recently active first.
    pub rooms: Vec<Room>,
}

/// Acknowledgement of [`ADD_ROOM`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Entered {
    /// The room the socket is now in, with its name as stored.
    pub room: Room,
}

/// Acknowledgement of [`GET_USER`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Users {
    /// Everybody in the room, over all nodes.
    pub users: Vec<User>,
}

/// Acknowledgement of [`GET_CHAT`].
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Chats {
    /// In order of `seq`.
    pub chats: Vec<Chat>,
    /// With `since`: some of what was said since then has been removed, so the client should forget what it
    /// has and start from these.
    pub gap: bool,
    /// There is more in the direction asked for than the limit let through.
    pub more: bool,
}

/// Acknowledgement of [`ADD_CHAT`]: stored in Redis, once, at this place.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Stored {
    /// The message's id.
    pub id: ChatId,
    /// Its place in the room.
    pub seq: u64,
    /// When it was stored, in milliseconds since the Unix epoch.
    pub ts: u64,
}

/// Acknowledgement of what was done: `{ok: true, …}`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[schemars(rename = "Accepted{T}")]
pub struct Accepted<T> {
    /// Always true.
    #[schemars(extend("const" = true))]
    pub ok: bool,
    /// What came of it.
    #[serde(flatten)]
    pub data: T,
}

impl<T> From<T> for Accepted<T> {
    fn from(data: T) -> Self {
        Self { ok: true, data }
    }
}

/// Acknowledgement of what was not done: `{ok: false, error}`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Refused {
    /// Always false.
    #[schemars(extend("const" = false))]
    pub ok: bool,
    /// Why.
    pub error: EventError,
}

/// Why an event was refused.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct EventError {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
}

impl EventError {
    /// An error with this code and this sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<EventError> for Refused {
    fn from(error: EventError) -> Self {
        Self { ok: false, error }
    }
}

/// The kinds of refusal a client can act on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The session has ended: sign in again.
    Unauthenticated,
    /// The event, or its payload, is not one the server knows: sending it again will not help.
    Invalid,
    /// Longer than the limit.
    TooLarge,
    /// Too many in too short a time: wait a moment, then send it again.
    RateLimited,
    /// The socket is not in this room: enter it first.
    NotInRoom,
    /// Something the server needs is away: send it again, with the same id.
    Unavailable,
}
