use futures_util::future::join;
use messaging::Append;
use models::{
    ChatId, InvalidMessage, MessageText, RoomName,
    events::{AddChat, ErrorCode, EventError, Stored},
};

use super::{admit, parse, parse_room, unavailable};
use crate::{member::Member, node::Node};

/// `AddChat`: stores a message; the room learns of it through Redis, the sender included.
pub(crate) async fn handle(
    node: &Node,
    member: &Member,
    payload: &str,
) -> Result<Stored, EventError> {
    let message = parse_message(node, member, payload)?;
    if !member.is_in(&message.room) {
        return Err(EventError::new(
            ErrorCode::NotInRoom,
            "Enter the room before you speak in it",
        ));
    }
    if node.subscriptions.are_behind() {
        return Err(EventError::new(
            ErrorCode::Unavailable,
            "Too much is being said at once. Try again in a moment",
        ));
    }
    admit(&node.message_rate, member.user.id, "messages").await?;
    let (stored, ()) = join(
        node.chats.append(&message),
        mark_active(node, &message.room),
    )
    .await;
    stored.map_err(unavailable)
}

/// The mark is on a key of its own and decides nothing, so most messages go without one.
async fn mark_active(node: &Node, room: &RoomName) {
    if node.subscriptions.is_mark_due(room) {
        // The next mark makes up for one that failed.
        let _ = node.rooms.mark_active(room).await;
    }
}

fn parse_message(node: &Node, member: &Member, payload: &str) -> Result<Append, EventError> {
    let AddChat { room, message, id } = parse(payload)?;
    let room = parse_room(&room, &node.limits)?;
    let message = MessageText::parse(message, &node.limits).map_err(|error| {
        let code = match error {
            InvalidMessage::Empty => ErrorCode::Invalid,
            InvalidMessage::TooLong { .. } => ErrorCode::TooLarge,
        };
        EventError::new(code, error.to_string())
    })?;
    let id = id
        .map_or_else(|| Ok(ChatId::generate()), ChatId::parse)
        .map_err(|error| EventError::new(ErrorCode::Invalid, error.to_string()))?;
    Ok(Append {
        id,
        room,
        message,
        user: member.user.clone(),
    })
}
