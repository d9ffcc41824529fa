use models::events::{EventError, GET_USER, GetUser, Users};
use socketio::Socket;

use super::{parse, parse_room, reply, unavailable};
use crate::node::Node;

/// `GetUser`: everybody in the room, over all nodes.
pub(crate) async fn handle(
    node: &Node,
    socket: &Socket,
    payload: &str,
) -> Result<Users, EventError> {
    let GetUser { room } = parse(payload)?;
    let room = parse_room(&room, &node.limits)?;
    let users = node.presence.in_room(&room).await.map_err(unavailable)?;
    reply(socket, GET_USER, &users);
    Ok(Users { users })
}
