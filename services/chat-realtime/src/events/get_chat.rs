use models::events::{Chats, ErrorCode, EventError, GET_CHAT, GetChat};
use socketio::Socket;

use super::{parse, parse_room, reply, unavailable};
use crate::node::Node;

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 500;

/// `GetChat`: messages of a room, in order.
pub(crate) async fn handle(
    node: &Node,
    socket: &Socket,
    payload: &str,
) -> Result<Chats, EventError> {
    let GetChat {
        room,
        since,
        before,
        limit,
    } = parse(payload)?;
    let room = parse_room(&room, &node.limits)?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        let message = format!("A limit is between 1 and {MAX_LIMIT}");
        return Err(EventError::new(ErrorCode::Invalid, message));
    }
    let limit = limit as usize;
    let history = match (since, before) {
        (Some(_), Some(_)) => {
            return Err(EventError::new(
                ErrorCode::Invalid,
                "Ask for since or before, not for both",
            ));
        }
        (Some(since), None) => node.chats.since(&room, since, limit).await,
        (None, before) => node.chats.before(&room, before, limit).await,
    }
    .map_err(unavailable)?;
    reply(socket, GET_CHAT, &history.chats);
    Ok(Chats {
        chats: history.chats,
        gap: history.gap,
        more: history.more,
    })
}
