//! One event per file: parse, call, map.

pub(crate) mod add_chat;
pub(crate) mod add_room;
pub(crate) mod get_chat;
pub(crate) mod get_me;
pub(crate) mod get_room;
pub(crate) mod get_user;

use messaging::{RateLimit, Unavailable};
use models::{
    InvalidRoomName, Limits, RoomName, UserId,
    events::{ErrorCode, EventError},
};
use serde::{Serialize, de::DeserializeOwned};
use socketio::Socket;

/// Counts one of `what` a user does too much of at some time.
pub(crate) async fn admit(rate: &RateLimit, user: UserId, what: &str) -> Result<(), EventError> {
    let admitted = rate.admit(user).await.map_err(unavailable)?;
    admitted.map_err(|wait| {
        let seconds = wait.as_secs_f64();
        let message = format!("Too many {what}. Try again in {seconds:.1} seconds");
        EventError::new(ErrorCode::RateLimited, message)
    })
}

/// The payload of an event as its type.
fn parse<T: DeserializeOwned>(payload: &str) -> Result<T, EventError> {
    // What serde says names the field, and never repeats a whole text.
    serde_json::from_str(payload)
        .map_err(|e| EventError::new(ErrorCode::Invalid, format!("The payload is wrong: {e}")))
}

fn parse_room(name: &str, limits: &Limits) -> Result<RoomName, EventError> {
    RoomName::parse(name, limits).map_err(|error| {
        let code = match error {
            InvalidRoomName::TooLong { .. } => ErrorCode::TooLarge,
            InvalidRoomName::Empty | InvalidRoomName::Character => ErrorCode::Invalid,
        };
        EventError::new(code, error.to_string())
    })
}

/// What the client is told when Redis does not answer; the log has the reason already.
fn unavailable(_: Unavailable) -> EventError {
    EventError::new(
        ErrorCode::Unavailable,
        "The chat cannot do this right now. Try again in a moment",
    )
}

/// The reply event that answers a `Get…` event, beside its acknowledgement.
fn reply<T: Serialize>(socket: &Socket, event: &str, data: &T) {
    if let Err(error) = socket.emit(event, data) {
        tracing::error!(%error, event, "a reply could not be sent");
    }
}
